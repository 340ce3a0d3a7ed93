"""A batch that is to be continued: whether its saved configs are still those of runs by these names.

Implements: docs/how-to.md, "I renamed my runs".
"""

from __future__ import annotations

import os

from ..errors import UsageError
from ..planning.plan import PlannedExperiment
from ..results.reading import name_today
from ..store.manifest import Manifest


def refuse_renamed(experiment: PlannedExperiment, manifest: Manifest) -> None:
    """Make sure that no run of a batch was renamed since: under their old names all would be executed again.

    Raises
    ------
    UsageError
        One was.
    """
    files = experiment.files
    moved = {run: now for run in manifest.runs if (now := manifest.folder_today(files, run)) is not None and now != run}
    moved = {run: now for run, now in moved.items() if os.path.isdir(files.run(now).path)}
    if not moved:
        return
    run, more = next(iter(moved)), len(moved) - 1
    name, today = manifest.configs[run].get("name", run), name_today(files, manifest, run)
    others = f" (and {more} more {'has' if more == 1 else 'have'} another name, too)" if more else ""
    raise UsageError(
        f"{experiment.name}:{name} of the batch {manifest.timestamp} is called {experiment.name}:{today} by "
        f"now{others}; a build without the batch executes what has not finished, under the names of today"
    )
