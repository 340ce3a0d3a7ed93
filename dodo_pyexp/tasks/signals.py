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

    def __enter__(self) -> None:
        _current.append(self)
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._handle)

    def __exit__(self, *_: object) -> None:
        _current.remove(self)
        self.put_back()

    def put_back(self) -> None:
        """Let the handlers be those that were there before."""
        for number, handler in self._before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)

    def _handle(self, number: int, frame: FrameType | None) -> None:
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

    @property
    def breaks_in(self) -> bool:
        """A request may break into what this process does: code of the user's, which may fork."""
        return self._breaks_in is not None


_current: list[Interrupts] = []
_masks: dict[int, Any] = {}  # of threads that are forking: which signals were held back before


def _hold_back() -> None:
    """Before a fork of a run's own: Python forgets in a fork what has reached it before it could do anything."""
    if any(interrupts.breaks_in for interrupts in _current):
        held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        _masks[threading.get_ident()] = held


def _go_on() -> None:
    if (held := _masks.pop(threading.get_ident(), None)) is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def _leave_build() -> None:
    """In such a fork, as in a process of a pool, nothing of the build is to be unwound: a signal ends it."""
    if threading.get_ident() in _masks:
        for interrupts in reversed(_current):
            interrupts.put_back()
        _current.clear()
        _go_on()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_hold_back, after_in_parent=_go_on, after_in_child=_leave_build)
