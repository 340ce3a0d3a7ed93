"""Uncommitted changes, and what an experiment says about them (`dirty_git`).

Forbidden ones are looked for before anything is created. Of others the user is told when a run is executed: then the
snapshot knows them anyway.

Implements: Experimaestro guide, "Dirty Git Check".
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..planning.plan import Plan, PlannedExperiment
from ..planning.source import source_file
from ..provenance.roots import git_root
from .stash import output_folders

if TYPE_CHECKING:
    from .stash import Kept


class Uncommitted:
    """Looks at each repository once a build.

    Parameters
    ----------
    plan
        Its output folders do not count as changes.
    note
        Told of uncommitted changes, once a repository.
    """

    def __init__(self, plan: Plan, note: Callable[[str], None]) -> None:
        self._plan = plan
        self._note = note
        self._clean: set[str] = set()
        self._told: set[str] = set()

    def forbid(self) -> None:
        """Make sure that experiments of which something is to be done have no uncommitted changes that they forbid.

        Raises
        ------
        DirtyGitError
            There are some.
        SnapshotError
            Git cannot tell.
        """
        for experiment in self._plan.experiments:
            if experiment.options.dirty_git == "error" and any(run.selected for run in experiment.runs):
                path = _inside_git(experiment)
                if path is not None and os.path.dirname(path) not in self._clean:
                    from ..provenance.snapshots.dirty import check_dirty

                    check_dirty(Path(path), "error", output_folders(self._plan))
                    self._clean.add(os.path.dirname(path))

    def tell(self, experiment: PlannedExperiment, kept: Kept | None) -> None:
        """Say which changes are not committed, if that is wanted; to be called when a run is about to be executed."""
        if experiment.options.dirty_git != "warn" or (path := _inside_git(experiment)) is None:
            return
        from ..provenance.snapshots.dirty import check_dirty, dirty_note

        if kept is not None and kept.dirty is not None:
            said = dirty_note(kept.relocation.pairs[0][0], kept.dirty)
        else:
            said = check_dirty(Path(path), "warn", output_folders(self._plan))
        if said is not None and said not in self._told:
            self._told.add(said)
            self._note(f"warning: {said}")


def _inside_git(experiment: PlannedExperiment) -> str | None:
    """Give the experiment's file, if it may lie in a repository."""
    path = source_file(experiment.definition.fn)
    return path if path is not None and git_root(os.path.dirname(path)) is not None else None
