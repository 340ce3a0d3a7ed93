"""Writing files that are never seen half-written (P6), and reading them without trusting them."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO


class aside:
    """Open a file beside `path` for writing; rename it into place when the block ends without an exception.

    A class and not a generator, because `contextlib` is slow to import and a worker starts for every run.
    """

    def __init__(self, path: str, mode: str = "w") -> None:
        self._path = path
        folder, name = os.path.split(path)
        self._temporary = os.path.join(folder, f".{name}.{os.getpid()}.tmp")
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
            _remove(self._temporary)
            raise
        _remove(self._temporary)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass


def write_text(path: str, text: str) -> int:
    """Write `text` to `path` in one step and return its size in bytes."""
    data = text.encode("utf-8", "surrogateescape")
    with aside(path, "wb") as file:
        file.write(data)
    return len(data)


def write_json(path: str, value: Any, *, indent: int | None = 2) -> int:
    """Write `value` as JSON to `path` in one step and return its size in bytes."""
    return write_text(path, json.dumps(value, indent=indent, ensure_ascii=False) + "\n")


def create_json(path: str, value: Any) -> None:
    """Write `value` as JSON to `path`, whole from the first moment, unless somebody has that name already.

    Raises
    ------
    FileExistsError
        The name is taken.
    """
    temporary = f"{path}.{os.getpid()}.tmp"
    write_json(temporary, value, indent=None)
    try:
        os.link(temporary, path)  # exclusive, as a rename is not
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: claim the name first, then fill it
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        os.replace(temporary, path)
    finally:
        _remove(temporary)


def read_json(path: str) -> dict[str, Any] | None:
    """Read a JSON object; None when the file is missing, cut off, or holds something else."""
    try:
        with open(path, "rb") as file:
            value = json.loads(file.read())
    except (OSError, ValueError, RecursionError):
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
