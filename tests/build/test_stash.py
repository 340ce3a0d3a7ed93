"""The code as it was is kept with the runs: its commit in attempts and manifest, its files checked out once."""

from __future__ import annotations

import json
import os
import subprocess
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


def test_outside_git_the_build_goes_on_without_a_snapshot(project: Any) -> None:
    project.write("exp.py", EXP)
    project.write("helper.py", "def double(x):\n    return 2 * x\n")
    project.python("exp.py")
    assert commits(project) == set()
    assert project.finished() == {"a", "b"}


def test_the_users_repository_looks_the_same_afterwards(repository: Any) -> None:
    before = git(repository, "status", "--porcelain").splitlines()
    repository.python("exp.py")
    after = git(repository, "status", "--porcelain").splitlines()
    assert [line for line in after if "out/" not in line] == before
    assert git(repository, "branch", "--list").split() == ["*", git(repository, "branch", "--show-current").strip()]
