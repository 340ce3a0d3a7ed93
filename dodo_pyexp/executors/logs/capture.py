"""What a run prints: into its log as it happens, at the level of file descriptors, and live when asked for.

Implements: docs/files-on-disk.md (`log.out`). C code and child processes write to descriptors 1 and 2, so these are
what is captured; stdout and stderr share one file opened for appending, so their order is kept and nothing is buffered
here.
"""

from __future__ import annotations

import io
import os
import sys
from _thread import allocate_lock

from ...flushing import flush_c, try_flush
from ...store.opening import add, open_to_add
from ..standard_streams import above_standard
from .scribes import GONE, PATIENCE_SECONDS, SHOWING_SECONDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TextIO

    from ...store.paths import AttemptFolder
    from .scribes import Page, Scribe


class Log:
    """The open end of an attempt's log.

    Parameters
    ----------
    attempt
        Whose log it is.
    scribe
        Writes it, where it is shown or masked: a process that a slow terminal or a dead build does not keep from
        writing every line.
    live
        Show everything on the build's stdout too (``-s``).
    secrets
        Texts that are masked in it.

    Attributes
    ----------
    secrets
        The same; also for an executor that masks them by itself, where the run is executed.
    overwritten
        The scribe has found, when it was closed, that the run had written over it.
    """

    def __init__(
        self, attempt: AttemptFolder, scribe: Scribe | None = None, *, live: bool = False, secrets: Sequence[str] = ()
    ) -> None:
        self.secrets = secrets
        self.overwritten = False
        self._path = attempt.log
        self._scribe = scribe
        self._page: Page | None = None
        self._seconds = SHOWING_SECONDS if live else PATIENCE_SECONDS
        if scribe is None and (live or secrets):
            raise TypeError("what is shown or masked needs a scribe")
        self.fd = above_standard(open_to_add(attempt.log, readable=scribe is not None))
        if scribe is not None and (live or secrets):
            file = self.fd
            try:
                self.fd, self._page = scribe.begin(file, _standard_output() if live else None, secrets)
            finally:
                os.close(file)
            self.fd = above_standard(self.fd)

    def close(self) -> bool:
        """Close this end, and wait until everything is written down; False if something is missing for good."""
        self.abandon()
        page, self._page = self._page, None
        if page is None or self._scribe is None:
            return True
        whole = self._scribe.end(page, self._seconds)
        self.overwritten = page.overwritten
        if whole:
            return True
        try:
            add(self._path, f"--- {GONE}: what was printed from here on is missing ---\n".encode())
        except OSError:  # the build tells of it, too
            pass
        return False

    def abandon(self) -> None:
        """Close this end without waiting: the executing process holds its own."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def _standard_output() -> int | None:
    try:
        os.fstat(1)
    except OSError:  # it was closed all along
        return None
    return 1


def redirect(fd: int) -> None:
    """Make descriptors 1 and 2, and Python's streams, write to `fd` from now on."""
    point(fd)
    renew_streams()


def point(fd: int) -> None:
    """Make descriptors 1 and 2 write to `fd` from now on."""
    os.dup2(fd, 1)
    os.dup2(fd, 2)


def renew_streams() -> None:
    """Make Python's streams write to descriptors 1 and 2, wherever these lead."""
    _set_streams(stream(1), stream(2))


def _set_streams(stdout: TextIO, stderr: TextIO, *originals: TextIO) -> None:
    """Set what `sys` holds; the originals are set too, as what is written to them must not come out later."""
    streams = ("stdout", "stderr", "__stdout__", "__stderr__")
    vars(sys).update(zip(streams, (stdout, stderr, *(originals or (stdout, stderr))), strict=True))


def stream(fd: int) -> TextIO:
    """Open a text stream on `fd` that shows each line at once and never fails on a character."""
    return io.TextIOWrapper(
        io.FileIO(fd, "w", closefd=False), encoding="utf-8", errors="backslashreplace", line_buffering=True,
        write_through=True,
    )  # fmt: skip


class Capture:
    """Send all output of this process to `log` for a while.

    Captures of several threads may overlap; what is printed meanwhile is in the log of the one that began last.
    """

    _all: list[Capture] = []  # noqa: RUF012  # of this process, in the order in which they began
    _changing = allocate_lock()

    def __init__(self, log: Log) -> None:
        self._log = log
        self._suspended = False

    def __enter__(self) -> Capture:
        with self._changing:
            self._begin()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changing:
            self._end()

    def suspend(self) -> None:
        """Let what is printed go where it would go, until `resume`: a debugger talks to somebody."""
        with self._changing:
            if self._suspended or self._all[-1:] != [self]:
                return
            self._suspended = True
            for output in (sys.stdout, sys.stderr):
                try_flush(output)
            flush_c()
            for fd, copy in self._saved.items():
                if copy is not None:
                    os.dup2(copy, fd)
            _set_streams(*self._python)
            print(file=sys.stderr)  # below what the build has drawn

    def resume(self) -> None:
        """Capture again."""
        with self._changing:
            if self._suspended:
                self._suspended = False
                for output in self._python[:2]:
                    try_flush(output)
                flush_c()
                redirect(self._log.fd)

    def _begin(self) -> None:
        self._python: tuple[Any, ...] = sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__
        for output in self._python[:2]:
            try_flush(output)
        flush_c()
        self._saved = {fd: _duplicate(fd) for fd in (1, 2)}
        redirect(self._log.fd)
        self._all.append(self)

    def _end(self) -> None:
        try_flush(sys.stdout)
        try_flush(sys.stderr)
        flush_c()
        place = self._all.index(self)
        self._all.remove(self)
        if place < len(self._all):  # what the next one found is what this one has made
            later = self._all[place]
            later._saved, self._saved = self._saved, later._saved
            later._python = self._python
            for copy in self._saved.values():
                if copy is not None:
                    os.close(copy)
            return
        for fd, copy in self._saved.items():
            if copy is None:
                os.close(fd)
            else:
                os.dup2(copy, fd)
                os.close(copy)
        _set_streams(*self._python)


def _duplicate(fd: int) -> int | None:
    try:
        return os.dup(fd)
    except OSError:  # it was closed all along
        return None
