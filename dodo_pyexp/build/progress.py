"""The live line: what a build on a terminal shows while it goes on.

Implements: DESIGN section 12 (done, failed, cached, running, time left). There is no refreshing thread, because
runs may be forked from this process: the line is drawn when something happens, and at the runner's ticks.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

from .colour import is_terminal
from .plan import PlannedRun
from .reporter import BuildReporter

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

    from .execution import Execution

REFRESH_SECONDS = 0.1
BAR_WIDTH = 24


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
        self._first_start: float | None = None

    # -- what happens -------------------------------------------------------------------------------------------

    def started(self, execution: Execution) -> None:
        """Show that a run was started."""
        super().started(execution)
        if self._first_start is None:
            self._first_start = time.monotonic()
        self._draw()

    def ended(self, execution: Execution) -> None:
        """Show how a run ended."""
        super().ended(execution)
        self._draw()

    def run_done(self, run: PlannedRun, seconds: float) -> None:
        """Say nothing: the live line counts it."""

    def tick(self) -> None:
        """Let the clock of the live line go on."""
        self._draw()

    def pause(self) -> None:
        """Take the live line away, because somebody else is about to write."""
        if self._live is not None:
            from rich.text import Text

            self._live.update(Text(""))
            self._live.stop()
            self._live = None

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
        if self._first_start is None or (not now and moment - self._drawn < REFRESH_SECONDS):
            return
        self._drawn = moment
        if self._live is None:
            from rich.console import Console
            from rich.live import Live

            self._console = self._console or Console(stderr=True)
            self._live = Live(
                console=self._console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
            )
            self._live.start()
        self._live.update(self._render(), refresh=True)

    def _render(self) -> RenderableType:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        failed = len(self.failed) > 0
        bar = ProgressBar(
            total=max(1, self.total), completed=self.settled, width=BAR_WIDTH,
            complete_style="red" if failed else "cyan", finished_style="red" if failed else "green",
        )  # fmt: skip
        grid = Table.grid(padding=(0, 1))
        grid.add_column(no_wrap=True)
        grid.add_column(no_wrap=True)
        grid.add_column(no_wrap=True, overflow="ellipsis")
        counts = Text(f"{self.settled}/{self.total}", style="bold")
        for number, what, style in self._counts():
            counts.append(f"  {number} {what}", style=style)
        grid.add_row(bar, counts, Text(self._clock(), style="dim"))
        return _stack(grid, Text(self._running_names(), style="dim", no_wrap=True, overflow="ellipsis"))

    def _counts(self) -> list[tuple[int, str, str]]:
        parts = [
            (len(self.done), "done", "green"),
            (len(self.failed), "failed", "bold red"),
            (self.cached, "up to date", "cyan"),
            (len(self.skipped), "skipped", "yellow"),
        ]
        return [part for part in parts if part[0]]

    def _running_names(self) -> str:
        names = [run.full_name for run in self.running]
        if not names:
            return " "
        more = f" and {len(names) - 8} more" if len(names) > 8 else ""
        return f"running: {', '.join(names[:8])}{more}"

    def _clock(self) -> str:
        elapsed = time.monotonic() - self.began
        left = self.seconds_left()
        return clock(elapsed) + (f", about {clock(left)} left" if left is not None else "")

    def seconds_left(self) -> float | None:
        """Estimate how long the rest takes, from how long the executed runs took; None when it cannot be known yet."""
        executed = len(self.done) + len(self.failed)
        if not executed or self._first_start is None:
            return None
        return (time.monotonic() - self._first_start) / executed * (self.total - self.settled)


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


def _stack(*parts: Any) -> RenderableType:
    from rich.console import Group

    return Group(*parts)
