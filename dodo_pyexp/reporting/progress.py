"""The live line: what a build on a terminal shows while it goes on.

It tells how many runs are done, failed, up to date and skipped, which are running, and the time left. There is no
refreshing thread, because runs may be forked from this process: the line is drawn when something happens, and at the
runner's ticks.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from ..colour import is_terminal
from ..planning.decision import FAILED, SKIPPED, UP_TO_DATE
from ..planning.plan import PlannedRun
from ..printable import printable
from ..running.ledger import EXECUTED
from .forecast import Forecast
from .reporter import BuildReporter

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live


REFRESH_SECONDS = 0.1
BAR_WIDTH, NARROW_BAR_WIDTH = 24, 8


def make_reporter(*, live: bool = False) -> BuildReporter:
    """Give the reporter that suits whoever reads stderr.

    Parameters
    ----------
    live
        What runs print goes to the terminal as well, so that nothing can be drawn there.
    """
    if live or os.environ.get("CI") or not is_terminal(sys.stderr):
        return BuildReporter(0)
    return ProgressReporter(0)


class ProgressReporter(BuildReporter):
    """Draws a live line below whatever else is written; of single runs, only failures are written.

    Parameters
    ----------
    total
        How many runs there are.
    console
        Where to draw; by default stderr.
    """

    def __init__(self, total: int, *, console: Console | None = None) -> None:
        super().__init__(total)
        self._console = console
        self._live: Live | None = None
        self._drawn = 0.0
        self._forecast: Forecast | None = None
        self._stopped = False

    # -- what happens -------------------------------------------------------------------------------------------

    def started(self, run: PlannedRun) -> None:
        """Show that a run was started."""
        super().started(run)
        if self._forecast is None:
            self._forecast = Forecast(self.expected(), self.runs, len(self.ledger.runs(UP_TO_DATE)))
        self._forecast.started(run)
        self._draw()

    def ended(self, run: PlannedRun) -> None:
        """Show how a run ended."""
        super().ended(run)
        if self._forecast is not None:
            self._forecast.ended(run)
        self._draw()

    def passed_over(self, run: PlannedRun) -> None:
        """Count a run that is up to date, or was skipped."""
        super().passed_over(run)
        if self._forecast is not None:
            self._forecast.passed_over(run)

    def run_done(self, run: PlannedRun, seconds: float) -> None:
        """Say nothing: the live line counts it."""

    def stopping(self, flying: int) -> None:
        """Note that the build was asked to stop."""
        self._stopped = True
        super().stopping(flying)

    def tick(self) -> None:
        """Let the clock of the live line go on."""
        self._draw()

    def pause(self) -> None:
        """Take the live line away, because somebody else is about to write."""
        if self._live is not None:
            from rich.text import Text

            live, self._live = self._live, None
            try:
                live.update(Text(""))
                live.stop()
            except OSError:  # the terminal was closed
                self.unheard()

    def line(self, text: str, *, counted: bool = False) -> None:
        """Write a line above the live one."""
        drawn = self._live is not None
        self.pause()
        super().line(text, counted=counted)
        if drawn:
            self._draw(now=True)

    # -- the live line ------------------------------------------------------------------------------------------

    def _draw(self, *, now: bool = False) -> None:
        """Draw the line, if something is running and it is time to."""
        moment = time.monotonic()
        if self._forecast is None or self.quiet or (not now and moment - self._drawn < REFRESH_SECONDS):
            return
        self._drawn = moment
        try:
            self._show()
        except OSError:  # the terminal was closed
            self._live = None
            self.unheard()

    def _show(self) -> None:
        if self._live is None:
            from rich.console import Console
            from rich.live import Live

            self._console = self._console or Console(stderr=True)
            self._live = Live(
                console=self._console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
            )
            self._live.start()
            self._console.show_cursor()  # a build that is killed could not bring it back
        self._live.update(self._render(), refresh=True)

    def _render(self) -> RenderableType:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        failed = bool(self.ledger.runs(FAILED))
        width = BAR_WIDTH if self._columns() >= 80 else NARROW_BAR_WIDTH
        bar = ProgressBar(
            total=max(1, self.total), completed=self.settled, width=width,
            complete_style="red" if failed else "cyan", finished_style="red" if failed else "green",
        )  # fmt: skip
        grid = Table.grid(padding=(0, 2))
        grid.add_column(no_wrap=True)
        grid.add_column(no_wrap=True)
        grid.add_column(no_wrap=True, overflow="ellipsis")
        counts = Text(f"{self.settled}/{self.total}", style="bold")
        for number, what, style in self._counts():
            counts.append(f"  {number} {what}", style=style)
        grid.add_row(bar, counts, Text(self._clock(), style="dim"))
        running = Text(self._running_names(), style="dim", no_wrap=True, overflow="ellipsis")
        # Room for the ^C that a terminal shows: in the last columns it would begin a line that nobody takes away.
        running.truncate(max(8, self._columns() - 4), overflow="ellipsis")
        return Group(grid, running)

    def _columns(self) -> int:
        return 80 if self._console is None else self._console.width

    def _counts(self) -> list[tuple[int, str, str]]:
        parts = [
            (EXECUTED, "done", "green"),
            (FAILED, "failed", "bold red"),
            (UP_TO_DATE, "up to date", "cyan"),
            (SKIPPED, "skipped", "yellow"),
        ]
        return [(count, what, style) for how, what, style in parts if (count := len(self.ledger.runs(how)))]

    def _running_names(self) -> str:
        names = [printable(run.full_name) for run in self.ledger.running]
        if not names:
            return " "
        more = f" and {len(names) - 8} more" if len(names) > 8 else ""
        return f"running: {', '.join(names[:8])}{more}"

    def _clock(self) -> str:
        elapsed = time.monotonic() - self.began
        left = self.seconds_left()
        return clock(elapsed) + (f", about {clock(left)} left" if left is not None else "")

    def seconds_left(self) -> float | None:
        """Estimate how long the rest takes; None when it cannot be known yet, or the rest is not for this build."""
        return None if self._forecast is None or self._stopped else self._forecast.seconds_left()


def clock(seconds: float) -> str:
    """Write a time span as a clock does.

    Examples
    --------
    >>> clock(75), clock(3675)
    ('1:15', '1:01:15')
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
