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
from ..planning.decision import FAILED, INTERRUPTED, SKIPPED, UP_TO_DATE
from ..planning.plan import PlannedRun
from ..printable import duration, from_here, name_in_line, printable, printable_lines
from ..running.ledger import ENDS, EXECUTED, Ledger
from ..standard import lead_nowhere
from ..store import status as statuses
from .failures import failure_lines, skipped_lines
from .notices import Advice, remark_lines

if TYPE_CHECKING:
    from ..store.paths import AttemptFolder


class BuildReporter:
    """Writes a line for each run that was executed, and tells at the end what the ledger says.

    Attributes
    ----------
    ledger
        What became of each run.
    own
        What became of the user's own doit tasks: one of `EXECUTED`, `UP_TO_DATE`, `FAILED`, `SKIPPED`.
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
        self.ledger = Ledger()
        self.own: dict[str, str] = {}
        self._expected_own: set[str] = set()
        self._own_began = 0.0
        self.other_failures: list[str] = []
        self.again: Callable[[list[PlannedRun]], str | None] = lambda runs: None
        self.advice = Advice()
        self.expected: Callable[[], Iterable[PlannedRun]] = tuple
        self.began = time.monotonic()

    # -- what pyexp's runner tells ------------------------------------------------------------------------------

    def started(self, run: PlannedRun) -> None:
        """Tell that a run was started."""

    def ended(self, run: PlannedRun) -> None:
        """Tell how a run ended, if it was executed."""
        entry = self.ledger.of(run)
        if entry.ended == FAILED:
            self.run_failed(run, entry.cause or "")
        elif entry.ended == EXECUTED:
            self.run_done(run, seconds_of(self.ledger.folder(run)))

    def passed_over(self, run: PlannedRun) -> None:
        """Tell that a run is up to date, or was skipped; the end tells of it."""

    def run_failed(self, run: PlannedRun, cause: str) -> None:
        """Write that a run failed."""
        said = paint("FAILED", "red", sys.stderr)
        self.line(f"{name_in_line(run.full_name)}  {said}  {printable(from_here(cause))}", counted=True)

    def run_done(self, run: PlannedRun, seconds: float) -> None:
        """Write that a run was executed and succeeded."""
        self.line(f"{name_in_line(run.full_name)}  done in {duration(seconds)}", counted=True)

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
        return self.ledger.count() + len(self.own)

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
        name, message = name_in_line(task.name), printable_lines(fail.get_msg().strip())
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
            self.line(
                f"{name_in_line(task.name)}  done in {duration(time.monotonic() - self._own_began)}", counted=True
            )

    def add_failure(self, task: Any, fail: Any) -> None:
        """Called by doit for every failure; those of runs are known already."""
        run = getattr(task, "run", None)
        if _is_own(task):
            self._own_failed(task, fail)
        elif run is None or self.ledger.of(run).ended != FAILED:
            message = printable_lines(fail.get_msg().strip())
            self.other_failures.append(message)
            self.line(message)

    def skip_uptodate(self, task: Any) -> None:
        """Called by doit for every task that is up to date, and no run."""
        self._own_ended(task, UP_TO_DATE)

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
        counts = own + Counter({how: len(self.ledger.runs(how)) for how in ENDS})
        cached = counts[UP_TO_DATE]
        others = len(self.other_failures) - own[FAILED] - own[SKIPPED]
        if cached == self.total > 0 and not self.other_failures:
            counted = [_count(self.runs, "run"), _count(self.total - self.runs, "task")]
            what = " and ".join(part for part in counted if part)
            return f"{what}: {'' if self.total == 1 else 'all '}up to date ({seconds})"
        parts = [
            (counts[EXECUTED], "executed"),
            (cached, "up to date"),
            (counts[FAILED], "failed"),
            (counts[SKIPPED], "skipped"),
            (counts[INTERRUPTED], "interrupted"),
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
        failures = self.ledger.failures()
        if failures:
            self.line("")
        for kind, text in failure_lines(failures):
            self.line(paint(text, "red", sys.stderr) if kind == "cause" else text)
        for text in skipped_lines(self.ledger.skipped()):
            self.line(paint(text, "yellow", sys.stderr))
        offer = self.again([failure.run for failure in failures]) if failures else None
        if offer:
            self.line(printable(offer))
        for text in remark_lines(self.ledger.remarks(), self.advice):
            self.line(paint(printable(text), "yellow", sys.stderr))
        fine = not (any(map(self.ledger.runs, (FAILED, SKIPPED, INTERRUPTED))) or self.other_failures)
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


def seconds_of(attempt: AttemptFolder | None) -> float:
    """Tell how long an attempt took."""
    status = statuses.read(attempt) if attempt is not None else {}
    seconds = status.get("seconds")
    return float(seconds) if isinstance(seconds, (int, float)) else 0.0
