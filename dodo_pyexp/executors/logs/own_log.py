"""The log of a run, watched while the function runs: it may delete or replace the file, or write over it.

A log that was deleted or replaced is still held open here, and is written anew. What was written over is lost; it is
noticed, as the first that Python printed no longer stands where it stood.
"""

from __future__ import annotations

import io
import os
import shutil
import stat
import sys
import time

from ...store.opening import open_file, open_to_add
from ...store.paths import LOG, AttemptFolder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any

DELETED = "deleted"
REPLACED = "replaced"
OVERWRITTEN = "overwritten"  # what became of a log
LOOKED_AT = 64  # bytes of the log that are looked at again in the end
PATIENCE = 1.0  # seconds that are left to the process that masks or shows the log, to write it down


class OwnLog:
    """Remembers the log of an attempt.

    Parameters
    ----------
    attempt
        The attempt.
    fd
        The open end of the log that the run was given; -1 if there is none.

    Attributes
    ----------
    moved
        The log had to be written anew, and what is written to `fd` does not reach it.
    """

    def __init__(self, attempt: AttemptFolder, fd: int) -> None:
        self._attempt = attempt
        self._fd = fd
        self.moved = False
        self._first: tuple[int, bytes] | None = None
        self._file: IO[bytes] | None = None
        try:
            self._file = open_file(attempt.log)
            self._held = os.fstat(self._file.fileno())
            self._first = self._beginning()
        except OSError:  # then there is nothing to lose
            return
        for stream in (sys.stdout, sys.stderr):
            self._watch(getattr(stream, "buffer", None))

    def _beginning(self) -> tuple[int, bytes] | None:
        """Give what earlier tries have printed first."""
        data = b"" if self._file is None else os.pread(self._file.fileno(), LOOKED_AT, 0)
        return (0, data) if data else None

    def _watch(self, raw: Any) -> None:
        """Remember what is written to a stream first."""
        if type(raw) is not io.FileIO:
            return

        def write(data: Any) -> int | None:
            if vars(raw).get("write") is write:
                del raw.write  # once is enough
            count = io.FileIO.write(raw, data)
            if self._first is None and count:
                self._remember(raw.fileno(), bytes(data[:count]))
            return count

        vars(raw)["write"] = write

    def _remember(self, fd: int, data: bytes) -> None:
        try:
            if self._is_log(fd):
                place = os.lseek(fd, 0, os.SEEK_CUR) - len(data)
                if self._stands(place, data[:LOOKED_AT]):
                    self._first = place, data[:LOOKED_AT]
        except OSError:
            pass

    def _is_log(self, fd: int) -> bool:
        try:
            return os.path.samestat(os.fstat(fd), self._held)
        except OSError:
            return False

    def _stands(self, place: int, data: bytes) -> bool:
        return self._file is not None and os.pread(self._file.fileno(), len(data), place) == data

    def rescue(self) -> str | None:
        """Write the log anew if it is gone or replaced; say what became of it, or None if it is whole."""
        if self._file is None or not self._is_log(self._file.fileno()):  # the function closed what it did not open
            return None
        try:
            with self._file as file:
                return self._rescue(file)
        finally:
            self._file = None  # what is printed first at exit is not remembered any more

    def _rescue(self, file: IO[bytes]) -> str | None:
        path = f"{self._attempt.path}/{LOG}"
        try:
            if os.path.samestat(os.stat(path), self._held):
                return OVERWRITTEN if self._is_overwritten(file) else None
            path += AttemptFolder.BESIDE
        except OSError:
            os.makedirs(self._attempt.path, exist_ok=True)
        _wait_for_reader(self._fd)
        end = open_to_add(path)
        try:
            with open(end, "wb", closefd=False) as new:
                shutil.copyfileobj(file, new)
            self.moved = not self._is_log(self._fd)
            for fd in (1, 2, self._fd):  # what is still to be printed
                if self._is_log(fd):
                    os.dup2(end, fd)
        finally:
            os.close(end)
        return REPLACED if path.endswith(AttemptFolder.BESIDE) else DELETED

    def _is_overwritten(self, file: IO[bytes]) -> bool:
        if _is_pipe(self._fd):  # then whoever writes the log looks after it
            return False
        size = os.fstat(file.fileno()).st_size
        if size < self._held.st_size or (self._first is not None and not self._stands(*self._first)):
            return True
        return self._is_log(self._fd) and os.lseek(self._fd, 0, os.SEEK_CUR) > size


def _is_pipe(fd: int) -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(fd).st_mode)
    except OSError:  # it is closed, or there is none
        return False


def _wait_for_reader(fd: int) -> None:
    """Wait until what was printed into a pipe was read: it is another process that writes the log."""
    import fcntl
    import struct
    import termios

    end = time.monotonic() + PATIENCE
    if not _is_pipe(fd):
        return
    try:
        while struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"\0" * 4))[0] and time.monotonic() < end:
            time.sleep(0.005)
    except OSError:  # it is closed by now
        return
    time.sleep(0.005)


def log_text(became: str) -> str:
    """Say what became of a log."""
    if became == DELETED:
        return "the function deleted log.out, which pyexp writes; what was printed until then is in it again"
    if became == OVERWRITTEN:
        return (
            "the function wrote over log.out, which pyexp writes: what was printed before that is lost; have it write "
            "to a file of another name"
        )
    return f"the function saved log.out, as pyexp does; pyexp's own stands beside as log.out{AttemptFolder.BESIDE}"
