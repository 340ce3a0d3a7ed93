"""What a build tells while it goes on: plain lines here; `progress` draws the live line on a terminal.

Implements: DESIGN section 12. Everything goes to stderr, so that stdout is left to results and reports.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

from ..store import status as statuses
from .plan import PlannedRun

if TYPE_CHECKING:
    from .execution import Execution


class BuildReporter:
    """Counts what happens and writes a line for each run that was executed.

    Attributes
    ----------
    done, cached
        Runs that were executed and succeeded; runs that were up to date.
    failed, skipped
        Runs with their causes.
    """

    desc = "pyexp"

    def __init__(self, total: int, *, quiet: bool = False) -> None:
        self.total = total
        self.quiet = quiet
        self.done: list[PlannedRun] = []
        self.cached = 0
        self.failed: dict[PlannedRun, Execution] = {}
        self.skipped: dict[PlannedRun, str] = {}
        self.interrupted: list[PlannedRun] = []
        self.other_failures: list[str] = []
        self.running: dict[PlannedRun, float] = {}
        self.began = time.monotonic()

    # -- what pyexp's runner tells ------------------------------------------------------------------------------

    def started(self, execution: Execution) -> None:
        """Note that a run was started."""
        self.running[execution.run] = time.monotonic()

    def ended(self, execution: Execution) -> None:
        """Note how a run ended."""
        run = execution.run
        self.running.pop(run, None)
        if execution.interrupted:
            self.interrupted.append(run)
        elif execution.failure is not None:
            self.failed[run] = execution
            self.line(f"{run.full_name}  FAILED  {execution.failure}", counted=True)
        elif execution.executed:
            self.done.append(run)
            self.line(f"{run.full_name}  done in {_seconds(execution)}", counted=True)
        else:
            self.cached += 1

    def skip_unmet(self, run: PlannedRun, reason: str) -> None:
        """Note that a run is not tried, because of an upstream."""
        self.skipped[run] = reason
        self.line(f"{run.full_name}  skipped  {reason}", counted=True)

    def was_skipped(self, run: PlannedRun) -> bool:
        """Tell whether a run was skipped in this build."""
        return run in self.skipped

    def stopping(self, flying: int) -> None:
        """Note that the build was asked to stop."""
        if flying:
            self.line(f"stopping: waiting for {flying} running; press Ctrl-C again to end them")

    def note(self, text: str) -> None:
        """Say something that is not about the end of a run."""
        self.line(text)

    def tick(self) -> None:
        """Called from time to time."""

    def pause(self) -> None:
        """Called before somebody else writes to the terminal."""

    def line(self, text: str, *, counted: bool = False) -> None:
        """Write one line."""
        if not self.quiet:
            prefix = f"[{self.settled}/{self.total}] " if counted else ""
            print(f"{prefix}{text}", file=sys.stderr, flush=True)

    @property
    def settled(self) -> int:
        """How many runs are through, one way or another."""
        return len(self.done) + self.cached + len(self.failed) + len(self.skipped) + len(self.interrupted)

    # -- what doit tells ----------------------------------------------------------------------------------------

    def initialize(self, tasks: Any, selected: Any) -> None:
        """Called by doit before it starts."""

    def get_status(self, task: Any) -> None:
        """Called by doit before it decides a task."""

    def execute_task(self, task: Any) -> None:
        """Called by doit before it executes a task that is no run."""

    def add_success(self, task: Any) -> None:
        """Called by doit after a task."""

    def add_failure(self, task: Any, fail: Any) -> None:
        """Called by doit for every failure; those of runs are known already."""
        run = getattr(task, "run", None)
        if run is None or run not in self.failed:
            message = fail.get_msg().strip()
            self.other_failures.append(message)
            self.line(message)

    def skip_uptodate(self, task: Any) -> None:
        """Called by doit for every task that is up to date."""
        if getattr(task, "run", None) is not None:
            self.cached += 1

    def skip_ignore(self, task: Any) -> None:
        """Called by doit for a task that the user told it to ignore."""
        self.line(f"{task.name}  ignored (doit ignore)")

    def cleanup_error(self, exception: Any) -> None:
        """Called by doit when a teardown fails."""
        self.line(str(exception.get_msg()))

    def runtime_error(self, msg: str) -> None:
        """Called by doit for errors of its own."""
        self.other_failures.append(msg)
        self.line(msg)

    def teardown_task(self, task: Any) -> None:
        """Called by doit before a teardown."""

    def complete_run(self) -> None:
        """Called by doit at the end."""

    # -- the end ------------------------------------------------------------------------------------------------

    def summary(self) -> str:
        """Say in a line what was done."""
        parts = [
            (len(self.done), "executed"),
            (self.cached, "up to date"),
            (len(self.failed), "failed"),
            (len(self.skipped), "skipped"),
            (len(self.interrupted), "interrupted"),
        ]
        said = ", ".join(f"{count} {what}" for count, what in parts if count) or "nothing to do"
        left = self.total - self.settled
        if left > 0:
            said += f", {left} not started"
        return f"{said} ({time.monotonic() - self.began:.1f} s)"

    def finish(self) -> None:
        """Write the digest of failures, and the summary."""
        for run, execution in self.failed.items():
            log = execution.attempt.log if execution.attempt is not None else ""
            self.line(f"{run.full_name} failed: {execution.failure}\n    log: {os.path.relpath(log)}")
        self.line(self.summary())


def _seconds(execution: Execution) -> str:
    attempt = execution.attempt
    status = statuses.read(attempt) if attempt is not None else {}
    seconds = status.get("seconds", 0.0)
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.1f} min"
