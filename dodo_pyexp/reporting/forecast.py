"""How long the rest of a build takes, as far as that can be known: what is up to date takes no time."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable

from ..planning.plan import PlannedRun


class Forecast:
    """Learns from the runs that are through; made when the first run is started.

    A run without a record will be executed. Of the others nobody knows before doit has decided them, so it is assumed
    that as many of them are out of date as of those that have been decided.

    Parameters
    ----------
    runs
        The runs of the build.
    total
        How many there are.
    cached
        How many of them were found up to date before any was executed.
    """

    def __init__(self, runs: Iterable[PlannedRun], total: int, cached: int) -> None:
        self._missing = {run for run in runs if not os.path.exists(run.files.finished)}
        self._undecided = total - len(self._missing) - cached
        self._decided = cached
        self._stale = 0
        self._seconds = 0.0
        self._executed = 0
        self._side_by_side = 1
        self._started: dict[PlannedRun, float] = {}

    def started(self, run: PlannedRun) -> None:
        """Note that a run was started."""
        self._started[run] = time.monotonic()
        self._side_by_side = max(self._side_by_side, len(self._started))
        self._decide(run, stale=True)

    def ended(self, run: PlannedRun) -> None:
        """Note that a run has ended; one that was never started turned out to be up to date."""
        began = self._started.pop(run, None)
        if began is None:
            self.passed_over(run)
        else:
            self._seconds += time.monotonic() - began
            self._executed += 1

    def passed_over(self, run: PlannedRun) -> None:
        """Note that a run was up to date, or could not be tried."""
        self._decide(run, stale=False)

    def _decide(self, run: PlannedRun, *, stale: bool) -> None:
        if run in self._missing:
            self._missing.discard(run)
            return
        self._undecided -= 1
        self._decided += 1
        self._stale += stale

    def seconds_left(self) -> float | None:
        """Estimate how long the rest takes; None as long as no run has ended."""
        if not self._executed:
            return None
        mean = self._seconds / self._executed
        to_start = len(self._missing) + max(0, self._undecided) * self._stale / max(1, self._decided)
        now = time.monotonic()
        rest = sum(max(0.0, mean - (now - began)) for began in self._started.values())
        return (mean * to_start + rest) / self._side_by_side
