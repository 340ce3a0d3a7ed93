"""Ctrl-C and SIGTERM while a build goes on.

Implements: docs/how-it-works.md, "Interrupting": the first Ctrl-C stops starting, the second ends what is running;
SIGTERM does both at once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..executors.base import Executor


class Interrupts:
    """Counts requests to stop while its ``with`` block lasts.

    Attributes
    ----------
    count
        0: go on; 1: start nothing more; 2: end what is running.
    """

    def __init__(self) -> None:
        self.count = 0
        self._breaks_in: int | None = None  # the count from which on a request breaks into what this process does
        self._before: dict[int, Any] = {}
        self._process = 0

    def __enter__(self) -> None:
        self._process = os.getpid()
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._handle)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:
            # A fork of a run's own, such as a process of its pool: nothing of the build is to be unwound in there.
            before = self._before[number]
            signal.signal(number, before if before is not None else signal.SIG_DFL)
            signal.raise_signal(number)
            return
        self.count = 2 if number == signal.SIGTERM else self.count + 1
        if self._breaks_in is not None and self.count >= self._breaks_in:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def in_process(self, executor: Executor) -> Iterator[None]:
        """While a run is executed in this very process, the second request has to break into it."""
        self._breaks_in = 2 if executor.blocking else None
        try:
            yield
        finally:
            self._breaks_in = None

    @contextlib.contextmanager
    def in_task(self) -> Iterator[None]:
        """While a report or a task of the user's own is executed, the first request breaks into it."""
        self._breaks_in = 1
        try:
            yield
        finally:
            self._breaks_in = None
