"""The code as it was: one snapshot a repository and build, taken before the first run that is executed.

Implements: pyexp guide, "`@pyexp.experiment` Parameters" (`stash`); DESIGN section 6 (`.snapshots/`, `.commit`).
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import PyexpError
from .plan import Plan, PlannedExperiment

if TYPE_CHECKING:
    from ..provenance.snapshot import Snapshot


class Stash:
    """Takes the snapshots of one build.

    Parameters
    ----------
    plan
        Whose output folders are never part of a snapshot.
    note
        Told, once a repository, what was left out or why there is no snapshot.
    """

    def __init__(self, plan: Plan, note: Callable[[str], None]) -> None:
        self._plan = plan
        self._note = note
        self._by_folder: dict[str, Snapshot | None] = {}
        self._by_experiment: dict[int, str | None] = {}

    def commit(self, experiment: PlannedExperiment) -> str | None:
        """Give the commit that holds the experiment's code, kept in its `.snapshots`; None when there is none."""
        if id(experiment) not in self._by_experiment:
            self._by_experiment[id(experiment)] = self._keep(experiment)
        return self._by_experiment[id(experiment)]

    def _keep(self, experiment: PlannedExperiment) -> str | None:
        path = _source_file(experiment)
        if not experiment.options.stash or path is None:
            return None
        try:
            snapshot = self._take(path)
            if snapshot is None:
                return None
            from ..provenance.checkout import checkout

            checkout(snapshot, snapshot.root, Path(experiment.files.snapshot(snapshot.commit)))
        except PyexpError as error:
            self._note(f"no snapshot of the code of {experiment.name}: {error}")
            return None
        return snapshot.commit

    def _take(self, path: str) -> Snapshot | None:
        folder = os.path.dirname(path)
        if folder not in self._by_folder:
            if not _inside_git(folder):
                self._by_folder[folder] = None
                return None
            from ..provenance.snapshot import take_snapshot

            exclude = {Path(member.output.path) for member in self._plan.experiments}
            exclude |= {Path(member.files.path) for member in self._plan.experiments}
            snapshot = self._by_folder[folder] = take_snapshot(Path(path), exclude=exclude)
            said = None if snapshot is None else snapshot.note()
            if said:
                self._note(said)
        return self._by_folder[folder]


def _source_file(experiment: PlannedExperiment) -> str | None:
    """Find the file that defines the experiment; a notebook has none."""
    code = getattr(inspect.unwrap(experiment.definition.fn), "__code__", None)
    path = getattr(code, "co_filename", "")
    return os.path.abspath(path) if os.path.isfile(path) else None


def _inside_git(folder: str) -> bool:
    """Tell, without importing git, whether there can be a repository: most temporary folders are in none."""
    while True:
        if os.path.exists(os.path.join(folder, ".git")):
            return True
        parent = os.path.dirname(folder)
        if parent == folder:
            return False
        folder = parent
