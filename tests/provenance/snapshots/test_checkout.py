from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.provenance.snapshots.checkout import checkout
from dodo_pyexp.provenance.snapshots.repository import SnapshotError
from dodo_pyexp.provenance.snapshots.snapshot import Snapshot, take_snapshot

Project = Any  # The helper of conftest.py, which importlib mode cannot import.


def taken(project: Project) -> Snapshot:
    snapshot = take_snapshot(project.root)
    assert snapshot is not None
    return snapshot


def content(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_it_gives_every_file_back(project: Project, tmp_path: Path) -> None:
    project.write("train.py", "print(2)\n")
    project.write("data/new.bin", bytes(range(256)))
    project.write("ignored/x", "1")
    snapshot = taken(project)
    before = project.state()
    dest = checkout(snapshot, project.root, tmp_path / "out/.snapshots" / snapshot.commit)
    assert content(dest) == {
        "train.py": b"print(2)\n",
        "lib/model.py": b"x = 1\n",
        ".gitignore": b"ignored/\n*.log\n",
        "data/new.bin": bytes(range(256)),
    }
    assert project.state() == before
    assert list(dest.parent.iterdir()) == [dest]


def test_executable_bits_and_links_survive(project: Project, tmp_path: Path) -> None:
    project.git("config", "core.symlinks", "true")
    (project.root / "train.py").chmod(0o755)
    (project.root / "link").symlink_to("lib/model.py")
    (project.root / "nowhere").symlink_to("not/there")
    dest = checkout(taken(project).commit, project.root, tmp_path / "dest")
    assert os.access(dest / "train.py", os.X_OK)
    assert not os.access(dest / "lib/model.py", os.X_OK)
    assert os.readlink(dest / "link") == "lib/model.py"
    assert os.readlink(dest / "nowhere") == "not/there"


def test_attributes_for_exports_do_not_count(project: Project, tmp_path: Path) -> None:
    project.write(".gitattributes", "lib export-ignore\n*.txt export-subst\n")
    project.write("version.txt", "$Format:%H$\n")
    dest = checkout(taken(project), project.root, tmp_path / "dest")
    assert (dest / "lib/model.py").is_file()
    assert (dest / "version.txt").read_text() == "$Format:%H$\n"


def test_attributes_of_today_do_not_change_files_of_then(project: Project, tmp_path: Path) -> None:
    snapshot = taken(project)
    project.write(".gitattributes", "*.py text eol=crlf\n")
    dest = checkout(snapshot, project.root, tmp_path / "dest")
    assert (dest / "train.py").read_bytes() == b"print(1)\n"


def test_others_may_read_it(project: Project, tmp_path: Path) -> None:
    dest = checkout(taken(project), project.root, tmp_path / "dest")
    (tmp_path / "plain").mkdir()
    assert dest.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_folder_that_is_there_is_used_as_it_is(project: Project, tmp_path: Path) -> None:
    snapshot = taken(project)
    dest = checkout(snapshot, project.root, tmp_path / "dest")
    (dest / "train.py").write_text("touched")
    checkout(snapshot, tmp_path / "no-repository-needed", dest)
    assert (dest / "train.py").read_text() == "touched"


def test_an_empty_folder_is_filled(project: Project, tmp_path: Path) -> None:
    (tmp_path / "dest").mkdir()
    assert (checkout(taken(project), project.root, tmp_path / "dest") / "train.py").is_file()


def test_the_loser_of_a_race_drops_its_copy(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.rename

    def rename(source: Path, target: Path) -> None:
        Path(target).mkdir()
        (Path(target) / "theirs").write_text("first")
        real(source, target)

    monkeypatch.setattr("os.rename", rename)
    dest = checkout(taken(project), project.root, tmp_path / "out" / "dest")
    assert content(dest) == {"theirs": b"first"}
    assert list(dest.parent.iterdir()) == [dest]


def test_many_at_once_give_one_folder(project: Project, tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    snapshot = taken(project)
    dest = tmp_path / "out" / "dest"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: checkout(snapshot, project.root, dest), range(8)))
    assert set(content(dest)) == {"train.py", "lib/model.py", ".gitignore"}
    assert list(dest.parent.iterdir()) == [dest]


def test_it_works_from_a_worktree(project: Project, tmp_path: Path) -> None:
    project.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    snapshot = taken(type(project)(tmp_path / "side"))
    assert (checkout(snapshot, tmp_path / "side", tmp_path / "dest") / "train.py").is_file()


def test_it_works_from_a_folder_inside_and_inside_the_repository(project: Project) -> None:
    snapshot = taken(project)
    dest = project.root / "out" / ".snapshots" / snapshot.commit
    checkout(snapshot, project.root / "lib", dest)
    assert set(content(dest)) == {"train.py", "lib/model.py", ".gitignore"}
    again = take_snapshot(project.root, exclude=[project.root / "out"])
    assert again is not None
    assert again.commit == snapshot.commit


def test_a_sparse_checkout_gives_everything_of_the_snapshot(project: Project, tmp_path: Path) -> None:
    snapshot = taken(project)
    project.git("sparse-checkout", "set", "other")
    assert (checkout(snapshot, project.root, tmp_path / "dest") / "lib/model.py").is_file()


def test_submodules_come_with_their_files(
    project: Project, make_project: Callable[[str], Project], tmp_path: Path
) -> None:
    library = make_project("library")
    library.write("tool.py", "v = 1\n")
    library.commit()
    project.git("submodule", "add", "-q", str(library.root), "libs/sub")
    project.git("config", "submodule.recurse", "true")
    project.commit()
    project.write("libs/sub/tool.py", "v = 2\n")
    snapshot = taken(project)
    project.write("libs/sub/tool.py", "v = 3\n")
    before = project.state()
    dest = checkout(snapshot, project.root, tmp_path / "out" / "dest")
    assert (dest / "libs/sub/tool.py").read_text() == "v = 2\n"
    assert project.state() == before
    assert list(dest.parent.iterdir()) == [dest]

    project.git("submodule", "deinit", "-q", "-f", "libs/sub")
    with pytest.raises(SnapshotError, match="needs the repository libs/sub"):
        checkout(snapshot, project.root, tmp_path / "out" / "second")
    assert list(dest.parent.iterdir()) == [dest]


@pytest.mark.parametrize("commit", ["0" * 40, "deadbeef", "--help", "", "../x"])
def test_a_snapshot_that_is_gone_is_one_sentence(project: Project, tmp_path: Path, commit: str) -> None:
    with pytest.raises(SnapshotError, match="is not in the repository") as caught:
        checkout(commit, project.root, tmp_path / "out" / "dest")
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_repository_that_is_gone_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="is in no git repository now"):
        checkout("0" * 40, tmp_path, tmp_path / "out" / "dest")
    assert not (tmp_path / "out").exists()


def test_a_missing_object_leaves_nothing_behind(project: Project, tmp_path: Path) -> None:
    snapshot = taken(project)
    blob = project.git("rev-parse", f"{snapshot.commit}:train.py")
    (project.root / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(SnapshotError, match="git "):
        checkout(snapshot, project.root, tmp_path / "out" / "dest")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_in_the_way_is_an_error(project: Project, tmp_path: Path) -> None:
    (tmp_path / "dest").write_text("mine")
    with pytest.raises(SnapshotError, match="cannot be saved or given back"):
        checkout(taken(project), project.root, tmp_path / "dest")
    assert (tmp_path / "dest").read_text() == "mine"


def test_what_killed_checkouts_left_is_swept_after_a_day(project: Project, tmp_path: Path) -> None:
    old, young = tmp_path / "out/.partial-old", tmp_path / "out/.partial-young"
    for folder in (old, young):
        (folder / "tree").mkdir(parents=True)
    long_ago = time.time() - 2 * 86400
    os.utime(old, (long_ago, long_ago))
    dest = checkout(taken(project), project.root, tmp_path / "out" / "dest")
    assert set(dest.parent.iterdir()) == {dest, young}


# --- what two snapshots have in common


def test_files_that_did_not_change_are_shared_with_the_snapshot_before(project: Project, tmp_path: Path) -> None:
    project.write("lib/deep/kept.py", "kept = 1\n")
    folder = tmp_path / "snapshots"
    first = take_snapshot(project.root)
    one = checkout(first, project.root, folder / first.commit)
    project.write("train.py", "print(2)\n")
    second = take_snapshot(project.root)
    two = checkout(second, project.root, folder / second.commit)
    assert (one / "lib/deep/kept.py").samefile(two / "lib/deep/kept.py")
    assert (one / "train.py").read_text() == "print(1)\n"
    assert (two / "train.py").read_text() == "print(2)\n"
    assert {path.name for path in two.rglob("*.py")} == {"train.py", "model.py", "kept.py"}


def test_a_file_that_a_run_has_written_to_is_not_shared(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "snapshots"
    first = take_snapshot(project.root)
    one = checkout(first, project.root, folder / first.commit)
    (one / "lib/model.py").write_text("x = 7\n")  # of the same size
    (one / "lib/new.py").write_text("")
    project.write("train.py", "print(2)\n")
    second = take_snapshot(project.root)
    two = checkout(second, project.root, folder / second.commit)
    assert (two / "lib/model.py").read_text() == "x = 1\n"
    assert not (two / "lib/new.py").exists()


def test_a_twin_is_shared_whole(project: Project, tmp_path: Path) -> None:
    snapshot = take_snapshot(project.root)
    twin = checkout(snapshot, project.root, tmp_path / "a" / snapshot.commit)
    copy = checkout(snapshot, project.root, tmp_path / "b" / snapshot.commit, twin)
    assert all((copy / path.relative_to(twin)).samefile(path) for path in twin.rglob("*.py"))


def test_a_snapshot_before_whose_commit_is_gone_is_no_help_and_no_harm(project: Project, tmp_path: Path) -> None:
    gone = tmp_path / "snapshots" / ("a" * 40)
    gone.mkdir(parents=True)
    (gone / "train.py").write_text("planted")
    snapshot = take_snapshot(project.root)
    copy = checkout(snapshot, project.root, gone.parent / snapshot.commit)
    assert (copy / "train.py").read_text() == "print(1)\n"


def test_links_that_leave_the_repository_lead_to_where_they_led(project: Project, tmp_path: Path) -> None:
    (tmp_path / "shared/data").mkdir(parents=True)
    (tmp_path / "shared/data/x.csv").write_text("1")
    (project.root / "data").symlink_to("../shared/data")
    (project.root / "lib/data").symlink_to("../../shared/data")
    (project.root / "lib/inside").symlink_to("../train.py")
    project.commit()
    (project.root / "new").symlink_to("../shared/data/x.csv")
    dest = checkout(taken(project), project.root, project.root / "out/e/.snapshots/s")
    assert (dest / "data/x.csv").read_text() == (dest / "lib/data/x.csv").read_text() == (dest / "new").read_text()
    assert os.readlink(dest / "data") == str(tmp_path / "shared/data")
    assert os.readlink(dest / "lib/inside") == "../train.py"


def test_links_that_lead_back_into_the_repository_lead_to_the_copy(project: Project, tmp_path: Path) -> None:
    (project.root / "whole").symlink_to(project.root / "lib")
    (project.root / "around").symlink_to(f"../{project.root.name}/train.py")
    (project.root / "ignored").mkdir()
    (project.root / "raw").symlink_to(project.root / "ignored")
    project.commit()
    dest = checkout(taken(project), project.root, tmp_path / "dest")
    (project.root / "lib/model.py").write_text("x = 2\n")
    assert (dest / "whole/model.py").read_text() == "x = 1\n"
    assert os.path.realpath(dest / "around") == str(dest / "train.py")
    assert os.path.realpath(dest / "raw") == str(project.root / "ignored")


def test_links_in_nested_repositories_keep_what_lies_in_the_outer_one(
    project: Project, make_project: Callable[[str], Project], tmp_path: Path
) -> None:
    (tmp_path / "shared").mkdir()
    inner = make_project("project/inner")
    (inner.root / "up").symlink_to("../lib/model.py")
    (inner.root / "out").symlink_to("../../shared")
    inner.commit()
    dest = checkout(taken(project), project.root, tmp_path / "dest")
    assert os.readlink(dest / "inner/up") == "../lib/model.py"
    assert os.readlink(dest / "inner/out") == str(tmp_path / "shared")
