"""Writing files that are never seen half-written, and reading them without trusting them.

Nothing is forced to the disk: after a power cut a file may be empty or gone, and then the sizes in the record tell.
"""

from __future__ import annotations

import errno
import json
import os
from _thread import get_ident  # without all of threading, which a worker does not need

from .opening import LARGEST, read_bytes

TYPE_CHECKING = False  # what typing.TYPE_CHECKING is, without importing typing in every worker
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO, Any


# What json.dumps and json.loads do, without looking at their options for every file.
_for_people = json.JSONEncoder(separators=(",\n ", ": "), ensure_ascii=False).encode
_compact = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_decode = json.JSONDecoder().decode

# What is said where something else stands in the place of a file or a folder.
IN_THE_WAY = (errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP, errno.ENOTEMPTY)
# What file systems say that have no hard links.
NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL, errno.EACCES)


class TooLarge(Exception):
    """What is to be written is so large that it would not be read back; `size` are its bytes."""

    def __init__(self, size: int) -> None:
        super().__init__(f"{size} bytes")
        self.size = size


class aside:  # noqa: N801  # read in a `with` statement, like contextlib's own
    """Open a file beside `path` for writing; rename it into place when the block ends without an exception.

    A class and not a generator, because `contextlib` is slow to import and a worker starts for every run.
    """

    def __init__(self, path: str, mode: str = "w") -> None:
        self._path = path
        self._temporary = _beside(path)
        self._file: IO[Any] = open(self._temporary, mode, encoding=None if "b" in mode else "utf-8")  # noqa: SIM115

    def __enter__(self) -> IO[Any]:
        return self._file

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            self._file.close()
            if kind is None:
                os.replace(self._temporary, self._path)
                return
        except BaseException:
            remove(self._temporary)
            raise
        remove(self._temporary)


def remove(path: str) -> None:
    """Delete a file, if it is there and can be deleted."""
    try:
        os.unlink(path)
    except OSError:
        pass


def touch(path: str | os.PathLike[str]) -> None:
    """Give a file or folder the date of now; where that is not allowed, it keeps its own."""
    try:
        os.utime(path)
    except OSError:
        pass


def write_text(path: str, text: str) -> int:
    """Write `text` to `path` in one step and return its size in bytes."""
    return write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_bytes(path: str, data: bytes) -> int:
    """Write `data` to `path` in one step and return its size."""
    temporary = _beside(path)
    try:
        _write(temporary, data)
        os.replace(temporary, path)
    except BaseException:
        remove(temporary)
        raise
    return len(data)


def write_mark(path: str, text: str = "") -> None:
    """Write a file that is there for people, or only to be there: nobody reads it back, so it is just written."""
    remove(path)  # it may be a link by now
    _write(path, text.encode("utf-8", "backslashreplace"))


def mark(path: str, twin: str) -> None:
    """Make a file that only has to be there: another name for `twin`, which costs a fiftieth of a new file."""
    try:
        os.link(twin, path)
    except OSError:  # it is there already, or this file system has no hard links
        write_mark(path)


def _write(path: str, data: bytes) -> None:
    """Write a new file; half as dear as `open`, which counts when eight files are written for every run."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0), 0o666)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(fd, left) :]
    finally:
        os.close(fd)


def _beside(path: str) -> str:
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}.{os.getpid()}-{get_ident()}.tmp")


def write_json(path: str, value: Any, *, indent: int | None = 2) -> int:
    """Write `value` as JSON to `path` in one step and return its size in bytes."""
    return write_bytes(path, json_bytes(value, indent=indent))


def json_bytes(value: Any, *, indent: int | None = 2) -> bytes:
    """Give `value` as JSON, readable where UTF-8 can hold it (it cannot hold half a surrogate pair).

    With lines for people, the items are on lines of their own; `json` has its fast encoder only where nothing is
    indented.
    """
    try:
        return ((_compact if indent is None else _for_people)(value) + "\n").encode()
    except UnicodeEncodeError:
        separators = (",", ":") if indent is None else (",\n ", ": ")
        return (json.dumps(value, separators=separators) + "\n").encode()


def create_json(path: str, value: Any, largest: int | None = None) -> None:
    """Write `value` as JSON to `path`, whole from the first moment, unless somebody has that name already.

    Raises
    ------
    FileExistsError
        The name is taken.
    TooLarge
        It has more than `largest` bytes, and is not there.
    """
    temporary = _beside(path)
    try:
        write_json(temporary, value, indent=None)
        if largest is not None and (size := os.path.getsize(temporary)) > largest:
            raise TooLarge(size)
        try:
            os.link(temporary, path)  # exclusive, as a rename is not
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))  # claim the name first, then fill it
            os.replace(temporary, path)
    finally:
        remove(temporary)


def read_json(path: str, largest: int = LARGEST) -> dict[str, Any] | None:
    """Read a JSON object; None when the file is missing, cut off, too large, or holds something else."""
    try:
        value = _decode(read_bytes(path, largest).decode())
    except (OSError, ValueError, RecursionError, MemoryError):
        return None
    return value if isinstance(value, dict) else None


def temporary_files(folder: str) -> Iterator[str]:
    """Name the leftovers in `folder` of writers that were killed before they could rename."""
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        if name.startswith(".") and name.endswith(".tmp"):
            yield name
