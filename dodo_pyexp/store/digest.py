"""The digest of what a run put out: its return value and the files it saved, by content.

Implements: docs/how-it-works.md, "What makes a run out of date": downstream runs depend on this digest, not on when the
run took place.
"""

from __future__ import annotations

import os
import stat

from .opening import open_file
from .paths import AttemptFolder, is_attempt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from hashlib import _Hash
    from typing import IO

BLOCK = 1 << 20
SUM_LENGTH = 32
WATCHED = 1000  # a run that saved more files than this is not checked for them before every build


def sha256(size: int = 0) -> _Hash:
    """Start a SHA-256: for little data the interpreter's own, as loading OpenSSL's takes longer than hashing."""
    if size < BLOCK:
        try:
            from _sha256 import sha256 as new  # type: ignore[import-not-found]  # Python 3.11
        except ImportError:
            try:
                from _sha2 import sha256 as new  # type: ignore[import-not-found]  # Python 3.12 and later
            except ImportError:
                from hashlib import sha256 as new
    else:
        from hashlib import sha256 as new
    started: _Hash = new()
    return started


def saved_files(attempt: AttemptFolder, taken: Collection[str] = ()) -> Iterator[tuple[str, str]]:
    """Yield ``(relative path, path)`` of each file the function saved in the attempt's folder.

    `taken` are names of pyexp's own files in whose place the function saved its own. What Python keeps of modules that
    were imported from there (`__pycache__`) was saved by nobody, and is never the same twice.
    """
    pending = [""]
    while pending:
        below = pending.pop()
        try:
            entries = os.scandir(f"{attempt.path}/{below}")
        except (FileNotFoundError, PermissionError):  # something that the run left behind is still tidying up
            continue
        with entries:
            for entry in entries:
                relative = f"{below}{entry.name}"
                if not below and (_temporary(relative) or (relative in AttemptFolder.OWN and relative not in taken)):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if entry.name == "__pycache__" or (not below and is_attempt(entry)):
                        continue  # attempts: of the time when this run kept its attempts apart
                    pending.append(f"{relative}/")
                else:
                    yield relative, entry.path


def saved_sizes(saved: Collection[tuple[str, str]]) -> dict[str, int]:
    """Give the size of each saved file; nothing when there are more than `WATCHED`, too many to look at each time.

    Links, pipes and sockets are not watched: what a link leads to may lie elsewhere, and be gone there when the output
    folder has been moved or has come from another machine.
    """
    if len(saved) > WATCHED:
        return {}
    sizes: dict[str, int] = {}
    for relative, path in saved:
        try:
            info = os.lstat(path)
        except OSError:  # gone already
            continue
        if stat.S_ISREG(info.st_mode):
            sizes[relative] = info.st_size
    return sizes


def _temporary(name: str) -> bool:
    return name.startswith(".") and name.endswith(".tmp")


def file_digest(path: str) -> bytes:
    """Hash a file's content in blocks; a symbolic link counts as the text of its target when that is no file.

    A socket or a pipe, and a file that is gone or may not be read, count as empty.
    """
    if not os.path.isfile(path):
        text = os.readlink(path) if os.path.islink(path) else ""
        return _digest(text.encode("utf-8", "surrogateescape"))
    try:
        with open_file(path) as file:
            return _digest_of(file)
    except (FileNotFoundError, PermissionError):
        return _digest(b"")


def _digest_of(file: IO[bytes]) -> bytes:
    """Hash what is left of a file."""
    size = os.fstat(file.fileno()).st_size
    if size < BLOCK:
        return _digest(file.read())
    digest = sha256(size)
    while block := file.read(BLOCK):
        digest.update(block)
    return digest.digest()


def _digest(data: bytes) -> bytes:
    digest = sha256(len(data))
    digest.update(data)
    return digest.digest()


def sum_of(path: str) -> str:
    """Give the digest of a file as records hold it."""
    return file_digest(path).hex()[:SUM_LENGTH]


def sum_of_open(file: IO[bytes]) -> str:
    """Give what `sum_of` gives for a file that has been opened, and go back to its beginning."""
    found = _digest_of(file).hex()[:SUM_LENGTH]
    file.seek(0)
    return found


def sum_of_bytes(data: bytes) -> str:
    """Give what `sum_of` gives for a file that holds `data`."""
    return _digest(data).hex()[:SUM_LENGTH]


def value_digest(pickled: bytes) -> bytes:
    """Hash a pickled return value."""
    return _digest(pickled)


def output_digest(value: bytes, saved: Collection[tuple[str, str]]) -> str:
    """Combine the digest of the return value with those of the saved files, which come in order."""
    digest = sha256()
    digest.update(value)
    for relative, path in saved:
        digest.update(relative.encode("utf-8", "surrogateescape") + b"\0" + file_digest(path))
    return digest.hexdigest()[:32]
