"""The scribe: a small process that writes down what runs print, without the secrets that are known, and shows it.

A build starts one for all its runs, and tells it of each with its open files. It stands beside runs and build, so that
neither a slow terminal nor a dead build loses a line of a log; it ends when the build is gone and nobody can print any
more. It is executed by its path, and imports little.

What the build says is a letter and two numbers, in 25 bytes: ``+`` for a run, its number, and how many bytes follow
with what must not be seen; ``-`` when the run has ended; ``q`` when the build has. To ``-`` it answers when all that
the run has printed is written down: ``.`` if nothing more can come, ``o`` if something that the run has left behind
keeps its output open, ``?`` if it knows of no such run; ``W`` and ``O`` for the first two, if the run has written over
its log besides.
"""

from __future__ import annotations

import os
import select
import socket
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MASK = b"***"
BLOCK = 1 << 16
MOST_IN_PIPE = 1 << 20
HEAD = 25
LOOKED_AT = 64  # bytes that are looked at again in the end: where they stand no more, the log was written over
OVERWRITTEN = b"pyexp: the function wrote over log.out, which pyexp writes: what was printed before that is lost\n"


class Stream:
    """Masks secrets in bytes that come piece by piece; holds back no more than could be the beginning of one.

    Examples
    --------
    >>> stream = Stream([b"hunter2"])
    >>> stream.fed(b"with hun"), stream.fed(b"ter2 and hunt"), stream.rest()
    (b'with ', b'*** and ', b'hunt')
    """

    def __init__(self, secrets: Sequence[bytes]) -> None:
        self._secrets = sorted({secret for secret in secrets if secret}, key=len, reverse=True)
        self._longest = max(map(len, self._secrets), default=0)
        self._held = b""

    def fed(self, data: bytes) -> bytes:
        """Take more, and give what can be seen of it by now."""
        return self._masked(self._held + data, self._beginnings)

    def rest(self) -> bytes:
        """Give what was held back: nothing more will come."""
        return self._masked(self._held, lambda data: [])

    def _masked(self, data: bytes, beginnings: Callable[[bytes], list[int]]) -> bytes:
        pending, at = beginnings(data), 0
        made: list[bytes] = []
        places = {secret: -1 for secret in self._secrets}
        self._held = b""
        while True:
            for secret, place in list(places.items()):
                if place < at:
                    place = data.find(secret, at)
                    if place < 0:
                        del places[secret]
                    else:
                        places[secret] = place
            first = min(places, key=lambda secret: (places[secret], -len(secret)), default=b"")
            while pending and pending[0] < at:
                pending.pop(0)
            if pending and (not first or pending[0] <= places[first]):
                self._held = data[pending[0] :]
                return b"".join([*made, data[at : pending[0]]])
            if not first:
                return b"".join([*made, data[at:]])
            made += [data[at : places[first]], MASK]
            at = places[first] + len(first)

    def _beginnings(self, data: bytes) -> list[int]:
        """Find where a secret may begin of which the rest is still to come."""
        found = []
        for secret in self._secrets:
            place = data.find(secret[:1], max(0, len(data) - len(secret) + 1))
            while place >= 0:
                if secret.startswith(data[place:]):
                    found.append(place)
                place = data.find(secret[:1], place + 1)
        return sorted(set(found))


class Written:
    """What was written into a log, as far as it takes to notice that somebody has written over it.

    Parameters
    ----------
    log
        The log, open for adding to its end; if for reading as well, more is noticed than that it became shorter.
    """

    def __init__(self, log: int) -> None:
        self._log = log
        self._size = os.fstat(log).st_size
        self._first = 0, _stands(log, LOOKED_AT, 0) or b""  # of earlier tries
        self.over = False

    def add(self, data: bytes) -> None:
        """Write more."""
        if data and _write(self._log, data):
            self._size += len(data)
            if not self._first[1]:
                self._first = os.lseek(self._log, 0, os.SEEK_CUR) - len(data), data[:LOOKED_AT]

    def check(self) -> None:
        """Tell, in the log, if it is shorter than what was written into it, or does not begin with that any more."""
        place, first = self._first
        if os.fstat(self._log).st_size >= self._size and _stands(self._log, len(first), place) in (first, None):
            return
        self.over = True
        self._size, self._first = 0, (0, b"")  # told once
        _write(self._log, OVERWRITTEN)


class Page:
    """One run: where its output comes from, and where it goes."""

    def __init__(self, files: list[int], secrets: list[bytes]) -> None:
        self.source, self._log, *shown = files
        self._stream = Stream(secrets)
        self.written = Written(self._log)
        self._shown = shown[0] if shown else -1
        self._show = _shower(self._shown) if shown else None
        self.open = True

    def read(self) -> int:
        """Write down what there is to read by now, up to a block; give how much that was."""
        data = os.read(self.source, BLOCK)
        seen = self._stream.fed(data) if data else self._stream.rest()
        self.written.add(seen)
        if self._show is not None and not self._show(seen, not data):
            self.hide()
        if not data:
            self.open = False
            self.hide()
            self.written.check()
            os.close(self.source)
            os.close(self._log)
        return len(data)

    def read_all(self) -> None:
        """Write down what was printed until now; what goes on printing is not waited for."""
        left = MOST_IN_PIPE
        while self.open and left > 0 and _is_readable(self.source):
            left -= self.read()
        if self.open:
            self.written.check()

    def hide(self) -> None:
        """Show nothing more."""
        if self._shown >= 0:
            os.close(self._shown)
        self._shown, self._show = -1, None


class Desk:
    """All runs that are on their way, and the build that tells of them."""

    def __init__(self, build: int) -> None:
        self._build = build
        self._socket = socket.socket(fileno=0)
        self._listening = True
        self._said, self._size = bytearray(), HEAD  # of the next thing: what has come, and how long it is
        self._files: list[int] = []
        self._pages: dict[int, Page] = {}
        self._sources: dict[int, Page] = {}
        self._waiting = select.poll()
        self._waiting.register(0, select.POLLIN)
        self._pause: int | None = None
        try:
            self._gone = os.pidfd_open(build)
            self._waiting.register(self._gone, select.POLLIN)
        except (AttributeError, OSError):  # macOS, old kernels: look from time to time instead
            self._gone, self._pause = -1, 500

    def work(self) -> None:
        """Write until the build is gone and nobody can print any more."""
        while self._listening or self._sources:
            found = {fd for fd, _ in self._waiting.poll(self._pause)}
            for fd in found & self._sources.keys():
                self._sources[fd].read()
                self._tidy(fd)
            if self._listening and 0 in found and not self._heard():
                self._leave()
            # The build's socket may stay open in what it has forked, so that its end alone would not do.
            if self._listening and (self._gone in found or os.getppid() != self._build):
                while _is_readable(0) and self._heard():
                    pass  # of runs that it had just begun
                self._leave()

    def _tidy(self, fd: int) -> None:
        if not self._sources[fd].open:
            self._waiting.unregister(fd)
            del self._sources[fd]

    def _heard(self) -> bool:
        """Hear what the build says, as far as it has come: the rest is not waited for. False if nothing more will."""
        try:
            heard, files, _, _ = socket.recv_fds(self._socket, min(self._size - len(self._said), BLOCK), 3)
            self._said += heard
            self._files += files
            if heard and len(self._said) == HEAD == self._size:
                self._size += int(self._said[13:])
            return bool(heard) and (len(self._said) < self._size or self._obeyed())
        except (OSError, ValueError):
            return False

    def _obeyed(self) -> bool:
        """Do what the build has said; False if that is to end."""
        said, files = bytes(self._said), self._files
        self._said, self._files, self._size = bytearray(), [], HEAD
        what, number, secrets = said[:1], int(said[1:13]), said[HEAD:].split(b"\0")
        if what == b"+" and len(files) > 1:
            page = self._pages[number] = self._sources[files[0]] = Page(files, secrets)
            self._waiting.register(page.source, select.POLLIN)
        elif what == b"+":  # there is no room for its files
            for fd in files:
                os.close(fd)
        elif what == b"-":
            self._socket.sendall(b"%s%12d" % (self._ended(number), number))
        return what in (b"+", b"-")

    def _ended(self, number: int) -> bytes:
        """Write down what a run has printed, and forget it."""
        page = self._pages.pop(number, None)
        if page is None:
            return b"?"
        if page.open:
            page.read_all()
            page.hide()
            self._tidy(page.source)
        if page.written.over:
            return b"O" if page.open else b"W"
        return b"o" if page.open else b"."

    def _leave(self) -> None:
        """The build is gone: hear and show nothing any more."""
        self._listening = False
        for fd in (0, self._gone):
            if fd >= 0:
                self._waiting.unregister(fd)
        self._socket.close()
        for fd in self._files:
            os.close(fd)
        for page in self._sources.values():
            page.hide()


def _stands(log: int, size: int, place: int) -> bytes | None:
    """Give what stands in a log; None if it cannot be read."""
    try:
        return os.pread(log, size, place)
    except OSError:
        return None


def _is_readable(fd: int) -> bool:
    now = select.poll()
    now.register(fd, select.POLLIN)
    return bool(now.poll(0))


def _shower(fd: int) -> Callable[[bytes, bool], bool]:
    """Make what shows something; it says whether there is still somebody who looks."""
    if not os.isatty(fd):
        return lambda data, ended: _write(fd, data)
    sys.path.insert(0, sys.argv[2])
    from dodo_pyexp.printable import TerminalText

    text = TerminalText()
    return lambda data, ended: _write(fd, text.shown(data, ended=ended).encode("utf-8", "backslashreplace"))


def _write(fd: int, data: bytes) -> bool:
    """Write everything; False if that cannot be done, which nobody has to hear of: the run must not notice."""
    try:
        while data:
            data = data[os.write(fd, data) :]
    except OSError:
        return False
    return True


def _make_room() -> None:
    """Open as many files as may be: a build with many runs at once has three for each here."""
    import resource

    try:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    except (OSError, ValueError):  # macOS has a lower limit besides
        pass


if __name__ == "__main__":
    _make_room()
    Desk(int(sys.argv[1])).work()
