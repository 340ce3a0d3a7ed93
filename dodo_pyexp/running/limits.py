"""What one try of a run may not exceed: its time, and the time for which it does nothing.

Implements: docs/reference.md, "Options" (`timeout`, `idle_timeout`).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ..executors.idle import IdleWatch, Processes

if TYPE_CHECKING:
    from ..executors.handle import Handle
    from ..planning.options import Options


class Limits:
    """Watches one try.

    Parameters
    ----------
    options
        Those of the experiment.
    handle
        The try, just started.
    log
        The path of its log.
    processes
        What all tries of this build are looked for in.

    Attributes
    ----------
    any
        There is something to watch.
    """

    __slots__ = ("_deadline", "_idle", "_options", "any")

    def __init__(self, options: Options, handle: Handle | None, log: str, processes: Processes) -> None:
        self._options = options
        here = handle is None or not handle.limits_itself
        timeout, idle = (options.timeout, options.idle_timeout) if here else (None, None)
        pid = None if handle is None else handle.pid
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._idle = None if idle is None or pid is None else IdleWatch(idle, pid, log, processes)
        self.any = self._deadline is not None or self._idle is not None

    def broken(self, now: float) -> tuple[str, str] | None:
        """Give the cause for which the run has to be killed: type and message."""
        if self._deadline is not None and now > self._deadline:
            seconds = self._options.timeout
            return "Timeout", f"the run took longer than {seconds:g} s and was killed with its children"
        if self._idle is not None and self._idle.idle(now):
            what = f"neither printed nor computed for {self._options.idle_timeout:g} s"
            return "IdleTimeout", f"the run {what} and was killed with its children"
        return None
