"""Opening what lies in the output folder: whatever has taken the place of a file, nobody waits for it or drowns in it.

Implements: docs/files-on-disk.md, "Whatever lies there". A named pipe has its reader wait for ever, a device gives
without end, and a file may be larger than the memory. All of pyexp's modules open files of the output folder here.
"""

from __future__ import annotations

import errno
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO

LARGEST = 64 << 20  # a file of more bytes is not read into memory; nothing that is written for one run is as large
_WITHOUT_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_CLOEXEC", 0)
_ADDING = os.O_CREAT | os.O_APPEND | _WITHOUT_WAITING
_KINDS = ((stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"), (stat.S_ISDIR, "a folder"))


def open_file(path: str) -> IO[bytes]:
    """Open a file for reading.

    Raises
    ------
    OSError
        There is no file, or something else in its place.
    """
    return open(_regular(path, os.O_RDONLY | _WITHOUT_WAITING), "rb")


def open_to_add(path: str, *, readable: bool = False) -> int:
    """Open a file to add to its end, which is made if it is not there; give the descriptor.

    With `readable`, what is in it can be looked at, too.

    Raises
    ------
    OSError
        It cannot be made, or something else stands in its place.
    """
    return _regular(path, _ADDING | (os.O_RDWR if readable else os.O_WRONLY))


def add(path: str, data: bytes) -> None:
    """Add to the end of a file.

    Raises
    ------
    OSError
        As for `open_to_add`; or the disk is full.
    """
    with open(open_to_add(path), "ab", buffering=0) as file:
        left = memoryview(data)
        while left:
            left = left[file.write(left) :]


def read_bytes(path: str, largest: int = LARGEST) -> bytes:
    """Read a file that is not larger than `largest` bytes; half as dear as `open`, which counts for 10,000 runs.

    Raises
    ------
    OSError
        There is no file, something else in its place, or one that is too large.
    """
    fd = _regular(path, os.O_RDONLY | _WITHOUT_WAITING)
    try:
        size = os.fstat(fd).st_size
        blocks = []
        left = largest + 1 if size <= largest else 0
        while left > 0 and (block := os.read(fd, min(left, max(size + 1, 1 << 12)))):
            blocks.append(block)
            left -= len(block)
        if left <= 0:
            raise OSError(errno.EFBIG, f"it has more than {largest >> 20} MB", path)
        return blocks[0] if len(blocks) == 1 else b"".join(blocks)
    finally:
        os.close(fd)


def read_text(path: str) -> str | None:
    """Read a text; None when it cannot be read."""
    try:
        return read_bytes(path).decode()
    except (OSError, ValueError):
        return None


def _regular(path: str, flags: int) -> int:
    """Open what is a file; what is none is not waited for, and closed again."""
    fd = os.open(path, flags, 0o666)
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode):
        return fd
    os.close(fd)
    what = next((name for is_one, name in _KINDS if is_one(mode)), "a device")
    raise OSError(errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL, f"it is {what}, no file", path)
