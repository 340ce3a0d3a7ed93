"""Regular expressions that a user writes, to choose runs by their names: compiled and searched here, and nowhere else.

Python's own `re` decides what they mean. It tries some of them in so many ways that it would not end, ``(a+)+$`` for
example; so the time is limited that one may take for all the names it is searched in. The limit is a timer of the
process's own time, which `re` heeds. It heeds none in other threads than the main one, where it would stop the whole
process: there a process of its own searches for them, which the same timer ends.
"""

from __future__ import annotations

import json
import re
import signal
import sys
import time

from ..errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence
    from typing import Any

SECONDS = 1.0  # seconds of the processor's time that one pattern may take in all
_HARMLESS = 100  # signs: a shorter name cannot take long where a pattern repeats at most one thing, and no group

_SEARCHER = """
import json, re, signal, sys
search = re.compile(json.loads(sys.stdin.readline())).search
for line in sys.stdin:
    left, texts = json.loads(line)
    signal.setitimer(signal.ITIMER_VIRTUAL, left)
    found = [search(text) is not None for text in texts]
    left = signal.setitimer(signal.ITIMER_VIRTUAL, 0)[0]
    print(json.dumps([left, found]), flush=True)
"""


class PatternError(ConfigError):
    """A regular expression that does not compile, or takes too long."""


class Pattern:
    """A regular expression.

    Parameters
    ----------
    text
        As the user wrote it.
    where
        Starts the message of an error, such as ``--filter``.
    glob
        The text is a glob instead, for the whole of a name.

    Raises
    ------
    PatternError
        It does not compile.

    Examples
    --------
    >>> Pattern("^a+$").found_in("aaa")
    True
    """

    __slots__ = ("_left", "_repeats", "_search", "_searcher", "_source", "_where")

    def __init__(self, text: str, where: str = "", *, glob: bool = False) -> None:
        from fnmatch import translate

        self._where = f"{where} {_shown(text)}".lstrip()
        self._source = translate(text) if glob else text
        self._left = SECONDS
        self._searcher: subprocess.Popen[str] | None = None
        self._repeats = sum(map(text.count, "*+{" if "(" not in text else "*+{("))
        try:
            self._search = re.compile(self._source).search
        except (re.error, OverflowError) as error:
            raise PatternError(f"{self._where} is no regular expression: {error}") from None
        except (RecursionError, MemoryError):
            raise PatternError(f"{self._where} is too large for a regular expression") from None

    def found_in(self, text: str) -> bool:
        """Tell whether it is found in a name.

        Raises
        ------
        PatternError
            It takes too long.
        """
        return self.found_among((text,))[0]

    def found_among(self, texts: Sequence[str]) -> list[bool]:
        """Tell of each name whether it is found in it; that costs the setting of one timer, and not one for each.

        Raises
        ------
        PatternError
            It takes too long.
        """
        search = self._search
        if not self._repeats or (self._repeats == 1 and max(map(len, texts), default=0) < _HARMLESS):
            return [search(text) is not None for text in texts]
        try:
            before = signal.signal(signal.SIGVTALRM, _give_up)
        except ValueError:  # not the main thread
            return self._found_elsewhere(texts)
        began = time.process_time()  # a timer's own count is too coarse for thousands of short searches
        timer = signal.setitimer(signal.ITIMER_VIRTUAL, max(self._left, 0.001))
        try:
            try:
                if self._left < 0:
                    raise _TooSlow
                return [search(text) is not None for text in texts]
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)  # in here, as the time may be up at this very moment
        except _TooSlow:
            raise self._too_slow() from None
        finally:
            signal.signal(signal.SIGVTALRM, before)
            signal.setitimer(signal.ITIMER_VIRTUAL, *timer)
            self._left -= time.process_time() - began

    def _found_elsewhere(self, texts: Sequence[str]) -> list[bool]:
        """Search in a process of its own, which ends when the time is up; later searches are made there, too."""
        from subprocess import PIPE, Popen

        searcher = self._searcher
        try:
            if searcher is None:
                command = [sys.executable, "-I", "-S", "-c", _SEARCHER]
                self._searcher = searcher = Popen(command, stdin=PIPE, stdout=PIPE, text=True)
                print(json.dumps(self._source), file=searcher.stdin)
            if self._left <= 0:
                raise self._too_slow()
            print(json.dumps([self._left, texts]), file=searcher.stdin, flush=True)
            answer = searcher.stdout.readline() if searcher.stdout is not None else ""
            left, found = json.loads(answer)
        except (OSError, ValueError):  # it was ended
            self._left = 0.0
            raise self._too_slow() from None
        self._left = float(left)
        return list(map(bool, found))

    def _too_slow(self) -> PatternError:
        return PatternError(
            f"{self._where} takes longer than {SECONDS:g} s, because there are so many ways to try it; write it "
            "with fewer repetitions, and without some inside others"
        )

    def __del__(self) -> None:
        searcher = getattr(self, "_searcher", None)
        if searcher is not None:
            searcher.kill()
            searcher.communicate()


class _TooSlow(Exception):
    """The time is up."""


def _give_up(*_: Any) -> None:
    raise _TooSlow


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
