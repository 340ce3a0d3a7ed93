"""The fork executor: a copy of the build's process, with everything it has imported."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from ..errors import ExecutorError
from .base import Executor, Handle
from .capture import redirect
from .guardian import report_in
from .process import ProcessHandle

if TYPE_CHECKING:
    from .capture import Log
    from .guardian import Guardian
    from .job import Job


class ForkExecutor(Executor):
    """Executes each run in a fork: isolated like a process, and no import is paid again.

    Implements: pyexp README, "Execution Modes".
    """

    name = "fork"
    blocking = False

    def check(self) -> None:
        """Refuse where there is no fork, and where threads make it unsafe.

        Raises
        ------
        ExecutorError
            This process cannot be forked safely.
        """
        if not hasattr(os, "fork"):
            raise ExecutorError('the executor "fork" needs Linux or macOS; use "subprocess"')
        others = [thread.name for thread in threading.enumerate() if thread is not threading.current_thread()]
        if others:
            raise ExecutorError(
                f'the executor "fork" cannot be used in a process with threads ({", ".join(others[:3])}): '
                'a fork may hang for ever; use "subprocess"'
            )

    def start(self, job: Job, log: Log, guardian: Guardian) -> Handle:
        """Fork, and perform the job in the child."""
        self.check()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        pid = os.fork()
        if pid == 0:
            _child(job, log, guardian)
        log.abandon()
        return ProcessHandle(pid, log, guardian)


def _child(job: Job, log: Log, guardian: Guardian) -> None:
    """Execute the run and end, whatever happens; never return into the parent's code."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        report_in(guardian.fd)
        redirect(log.fd)
        _null_stdin()
        code = 0 if job.perform() else 1
        sys.stdout.flush()
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)


def _null_stdin() -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
