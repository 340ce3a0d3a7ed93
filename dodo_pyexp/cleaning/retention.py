"""Which attempts of a run may go, and which have to stay.

Implements: docs/reference.md, "What `clean` leaves". Whatever is asked for, an attempt stays if the run's record points
to it (it is the run's result, which downstream runs read), or if it satisfied the run in a batch that is kept: the
newest one, which `results()` and the report read; the one that the newest report was made for; and with
``--older-than`` every batch that is younger than that.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property

from ..errors import DamagedFile
from ..results.stored import StoredExperiment, StoredRun
from ..store import atomic
from ..store import status as statuses
from ..store.digest import saved_files
from ..store.manifest import Manifest
from ..store.paths import RunFolder
from ..store.record import Record
from .attempts import FLAT, Attempt, attempts_of
from .removable import FAILED, OLD, Piece, tree_size


@dataclass
class Wish:
    """What is to be removed.

    Parameters
    ----------
    orphans
        Runs that no config asks for any more.
    failed
        Attempts that failed or were interrupted.
    old
        Finished attempts that newer ones have replaced.
    older_than
        Only what ended more than so many seconds ago.
    keep_latest
        Only attempts beyond the newest so many of their run.
    """

    orphans: bool = False
    failed: bool = False
    old: bool = False
    older_than: float | None = None
    keep_latest: int | None = None

    @property
    def narrowed(self) -> bool:
        """It says how old or how many, not only what."""
        return self.older_than is not None or self.keep_latest is not None

    @property
    def attempts(self) -> bool:
        """It speaks of single attempts."""
        return self.failed or self.old or (self.narrowed and not self.orphans)

    @property
    def any(self) -> bool:
        """It says anything."""
        return self.orphans or self.attempts


class Needs:
    """What has to stay of the attempts of one experiment.

    Parameters
    ----------
    experiment
        The experiment.
    older_than
        With ``--older-than``, how old; batches that are younger are kept, with what satisfied their runs.
    """

    def __init__(self, experiment: StoredExperiment, older_than: float | None = None) -> None:
        self._experiment = experiment
        self._older_than = older_than

    @cached_property
    def _kept(self) -> list[Manifest]:
        """The manifests of the batches that are kept."""
        files = self._experiment.files
        newest = self._experiment.newest
        kept = {} if newest is None else {newest.timestamp: newest}
        report = (atomic.read_json(files.reports.finished) or {}).get("attempt")
        since = None
        if self._older_than is not None:
            moment = time.localtime(max(0.0, time.time() - self._older_than))
            since = time.strftime("%Y-%m-%d_%H-%M-%S", moment)
        for name in files.batch_names():
            wanted = name == report or (since is not None and name[:19] >= since)
            if wanted and name not in kept:
                try:
                    kept[name] = Manifest.read(files, name)
                except DamagedFile:
                    continue
        return list(kept.values())

    def satisfied_a_batch(self, run: StoredRun, attempt: Attempt) -> bool:
        """Tell whether a kept batch has this attempt for its run."""
        if attempt.state != statuses.FINISHED:
            return False
        return any(
            manifest.attempts.get(run.folder) == attempt.name
            or (attempt.batch == manifest.timestamp and run.folder in manifest.configs)
            for manifest in self._kept
        )


def trimmed(run: StoredRun, wish: Wish, needs: Needs) -> list[Piece]:
    """Give the attempts of a run that are to go and may go."""
    attempts = attempts_of(run)
    recorded = _recorded(run, attempts)
    asked = wish.failed or wish.old
    going_on = set() if asked else _to_go_on_from(attempts, recorded)
    candidates = attempts[: max(0, len(attempts) - wish.keep_latest)] if wish.keep_latest is not None else attempts
    pieces = []
    for attempt in candidates:
        if attempt.name == recorded or attempt.state == statuses.RUNNING or attempt.name in going_on:
            continue
        finished = attempt.state == statuses.FINISHED
        if asked and not (wish.old if finished else wish.failed):
            continue
        if finished and recorded is None and not wish.narrowed:
            continue  # it has not been replaced
        if wish.older_than is not None and not is_older(attempt.ended, wish.older_than):
            continue
        if not needs.satisfied_a_batch(run, attempt):
            pieces.append(_piece(run, attempt, OLD if finished else FAILED))
    return pieces


def is_older(moment: float, seconds: float) -> bool:
    """Tell whether a moment is longer ago."""
    return time.time() - moment > seconds


def _recorded(run: StoredRun, attempts: list[Attempt]) -> str | None:
    """Name the attempt that the record points to; the newest finished one where the record cannot be read."""
    try:
        record = Record.read(run.files)
    except DamagedFile:
        return next((one.name for one in reversed(attempts) if one.state == statuses.FINISHED), None)
    return None if record is None else record.attempt


def _to_go_on_from(attempts: list[Attempt], recorded: str | None) -> set[str]:
    """Name the attempts that the next build of an unfinished run may go on from, or tell of."""
    if recorded is not None or not attempts:
        return set()
    unfinished = [one for one in attempts if one.state not in (statuses.FINISHED, statuses.RUNNING)]
    left_files = next((one for one in reversed(unfinished) if next(saved_files(one.folder), None) is not None), None)
    return {one.name for one in (attempts[-1], left_files) if one is not None}


def _piece(run: StoredRun, attempt: Attempt, kind: str) -> Piece:
    flat = attempt.name == FLAT
    label = run.full_name if flat else f"{run.full_name} {attempt.name}"
    size = flat_size(attempt.folder.path) if flat else tree_size(attempt.folder.path)
    return Piece(attempt.folder.path, kind, label, run.experiment, run, size, attempt.name)


def flat_size(folder: str) -> int:
    """Add up what belongs to the one attempt of a run without attempts: all but those of another layout."""
    return tree_size(folder) - sum(tree_size(f"{folder}/{name}") for name in RunFolder(folder).attempt_names())
