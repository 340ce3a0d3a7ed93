"""The tally of a batch: how many of its runs finished, failed and so on, as of that batch and not as of today.

A build writes the tally into the manifest when it ends, and that is what is shown ever after. What a build that was
killed did is read from the attempts it made; the next build writes that down before it makes any of its own.

Implements: docs/reference.md, "Command line" (``list --batches``).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..config.config import Config
from ..config.encode import decode
from ..store import status as statuses
from ..store.manifest import Manifest
from ..store.paths import AttemptFolder, ExperimentFolder
from ..store.record import vouches_for
from ..store.status import FAILED, FINISHED, INTERRUPTED, RUNNING
from .reading import fitting_record, made_by

CACHED, SKIPPED, NOT_STARTED = "cached", "skipped", "not started"
STATES = (FINISHED, CACHED, FAILED, INTERRUPTED, SKIPPED, RUNNING, NOT_STARTED)
#: Tells of the owner in a status whether it may still be at work on the run in a folder.
Alive = Callable[[Any, str], bool]


def tally(states: Iterable[str]) -> dict[str, int]:
    """Count states; what was ``cached`` (up to date already) has finished as well.

    Examples
    --------
    >>> counts = tally(["finished", "cached", "failed"])
    >>> counts["finished"], counts["cached"], total(counts)
    (2, 1, 3)
    """
    counted = Counter(states)
    counts = {state: counted[state] for state in STATES}
    counts[FINISHED] += counts[CACHED]
    return counts


def total(counts: dict[str, int]) -> int:
    """Tell how many runs were asked for."""
    return sum(counts.values()) - counts[CACHED]


def tally_of(folder: ExperimentFolder, manifest: Manifest, alive: Alive) -> dict[str, int]:
    """Give the tally of a batch: as it was written when the batch ended, else from what lies on disk."""
    known = manifest.about.get("counts")
    if isinstance(known, dict) and all(isinstance(known.get(state), int) for state in STATES):
        return {state: known[state] for state in STATES}
    return tally(states(folder, manifest, alive))


def selected(manifest: Manifest) -> list[str]:
    """Name the folders of the runs that the batch was to bring up to date."""
    chosen = manifest.about.get("selected")
    return [run for run in chosen if run in manifest.configs] if isinstance(chosen, list) else manifest.runs


def states(
    folder: ExperimentFolder, manifest: Manifest, alive: Alive, known: Mapping[str, str] | None = None
) -> list[str]:
    """Tell of each run that was asked for what became of it; those in `known` need not be looked up."""
    known = known or {}
    found = {run: known.get(run) or _state(folder, manifest, run, alive) for run in selected(manifest)}
    _find_skipped(os.path.basename(folder.path), manifest, found)
    return list(found.values())


def _state(folder: ExperimentFolder, manifest: Manifest, run: str, alive: Alive) -> str:
    """Tell what became of one run, from its own folder alone."""
    now = manifest.folder_today(folder, run)
    files = folder.run(run if now is None else now, flat=manifest.flat)
    attempt = made_by(manifest, files)
    if attempt is not None:
        return attempt_state(attempt, alive)
    if run in manifest.skipped:
        return SKIPPED
    config = manifest.configs[run]
    record = fitting_record(files, run, lambda: Config(decode(config)), manifest)
    return CACHED if record is not None else NOT_STARTED


def attempt_state(attempt: AttemptFolder, alive: Alive) -> str:
    """Tell how an attempt ended, if it did."""
    status = statuses.read(attempt)
    state = status.get("state")
    if state in (FINISHED, FAILED, INTERRUPTED):
        return str(state)
    if state == RUNNING and alive(status.get("owner"), attempt.run.path):
        return RUNNING
    return FINISHED if not status and vouches_for(attempt) else INTERRUPTED


def _find_skipped(experiment: str, manifest: Manifest, found: dict[str, str]) -> None:
    """Tell apart, of the runs that were not started, those behind one that failed.

    Plain doit does not tell when a run is skipped, and a build that was killed could not.
    """
    if NOT_STARTED not in found.values():
        return
    below: dict[str, list[str]] = {}
    for run, state in found.items():
        for task in manifest.upstream.get(run, []) if state == NOT_STARTED else []:
            above, _, upstream = task.rpartition(":")
            if above.rstrip("~") == experiment:
                below.setdefault(upstream, []).append(run)
    pending = [run for run, state in found.items() if state in (FAILED, SKIPPED)]
    for failed in pending:  # grows while it is walked
        for run in below.get(failed, []):
            if found[run] == NOT_STARTED:
                found[run] = SKIPPED
                pending.append(run)
