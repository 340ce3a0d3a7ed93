"""`Contents`: what files are like today, which thousands of runs may have read: each is asked once a build."""

from __future__ import annotations

import os
import stat

from ...store.digest import BLOCK, SUM_LENGTH, sha256
from ...store.opening import open_file
from .listing import listing

# Bytes of a file that is known by its size and its time alone; and of all that a build reads to know files better.
LARGEST = 1 << 30
MOST_BYTES = 10 << 30

Stat = tuple[int, int, int]
"""Size of a file; when it was written, as it says; and when that was said (nanoseconds since the epoch)."""


class Contents:
    """Looks at files, and remembers what it has seen."""

    def __init__(self) -> None:
        self._stats: dict[str, Stat | None] = {}
        self._digests: dict[tuple[str, int, int, int, int], str] = {}
        self._listings: dict[str, tuple[int, int, str] | None] = {}
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
        key = path, found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns
        if key not in self._digests:
            if found.st_size > LARGEST or found.st_size > self._left:
                return None
            self._left -= found.st_size
            try:
                digest = _digest_of(path, found.st_size)
            except OSError:
                return None
            after = _look(path)
            if after is None or (path, after.st_size, after.st_mtime_ns, after.st_ino, after.st_ctime_ns) != key:
                return digest  # of something in between: it is changing
            self._digests[key] = digest
        return self._digests[key]

    def listing(self, folder: str) -> tuple[int, int, str] | None:
        """Give number, bytes and digest of the files in a folder; None if there is no such folder."""
        if folder not in self._listings:
            self._listings[folder] = listing(folder)
        return self._listings[folder]

    def forget(self) -> None:
        """Look again from here on: a run was executed, and may have written what others read."""
        self._stats.clear()
        self._listings.clear()


def _look(path: str) -> os.stat_result | None:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def _digest_of(path: str, size: int) -> str:
    digest = sha256(size)
    with open_file(path) as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()[:SUM_LENGTH]
