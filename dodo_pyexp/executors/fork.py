"""The fork executor: a copy of the build's process, with everything it has imported."""

from __future__ import annotations

import atexit
import faulthandler
import os
import sys
import threading
from _signal import SIG_DFL, SIGCHLD, SIGINT, SIGTERM, set_wakeup_fd, signal  # type: ignore[import-not-found]  # without the enums, dear in a fork; typeshed leaves it out

from ..errors import ExecutorError
from ..store.digest import sha256
from .base import Executor, Handle
from .capture import point, renew_streams, try_flush
from .guardian import report_in
from .job import FAILED
from .leaving import leave
from .process import ProcessHandle
from .spare import POSSIBLE, Spare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .capture import Log
    from .guardian import Guardian
    from .job import Job
    from .relocation import Relocation


class ForkExecutor(Executor):
    """Executes each run in a fork: isolated like a process, and no import is paid again.

    Implements: pyexp README, "Execution Modes".
    """

    name = "fork"
    blocking = False

    def __init__(self) -> None:
        self._spare: Spare | None = None

    def check(self) -> None:
        """Refuse where there is no fork, and where threads make it unsafe.

        Raises
        ------
        ExecutorError
            This process cannot be forked safely.
        """
        if not hasattr(os, "fork"):
            raise ExecutorError('the executor "fork" needs Linux or macOS; use "subprocess"')
        others = _threads()
        if others:
            raise ExecutorError(
                f'the executor "fork" cannot be used in a process with threads ({", ".join(others[:3])}): '
                'a fork may hang for ever; use "subprocess"'
            )

    def warm(self, fn: Callable[..., Any], relocation: Relocation | None, guardian: Guardian) -> None:
        """Fork ahead, if that can be done: the child waits for its job."""
        if self._spare is not None or not POSSIBLE or guardian.fd < 0 or _threads():
            return
        _get_ready(relocation)
        self._spare = Spare(fn, relocation, lambda receive: _child(receive, None, relocation, guardian))

    def start(self, job: Job, log: Log, guardian: Guardian) -> Handle:
        """Fork, or take what was forked ahead, and perform the job in the child."""
        spare, self._spare = self._spare, None
        if spare is not None:
            if spare.take(job, log):
                log.abandon()
                return ProcessHandle(spare.pid, log, guardian)
            spare.close()
            guardian.forget(spare.pid)
        self.check()
        _get_ready(job.relocation)
        pid = os.fork()
        if pid == 0:
            job.log_fd = log.fd
            _child(lambda: job, log.fd, job.relocation, guardian)
        log.abandon()
        return ProcessHandle(pid, log, guardian)

    def close(self) -> None:
        """End what was forked ahead for a run that never came."""
        if self._spare is not None:
            self._spare.close()
            self._spare = None


def _threads() -> list[str]:
    """Name the threads that make a fork unsafe."""
    others = [thread.name for thread in threading.enumerate() if thread is not threading.current_thread()]
    # In a process of `doit -n`, this one sends doit's answers; it holds no lock but its queue's own.
    return [name for name in others if name != "QueueFeederThread"]


def _get_ready(relocation: Relocation | None) -> None:
    """Do once, here, what every fork would have to do."""
    for stream in (sys.stdout, sys.stderr):
        try_flush(stream)
    sha256()
    if relocation is not None:
        relocation.prepare()


def _child(receive: Callable[[], Job], output: int | None, relocation: Relocation | None, guardian: Guardian) -> None:
    """Execute the run and end, whatever happens; never return into the parent's code."""
    code = FAILED
    try:
        set_wakeup_fd(-1)
        for number in (SIGINT, SIGTERM, SIGCHLD):
            signal(number, SIG_DFL)
        report_in(guardian.fd)
        atexit._clear()  # what is to happen when the build ends is not for its fork to do
        null = os.open(os.devnull, os.O_RDWR)
        point(null if output is None else output)
        os.dup2(null, 0)
        if null > 2:
            os.close(null)
        renew_streams()
        faulthandler.enable(2)
        if relocation is not None:
            relocation.apply()
        job = receive()
        code = job.perform()
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        leave(code)
