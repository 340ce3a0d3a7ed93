"""stdin, stdout and stderr, whatever whoever started this process has made of them.

They may be closed (``>&-``): then Python has no streams, and the next files that are opened take their numbers. And who
reads them may have ended (``| head``): that is no fault of a build's, which goes on without being heard.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from _thread import allocate_lock
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

    from _typeshed import ReadableBuffer

_GONE = (errno.EPIPE, errno.EIO)
# What is said of a stream whose reader has ended, whose terminal is gone, or whose disk is full.
UNWRITABLE = (*_GONE, errno.ENOSPC, errno.EDQUOT)


def complete() -> None:
    """Give this process the standard streams that it lacks: they lead nowhere."""
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null == fd:
                os.set_inheritable(fd, True)
            else:
                os.dup2(null, fd)
                os.close(null)
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            stream = open(os.devnull, mode, encoding="utf-8", errors="backslashreplace")  # noqa: SIM115  # for good
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)


@contextmanager
def heard_or_not() -> Iterator[None]:
    """For a while, let nothing fail because nobody reads any more what is written to stdout and stderr.

    Such whiles of several threads may overlap: the last one to end puts back what was there before the first.

    Raises
    ------
    UsageError
        In the end, what was written to stdout cannot be kept: the disk is full.
    """
    with _changing:
        if not _inside:
            complete()
            _before[:] = sys.stdout, sys.stderr
            _ours[:] = map(_patient, _before)
            sys.stdout, sys.stderr = _ours
        _inside.append(None)
    try:
        yield
    except BaseException:
        _leave()
        raise
    unwritten = _leave()
    if unwritten is not None:
        raise _unwritable(unwritten)


def flush_stdout() -> None:
    """Write out what stdout holds back.

    Raises
    ------
    UsageError
        The disk is full.
    """
    try:
        sys.stdout.flush()
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        lead_nowhere(sys.stdout)
        raise _unwritable(error) from None


def _leave() -> OSError | None:
    """Put back the streams of before, and give what kept stdout from being written."""
    unwritten = None
    with _changing:
        _inside.pop()
        if not _inside:
            if [sys.stdout, sys.stderr] == _ours:  # else somebody else has put theirs there meanwhile
                sys.stdout, sys.stderr = _before
            for stream in _ours:
                try:
                    stream.flush()
                except OSError as error:
                    if error.errno not in UNWRITABLE:
                        raise
                    lead_nowhere(stream)
                    unwritten = error if stream is _ours[0] else unwritten
    return unwritten


def _unwritable(error: OSError) -> UsageError:
    return UsageError(f"the output cannot be written: {error.strerror}")


_changing = allocate_lock()
_inside: list[None] = []
_before: list[TextIO] = []
_ours: list[TextIO] = []


def _patient(stream: TextIO) -> TextIO:
    """Give a stream to the same place that does not fail when that is gone; one that is not Python's own as it is."""
    if type(stream) is not io.TextIOWrapper:
        return stream
    buffered = type(stream.buffer) is io.BufferedWriter
    if not buffered and type(stream.buffer) is not io.FileIO:  # as with `python -u`
        return stream
    try:
        raw = _Patient(stream.fileno(), "w", closefd=False)
        stream.flush()
    except OSError as error:
        if error.errno not in _GONE:
            return stream
        lead_nowhere(raw)
    except ValueError:  # it was closed
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(raw) if buffered else raw, stream.encoding, stream.errors,
        line_buffering=stream.line_buffering, write_through=stream.write_through,
    )  # fmt: skip


class _Patient(io.FileIO):
    """A file that leads nowhere from the moment on when nobody is there to read."""

    def write(self, data: ReadableBuffer) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in _GONE:
                raise
            lead_nowhere(self)
            return super().write(data)


def lead_nowhere(stream: TextIO | io.FileIO) -> None:
    """Let what is written to a stream lead nowhere from now on, also what it still holds back."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
    except (OSError, ValueError):  # it is none of the system's
        pass
