"""`Contents`: what files are like today, which thousands of runs may have read: each is asked once a build."""

from __future__ import annotations

import os
import stat
import time
from typing import Any

from .declared import Seen, see_file, see_folder
from .digests import Digests
from .entries import Stat
from .listing import listing, newest

# Bytes of a file that is known by its size and its time alone; and of all that a build reads to know files better.
LARGEST = 1 << 30
MOST_BYTES = 10 << 30


class Contents:
    """Looks at files, and remembers what it has seen.

    Parameters
    ----------
    kept
        The file in which digests are kept from build to build.
    """

    def __init__(self, kept: str | None = None) -> None:
        #: What is in files, with what earlier builds knew of them.
        self.digests = Digests(kept)
        self._declared: dict[tuple[str, str], Seen] = {}
        #: What a record said of the inputs of a run, and still holds, by the id of that set of inputs.
        self.same: dict[int, Any] = {}
        self._stats: dict[str, Stat | None] = {}
        self._listings: dict[str, tuple[tuple[int, int], tuple[int, str, int] | None]] = {}
        self._newest: dict[str, int] = {}
        self._left = MOST_BYTES

    def stat(self, path: str) -> Stat | None:
        """Give size and times of a file; None if there is no such file."""
        if path not in self._stats:
            found = _look(path)
            self._stats[path] = None if found is None else (found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        return self._stats[path]

    def digest(self, path: str) -> str | None:
        """Give the digest of a file's content; None if it cannot be read, or is too large for that."""
        found = _look(path)
        if found is None:
            return None
        digest = self.digests.known(path, found)
        if digest is None and found.st_size <= min(LARGEST, self._left):
            self._left -= found.st_size
            try:
                digest = self.digests.of(path, found)
            except OSError:
                return None
        return digest

    def listing(self, folder: str) -> tuple[int, str, int] | None:
        """Give number and digest of the names in a folder, and when that was; None if there is no such folder."""
        try:
            found = os.stat(folder)
        except (OSError, ValueError):
            return None
        state = found.st_ino, found.st_ctime_ns
        known = self._listings.get(folder)
        if known is None or known[0] != state:
            names, now = listing(folder), time.time_ns()
            known = self._listings[folder] = state, None if names is None else (*names, now)
        return known[1]

    def newest(self, folder: str) -> int:
        """Tell when one of the files in a folder was changed last (nanoseconds since the epoch)."""
        if folder not in self._newest:
            self._newest[folder] = newest(folder)
        return self._newest[folder]

    def declared(self, kind: str, place: str) -> Seen:
        """Look at a declared file or folder."""
        if (kind, place) not in self._declared:
            self._declared[kind, place] = (see_file if kind == "file" else see_folder)(place, self.digests)
        return self._declared[kind, place]

    def forget(self) -> None:
        """Look again from here on: a run was executed, and may have written what others read."""
        self._stats.clear()
        self._declared.clear()
        self.same.clear()
        self._newest.clear()


def _look(path: str) -> os.stat_result | None:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found if stat.S_ISREG(found.st_mode) else None
