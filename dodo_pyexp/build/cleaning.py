"""Removing runs and attempts from the output folder: what there is to remove, how big it is, and doing it.

Implements: DESIGN sections 2 (P3, P5, P8) and 12. Nothing outside the output folder is touched, no symbolic link is
followed, and a run that somebody is executing is left alone.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ..errors import DamagedFile, PyexpError, UsageError, nearest
from ..provenance.host import Owner
from ..results.stored import StoredExperiment, StoredRun, shown, stored_experiments, stored_runs
from ..store import atomic
from ..store import status as statuses
from ..store.paths import AttemptFolder, OutputFolder
from ..store.record import Record
from .locks import RunLock

RUN, FAILED, OLD, TEMPORARY, REST = "run", "failed attempt", "older attempt", "leftover file", "history"


@dataclass
class Piece:
    """Something that can be removed in one go.

    Parameters
    ----------
    path
        The file or folder.
    kind
        What it is: a run, a failed or an older attempt, a leftover file, or an experiment's history.
    label
        What people call it.
    run_folder
        The folder of the run it belongs to, whose lock has to be taken.
    size
        Bytes.
    """

    path: str
    kind: str
    label: str
    run_folder: str | None
    size: int


class LeftAlone(PyexpError):
    """Something was not removed, for a reason."""

    exit_code = 1


# -- what there is ----------------------------------------------------------------------------------------------


def named_runs(output: OutputFolder, words: Iterable[str]) -> tuple[list[StoredExperiment], list[StoredRun]]:
    """Tell which experiments as a whole, and which single runs, the words name; patterns are allowed.

    Raises
    ------
    UsageError
        A word names nothing, or it is not clear which run.
    """
    experiments: dict[str, StoredExperiment] = {}
    runs: dict[str, StoredRun] = {}
    known = stored_experiments(output)
    for word in words:
        whole = next((one for one in known if word in (one.name, one.folder)), None)
        if whole is not None:
            experiments[whole.folder] = whole
            continue
        found = stored_runs(output, word)
        if len(found) > 1:
            names = ", ".join(run.full_name for run in found[:5])
            raise UsageError(f'"{word}" names {len(found)} runs: {names}; write one of these')
        if not found and any(sign in word for sign in "*?["):
            found = [run for one in known for run in runs_of(one) if _fits(run, word)]
        if not found:
            choices = [name for one in known for run in runs_of(one) for name in (run.name, run.full_name)]
            near = nearest(word, [*(one.name for one in known), *choices])
            raise UsageError(f'there is no experiment and no run "{word}" in {shown(output.path)}{near}')
        runs.update((run.files.path, run) for run in found)
    single = [run for run in runs.values() if run.experiment.folder not in experiments]
    return list(experiments.values()), single


def _fits(run: StoredRun, pattern: str) -> bool:
    return fnmatchcase(run.name, pattern) or (":" in pattern and fnmatchcase(run.full_name, pattern))


def runs_of(experiment: StoredExperiment) -> list[StoredRun]:
    """List all runs that have a folder."""
    names = experiment.real_names()
    return [StoredRun(experiment, folder, names.get(folder, folder)) for folder in experiment.run_folders()]


def whole_runs(runs: Iterable[StoredRun]) -> list[Piece]:
    """Give the folders of runs."""
    return [Piece(run.files.path, RUN, run.full_name, run.files.path, tree_size(run.files.path)) for run in runs]


def history(experiment: StoredExperiment) -> list[Piece]:
    """Give what an experiment has beside its runs: reports, manifests and snapshots."""
    paths = [f"{experiment.files.path}/report", experiment.files.batches, experiment.files.snapshots]
    return [
        Piece(path, REST, f"{experiment.name} {os.path.basename(path)}", None, tree_size(path))
        for path in paths if os.path.lexists(path)
    ]  # fmt: skip


def failed_attempts(run: StoredRun) -> Iterator[Piece]:
    """Give the attempts that failed or were interrupted."""
    for attempt in _attempts(run):
        status = statuses.read(attempt)
        state = status.get("state")
        dead = state == statuses.RUNNING and Owner.from_dict(status.get("owner")).alive() is False
        if state in (statuses.FAILED, statuses.INTERRUPTED) or dead:
            yield _attempt_piece(run, attempt, FAILED)


def older_attempts(run: StoredRun) -> Iterator[Piece]:
    """Give the finished attempts that the record no longer points to."""
    current = _recorded(run)
    if current is None or run.files.flat:
        return
    for attempt in _attempts(run):
        if attempt.name != current and statuses.read(attempt).get("state") == statuses.FINISHED:
            yield _attempt_piece(run, attempt, OLD)


def leftovers(run: StoredRun) -> Iterator[Piece]:
    """Give the temporary files of writers that were killed."""
    for folder in [run.files.path, *(attempt.path for attempt in _attempts(run))]:
        for name in atomic.temporary_files(folder):
            path = f"{folder}/{name}"
            yield Piece(path, TEMPORARY, f"{run.full_name} {name}", run.files.path, tree_size(path))


def _attempts(run: StoredRun) -> list[AttemptFolder]:
    return [run.files.attempt(name) for name in run.files.attempt_names()]


def _attempt_piece(run: StoredRun, attempt: AttemptFolder, kind: str) -> Piece:
    label = run.full_name if run.files.flat else f"{run.full_name} {attempt.name}"
    return Piece(attempt.path, kind, label, run.files.path, tree_size(attempt.path))


def _recorded(run: StoredRun) -> str | None:
    try:
        record = Record.read(run.files)
    except DamagedFile:
        return None
    return None if record is None else record.attempt


def tree_size(path: str) -> int:
    """Add up the bytes of all files below `path`, without following symbolic links."""
    try:
        size = os.lstat(path).st_size
    except OSError:
        return 0
    if os.path.islink(path) or not os.path.isdir(path):
        return size
    total = 0
    pending = [path]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
    return total


# -- removing it ------------------------------------------------------------------------------------------------


def remove(piece: Piece, output: OutputFolder) -> None:
    """Remove one piece.

    Raises
    ------
    LeftAlone
        It is reached through a symbolic link, its run is being executed, or the system refuses.
    """
    if not _inside(piece.path, output.path):
        raise LeftAlone(f"{shown(piece.path)} leads out of the output folder through a symbolic link; left alone")
    if piece.run_folder is None:
        _delete(piece)
        return
    if is_running(piece.run_folder):
        raise LeftAlone(f"{piece.label} is being executed; left alone")
    if not os.path.isdir(piece.run_folder):
        return
    lock = RunLock.take(piece.run_folder)
    if lock is None:
        raise LeftAlone(f"{piece.label} is being executed; left alone")
    try:
        _delete(piece)
    finally:
        lock.release()


def _inside(path: str, output: str) -> bool:
    """Tell whether `path` is what it says: a place in the output folder, no link to another one."""
    root = os.path.realpath(output)
    return os.path.realpath(path) == os.path.join(root, os.path.relpath(path, output))


def is_running(run_folder: str) -> bool:
    """Tell whether the newest attempt of a run has a living owner, or one that only another machine knows."""
    from ..store.paths import RunFolder

    files = RunFolder(run_folder, flat=os.path.exists(f"{run_folder}/status.json"))
    newest = files.newest()
    if newest is None:
        return False
    status = statuses.read(newest)
    return status.get("state") == statuses.RUNNING and Owner.from_dict(status.get("owner")).alive() is not False


def _delete(piece: Piece) -> None:
    try:
        if os.path.isdir(piece.path) and not os.path.islink(piece.path):
            record = f"{piece.path}/.finished"
            if os.path.lexists(record):
                os.unlink(record)  # first: what is half removed must not look finished
            shutil.rmtree(piece.path, onerror=_insist)
        else:
            os.unlink(piece.path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise LeftAlone(f"cannot remove {shown(piece.path)}: {error.strerror}") from None


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


def remove_empty(experiment: StoredExperiment) -> None:
    """Remove the folder of an experiment of which nothing is left."""
    try:
        os.rmdir(experiment.files.path)
    except OSError:
        pass


def size_text(size: int) -> str:
    """Write a size for people.

    Examples
    --------
    >>> size_text(900), size_text(2_500_000)
    ('900 bytes', '2.5 MB')
    """
    if size < 1000:
        return f"{size} byte{'' if size == 1 else 's'}"
    value = float(size)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.1f} TB"
