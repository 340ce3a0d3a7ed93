"""Removing something from the output folder, so that it is never seen half removed.

Implements: docs/reference.md, "What `clean` leaves". A run or an attempt is put aside under a name that nothing reads,
in one step, and deleted then; if that is interrupted, the next ``pyexp clean`` goes on with it. Nothing outside the
output folder is touched, no symbolic link is followed, and a run that somebody is executing is left alone.
"""

from __future__ import annotations

import os
import shutil
import stat
from typing import Any

from ..errors import SOME_FAILED, DamagedFile, PyexpError, UsageError
from ..results.stored import StoredExperiment, StoredRun
from ..store.locks import RunLock
from ..store.paths import FINISHED, STATUS, is_attempt, shown
from ..store.record import Record
from .attempts import FLAT, is_running
from .removable import TEMPORARY, Piece, aside


class LeftAlone(PyexpError):
    """Something was not removed, for a reason."""

    exit_code = SOME_FAILED


def remove(piece: Piece) -> None:
    """Remove one piece.

    Raises
    ------
    LeftAlone
        It is reached through a symbolic link, its run is being executed or was executed meanwhile, a build that goes
        on may use it, or the system refuses.
    """
    if not _inside(piece.path, os.path.dirname(piece.experiment.files.path)):
        raise LeftAlone(f"{shown(piece.path)} leads out of the output folder through a symbolic link; left alone")
    if not piece.may_be_used:
        _remove(piece)
        return
    experiment = piece.experiment
    if not os.path.isdir(experiment.files.path):
        return
    lock = _lock(experiment.files.path, piece)
    if lock is None:
        raise used(piece)
    try:
        _remove(piece)
    finally:
        lock.release()


def _lock(folder: str, piece: Piece) -> RunLock | None:
    try:
        return RunLock.take(folder)
    except UsageError as error:
        raise LeftAlone(f"{piece.label} cannot be locked: {error}") from None


def _remove(piece: Piece) -> None:
    if piece.run is None:
        _delete(piece.path)
        return
    if is_running(piece.run):
        raise busy(piece.label)
    folder = piece.run.files.path
    if not os.path.isdir(folder):
        return
    lock = _lock(folder, piece)
    if lock is None:
        raise busy(piece.label)
    try:
        _check_unchanged(piece, piece.run)
        if piece.attempt == FLAT:
            _delete_flat(folder)
        else:
            _delete(piece.path)
        remove_if_empty(folder)
    finally:
        lock.release()


def is_used(experiment: StoredExperiment) -> bool:
    """Tell whether a build of an experiment goes on, which may use what lies in its folder."""
    folder = experiment.files.path
    if not os.path.isdir(folder):
        return False
    try:
        lock = RunLock.take(folder)
    except UsageError:  # told when it is to be removed
        return False
    if lock is not None:
        lock.release()
    return lock is None


def used(piece: Piece) -> LeftAlone:
    """Make the error for what a build that goes on may use."""
    return LeftAlone(f"{piece.label} may be in use by a build of {piece.experiment.name} that goes on; left alone")


def busy(label: str) -> LeftAlone:
    """Make the error for a run that somebody is at work on."""
    return LeftAlone(f"{label} is being executed; left alone")


def _check_unchanged(piece: Piece, run: StoredRun) -> None:
    """Make sure, under the run's lock, that a build has not made something else of it since it was looked at."""
    if piece.attempt is not None:
        try:
            record = Record.read(run.files)
        except DamagedFile:
            record = None
        if record is not None and record.attempt == piece.attempt:
            raise LeftAlone(f"{piece.label} has become the result of its run; left alone")
    elif piece.kind != TEMPORARY and run.files.attempt_names()[-1:] not in ([], [piece.newest]):
        raise LeftAlone(f"{piece.label} was executed meanwhile; left alone")


def _inside(path: str, output: str) -> bool:
    """Tell whether `path` is what it says: a place in the output folder, no link to another one."""
    root = os.path.realpath(output)
    return os.path.realpath(path) == os.path.join(root, os.path.relpath(path, output))


def _delete(path: str) -> None:
    try:
        if os.path.isdir(path) and not os.path.islink(path):
            if not path.endswith(".tmp"):
                hidden = aside(path)
                if os.path.lexists(hidden):
                    shutil.rmtree(hidden, onerror=_insist)
                os.rename(path, hidden)
                path = hidden
            shutil.rmtree(path, onerror=_insist)
        else:
            os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise LeftAlone(f"cannot remove {shown(path)}: {error.strerror}; left alone") from None


def _delete_flat(folder: str) -> None:
    """Remove the one attempt that is the folder itself; attempts that another layout made in it stay."""
    with os.scandir(folder) as entries:
        found = [(entry.name, is_attempt(entry)) for entry in entries]
    if not any(apart for _, apart in found):
        _delete(folder)
        return
    mine = {name for name, apart in found if not apart}
    # The record first, or it would vouch for what is gone; the status last, so that the rest is found again.
    order = [FINISHED, *sorted(mine - {FINISHED, STATUS}), STATUS]
    for name in order:
        if name in mine:
            _delete(f"{folder}/{name}")


def _insist(function: Any, path: str, trouble: Any) -> None:
    """Make a read-only folder writable and try again."""
    error = trouble[1]
    if isinstance(error, FileNotFoundError):
        return
    if not isinstance(error, PermissionError):
        raise error
    for place in (os.path.dirname(path), path):
        if not os.path.islink(place):
            os.chmod(place, os.stat(place).st_mode | stat.S_IRWXU)
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def remove_if_empty(folder: str) -> None:
    """Remove a folder of which nothing is left."""
    try:
        os.rmdir(folder)
    except OSError:  # it is not, or it is gone
        pass
