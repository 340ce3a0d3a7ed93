"""What a run prints: into its log as it happens, at the level of file descriptors, and live when asked for.

Implements: docs/files-on-disk.md (`log.out`). C code and child processes write to descriptors 1 and 2, so these are
what is captured; stdout and stderr share one file opened for appending, so their order is kept and nothing is buffered
here.
"""

from __future__ import annotations

import fcntl
import io
import os
import sys
from _thread import allocate_lock

from ..flushing import flush_c, try_flush
from ..store.opening import open_to_add

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence
    from typing import Any, TextIO

    from ..store.paths import AttemptFolder


SHOWING_SECONDS = 2.0
"""So long the last lines may take to be shown, before the build goes on without waiting for them."""

# Also when nobody reads what is shown any more, as with `| head`: the run must not notice. Not every `tee` knows -p.
_SHOW_AND_KEEP = 'tee -p -a "$0" 2>/dev/null || tee -a "$0" 2>/dev/null || exec cat >> "$0"'

_SCRIBE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "scribe.py")

_tees: list[subprocess.Popen[bytes]] = []  # that still show something


class Log:
    """The open end of an attempt's log.

    Parameters
    ----------
    attempt
        Whose log it is.
    live
        Show everything on the build's stdout too (``-s``). A `tee` process does that, so that a slow terminal
        or a dead build can never lose a line of the log.
    secrets
        Texts that are masked in it; a process does that, too: the `scribe`.
    """

    def __init__(self, attempt: AttemptFolder, *, live: bool = False, secrets: Sequence[str] = ()) -> None:
        self._tee: subprocess.Popen[bytes] | None = None
        self._end = b""
        if live and not secrets and not os.isatty(1):
            self._through(["sh", "-c", _SHOW_AND_KEEP, attempt.log], live=True)
        elif live or secrets:
            file = above_standard(open_to_add(attempt.log))
            try:
                self._through([sys.executable, "-I", "-S", _SCRIBE, str(file), "live" if live else ""], file, live=live)
            finally:
                os.close(file)
            try:
                self._tell(secrets)
            except OSError:  # it has ended already: no file, or no memory, was left for it
                self.close()
                raise
        else:
            self.fd = open_to_add(attempt.log)
        self.fd = above_standard(self.fd)

    def _through(self, command: list[str], *files: int, live: bool) -> None:
        """Let a process write the log; it reads what is written to `fd`."""
        import subprocess

        shown = None if live else subprocess.DEVNULL  # what nobody watches must hold no terminal and no pipe
        reader, self.fd = os.pipe()
        try:
            # A session of its own: Ctrl-C on the terminal must not end it before the run.
            self._tee = subprocess.Popen(
                command, stdin=reader, stdout=shown, stderr=shown, pass_fds=files, start_new_session=True
            )
        except BaseException:
            os.close(self.fd)
            raise
        finally:
            os.close(reader)

    def _tell(self, secrets: Sequence[str]) -> None:
        """Tell the scribe what must not be seen; on no command line, where others could read it."""
        self._end = os.urandom(16).hex().encode()
        masked = (secret.encode("utf-8", "surrogateescape") for secret in secrets if "\0" not in secret)
        told = b"\0".join((self._end, *masked))
        data = b"%d\n%s" % (len(told), told)
        while data:
            data = data[os.write(self.fd, data) :]

    def _tell_end(self) -> None:
        """Tell the scribe that the run has ended: what it has left behind may hold the pipe open for ever."""
        import select

        waiting = select.poll()
        waiting.register(self.fd, select.POLLOUT)
        try:
            if waiting.poll(SHOWING_SECONDS * 1000):
                os.write(self.fd, self._end)
        except OSError:  # it has ended
            pass

    def close(self) -> None:
        """Close this end and wait until everything has been written, or shown."""
        if self.fd >= 0:
            if self._end:
                self._tell_end()
            os.close(self.fd)
            self.fd = -1
        if self._tee is not None:
            import subprocess

            try:
                self._tee.wait(SHOWING_SECONDS)
            except subprocess.TimeoutExpired:  # a daemon that the run left behind holds the other end
                _tees.append(self._tee)
            self._tee = None

    def abandon(self) -> None:
        """Close this end without waiting: the executing process holds its own."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def above_standard(fd: int) -> int:
    """Move a descriptor out of the way of 0, 1 and 2: a build that has none of these gives them to what it opens."""
    if fd > 2:
        return fd
    moved: int = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(fd)
    return moved


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
