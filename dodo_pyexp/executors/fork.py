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
from .capture import redirect, try_flush
from .guardian import report_in
from .job import FAILED
from .leaving import leave
from .process import ProcessHandle

TYPE_CHECKING = False
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
        # In a process of `doit -n`, this one sends doit's answers; it holds no lock but its queue's own.
        others = [name for name in others if name != "QueueFeederThread"]
        if others:
            raise ExecutorError(
                f'the executor "fork" cannot be used in a process with threads ({", ".join(others[:3])}): '
                'a fork may hang for ever; use "subprocess"'
            )

    def start(self, job: Job, log: Log, guardian: Guardian) -> Handle:
        """Fork, and perform the job in the child."""
        self.check()
        for stream in (sys.stdout, sys.stderr):
            try_flush(stream)
        sha256()  # imported here once, not in every fork
        if job.relocation is not None:
            job.relocation.prepare()
        pid = os.fork()
        if pid == 0:
            _child(job, log, guardian)
        log.abandon()
        return ProcessHandle(pid, log, guardian)


def _child(job: Job, log: Log, guardian: Guardian) -> None:
    """Execute the run and end, whatever happens; never return into the parent's code."""
    code = FAILED
    try:
        set_wakeup_fd(-1)
        for number in (SIGINT, SIGTERM, SIGCHLD):
            signal(number, SIG_DFL)
        report_in(guardian.fd)
        atexit._clear()  # what is to happen when the build ends is not for its fork to do
        redirect(log.fd)
        faulthandler.enable(2)
        null_stdin()
        job.log_fd = log.fd
        if job.relocation is not None:
            job.relocation.apply()
        code = job.perform()
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        leave(code)


def null_stdin() -> None:
    """Let this process read nothing."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
