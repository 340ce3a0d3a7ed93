"""What a build tells while it goes on: plain lines here; `progress` draws the live line on a terminal.

Everything goes to stderr, so that stdout is left to results and reports.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ..colour import paint
from ..planning.plan import PlannedRun
from ..printable import duration, from_here, printable, printable_lines
from ..standard import lead_nowhere
from ..store import status as statuses
from .failures import failure_lines, skipped_lines
from .notices import Advice, code_lines

if TYPE_CHECKING:
    from ..planning.decision import Decision
    from ..running.execution import Execution

EXECUTED, UP_TO_DATE, FAILED, SKIPPED = "executed", "up-to-date", "failed", "skipped"


class BuildReporter:
    """Counts what happens and writes a line for each run that was executed.

    Attributes
    ----------
    done, cached
        Runs that were executed and succeeded; runs that were up to date.
    failed, skipped
        Runs with their causes.
    own
        What became of the user's own doit tasks: one of `EXECUTED`, `UP_TO_DATE`, `FAILED`, `SKIPPED`.
    decisions
        Why the runs that were executed were out of date; and what there is to say of those that were not.
    expected
        Gives all runs of the build.
    again
        Gives the line that offers to build some runs again; None where there is no command for that.
    advice
        What can be done about runs that were made by other code.
    """

    desc = "pyexp"

    def __init__(self, total: int, *, quiet: bool = False) -> None:
        self.total = total
        self.quiet = quiet
        self.own: dict[str, str] = {}
        self._expected_own: set[str] = set()
        self._own_began = 0.0
        self.done: list[PlannedRun] = []
        self.cached = 0
        self.failed: dict[PlannedRun, Execution] = {}
        self.skipped: dict[PlannedRun, str] = {}
        self.interrupted: list[PlannedRun] = []
        self.other_failures: list[str] = []
        self.running: dict[PlannedRun, float] = {}
        self.decisions: dict[PlannedRun, Decision] = {}
        self.again: Callable[[list[PlannedRun]], str | None] = lambda runs: None
        self.advice = Advice()
        self.expected: Callable[[], Iterable[PlannedRun]] = tuple
        self.began = time.monotonic()

    # -- what pyexp's runner tells ------------------------------------------------------------------------------

    def started(self, execution: Execution) -> None:
        """Note that a run was started."""
        self.running[execution.run] = time.monotonic()

    def ended(self, execution: Execution) -> None:
        """Note how a run ended."""
        run = execution.run
        self.running.pop(run, None)
        if execution.decision is not None:
            self.decisions[run] = execution.decision
        if execution.interrupted:
            self.interrupted.append(run)
        elif execution.failure is not None:
            self.failed[run] = execution
            self.run_failed(run, execution.failure)
        elif execution.executed:
            self.done.append(run)
            self.run_done(run, seconds_of(execution))
        else:
            self.cached += 1

    def broken_off(self, execution: Execution) -> None:
        """Note that a run in this very process was interrupted."""
        self.running.pop(execution.run, None)
        self.interrupted.append(execution.run)

    def skip_unmet(self, run: PlannedRun, reason: str) -> None:
        """Note that a run is not tried, because of an upstream; the digest tells of it."""
        self.skipped[run] = reason

    def was_skipped(self, run: PlannedRun) -> bool:
        """Tell whether a run was skipped in this build."""
        return run in self.skipped

    def run_failed(self, run: PlannedRun, cause: str) -> None:
        """Write that a run failed."""
        said = paint("FAILED", "red", sys.stderr)
        self.line(f"{printable(run.full_name)}  {said}  {printable(from_here(cause))}", counted=True)

    def run_done(self, run: PlannedRun, seconds: float) -> None:
        """Write that a run was executed and succeeded."""
        self.line(f"{printable(run.full_name)}  done in {duration(seconds)}", counted=True)

    def stopping(self, flying: int) -> None:
        """Note that the build was asked to stop."""
        if flying:
            self.line(f"stopping: waiting for {flying} running; press Ctrl-C again to end them")

    def note(self, text: str) -> None:
        """Say something that is not about the end of a run."""
        self.line(printable(text))

    def tick(self) -> None:
        """Called from time to time."""

    def pause(self) -> None:
        """Called before somebody else writes to the terminal."""

    def line(self, text: str, *, counted: bool = False) -> None:
        """Write one line."""
        if not self.quiet:
            prefix = f"[{self.settled}/{self.total}] " if counted else ""
            try:
                print(f"{prefix}{text}", file=sys.stderr, flush=True)
            except OSError:
                self.unheard()

    def unheard(self) -> None:
        """Go on in silence: whoever read this is gone, or the disk that it is written to is full."""
        self.quiet = True
        lead_nowhere(sys.stderr)  # or what could not be written would be tried again when the program ends

    @property
    def settled(self) -> int:
        """How many runs are through, one way or another."""
        runs = len(self.done) + self.cached + len(self.failed) + len(self.skipped) + len(self.interrupted)
        return runs + len(self.own)

    @property
    def runs(self) -> int:
        """How many runs there are."""
        return self.total - len(self._expected_own)

    # -- the user's own tasks -----------------------------------------------------------------------------------

    def expect(self, tasks: Iterable[Any]) -> None:
        """Count tasks of the user's own that do something."""
        new = {task.name for task in tasks if _is_own(task)} - self._expected_own
        self._expected_own |= new
        self.total += len(new)

    def _own_ended(self, task: Any, state: str) -> None:
        if _is_own(task):
            self.expect([task])  # or it was made during the build
            self.own[task.name] = state

    def _own_failed(self, task: Any, fail: Any) -> None:
        """Write what is wrong with a task, and what it printed, as far as nobody has seen that."""
        name, message = printable(task.name), printable_lines(fail.get_msg().strip())
        if fail.get_name() == "UnmetDependency":
            self._own_ended(task, SKIPPED)
            why = "which it depends on, failed"
            message = f"{', '.join(message.split())}, {why}"
            self.line(f"{name}  {paint('skipped', 'yellow', sys.stderr)}  {message}", counted=True)
        else:
            self._own_ended(task, FAILED)
            self.line(f"{name}  {paint('FAILED', 'red', sys.stderr)}  {message}", counted=True)
            printed = _unseen(task)
            if printed:
                self.line(printable_lines(printed))
        self.other_failures.append(f"{name}: {message}")

    # -- what doit tells ----------------------------------------------------------------------------------------

    def initialize(self, tasks: Any, selected: Any) -> None:
        """Called by doit before it starts."""

    def get_status(self, task: Any) -> None:
        """Called by doit before it decides a task."""

    def execute_task(self, task: Any) -> None:
        """Called by doit before it executes a task that is no run."""
        self._own_began = time.monotonic()

    def add_success(self, task: Any) -> None:
        """Called by doit after a task."""
        if _is_own(task):
            self._own_ended(task, EXECUTED)
            self.line(f"{printable(task.name)}  done in {duration(time.monotonic() - self._own_began)}", counted=True)

    def add_failure(self, task: Any, fail: Any) -> None:
        """Called by doit for every failure; those of runs are known already."""
        run = getattr(task, "run", None)
        if _is_own(task):
            self._own_failed(task, fail)
        elif run is None or run not in self.failed:
            message = printable_lines(fail.get_msg().strip())
            self.other_failures.append(message)
            self.line(message)

    def skip_uptodate(self, task: Any) -> None:
        """Called by doit for every task that is up to date."""
        run = getattr(task, "run", None)
        if run is not None:
            self.up_to_date(run, getattr(task, "decision", None))
        self._own_ended(task, UP_TO_DATE)

    def up_to_date(self, run: PlannedRun, decision: Decision | None) -> None:
        """Note that a run is up to date."""
        self.cached += 1
        if decision is not None and decision.reason:
            self.decisions[run] = decision

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

    def unrecorded(self, message: str) -> None:
        """Note that the build itself could not be put on record."""
        self.other_failures.append(message)
        self.line(message)

    def teardown_task(self, task: Any) -> None:
        """Called by doit before a teardown."""

    def complete_run(self) -> None:
        """Called by doit at the end."""

    # -- the end ------------------------------------------------------------------------------------------------

    def summary(self) -> str:
        """Say in a line what was done."""
        seconds = duration(time.monotonic() - self.began)
        own = Counter(self.own.values())
        cached = self.cached + own[UP_TO_DATE]
        others = len(self.other_failures) - own[FAILED] - own[SKIPPED]
        if cached == self.total > 0 and not self.other_failures:
            counted = [_count(self.runs, "run"), _count(self.total - self.runs, "task")]
            what = " and ".join(part for part in counted if part)
            return f"{what}: {'' if self.total == 1 else 'all '}up to date ({seconds})"
        parts = [
            (len(self.done) + own[EXECUTED], "executed"),
            (cached, "up to date"),
            (len(self.failed) + own[FAILED], "failed"),
            (len(self.skipped) + own[SKIPPED], "skipped"),
            (len(self.interrupted), "interrupted"),
            (others, "other failures" if others > 1 else "other failure"),
        ]
        said = ", ".join(f"{count} {what}" for count, what in parts if count) or "nothing to do"
        left = self.total - self.settled
        if left > 0:
            said += f", {left} not started"
        return f"{said} ({seconds})"

    def finish(self) -> None:
        """Write the digest of failures, and the summary."""
        self.pause()
        if self.failed:
            self.line("")
        for kind, text in failure_lines(self.failed.values()):
            self.line(paint(text, "red", sys.stderr) if kind == "cause" else text)
        for text in skipped_lines(self.skipped):
            self.line(paint(text, "yellow", sys.stderr))
        offer = self.again(list(self.failed)) if self.failed else None
        if offer:
            self.line(printable(offer))
        for text in code_lines(self.decisions, self.advice):
            self.line(paint(printable(text), "yellow", sys.stderr))
        fine = not (self.failed or self.skipped or self.interrupted or self.other_failures)
        self.line(paint(self.summary(), "green" if fine else "bold", sys.stderr))


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}" if count else ""


def _is_own(task: Any) -> bool:
    """Tell whether a doit task is the user's own, and does something: a group does not."""
    return not hasattr(task, "run") and not hasattr(task, "experiment") and bool(task.actions)


def _unseen(task: Any) -> str:
    """Give what a task has printed and doit has not shown."""
    shown = task.verbosity or 0
    streams = [] if shown > 1 else ["out"] if shown == 1 else ["out", "err"]
    return "".join(getattr(action, name) or "" for name in streams for action in task.actions).strip()


def seconds_of(execution: Execution) -> float:
    """Tell how long a run took."""
    status = statuses.read(execution.attempt) if execution.attempt is not None else {}
    seconds = status.get("seconds")
    return float(seconds) if isinstance(seconds, (int, float)) else 0.0
