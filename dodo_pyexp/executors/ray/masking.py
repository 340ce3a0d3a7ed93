"""Secrets in what a run prints on a node: whoever stands between the run and its log masks them, as the scribe does."""

from __future__ import annotations

import faulthandler
import os
import select
import signal

from ..logs.scribe import BLOCK, Stream, Written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

LOOK_MS = 50


def between(log: int, secrets: Sequence[str]) -> int:
    """Fork: the new process goes on, and is given what to print to; this one masks that, and ends as the other does.

    Both are in one process group, so they are killed together.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        os.close(log)
        return writer
    os.close(writer)
    try:
        _write_down(pid, reader, log, Stream([secret.encode("utf-8", "surrogateescape") for secret in secrets]))
    finally:
        _end_like(pid)


def _write_down(pid: int, reader: int, log: int, stream: Stream) -> None:
    """Copy what is printed until the run has ended; what it has left behind may print on, but nobody reads that."""
    os.set_blocking(reader, False)
    printed = select.poll()
    printed.register(reader, select.POLLIN)
    ended = False
    written = Written(log)
    while True:
        if printed.poll(0 if ended else LOOK_MS):
            data = os.read(reader, BLOCK)
            written.add(stream.fed(data) if data else stream.rest())
            if not data:
                break
        elif ended:
            written.add(stream.rest())
            break
        else:
            ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    written.check()


def _end_like(pid: int) -> NoReturn:
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code < 0:
        faulthandler.disable()
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(abs(code))
