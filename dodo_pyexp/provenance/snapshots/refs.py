"""The refs that keep snapshots from git's garbage collection, and what becomes of those that were too late for it."""

from __future__ import annotations

import time

from .repository import REFS, Repository, SnapshotError

_CHECK = ("rev-list", "--objects", "--quiet", "--missing=allow-promisor")


def keep(repository: Repository, commit: str) -> None:
    """Make the ref of a commit."""
    try:
        repository.run("update-ref", REFS + commit, commit)
    except SnapshotError:
        # Another process may be writing the same ref; it says the same.
        time.sleep(0.2)
        repository.run("update-ref", REFS + commit, commit)


def drop_dangling(repository: Repository) -> set[str]:
    """Remove the refs whose snapshots are not whole, and name their commits; with them, no `git gc` would end well.

    A `git gc --prune=now` that goes on while a snapshot is taken removes objects that no ref leads to yet.
    """
    try:
        repository.run(*_CHECK, f"--glob={REFS}*")
    except SnapshotError:
        pass
    else:
        return set()
    dropped = set()
    for name in repository.run("for-each-ref", "--format=%(refname)", REFS).decode().split():
        try:
            repository.run(*_CHECK, name)
        except SnapshotError:
            repository.run("update-ref", "-d", name)
            dropped.add(name.removeprefix(REFS))
    return dropped
