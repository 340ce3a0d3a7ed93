"""`Digests`: what is in files, known from one build to the next, so that none is read twice as long as it is the same.

A file counts as the same while its size, its times and its inode are. As in git, this is not believed of a file that
was written so short a time before it was read that it could have been written again within one tick of the clock.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from ...store import atomic
from ...store.digest import BLOCK, SUM_LENGTH, sha256
from ...store.opening import open_file
from .entries import was_fresh

if TYPE_CHECKING:
    from collections.abc import Callable

FORMAT = 1
MOST_KEPT = 200_000  # files; of more, those that were read last
LARGEST = 1 << 26  # bytes that the file of all digests may have
RESOLUTION = 2_000_000_000  # nanoseconds: the coarsest clock of a file system in use
MOST_GROWN = 1 << 26  # bytes more than a file had when it was found
TOLD_FROM = 1 << 30  # bytes of a file of which it is told that it is being read
TOLD_EVERY = 5.0  # seconds
_FIELDS = (int, int, int, int, int, str)


class ChangingFile(OSError):
    """A file was written to while it was read."""


class Digests:
    """The digests of files, by their absolute paths.

    Parameters
    ----------
    path
        Where they are kept; None: nowhere.
    """

    def __init__(self, path: str | None = None) -> None:
        self._path = path
        self._kept: dict[str, list[Any]] | None = None
        self._new: dict[str, list[Any]] = {}
        #: Told of a large file, now and then, how much of it has been read: its path, bytes read, bytes in all.
        self.progress: Callable[[str, int, int], None] = lambda path, done, size: None

    def of(self, path: str, found: os.stat_result) -> str:
        """Give the digest of the content of a file that was found like this.

        Raises
        ------
        ChangingFile
            It changes while it is read.
        OSError
            It cannot be read.
        """
        digest = self.known(path, found)
        if digest is None:
            seen = time.time_ns()
            digest = self._read(path, found.st_size)
            if _key(os.stat(path)) != _key(found):
                raise _changing(path)
            self._new[path] = [*_key(found), seen, digest]
        return digest

    def known(self, path: str, found: os.stat_result) -> str | None:
        """Give the digest of a file that was found like this, if that needs no reading."""
        key = _key(found)
        known = self._new.get(path)
        if known is None or known[:4] != key or was_fresh((known[1], known[3]), known[4]):
            known = self._load().get(path)
            if known is None or known[:4] != key or max(known[1], known[3]) + RESOLUTION >= known[4]:
                return None
        return known[5]  # type: ignore[no-any-return]  # see _FIELDS

    def save(self) -> None:
        """Keep what was read for the next build; a cache: where it cannot be written, files are read again."""
        if not self._new or self._path is None:
            return
        self._kept = None
        kept = {**self._load(), **self._new}
        if len(kept) > MOST_KEPT:
            last = sorted(kept, key=lambda path: kept[path][4])[-MOST_KEPT:]
            kept = {path: kept[path] for path in last}
        try:
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
            atomic.write_json(self._path, {"format": FORMAT, "files": kept}, indent=None)
        except OSError:
            return
        self._kept, self._new = kept, {}

    def _load(self) -> dict[str, list[Any]]:
        if self._kept is None:
            values = None if self._path is None else atomic.read_json(self._path, LARGEST)
            files = values.get("files") if values is not None and values.get("format") == FORMAT else None
            self._kept = {
                path: entry for path, entry in files.items()
                if isinstance(entry, list) and tuple(map(type, entry)) == _FIELDS
            } if isinstance(files, dict) else {}  # fmt: skip
        return self._kept

    def _read(self, path: str, size: int) -> str:
        digest, done, told = sha256(size), 0, time.monotonic()
        with open_file(path) as file:
            while block := file.read(BLOCK):
                digest.update(block)
                done += len(block)
                if done > size + MOST_GROWN:  # whoever writes it may be faster than this, and never be done
                    raise _changing(path)
                if size >= TOLD_FROM and time.monotonic() - told >= TOLD_EVERY:
                    told = time.monotonic()
                    self.progress(path, done, size)
        return digest.hexdigest()[:SUM_LENGTH]


def _changing(path: str) -> ChangingFile:
    return ChangingFile(f"{path} changes while it is read")


def _key(found: os.stat_result) -> list[int]:
    return [found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns]
