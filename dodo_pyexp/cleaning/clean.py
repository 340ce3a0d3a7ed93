"""What ``pyexp clean`` removes: of which experiments and runs, and what of them.

Implements: docs/how-to.md, "Clean up"; docs/reference.md, "What `clean` leaves".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from ..errors import UsageError, ambiguous, nearest
from ..planning.orphans import Orphan, used_elsewhere
from ..planning.plan import PlannedExperiment
from ..results.stored import StoredExperiment, StoredRun, stored_runs
from ..store.paths import OutputFolder, shown
from .attempts import is_running, last_ended
from .removable import ORPHAN, Piece, history, leftovers, removed_by_halves, size_of, whole_run
from .removal import LeftAlone, busy, is_used, remove, remove_if_empty, used
from .retention import Needs, Wish, is_older, trimmed
from .unused import unused


@dataclass
class Scope:
    """Where to clean.

    Parameters
    ----------
    experiments
        Experiments as a whole.
    runs
        Single runs of others.
    matches
        What ``--filter`` says of a run; None for all.
    planned
        Experiments whose configs are known.
    orphans
        Their orphans.
    """

    experiments: list[StoredExperiment]
    runs: list[StoredRun] = field(default_factory=list)
    matches: Callable[[Any], bool] | None = None
    planned: Sequence[PlannedExperiment] = ()
    orphans: Sequence[Orphan] = ()

    def all_runs(self) -> list[StoredRun]:
        """List the runs in it that have a folder."""
        names = {orphan.path: orphan.name for orphan in self.orphans}
        runs = [*self.runs, *(run for experiment in self.experiments for run in runs_of(experiment))]
        for run in runs:
            run.name = names.get(run.files.path, run.name)
        return [run for run in runs if self.matches is None or self.matches(run)]


def runs_of(experiment: StoredExperiment) -> list[StoredRun]:
    """List all runs that have a folder."""
    names = experiment.real_names()
    return [StoredRun(experiment, folder, names.get(folder, folder)) for folder in experiment.run_folders()]


def named(
    output: OutputFolder, known: list[StoredExperiment], words: Iterable[str]
) -> tuple[list[StoredExperiment], list[StoredRun]]:
    """Tell which experiments as a whole, and which single runs, the words name; patterns are allowed.

    Parameters
    ----------
    output
        The output folder.
    known
        The experiments in it that count.
    words
        What was written.

    Raises
    ------
    UsageError
        A word names nothing, or it is not clear which run.
    """
    experiments: dict[str, StoredExperiment] = {}
    runs: dict[str, StoredRun] = {}
    for word in words:
        whole = next((one for one in known if word in (one.name, one.folder)), None)
        if whole is not None:
            experiments[whole.folder] = whole
            continue
        found = stored_runs(known, word)
        if len(found) > 1:
            raise ambiguous(word, [run.full_name for run in found])
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


class Cleaning:
    """Something to remove, known before anything is removed.

    Parameters
    ----------
    scope
        Where.
    wish
        What of it; everything, if it says nothing.

    Attributes
    ----------
    pieces
        What goes.
    unused
        Snapshots and the like that nothing refers to when that is gone.
    last
        What goes when all of that is gone: the history of experiments that are removed as a whole.
    left
        ``(piece, why)`` of what was asked for and is left alone.
    gone
        What has been removed.
    """

    def __init__(self, scope: Scope, wish: Wish) -> None:
        self._scope = scope
        self.pieces: list[Piece] = []
        self.unused: list[Piece] = []
        self.last: list[Piece] = []
        self.left: list[tuple[Piece, str]] = []
        self.gone: list[Piece] = []
        self._used: dict[str, bool] = {}
        self._whole = not wish.any and scope.matches is None
        runs = scope.all_runs()
        found = self._wished(runs, wish) if wish.any else [whole_run(run) for run in runs]
        for experiment in scope.experiments:
            found += removed_by_halves(experiment)
            if self._whole:
                self.last += history(experiment)
        working: dict[str, bool] = {}
        for piece in found:
            run = piece.run
            if run is not None and working.setdefault(run.files.path, is_running(run)):
                self.left.append((piece, str(busy(piece.label))))
            else:
                self.pieces.append(piece)
        self.pieces = self._leave_used(self.pieces)
        self.last = self._leave_used(self.last)
        for experiment in self._trimmed():
            self.unused += unused(experiment, self.pieces)

    def _leave_used(self, pieces: list[Piece]) -> list[Piece]:
        """Leave alone what a build that goes on may use; it is looked at once more when the rest is removed."""
        free = []
        for piece in pieces:
            path = piece.experiment.files.path
            if piece.may_be_used and path not in self._used:
                self._used[path] = is_used(piece.experiment)
            if piece.may_be_used and self._used[path]:
                self.left.append((piece, str(used(piece))))
            else:
                free.append(piece)
        return free

    def _trimmed(self) -> list[StoredExperiment]:
        """List the experiments that do not go as a whole."""
        whole = {experiment.files.path for experiment in self._scope.experiments} if self._whole else set()
        known = [*self._scope.experiments, *(run.experiment for run in self._scope.runs)]
        return [one for path, one in {one.files.path: one for one in known}.items() if path not in whole]

    def _wished(self, runs: list[StoredRun], wish: Wish) -> list[Piece]:
        needs: dict[str, Needs] = {}
        orphans = {orphan.path: orphan for orphan in self._scope.orphans} if wish.orphans else {}
        pieces: list[Piece] = []
        for run in runs:
            orphan = orphans.get(run.files.path)
            if orphan is not None and wish.keep_latest is None:
                whole = self._orphan(run, orphan, wish)
                if whole is not None:
                    pieces.append(whole)
                    continue
            if wish.attempts or orphan is not None:
                need = needs.setdefault(run.experiment.folder, Needs(run.experiment, wish.older_than))
                mine = wish
                if orphan is not None and wish.keep_latest is not None:
                    mine = dataclasses.replace(wish, orphans=False, failed=False, old=False)
                if mine.attempts:
                    pieces += [*leftovers(run), *trimmed(run, mine, need)]
        return pieces

    def _orphan(self, run: StoredRun, orphan: Orphan, wish: Wish) -> Piece | None:
        """Give an orphan as a whole, unless it is too young, or another experiment needs it."""
        if wish.older_than is not None and not is_older(last_ended(run), wish.older_than):
            return None
        piece = whole_run(run, ORPHAN)
        user = self._used_elsewhere.get(f"{orphan.experiment.task}:{orphan.folder}")
        if user is None:
            return piece
        why = f"{piece.label} stays, because {user} was made from it; without --orphans it can be removed"
        self.left.append((piece, why))
        return None

    @cached_property
    def _used_elsewhere(self) -> dict[str, str]:
        return used_elsewhere(self._scope.planned)

    @property
    def every(self) -> list[Piece]:
        """All that is to go."""
        return [*self.pieces, *self.unused, *self.last]

    @property
    def size(self) -> int:
        """How many bytes are to go."""
        return size_of(self.every)

    def carry_out(self) -> None:
        """Remove it; what cannot be removed joins `left`."""
        problems = len(self.left)
        self._remove(self.pieces)
        if self.unused:  # not what has come into use, or was of use to something that stayed
            still = {piece.path for experiment in self._trimmed() for piece in unused(experiment)}
            self._remove([piece for piece in self.unused if piece.path in still])
        if len(self.left) == problems:  # whoever is being executed still needs its manifest and its snapshot
            self._remove(self.last)
        if self._whole:
            for experiment in self._scope.experiments:
                remove_if_empty(experiment.files.path)

    def _remove(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            try:
                remove(piece)
            except LeftAlone as error:
                self.left.append((piece, str(error)))
            else:
                self.gone.append(piece)

    def to_dict(self, *, dry_run: bool) -> dict[str, Any]:
        """Give the JSON form."""
        gone = {id(piece) for piece in self.gone}
        return {
            "dry_run": dry_run,
            "pieces": [{**piece.to_dict(), "removed": id(piece) in gone} for piece in self.every],
            "left": [{**piece.to_dict(), "reason": why} for piece, why in self.left],
            "bytes": self.size,
            "removed_bytes": size_of(self.gone),
        }
