"""The attempts of a run in the output folder: how each ended, and when.

Implements: docs/reference.md, "States and reasons".
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from ..results.stored import StoredRun
from ..store import status as statuses
from ..store.locks import at_work
from ..store.paths import AttemptFolder, RunFolder

FLAT = "."


@dataclass
class Attempt:
    """One attempt, as far as it matters here.

    Parameters
    ----------
    name
        Its name; ``.`` for that of a run without attempts.
    folder
        Where it is.
    state
        How it ended; `running` only if somebody is at work on it.
    batch
        The batch that made it.
    ended
        When, in seconds since the epoch.
    """

    name: str
    folder: AttemptFolder
    state: str
    batch: str | None
    ended: float


def attempts_of(run: StoredRun) -> list[Attempt]:
    """List the attempts of a run, oldest first; also those of another layout."""
    path = run.files.path
    apart = RunFolder(path)
    found = [_attempt(name, apart.attempt(name)) for name in apart.attempt_names()]
    if run.files.flat:
        found.append(_attempt(FLAT, RunFolder(path, flat=True).attempt(FLAT)))
        found.sort(key=lambda attempt: attempt.ended)
    return found


def _attempt(name: str, folder: AttemptFolder) -> Attempt:
    status = statuses.read(folder)
    state = status.get("state")
    if state == statuses.RUNNING:
        running = at_work(status.get("owner"), folder.run.path)
        state = statuses.RUNNING if running else statuses.INTERRUPTED
    elif state not in (statuses.FINISHED, statuses.FAILED):
        state = statuses.INTERRUPTED  # nothing is known of it, unless a record points to it
    batch = status.get("batch")
    return Attempt(name, folder, str(state), batch if isinstance(batch, str) else None, _ended(folder, status))


def _ended(folder: AttemptFolder, status: dict[str, object]) -> float:
    start, seconds = status.get("start_seconds"), status.get("seconds", 0)
    try:
        if isinstance(start, (int, float)) and isinstance(seconds, (int, float)):
            return float(start + seconds)
        return time.mktime(time.strptime(folder.name[:19], "%Y-%m-%d_%H-%M-%S"))
    except (ValueError, OverflowError):
        try:
            return os.stat(folder.path).st_mtime
        except OSError:
            return time.time()


def last_ended(run: StoredRun) -> float:
    """Tell when the newest attempt of a run ended."""
    attempts = attempts_of(run)
    return max((attempt.ended for attempt in attempts), default=0.0)


def is_running(run: StoredRun) -> bool:
    """Tell whether the newest attempt of a run has a living owner, or one that only another machine knows."""
    newest = run.files.newest()
    return newest is not None and _attempt(newest.name, newest).state == statuses.RUNNING
