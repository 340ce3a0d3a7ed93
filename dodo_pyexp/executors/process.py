"""A run in a process of its own: waiting for its end without blocking, and ending it with its children."""

from __future__ import annotations

import os
import select
import signal

from .handle import Ended, Handle
from .job import LOST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .guardian import Guardian
    from .logs.capture import Log


_watched: set[int] = set()


def close_watched() -> None:
    """In a fork that goes on for long: close what this process waits on."""
    for fd in _watched:
        os.close(fd)
    _watched.clear()


class ProcessHandle(Handle):
    """Watches one process, which leads a group of its own.

    Parameters
    ----------
    pid
        The process, a child of this one that nobody else waits for.
    log
        Closed when the process has ended.
    guardian
        Told when the process has ended.
    """

    def __init__(self, pid: int, log: Log, guardian: Guardian) -> None:
        self.pid: int = pid
        self._log = log
        self._guardian = guardian
        self._ended: Ended | None = None
        try:
            self._fd = os.pidfd_open(pid)
            _watched.add(self._fd)
        except (AttributeError, OSError):  # macOS, old kernels: the runner looks from time to time instead
            self._fd = -1

    def fileno(self) -> int:
        """Give the pidfd, which becomes readable when the process ends."""
        return self._fd

    def poll(self) -> Ended | None:
        """Tell how the process ended, and clear away what it left running; None while it goes on."""
        if self._ended is None:
            try:
                status = self._wait()
                if status is None:
                    return None
                self._ended = Ended(os.waitstatus_to_exitcode(status))
            except ChildProcessError:  # the user's own code waited for "any child"
                self._ended = Ended(cause="its exit status was taken by another waiter in this process")
            self._guardian.forget(self.pid)
            if self._fd >= 0:
                _watched.discard(self._fd)
                os.close(self._fd)
                self._fd = -1
            self._ended.close(self._log)
        return self._ended

    def _wait(self) -> int | None:
        """Give the wait status, with the group killed; None while the process goes on."""
        if hasattr(os, "waitid"):
            if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                return None
            kill_group(self.pid)  # before the pid is given back, so that it cannot mean anybody else
            return os.waitpid(self.pid, 0)[1]
        pid, status = os.waitpid(self.pid, os.WNOHANG)  # macOS before Python 3.13
        if not pid:
            return None
        kill_group(self.pid)
        return status

    def kill(self) -> None:
        """Kill the process with its whole group."""
        if self._ended is None:
            kill_group(self.pid)


def kill_group(process: int) -> None:
    """Kill a process with the group that it leads; its pid must not have been given back."""
    for kill in (os.kill, os.killpg):  # a new process leads no group yet
        try:
            kill(process, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass


def wait_for(process: int, seconds: float | None = None) -> bool:
    """Wait until any process, no child of this one perhaps, has ended; False if it has not when the time is up."""
    try:
        ended = os.pidfd_open(process)
    except OSError:  # it has
        return True
    waiting = select.poll()  # `select` knows no descriptors from 1024 on
    waiting.register(ended, select.POLLIN)
    found = waiting.poll(None if seconds is None else seconds * 1000)
    os.close(ended)
    return bool(found)


def describe_end(ended: Ended) -> tuple[str, str]:
    """Name the cause for a process that ended without saying how its run went: type and message."""
    code = ended.returncode
    if ended.cause is not None:
        return ended.kind, ended.cause
    if code is not None and code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        hint = "; often the sign of running out of memory" if name == "SIGKILL" else ""
        return "ProcessKilled", f"the process was killed by {name}{hint}"
    if code == LOST:
        return "OutcomeLost", "how the run went could not be written to its folder: is the disk full, or read-only?"
    if code is None:
        return "ExecutorLost", "the executor did not say how the run went"
    return "ProcessExited", f"the process ended with exit status {code} before the function had returned"
