"""Uncommitted changes: what to do when an experiment starts with code that no commit holds."""

from __future__ import annotations

import os
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from ...errors import ConfigError, PyexpError, nearest
from ...store.outputs import experiment_folders
from .repository import GITLINK, Repository, SnapshotError, is_under, readable

__all__ = ["DirtyGitAction", "DirtyGitError", "check_dirty", "dirty_files"]

_SHOWN = 10


class DirtyGitError(PyexpError, RuntimeError):
    """The repository has uncommitted changes, and ``dirty_git="error"`` forbids them."""


class DirtyGitAction(StrEnum):
    """What to do about uncommitted changes; a plain string in any case does as well.

    Examples
    --------
    >>> DirtyGitAction("Error") is DirtyGitAction.ERROR
    True

    Implements: Experimaestro guide, "Dirty Git Check".
    """

    IGNORE = "ignore"
    WARN = "warn"
    ERROR = "error"

    @classmethod
    def _missing_(cls, value: object) -> DirtyGitAction:
        names = [action.value for action in cls]
        word = value.strip().lower() if isinstance(value, str) else ""
        if word in names:
            return cls(word)
        raise ConfigError(f"dirty_git is {value!r}, but must be one of {', '.join(names)}{nearest(word, names)}.")


def dirty_files(start: Path, exclude: Iterable[Path] = ()) -> list[str]:
    """Give the paths that differ from HEAD around `start`: modified, staged, deleted, or new and not ignored.

    Paths are relative to the root of the repository; those inside submodules are told too. Empty outside git.

    Raises
    ------
    SnapshotError
        When git cannot tell.
    """
    repository = Repository.find(start)
    if repository is None:
        return []
    with repository:
        return sorted(_dirty(repository, list(exclude)))


def check_dirty(start: Path, action: DirtyGitAction | str, exclude: Iterable[Path] = ()) -> str | None:
    """Look for uncommitted changes around the experiment's file, and act as told.

    Returns
    -------
    str or None
        The warning to show, for `DirtyGitAction.WARN`.

    Raises
    ------
    DirtyGitError
        For `DirtyGitAction.ERROR`, with the files.
    SnapshotError
        For `DirtyGitAction.ERROR`, when git cannot tell.

    Implements: Experimaestro guide, "Dirty Git Check".
    """
    action = DirtyGitAction(action)
    if action is DirtyGitAction.IGNORE:
        return None
    try:
        repository = Repository.find(start)
        if repository is None:
            return None
        with repository:
            files = sorted(_dirty(repository, list(exclude)))
    except SnapshotError as error:
        if action is DirtyGitAction.ERROR:
            raise
        return str(error)
    if files and action is DirtyGitAction.ERROR:
        said = _changes(repository.root, files)
        them = _them(files)
        raise DirtyGitError(f'{said}; commit {them}, or say dirty_git="warn" to run with {them}')
    return dirty_note(repository.root, files)


def dirty_note(root: str | Path, files: list[str]) -> str | None:
    """Give the warning to show for uncommitted changes; None if there are none."""
    if not files:
        return None
    return f'{_changes(root, files)}; commit {_them(files)}, or say dirty_git="ignore" to hear no more of it'


def _them(files: list[str]) -> str:
    return "it" if len(files) == 1 else "them"


def _changes(root: str | Path, files: list[str]) -> str:
    more = f" and {len(files) - _SHOWN} more" if len(files) > _SHOWN else ""
    changes = "an uncommitted change" if len(files) == 1 else f"{len(files)} uncommitted changes"
    return f"the git repository {root} has {changes}: {', '.join(files[:_SHOWN])}{more}"


def _dirty(repository: Repository, exclude: list[Path]) -> set[str]:
    """Give the changed paths of a repository and of those inside it."""
    excluded = repository.inside(exclude)
    tracked = list(repository.entries())
    outside = (*map(os.fsencode, excluded), *experiment_folders(entry.path for entry in tracked))
    untracked = repository.untracked(excluded)
    paths = [change.path for change in repository.changes()[1] if not is_under(change.path, outside)]
    found = {readable(path) for path in (*paths, *untracked)}
    for entry in tracked:
        if entry.mode != GITLINK or is_under(entry.path, outside):
            continue
        inner = Repository.at(repository.root / os.fsdecode(entry.path), inner=True)
        if inner is not None:
            with inner:
                found.update(f"{readable(entry.path)}/{path}" for path in _dirty(inner, exclude))
    return found
