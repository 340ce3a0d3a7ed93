"""The build's side of its `scribe`: one process that writes the logs of all runs whose output is masked or shown.

It is started for the first run that needs it, and told of each run with its open files, so that a run costs two
messages and no process.
"""

from __future__ import annotations

import os
import sys
from _thread import allocate_lock

from ... import engine
from ..standard_streams import above_standard

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Sequence
    from socket import socket

_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "scribe.py")

# Seconds it may take to write down what a run has printed, before the build goes on without waiting for that.
PATIENCE_SECONDS = 10.0
SHOWING_SECONDS = 2.0  # the same, where it is shown too: a terminal may be stopped
GONE = "the process that writes its log was killed"


class Scribe:
    """The scribe of one build.

    A run that is on its way when somebody kills it cannot print any more, which ends most runs; the next run gets
    another scribe.

    Parameters
    ----------
    note
        Told when it was killed.
    """

    def __init__(self, note: Callable[[str], object] = lambda text: None) -> None:
        self._note = note
        self._process: _Process | None = None
        self._changing = allocate_lock()  # for the threads of ``doit -n 2 -P thread``

    def begin(self, log: int, shown: int | None, secrets: Sequence[str]) -> tuple[int, Page]:
        """Have what a run prints written to its open log, and to `shown`; give where it is to print.

        Raises
        ------
        OSError
            There is no room for a process, or for its files.
        """
        told = b"\0".join(secret.encode("utf-8", "surrogateescape") for secret in secrets if "\0" not in secret)
        reader, writer = os.pipe()
        files = [reader, log] if shown is None else [reader, log, shown]
        try:
            with self._changing:
                try:
                    page = self._ready().begin(files, told)
                except (ConnectionError, TimeoutError):  # it was killed since the last run, or stopped
                    self._drop()
                    page = self._ready().begin(files, told)
            return writer, page
        except BaseException:
            os.close(writer)
            raise
        finally:
            os.close(reader)

    def end(self, page: Page, seconds: float) -> bool:
        """Wait until all that a run has printed is written down; False if the scribe was killed before."""
        if page.process.owner != os.getpid():
            return True
        with self._changing:
            said = page.process.end(page.number, seconds)
            page.overwritten, whole = said in (b"O", b"W"), said != b"?"
            if not whole:
                self._note("the process that writes the logs was killed; runs that were on their way may miss lines")
        return whole

    def close(self) -> None:
        """End it; where something that a run left behind can still print, it writes that down until it cannot."""
        with self._changing:
            self._drop()

    def _ready(self) -> _Process:
        if self._process is None or self._process.owner != os.getpid():  # a fork has no scribe of its own yet
            self._process = _Process()
        return self._process

    def _drop(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.owner == os.getpid():
            process.close()


class Page:
    """What the scribe writes for one try of a run."""

    __slots__ = ("number", "overwritten", "process")

    def __init__(self, process: _Process, number: int) -> None:
        self.process = process
        self.number = number
        self.overwritten = False  # by the run, as far as was said


class _Process:
    """A scribe, and the socket on which it is spoken to."""

    def __init__(self) -> None:
        import subprocess
        from socket import socketpair

        self.owner = os.getpid()
        self._number = 0
        self._open = 0  # so many runs may still print, as far as is known
        self._socket, theirs = map(_above, socketpair())
        self._socket.settimeout(PATIENCE_SECONDS)
        try:
            # A session of its own: Ctrl-C on the terminal must not end it before the runs.
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                [sys.executable, "-I", "-S", _PROGRAM, str(self.owner), engine.IMPORT_ROOT],
                stdin=theirs.fileno(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        except BaseException:
            self._socket.close()
            raise
        finally:
            theirs.close()

    def begin(self, files: list[int], told: bytes) -> Page:
        """Tell of a run: its number, how many bytes of secrets follow, and its open files."""
        from socket import send_fds

        self._number += 1
        self._open += 1
        said = b"+%12d%12d" % (self._number, len(told))
        sent = send_fds(self._socket, [said], files)
        self._socket.sendall(said[sent:] + told)
        return Page(self, self._number)

    def end(self, number: int, seconds: float) -> bytes:
        """Say that a run has ended, and give the answer; nothing if it is late, ``?`` if there is none to be had."""
        import time

        late = time.monotonic() + seconds
        try:
            self._socket.sendall(b"-%12d%12d" % (number, 0))
            while (left := late - time.monotonic()) > 0:
                self._socket.settimeout(left)
                answer = _received(self._socket, 13)
                if int(answer[1:]) == number:  # another is late
                    self._open -= answer[:1] in (b".", b"W")
                    return answer[:1]
        except TimeoutError:
            pass
        except OSError:
            return b"?"
        finally:
            if self._socket.fileno() >= 0:
                self._socket.settimeout(PATIENCE_SECONDS)
        return b""

    def close(self) -> None:
        """End the process; not waited for if something that a run left behind keeps it."""
        import subprocess

        try:
            self._socket.sendall(b"q%12d%12d" % (0, 0))
        except OSError:  # it was killed, or stopped
            self._open = 0
            self._process.kill()
        self._socket.close()
        if self._open:
            self._process.returncode = 0  # nobody waits for it
            return
        try:
            self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _received(connection: socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise BrokenPipeError("the scribe is gone")
        data += more
    return data


def _above(connection: socket) -> socket:
    from socket import socket as made

    return made(fileno=above_standard(connection.detach()))
