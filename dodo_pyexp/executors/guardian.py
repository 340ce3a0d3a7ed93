"""The guardian: a tiny process that ends what is still running when the build is gone.

Implements: docs/how-it-works.md, "Recovery": no process outlives its build, also when the build was killed by SIGKILL.
Each executing process leads a group of its own and tells the guardian so through a pipe. When the build has ended,
every group that has not been taken off the list is killed. The guardian watches the build itself: the end of the pipe
would not do, as whatever the build has forked may hold it open, and may be stopped.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_WATCH = """
import os, select, sys, time

def kill(groups):
    for group in groups:
        try:
            os.killpg(group, 9)
        except OSError:
            pass
    groups.clear()

build, late = int(sys.argv[1]), float(sys.argv[2])
groups, rest, end, pause = set(), b"", None, None
waiting = select.poll()
waiting.register(0, select.POLLIN)
try:
    ended = os.pidfd_open(build)
    waiting.register(ended, select.POLLIN)
except (AttributeError, OSError):
    ended, pause = -1, 500
while end is None or time.monotonic() < end:
    found = [fd for fd, _ in waiting.poll(pause)]
    data = os.read(0, 65536) if 0 in found else None
    *lines, rest = (rest + (data or b"")).split(b"\\n")
    for line in lines:
        if line == b"q":
            data = b""
            break
        (groups.add if line[:1] == b"+" else groups.discard)(int(line[1:]))
    if data == b"":
        break
    if end is None and (ended in found or os.getppid() != build):
        end, pause = time.monotonic() + late, 500
        if ended >= 0:
            waiting.unregister(ended)
    if end is not None:
        kill(groups)
kill(groups)
"""
# Seconds after the end of the build in which a process that has just been started may tell that it is there.
LATE_SECONDS = 60.0


class Guardian:
    """Knows the process groups of this build.

    A process that leaves its group on purpose, as a daemon does, is not followed.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self.fd = -1

    def start(self) -> None:
        """Start watching, if not done yet."""
        if self._process is not None:
            return
        import subprocess

        reader, self.fd = os.pipe()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _WATCH, str(os.getpid()), str(LATE_SECONDS)],
                stdin=reader,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            os.close(reader)

    def note(self, group: int) -> None:
        """Put a group on the list."""
        _write(self.fd, b"+%d\n" % group)

    def forget(self, group: int) -> None:
        """Take a group off the list: it has ended."""
        if self.fd >= 0:
            _write(self.fd, b"-%d\n" % group)

    def close(self) -> None:
        """End watching; whatever is still on the list is killed."""
        if self._process is not None:
            _write(self.fd, b"q\n")  # a fork that the user's code left behind may hold the pipe open
            os.close(self.fd)
            self.fd = -1
            self._process.wait()
            self._process = None


def report_in(fd: int) -> None:
    """Called in a new process: lead a group, and tell the guardian.

    The process keeps the pipe open until it has told, so a build that dies in between cannot be missed.
    """
    if os.getpid() != os.getpgrp():
        os.setsid()
    _write(fd, b"+%d\n" % os.getpid())
    os.close(fd)


_forking = 0


def watch_pool() -> None:
    """See to it that processes which `multiprocessing` forks from this one are killed when it is (Linux).

    Those of ``doit -n 2`` would wait for ever for a doit that was killed.
    """
    if not _forking:
        _note_parent()
        os.register_at_fork(before=_note_parent, after_in_child=_follow_parent)


def _note_parent() -> None:
    global _forking
    _forking = os.getpid()


def _follow_parent() -> None:
    if not sys._getframe(1).f_code.co_filename.endswith("popen_fork.py"):
        return
    try:
        import ctypes

        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, 9)
    except (ImportError, OSError, AttributeError):  # not Linux
        return
    if os.getppid() != _forking:  # it died before we asked
        os._exit(1)


def _write(fd: int, line: bytes) -> None:
    try:
        os.write(fd, line)
    except OSError:  # the guardian was killed; the runs go on without it
        pass
