from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.errors import PyexpError
from dodo_pyexp.provenance.snapshots.checkout import checkout
from dodo_pyexp.provenance.snapshots.dirty import dirty_files
from dodo_pyexp.provenance.snapshots.snapshot import Snapshot, SnapshotError, take_snapshot

Project = Any  # The helper of conftest.py, which importlib mode cannot import.

SECRETS = {
    ".env": "ordinary=1",
    ".env.production": "ordinary=1",
    "conf/.ENV": "ordinary=1",
    "id_rsa": "nothing telling",
    "deploy/server.pem": "nothing telling",
    "tls.key": "nothing telling",
    ".ssh/config": "Host *",
    "notes.txt": "-----BEGIN OPENSSH PRIVATE KEY-----\nabc",
    "rsa.txt": "-----BEGIN RSA PRIVATE KEY-----\nabc",
    "aws.py": "KEY = 'AKIAIOSFODNN7EXAMPLE'",
    "hub.py": "token = 'ghp_0123456789abcdefghij0123456789abcdef'",
    "chat.ipynb": '{"source": "sk-proj-0123456789abcdefghij"}',
    "old.json": '{"k": "sk-0123456789abcdefghijABCDEFGHIJ"}',
    "slack.yml": "xoxb-0123456789-abcdef",
    "face.cfg": "hf_0123456789abcdefghijABCDEF",
    "settings.py": "PASSWORD = 'hunter2'",
    "login.ini": "password = hunter2hunter2\n#",
}


def snap(project: Project, **options: Any) -> Snapshot:
    """Take a snapshot, and see that nothing of the user's has changed on the way."""
    before = project.state()
    snapshot = take_snapshot(project.root / "train.py", **options)
    assert project.state() == before
    assert snapshot is not None
    return snapshot


def refs(project: Project) -> list[str]:
    return str(project.git("for-each-ref", "--format=%(refname)", "refs/pyexp")).split()


def test_it_holds_tracked_modified_and_new_files_but_not_ignored_ones(project: Project) -> None:
    project.write("train.py", "print(2)\n")
    project.write("new/deep.py", "y = 1\n")
    project.write("ignored/data.bin", "zzz")
    project.write("run.log", "zzz")
    snapshot = snap(project)
    assert project.files(snapshot.commit) == {"train.py", "lib/model.py", ".gitignore", "new/deep.py"}
    assert project.show(snapshot.commit, "train.py") == "print(2)"
    assert snapshot.dirty == ["new/deep.py", "train.py"]
    assert snapshot.head == project.git("rev-parse", "HEAD")
    assert snapshot.root == project.root
    assert snapshot.left_out == []
    assert snapshot.note() is None


@pytest.mark.parametrize("tracked", [False, True], ids=["new", "tracked"])
def test_no_output_folder_is_in_it_whatever_it_is_called(project: Project, tracked: bool) -> None:
    files = [".batches/2026-11-21_07-49-18.json", "a/2026-11-21_07-49-18/log.txt", ".snapshots/0123/train.py"]
    for folder in ("results/train", "deep/inside/set/train"):
        for name in files:
            project.write(f"{folder}/{name}", "x")
    project.write("results/.doit.db", "x")
    project.write("results/mine.csv", "x")
    if tracked:
        project.commit()
    snapshot = snap(project)
    kept = project.files(snapshot.commit)
    assert {"results/mine.csv", "train.py"} <= kept
    assert not [path for path in kept if "train/" in path]
    assert tracked or snapshot.dirty == ["results/mine.csv"]


@pytest.mark.parametrize("kind", ["clean", "process"])
@pytest.mark.parametrize("place", ["new", "submodule"])
def test_programs_that_a_repository_inside_names_are_not_started(
    project: Project, make_project: Callable[[str], Project], place: str, kind: str
) -> None:
    mark = project.root / "ignored/started"
    mark.parent.mkdir()
    inner = make_project("elsewhere" if place == "submodule" else "project/inner")
    inner.write("model.bin", "1")
    inner.commit()
    if place == "submodule":
        project.git("submodule", "add", "-q", str(inner.root), "inner")
        inner.root = project.root / "inner"
    inner.git("config", "extensions.worktreeConfig", "true")
    inner.git("config", "--worktree", f"filter.a=b.c.{kind}", f"touch {mark}")
    inner.git("config", "filter.a=b.c.required", "true")
    inner.write(".gitattributes", "*.bin filter=a=b.c\n")
    inner.write("model.bin", "2")
    snapshot = snap(project)
    dirty_files(project.root)
    checkout(snapshot, project.root, project.root / "ignored/copy")
    assert not mark.exists()
    assert (project.root / "ignored/copy/inner/model.bin").read_text() == "2"


def test_nothing_is_fetched_into_a_partial_clone(project: Project, tmp_path: Path) -> None:
    project.git("config", "uploadpack.allowFilter", "true")
    project.write("lib/model.py", "password = 'hunter2'\n")
    project.commit()
    project.git("clone", "-q", "--no-checkout", "--filter=blob:none", f"file://{project.root}", str(tmp_path / "part"))
    part = type(project)(tmp_path / "part")
    part.git("read-tree", "HEAD")
    part.write("train.py", "print(2)\n")
    part.write("lib/model.py", "password = 'hunter3'\n")
    part.write(".gitignore", "ignored/\n")
    objects = "count-objects", "-v"
    before = part.git(*objects)
    snapshot = take_snapshot(part.root)
    assert snapshot is not None
    assert [line for line in part.git(*objects).splitlines() if "pack" in line] == [
        line for line in before.splitlines() if "pack" in line
    ]
    assert part.show(snapshot.commit, "train.py") == "print(2)"


@pytest.mark.parametrize("what", ["commit", "tree", "blob"])
def test_a_ref_that_leads_nowhere_any_more_is_removed(project: Project, what: str) -> None:
    project.write("new.py", "kept = 1\n")
    snapshot = snap(project)
    name = {
        "commit": snapshot.commit, "tree": snapshot.tree, "blob": project.git("rev-parse", f"{snapshot.commit}:new.py")
    }[what]  # fmt: skip
    (project.root / f".git/objects/{name[:2]}/{name[2:]}").unlink()
    project.write("new.py", "kept = 2\n")
    again = snap(project)
    assert refs(project) == [f"refs/pyexp/snapshots/{again.commit}"]
    project.git("gc", "-q", "--prune=now")
    project.git("fsck", "--strict")


def test_what_is_gone_is_saved_again(project: Project) -> None:
    project.write("new.py", "kept = 1\n")
    snapshot = snap(project)
    for name in (snapshot.commit, snapshot.tree, project.git("rev-parse", f"{snapshot.commit}:new.py")):
        (project.root / f".git/objects/{name[:2]}/{name[2:]}").unlink()
    assert snap(project).commit == snapshot.commit
    project.git("gc", "-q", "--prune=now")
    assert project.show(snapshot.commit, "new.py") == "kept = 1"


def test_a_clean_work_tree_gives_the_tree_of_head(project: Project) -> None:
    snapshot = snap(project)
    assert snapshot.tree == project.git("rev-parse", "HEAD^{tree}")
    assert snapshot.dirty == []


def test_an_unchanged_tree_gives_the_same_commit(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("new.py", "1")
    first = snap(project)
    project.git("add", "-A")
    project.git("commit", "-q", "-m", "now it is in")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "bob")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2030-01-01T00:00:00")
    second = snap(project)
    assert (second.commit, second.tree) == (first.commit, first.tree)
    assert refs(project) == [f"refs/pyexp/snapshots/{first.commit}"]


def test_a_changed_tree_gives_another_commit(project: Project) -> None:
    first = snap(project)
    project.write("lib/model.py", "x = 2\n")
    second = snap(project)
    assert second.commit != first.commit
    assert len(refs(project)) == 2


def test_an_edit_of_the_same_size_in_the_same_instant_as_git_add_is_seen(project: Project) -> None:
    instant = (1_700_000_000_000_000_000, 1_700_000_000_000_000_000)
    project.git("config", "core.trustctime", "false")
    os.utime(project.write("lib/model.py", "x = 2\n"), ns=instant)
    project.git("add", "lib/model.py")
    os.utime(project.root / ".git/index", ns=instant)
    os.utime(project.write("lib/model.py", "x = 3\n"), ns=instant)
    assert project.show(snap(project).commit, "lib/model.py") == "x = 3"


def test_garbage_collection_keeps_it(project: Project) -> None:
    project.write("new.py", "kept = 1\n")
    snapshot = snap(project)
    (project.root / "new.py").unlink()
    project.git("reflog", "expire", "--expire=now", "--all")
    project.git("gc", "-q", "--prune=now")
    assert project.show(snapshot.commit, "new.py") == "kept = 1"
    project.git("fsck", "--strict")


def test_the_commit_has_no_parent_and_no_person(project: Project) -> None:
    text = project.git("cat-file", "commit", snap(project).commit)
    assert "parent" not in text
    assert "ann" not in text


def test_it_works_before_the_first_commit(make_project: Callable[[str], Project]) -> None:
    project = make_project("young")
    project.write("train.py", "1")
    project.write("staged.py", "1")
    project.git("add", "staged.py")
    snapshot = snap(project)
    assert project.files(snapshot.commit) == {"train.py", "staged.py"}
    assert snapshot.head is None
    assert snapshot.dirty == ["staged.py", "train.py"]


def test_it_works_with_a_detached_head(project: Project) -> None:
    project.git("checkout", "-q", "--detach")
    assert snap(project).head == project.git("rev-parse", "HEAD")


def test_it_works_in_a_worktree_with_its_own_head_and_index(project: Project, tmp_path: Path) -> None:
    project.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    side = type(project)(tmp_path / "side")
    side.write("only_here.py", "1")
    before = project.state()
    snapshot = snap(side)
    assert "only_here.py" in project.files(snapshot.commit)
    assert snapshot.root == side.root
    assert project.state() == before


def test_it_works_in_a_worktree_of_a_bare_repository(project: Project, tmp_path: Path) -> None:
    project.git("clone", "-q", "--bare", str(project.root), str(tmp_path / "bare.git"))
    bare = type(project)(tmp_path / "bare.git")
    bare.git("worktree", "add", "-q", str(tmp_path / "tree"), "main")
    tree = type(project)(tmp_path / "tree")
    tree.write("new.py", "1")
    assert "new.py" in bare.files(snap(tree).commit)


def test_it_works_in_a_shallow_clone(project: Project, tmp_path: Path) -> None:
    project.write("more.py", "1")
    project.commit()
    project.git("clone", "-q", "--depth=1", project.root.as_uri(), str(tmp_path / "shallow"))
    shallow = type(project)(tmp_path / "shallow")
    shallow.write("new.py", "1")
    assert {"more.py", "new.py"} <= shallow.files(snap(shallow).commit)


def test_outside_git_there_is_none(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()  # An empty folder of that name makes no repository.
    assert take_snapshot(tmp_path / "train.py") is None


def test_the_repository_is_found_from_the_file_not_from_the_current_folder(
    project: Project, make_project: Callable[[str], Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_project("other")
    monkeypatch.chdir(other.root)
    assert snap(project).root == project.root
    assert take_snapshot(project.root / "lib" / "model.py") == snap(project)
    assert refs(other) == []


def test_a_linked_script_belongs_to_the_repository_of_its_target(project: Project, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "train").symlink_to(project.root / "train.py")
    assert take_snapshot(tmp_path / "bin" / "train") == snap(project)


def test_a_surrounding_git_hook_points_nowhere_else(
    project: Project, make_project: Callable[[str], Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = snap(project)
    other = make_project("other")
    other.write("a", "1")
    other.commit()
    before = other.state()
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.root))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.root / ".git" / "index"))
    assert take_snapshot(project.root / "train.py") == expected
    assert other.state() == before


def test_staged_states_are_replaced_by_what_the_work_tree_holds(project: Project) -> None:
    project.write("lib/model.py", "staged\n")
    project.write("gone.py", "1")
    project.write("planned.py", "1")
    project.git("add", "lib/model.py", "gone.py")
    project.git("add", "-N", "planned.py")
    project.write("lib/model.py", "later\n")
    (project.root / "gone.py").unlink()
    project.git("rm", "-q", "--cached", "train.py")
    snapshot = snap(project)
    assert project.files(snapshot.commit) == {"lib/model.py", "planned.py", "train.py", ".gitignore"}
    assert project.show(snapshot.commit, "lib/model.py") == "later"


def test_a_merge_conflict_is_taken_as_it_lies_there(project: Project) -> None:
    project.git("checkout", "-q", "-b", "side")
    project.write("train.py", "side\n")
    project.commit()
    project.git("checkout", "-q", "main")
    project.write("train.py", "main\n")
    project.commit()
    with pytest.raises(AssertionError):
        project.git("merge", "side")
    snapshot = snap(project)
    assert "<<<<<<<" in project.show(snapshot.commit, "train.py")
    assert snapshot.dirty == ["train.py"]


def test_a_conflict_in_a_file_with_a_committed_secret_is_taken_too(project: Project) -> None:
    text = "PASSWORD = 'committed-1'\nx = {}\n"
    project.write("settings.py", text.format(1))
    project.commit()
    project.git("checkout", "-q", "-b", "other")
    project.write("settings.py", text.format(2))
    project.commit()
    project.git("checkout", "-q", "main")
    project.write("settings.py", text.format(3))
    project.commit()
    subprocess.run(["git", "merge", "other"], cwd=project.root, capture_output=True, check=False)
    snapshot = snap(project)
    assert "<<<<<<<" in project.show(snapshot.commit, "settings.py")
    assert snapshot.left_out == []


def test_files_and_folders_and_links_may_change_places(project: Project) -> None:
    project.write("a", "file")
    project.write("d/x", "1")
    project.write("e/model.py", "1")
    project.commit()
    (project.root / "a").unlink()
    project.write("a/b", "now a folder")
    (project.root / "d/x").unlink()
    (project.root / "d").rmdir()
    project.write("d", "now a file")
    (project.root / "e/model.py").unlink()
    (project.root / "e").rmdir()
    (project.root / "e").symlink_to("lib")
    (project.root / "train.py").chmod(0o755)
    snapshot = snap(project)
    assert project.files(snapshot.commit) == {"train.py", "lib/model.py", ".gitignore", "a/b", "d", "e"}
    assert project.git("ls-tree", snapshot.commit, "e").startswith("120000")
    assert project.git("ls-tree", snapshot.commit, "train.py").startswith("100755")


def test_flags_that_hide_changes_do_not_hide_them_here(project: Project) -> None:
    project.git("update-index", "--assume-unchanged", "train.py")
    project.git("update-index", "--skip-worktree", "lib/model.py")
    project.write("train.py", "hidden 1\n")
    project.write("lib/model.py", "hidden 2\n")
    snapshot = snap(project)
    assert project.show(snapshot.commit, "train.py") == "hidden 1"
    assert project.show(snapshot.commit, "lib/model.py") == "hidden 2"


def test_a_sparse_checkout_holds_what_is_there(project: Project) -> None:
    project.write("big/data.txt", "1")
    project.commit()
    project.git("sparse-checkout", "set", "--sparse-index", "lib")
    snapshot = snap(project)
    assert project.files(snapshot.commit) == {"train.py", "lib/model.py", ".gitignore"}
    assert snapshot.dirty == []


@pytest.mark.parametrize("index_setting", ["core.splitIndex", "core.untrackedCache", "core.fsmonitor"])
def test_the_index_may_be_of_any_kind(project: Project, index_setting: str) -> None:
    project.git("config", index_setting, "true" if index_setting != "core.fsmonitor" else "false")
    project.git("update-index", "--split-index" if "split" in index_setting else "--untracked-cache")
    project.write("new.py", "1")
    project.write("train.py", "2\n")
    assert {"new.py", "train.py"} <= project.files(snap(project).commit)


def test_hooks_and_signing_settings_of_the_user_stay_out_of_it(project: Project) -> None:
    hook = project.write(".git/hooks/reference-transaction", "#!/bin/sh\ntouch hooked\nexit 1\n")
    hook.chmod(0o755)
    for setting in ("commit.gpgSign=true", "core.safecrlf=true", "core.logAllRefUpdates=always"):
        project.git("config", *setting.split("="))
    project.git("config", "i18n.commitEncoding", "latin1")
    project.git("config", "core.autocrlf", "input")
    project.write("windows.py", "a\r\nb\n")
    snap(project)
    assert not (project.root / "hooked").exists()


@pytest.mark.parametrize("name", ["with space", "ünïcode.py", "new\nline", "-dash", "star*[x]", ":(top)", '"q"'])
def test_any_file_name_will_do(project: Project, name: str) -> None:
    project.write(name, "1")
    snapshot = snap(project)
    assert name in project.files(snapshot.commit)
    assert snapshot.dirty == [name]


@pytest.mark.skipif(sys.platform == "darwin", reason="file names are always text on macOS")
def test_a_file_name_that_is_no_text_can_still_be_told(project: Project) -> None:
    with open(os.fsencode(project.root) + b"/b\xff.py", "wb"):
        pass
    snapshot = snap(project)
    assert snapshot.dirty == ["b\\xff.py"]
    "".join(snapshot.dirty).encode()


# --- what is left out


def test_the_output_folder_is_never_in_it(project: Project) -> None:
    project.write("out/exp/run/.finished", "{}")
    project.write("output/kept.py", "1")
    first = snap(project, exclude=[project.root / "out"])
    assert project.files(first.commit) == {"train.py", "lib/model.py", ".gitignore", "output/kept.py"}
    assert first.dirty == ["output/kept.py"]
    project.write("out/exp/run2/.finished", "{}")
    assert snap(project, exclude=[project.root / "out"]).commit == first.commit


def test_an_output_folder_that_git_tracks_is_not_in_it_either(project: Project) -> None:
    project.write("out/a", "1")
    project.write("out/[b]!/c", "1")
    project.commit()
    project.write("out/a", "2")
    project.write("out/[b]!/c", "2")
    project.write("out/[b]!/d", "1")
    snapshot = snap(project, exclude=[project.root / "out/a", project.root / "lib/../out/[b]!"])
    assert project.files(snapshot.commit) == {"train.py", "lib/model.py", ".gitignore"}
    assert snapshot.dirty == []


def test_an_excluded_folder_beside_or_around_the_repository_does_no_harm(project: Project) -> None:
    everything = [project.root, project.root.parent, project.root.parent / "elsewhere"]
    assert snap(project, exclude=everything) == snap(project)


def test_an_output_folder_behind_a_link_is_excluded(project: Project, tmp_path: Path) -> None:
    (tmp_path / "big").mkdir()
    (project.root / "out").symlink_to(tmp_path / "big")
    assert "out" not in project.files(snap(project, exclude=[project.root / "out"]).commit)


def test_files_over_the_limit_are_left_out_with_the_reason(project: Project) -> None:
    project.write("grown.bin", b"1")
    project.write("old.bin", b"1" * 3000)
    project.commit()
    project.write("grown.bin", b"1" * 2000)
    project.write("fresh.bin", b"1" * 2000)
    project.write("staged.bin", b"1" * 2000)
    project.git("add", "staged.bin")
    snapshot = snap(project, limit_bytes=1000)
    assert project.files(snapshot.commit) == {"train.py", "lib/model.py", ".gitignore"}
    assert [path for path, _ in snapshot.left_out] == ["fresh.bin", "grown.bin", "old.bin", "staged.bin"]
    assert all("more than the limit" in reason for _, reason in snapshot.left_out)


@pytest.mark.parametrize("staged", [False, True])
def test_secrets_are_nowhere(project: Project, staged: bool) -> None:
    marker = "planted-secret"
    for path, content in SECRETS.items():
        project.write(path, f"{content} {marker}")
    if staged:
        project.git("add", "-A")
    snapshot = snap(project)
    assert project.files(snapshot.commit) == {"train.py", "lib/model.py", ".gitignore"}
    expected = {path for path in SECRETS if not path.startswith(".ssh")} | {".ssh/"}
    assert {path for path, _ in snapshot.left_out} == expected
    if not staged:  # What the user has staged is in the user's own objects.
        ours = project.git("cat-file", "--batch-all-objects", "--batch", "--unordered")
        assert marker not in ours
    archive = project.git("archive", "--format=tar", snapshot.commit)
    assert marker not in archive


@pytest.mark.parametrize("changed", [False, True])
def test_a_committed_secret_stays_out_all_the_same(project: Project, changed: bool) -> None:
    project.write(".env", "PLANTED=1")
    project.write("deploy/id_rsa", "planted")
    project.write("server.pem", "-----BEGIN EC PRIVATE KEY-----")
    project.commit()
    if changed:
        project.write(".env", "PLANTED=2")
        project.write("server.pem", "-----BEGIN RSA PRIVATE KEY-----")
    snapshot = snap(project)
    assert project.files(snapshot.commit) == {"train.py", "lib/model.py", ".gitignore"}
    assert [path for path, _ in snapshot.left_out] == [".env", "deploy/id_rsa", "server.pem"]


@pytest.mark.parametrize("staged", [False, True])
def test_a_secret_in_a_change_that_was_not_committed_stays_out(project: Project, staged: bool) -> None:
    project.write("lib/model.py", "PASSWORD = 'planted-1'\n")
    project.write("conf.yml", "lr: 1\n")
    project.write("kept.py", "PASSWORD = 'committed-1'\n")
    project.git("add", "kept.py")
    project.git("commit", "-q", "-m", "all", "--", "kept.py")
    project.git("add", "conf.yml")
    project.git("commit", "-q", "-m", "all", "--", "conf.yml")
    project.write("conf.yml", "lr: 1\npassword: planted-2\n")
    project.write("kept.py", "PASSWORD = 'committed-2'\n")
    if staged:
        project.git("add", "-A")
    snapshot = snap(project)
    assert project.files(snapshot.commit) == {"train.py", ".gitignore", "kept.py"}
    assert snapshot.left_out == [
        ("conf.yml", "holds a value for password"), ("lib/model.py", "holds a value for PASSWORD"),
    ]  # fmt: skip
    assert "planted-" not in project.git("archive", "--format=tar", snapshot.commit)


def test_committed_code_certificates_and_examples_are_kept(project: Project) -> None:
    project.write("tests/fake.pem", "-----BEGIN CERTIFICATE-----")
    project.write("tests/keys.py", SECRETS["aws.py"])
    project.write(".env.example", "TOKEN=")
    project.commit()
    project.write("tests/keys.py", SECRETS["aws.py"] + "\n")
    snapshot = snap(project)
    assert {"tests/fake.pem", "tests/keys.py", ".env.example"} <= project.files(snapshot.commit)
    assert snapshot.left_out == []


def test_code_that_only_speaks_of_secrets_is_kept(project: Project) -> None:
    project.write("secrets.py", "import os\nTOKEN = os.environ['HF_TOKEN']  # ghp_..., sk-learn-like-names-here\n")
    project.write("environment.yml", "name: x")
    project.write("keys.py", "PUBLIC KEY")
    assert snap(project).left_out == []


def test_what_python_leaves_behind_does_not_make_a_new_snapshot(project: Project) -> None:
    (project.root / ".gitignore").unlink()
    first = snap(project)
    project.write("lib/__pycache__/model.cpython-311.pyc", b"1")
    project.write(".ipynb_checkpoints/x.ipynb", b"1")
    second = snap(project)
    assert second == first


def test_a_virtual_environment_in_the_repository_is_left_out_as_one(project: Project) -> None:
    project.write("venv/pyvenv.cfg", "home = /usr")
    project.write("venv/lib/python3.11/site.py", "1")
    snapshot = snap(project)
    assert snapshot.left_out == [("venv/", "a virtual environment")]
    assert snapshot.dirty == []


def test_special_files_are_no_code(project: Project) -> None:
    os.mkfifo(project.root / "pipe")
    (project.root / "train.py").unlink()
    os.mkfifo(project.root / "train.py")
    snapshot = take_snapshot(project.root)
    assert snapshot is not None
    assert project.files(snapshot.commit) == {"lib/model.py", ".gitignore"}


def test_an_unreadable_file_is_left_out(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    file = project.write("locked.py", "1")
    real = open

    def deny(path: Any, *arguments: Any, **options: Any) -> Any:
        # The tests may run as root, whom no mode of a file stops.
        if os.fsencode(path) == os.fsencode(file):
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **options)

    monkeypatch.setattr("builtins.open", deny)
    snapshot = take_snapshot(project.root)
    assert snapshot is not None
    assert snapshot.left_out == [("locked.py", "cannot be read: Permission denied")]


def test_an_experiment_that_git_ignores_is_told(project: Project) -> None:
    project.write("ignored/train.py", "1")
    snapshot = take_snapshot(project.root / "ignored/train.py")
    assert snapshot is not None
    assert snapshot.left_out == [("ignored/train.py", "ignored by git")]


def test_the_note_names_a_few_files_in_one_line(project: Project) -> None:
    for number in range(5):
        project.write(f"{number}.pem")
    note = snap(project).note()
    assert note is not None
    assert "0.pem (named like a secret)" in note
    assert note.endswith("and 2 more.")
    assert "\n" not in note


def test_it_can_be_saved_as_json_without_an_absolute_path(project: Project) -> None:
    import json

    project.write("a.pem")
    saved = json.dumps(snap(project).to_dict())
    assert str(project.root) not in saved
    assert json.loads(saved)["left_out"] == [{"path": "a.pem", "reason": "named like a secret"}]


# --- repositories inside


@pytest.fixture
def nested(project: Project, make_project: Callable[[str], Project]) -> Iterator[Project]:
    """A project with a submodule `sub` of its own."""
    library = make_project("library")
    library.write("tool.py", "v = 1\n")
    library.commit()
    project.git("submodule", "add", "-q", str(library.root), "sub")
    project.commit()
    yield project


def test_a_submodule_is_saved_in_its_own_repository(nested: Project) -> None:
    first = snap(nested)
    sub = type(nested)(nested.root / "sub")
    sub.write("tool.py", "v = 2\n")
    sub.write("extra.py", "1")
    sub.write("token.pem", "1")
    second = snap(nested)
    mode, _, commit = nested.git("ls-tree", second.commit, "sub").split("\t")[0].split(" ")
    assert mode == "160000"
    assert sub.show(commit, "tool.py") == "v = 2"
    assert first.commit != second.commit
    assert first.dirty == []
    assert second.dirty == ["sub/extra.py", "sub/token.pem", "sub/tool.py"]
    assert second.left_out == [("sub/token.pem", "named like a secret")]
    assert sub.git("for-each-ref", "refs/pyexp", "--format=%(refname)").split()


def test_a_submodule_that_is_not_checked_out_is_told(nested: Project, tmp_path: Path) -> None:
    nested.git("clone", "-q", str(nested.root), str(tmp_path / "clone"))
    clone = type(nested)(tmp_path / "clone")
    snapshot = snap(clone)
    assert snapshot.left_out == [("sub/", "a submodule that is not checked out")]
    assert "sub" not in clone.files(snapshot.commit)
    assert snapshot.dirty == []


def test_a_new_commit_in_a_submodule_is_a_change(nested: Project) -> None:
    sub = type(nested)(nested.root / "sub")
    sub.write("tool.py", "v = 3\n")
    sub.commit()
    assert snap(nested).dirty == ["sub"]


def test_the_output_folder_may_lie_in_a_submodule(nested: Project) -> None:
    nested.write("sub/out/a", "1")
    assert snap(nested, exclude=[nested.root / "sub/out"]).dirty == []


def test_an_experiment_in_a_submodule_belongs_to_the_submodule(nested: Project) -> None:
    snapshot = take_snapshot(nested.root / "sub" / "tool.py")
    assert snapshot is not None
    assert snapshot.root == nested.root / "sub"


def test_a_repository_that_merely_lies_there_is_saved_too(
    project: Project, make_project: Callable[[str], Project]
) -> None:
    inner = make_project("project/vendor/inner")
    inner.write("code.py", "1")
    snapshot = snap(project)
    assert "vendor/inner" in project.files(snapshot.commit)
    assert snapshot.dirty == ["vendor/inner/", "vendor/inner/code.py"]


# --- failures


def test_a_failure_of_git_is_one_sentence_and_leaves_nothing(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    project.write(".git/index", "damaged")
    with pytest.raises(SnapshotError, match="git ls-files") as caught:
        take_snapshot(project.root)
    assert isinstance(caught.value, PyexpError)
    assert "\n" not in str(caught.value)
    assert str(project.root) in str(caught.value)
    assert list(scratch.iterdir()) == []


def test_a_repository_of_somebody_else_tells_what_to_do(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(SnapshotError, match=r"git config --global --add safe\.directory"):
        take_snapshot(project.root)


def test_without_git_the_error_says_so(project: Project) -> None:
    code = (
        "from pathlib import Path\n"
        "from dodo_pyexp.provenance.snapshots.snapshot import SnapshotError, take_snapshot\n"
        f"assert take_snapshot(Path({str(project.root.parent)!r})) is None\n"
        f"try: take_snapshot(Path({str(project.root)!r}))\n"
        "except SnapshotError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env={"PATH": ""}, capture_output=True, text=True)
    assert "install git" in done.stdout, done.stderr
    assert done.stdout.count("\n") == 1


def test_no_file_system_that_refuses_gives_a_traceback(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device", "/tmp/x")

    monkeypatch.setattr("dodo_pyexp.provenance.snapshots.snapshot._copy_index", full)
    with pytest.raises(SnapshotError, match="No space left on device"):
        take_snapshot(project.root)


def test_many_at_once_agree(project: Project) -> None:
    from concurrent.futures import ThreadPoolExecutor

    project.write("new.py", "1")
    before = project.state()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: take_snapshot(project.root), range(8)))
    assert len({snapshot.commit for snapshot in found if snapshot}) == 1
    assert None not in found
    assert project.state() == before


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to count open files")
def test_no_process_and_no_file_is_left_open(project: Project) -> None:
    def children() -> set[str]:  # other tests may have left some, but no more are to come
        return {pid for file in Path("/proc/self/task").glob("*/children") for pid in file.read_text().split()}

    snap(project)
    before, known = os.listdir("/proc/self/fd"), children()
    snap(project)
    assert len(os.listdir("/proc/self/fd")) == len(before)
    assert not children() - known


def test_a_temporary_folder_inside_the_work_tree_is_not_in_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.root / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(project.root / "tmp"))
    snapshot = snap(project)
    assert snapshot.dirty == []
    assert list((project.root / "tmp").iterdir()) == []
