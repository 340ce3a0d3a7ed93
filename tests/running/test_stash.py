"""The code as it was is kept with the runs: its commit in attempts and manifest, its files checked out once."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

EXP = """
    import pyexp
    from helper import double

    @pyexp.experiment
    def exp(cfg):
        return double(cfg.x)

    @exp.configs
    def configs():
        return [{"name": "a", "x": 1}, {"name": "b", "x": 2}]

    if __name__ == "__main__":
        exp.run()
"""
IDENTITY = {f"GIT_{who}_{what}": "someone@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def git(project: Any, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=project.folder, env=os.environ | IDENTITY, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture
def repository(project: Any) -> Any:
    project.write("exp.py", EXP)
    project.write("helper.py", "def double(x):\n    return 2 * x\n")
    git(project, "init", "--quiet")
    git(project, "add", "exp.py")
    git(project, "commit", "--quiet", "-m", "first")
    return project


def commits(project: Any) -> set[str]:
    return {path.read_text() for path in project.out.glob("exp/*/*/.commit")}


def manifests(project: Any) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(project.out.glob("exp/.batches/*.json"))]


def test_every_attempt_and_the_manifest_name_the_commit_that_holds_the_code(repository: Any) -> None:
    repository.python("exp.py")
    (commit,) = commits(repository)
    assert manifests(repository)[0]["commit"] == commit
    snapshot = repository.out / "exp" / ".snapshots" / commit
    assert (snapshot / "exp.py").read_text() == (repository.folder / "exp.py").read_text()
    assert (snapshot / "helper.py").is_file()  # not in git yet, but part of what was executed
    assert not (snapshot / "out").exists()
    assert git(repository, "show", f"{commit}:helper.py").startswith("def double")


def test_unchanged_code_is_kept_once(repository: Any) -> None:
    repository.python("exp.py")
    repository.python("exp.py", "--rerun")
    assert len(commits(repository)) == 1
    assert len(list((repository.out / "exp" / ".snapshots").iterdir())) == 1


def test_changed_code_is_another_snapshot(repository: Any) -> None:
    repository.python("exp.py")
    repository.edit("helper.py", "2 * x", "3 * x")
    repository.python("exp.py", "--rerun")
    assert len(commits(repository)) == 2


def test_the_snapshots_of_two_output_folders_do_not_hold_each_other(repository: Any) -> None:
    for name in ("one", "two", "one", "two"):
        repository.pyexp("build", "exp.py", "--output-dir", f"results-{name}", "--rerun")
    found = {tuple(sorted(item.name for item in path.iterdir())) for path in repository.folder.glob("*/*/.snapshots/*")}
    assert len(found) == 1
    assert not [name for name in found.pop() if name.startswith("results")]
    assert "results" not in git(repository, "status", "--porcelain")


def test_a_build_that_executes_nothing_takes_no_snapshot(repository: Any) -> None:
    repository.python("exp.py")
    repository.edit("helper.py", "2 * x", "3 * x")
    repository.python("exp.py")
    assert len(list((repository.out / "exp" / ".snapshots").iterdir())) == 1


@pytest.mark.parametrize("how", ["flag", "decorator"])
def test_no_snapshot_is_taken_where_none_is_wanted(repository: Any, how: str) -> None:
    if how == "decorator":
        repository.edit("exp.py", "@pyexp.experiment", "@pyexp.experiment(stash=False)")
    repository.python("exp.py", *(["--no-stash"] if how == "flag" else []))
    assert commits(repository) == set()
    assert not (repository.out / "exp" / ".snapshots").exists()
    assert manifests(repository)[0]["commit"] is None


def test_outside_git_the_files_that_are_imported_are_copied(project: Any) -> None:
    project.write("exp.py", EXP)
    project.write("helper.py", "from below import inner\n\ndef double(x):\n    return 2 * x\n")
    project.write("below/inner.py", "")
    project.write("not_imported.py", "")
    project.write("data.csv", "1,2")
    project.python("exp.py")
    assert project.finished() == {"a", "b"}
    (name,) = commits(project)
    snapshot = project.out / "exp" / ".snapshots" / name
    kept = {str(path.relative_to(snapshot)) for path in snapshot.rglob("*.*") if "__pycache__" not in path.parts}
    assert kept == {"exp.py", "helper.py", "below/inner.py"}
    manifest = manifests(project)[0]
    assert manifest["commit"] == manifest["snapshot"]["files"] == name
    assert "outside of git" in manifest["snapshot"]["note"]


def on_a_terminal(project: Any, *arguments: str) -> str:
    """Run the experiment with a terminal for its stderr, and give what is on it."""
    ours, theirs = pty.openpty()
    with project.start(*arguments, stderr=theirs, env={**project.environment, "TERM": "xterm"}) as process:
        os.close(theirs)
        told = b""
        while True:
            try:
                part = os.read(ours, 10_000)
            except OSError:  # the other end is closed
                part = b""
            if not part:
                break
            told += part
    os.close(ours)
    assert process.returncode == 0, told
    return " ".join(told.decode().split())


def test_outside_git_a_terminal_is_told_once_that_only_what_is_imported_is_kept(repository: Any) -> None:
    project = repository
    assert "in no git repository" not in on_a_terminal(project, "exp.py")
    shutil.rmtree(project.out)
    shutil.rmtree(project.folder / ".git")
    said = "exp is in no git repository: the snapshot of its code is a copy of the files that it imports (2)"
    assert said in on_a_terminal(project, "exp.py")
    project.edit("helper.py", "2 * x", "3 * x")
    assert "in no git repository" not in on_a_terminal(project, "exp.py", "--rerun")


def test_outside_git_the_same_files_are_kept_once(project: Any) -> None:
    project.write("exp.py", EXP)
    project.write("helper.py", "def double(x):\n    return 2 * x\n")
    project.python("exp.py")
    project.python("exp.py", "--rerun")
    assert len(commits(project)) == 1
    project.edit("helper.py", "2 * x", "3 * x")
    project.python("exp.py", "--rerun")
    assert len(commits(project)) == 2


def test_outside_git_secrets_and_large_files_are_left_out_with_the_reason(project: Any) -> None:
    project.write("exp.py", EXP.replace("return double", "import large, key; return double"))
    project.write("helper.py", "def double(x):\n    return 2 * x\n")
    project.write("key.py", "KEY = 'hf_0123456789abcdefghijABCDEF'\n")
    project.write("large.py", "#" * 10_000_001)
    done = project.python("exp.py")
    assert project.finished() == {"a", "b"}
    assert "Not in the snapshot of the code: key.py (holds a Hugging Face token), large.py" in done.stderr
    assert {entry["path"] for entry in manifests(project)[0]["snapshot"]["left_out"]} == {"key.py", "large.py"}
    assert not list(project.out.rglob("key.py"))


def test_outside_git_an_experiment_that_holds_a_secret_itself_is_told_too(project: Any, one_sentence: Any) -> None:
    project.write("exp.py", EXP.replace("from helper import double", "API_KEY = 'planted-1'").replace("double", "abs"))
    done = project.python("exp.py")
    assert "Not in the snapshot of the code: exp.py (holds a value for API_KEY)." in done.stderr
    (told,) = manifests(project)[0]["snapshot"]["left_out"]
    assert told == {"path": "exp.py", "reason": "holds a value for API_KEY"}
    done = project.pyexp("reproduce", "a", status=2)
    one_sentence(done, "is in no snapshot", "left out of it were exp.py (holds a value for API_KEY)")
    assert not list(project.out.rglob("exp.py"))


def test_where_git_fails_the_files_that_are_imported_are_copied(repository: Any) -> None:
    done = repository.python("exp.py", env={"PATH": "/nowhere"})
    assert "no snapshot of the repository of exp: Git cannot be used" in done.stderr
    (name,) = commits(repository)
    assert name.startswith("files-")


def test_the_manifest_says_what_was_left_out_and_the_build_says_it_in_one_line(repository: Any) -> None:
    repository.write(".env", "TOKEN=planted")
    repository.write("weights.bin", "0" * 10_000_001)
    done = repository.python("exp.py")
    said = [line for line in done.stderr.splitlines() if "snapshot" in line]
    large = "weights.bin (10.0 MB, more than the limit of 10 MB)"
    assert said == [f"Not in the snapshot of the code: .env (named like a secret), {large}."]
    left_out = {entry["path"]: entry["reason"] for entry in manifests(repository)[0]["snapshot"]["left_out"]}
    assert left_out.keys() == {".env", "weights.bin"}
    assert not list(repository.out.rglob("weights.bin")) + list(repository.out.rglob(".env"))


def test_an_experiment_that_holds_a_secret_is_left_out_and_the_rest_is_kept(
    repository: Any, one_sentence: Callable[..., None]
) -> None:
    repository.edit("exp.py", '"x": 1}', '"x": 1, "password": "planted-1"}')
    git(repository, "rm", "--cached", "--quiet", "exp.py")
    git(repository, "commit", "--quiet", "-m", "without")
    said = [line for line in repository.python("exp.py").stderr.splitlines() if line.startswith("Not in")]
    assert said == ["Not in the snapshot of the code: exp.py (holds a value for password)."]
    (commit,) = commits(repository)
    kept = os.listdir(repository.out / "exp" / ".snapshots" / commit)
    assert "helper.py" in kept and "exp.py" not in kept
    assert not commit.startswith("files-")
    assert not any(b"planted-" in path.read_bytes() for path in repository.out.rglob("*") if path.is_file())
    one_sentence(
        repository.pyexp("reproduce", "b", status=None), "exp:b", "is not in the snapshot", "exp.py (holds a value"
    )


def test_bytes_of_the_users_repository_and_work_tree_stay_as_they_are(repository: Any) -> None:
    repository.edit("exp.py", "double(cfg.x)", "double(cfg.x + 1)")
    git(repository, "add", "helper.py")
    before = every_byte(repository)
    repository.python("exp.py")
    after = every_byte(repository)
    assert after == before
    assert git(repository, "for-each-ref", "refs/pyexp")


def every_byte(project: Any) -> dict[str, Any]:
    """Read all files but pyexp's own: the output folder, and git's objects and our refs."""
    ours = (project.out, project.folder / ".git" / "objects", project.folder / ".git" / "refs" / "pyexp")
    return {
        str(path): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in project.folder.rglob("*")
        if path.is_file() and not any(path.is_relative_to(folder) for folder in ours)
    }


def test_the_users_repository_looks_the_same_afterwards(repository: Any) -> None:
    before = git(repository, "status", "--porcelain").splitlines()
    repository.python("exp.py")
    after = git(repository, "status", "--porcelain").splitlines()
    assert [line for line in after if "out/" not in line] == before
    assert git(repository, "branch", "--list").split() == ["*", git(repository, "branch", "--show-current").strip()]
