"""The refs that keep snapshots, and those that lead nowhere any more."""

from __future__ import annotations

from typing import Any

import pytest

from dodo_pyexp.provenance.snapshots.refs import drop_dangling, keep
from dodo_pyexp.provenance.snapshots.repository import REFS, Repository, SnapshotError

Project = Any  # The helper of conftest.py, which importlib mode cannot import.


def opened(project: Project) -> Repository:
    repository = Repository.at(project.root)
    assert repository is not None
    return repository


def refs(project: Project) -> list[str]:
    return str(project.git("for-each-ref", "--format=%(refname)", REFS)).split()


def test_a_ref_keeps_its_commit_and_may_be_made_twice(project: Project) -> None:
    commit = project.git("rev-parse", "HEAD")
    keep(opened(project), commit)
    keep(opened(project), commit)
    assert refs(project) == [REFS + commit]
    assert drop_dangling(opened(project)) == set()
    assert refs(project) == [REFS + commit]


def test_only_refs_whose_commits_are_not_whole_are_removed(project: Project) -> None:
    whole = project.git("rev-parse", "HEAD")
    project.write("new.py", "gone = 1\n")
    broken = project.commit()
    for commit in (whole, broken):
        keep(opened(project), commit)
    blob = project.git("rev-parse", f"{broken}:new.py")
    project.git("reset", "-q", "--hard", whole)
    (project.root / f".git/objects/{blob[:2]}/{blob[2:]}").unlink()
    assert drop_dangling(opened(project)) == {broken}
    assert refs(project) == [REFS + whole]


def test_a_commit_that_there_is_not_cannot_be_kept(project: Project) -> None:
    with pytest.raises(SnapshotError):
        keep(opened(project), "0" * 39 + "1")
    assert refs(project) == []
