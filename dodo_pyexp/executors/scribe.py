"""The scribe: a small process that writes down what a run prints, without the secrets that are known, and shows it.

It is executed by its path and imports next to nothing, because many runs have one. It stands beside run and build, so
that neither a slow terminal nor a dead build loses a line of the log; it ends when nobody can print any more. What it
reads first is how many bytes follow with the mark that ends what the run prints, and with what must not be seen.
"""

from __future__ import annotations

import os
import select
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MASK = b"***"
BLOCK = 1 << 16
CLOSING_MS = 50  # after its mark, the build closes its end of the pipe


class Stream:
    """Masks secrets in bytes that come piece by piece; holds back no more than could be the beginning of one.

    Parameters
    ----------
    secrets
        What is masked.
    end
        What is left out, and sets `ended`.

    Examples
    --------
    >>> stream = Stream([b"hunter2"])
    >>> stream.fed(b"with hun"), stream.fed(b"ter2 and hunt"), stream.rest()
    (b'with ', b'*** and ', b'hunt')
    """

    def __init__(self, secrets: Sequence[bytes], end: bytes = b"") -> None:
        self.ended = False
        self._end = end
        self._secrets = sorted({secret for secret in (*secrets, end) if secret}, key=len, reverse=True)
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
            self.ended = self.ended or first == self._end
            made += [data[at : places[first]], b"" if first == self._end else MASK]
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


def main(log: int, *, live: bool) -> None:
    """Copy stdin to a log, and to stdout where that is asked for, until it ends."""
    told = _told()
    if told is None:
        return
    end, *secrets = told
    stream = Stream(secrets, end)
    show = _shower() if live else None
    while True:
        data = os.read(0, BLOCK)
        seen = stream.fed(data) if data else stream.rest()
        if seen:
            _write(log, seen)
        if show is not None and not show(seen, not data):
            show = None
        if not data:
            return
        if stream.ended:
            stream.ended = False
            if _is_held_open() and os.fork():  # the build waits for this process, and must not wait for what goes on
                return


def _is_held_open() -> bool:
    """Tell whether something that the run has left behind may still print."""
    waiting = select.poll()
    waiting.register(0, select.POLLIN)
    return not any(flags & select.POLLHUP for _, flags in waiting.poll(CLOSING_MS))


def _told() -> list[bytes] | None:
    """Read the mark and what must not be seen; None if the build ended before it had said all of that."""
    line = data = b""
    while not line.endswith(b"\n"):
        if not (more := os.read(0, 1)):
            return None
        line += more
    while len(data) < int(line):
        if not (more := os.read(0, int(line) - len(data))):
            return None
        data += more
    return data.split(b"\0")


def _shower() -> Callable[[bytes, bool], bool]:
    """Make what shows something; it says whether there is still somebody who looks."""
    if not os.isatty(1):
        return lambda data, ended: _write(1, data)
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    from dodo_pyexp.printable import TerminalText

    text = TerminalText()
    return lambda data, ended: _write(1, text.shown(data, ended=ended).encode("utf-8", "backslashreplace"))


def _write(fd: int, data: bytes) -> bool:
    """Write everything; False if that cannot be done, which nobody has to hear of: the run must not notice."""
    try:
        while data:
            data = data[os.write(fd, data) :]
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main(int(sys.argv[1]), live=sys.argv[2] == "live")
