"""Writing what a run gave back into its attempt; the same for all executors.

Implements: docs/files-on-disk.md (`experiment.pkl`, `result.json`, `status.json`): a value that cannot be saved fails
that run and nothing else.
"""

from __future__ import annotations

import os
import sys
import time

from ..store import atomic, status, timestamps
from ..store.digest import output_digest, saved_files, saved_sizes, sum_of_bytes, value_digest
from ..store.opening import open_file
from ..store.paths import CONFIG, FINISHED, LOG, PICKLE, RESULT, STATUS, AttemptFolder
from .pickling import dumps, self_contained
from .result import Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ..config.config import Config

_SCALARS = (str, int, float, bool, type(None))
_VITAL = (PICKLE, STATUS, FINISHED)
_PARTS = 200_000  # values written to `result.json`: it is for tables, and a value may contain itself


class UnsavableResult(Exception):
    """The return value cannot be pickled, or the function took a file name that pyexp needs."""


class OwnFiles:
    """Remembers pyexp's own files in an attempt, to tell afterwards which of them the function put its own in place of.

    Functions do save a `config.json` or a `result.json` of theirs (libraries have them do so); such a file is left
    alone and counts as one of the run's outputs. Pyexp's own then stands beside it.

    Parameters
    ----------
    attempt
        The attempt.
    laid_out
        Names that are written over by pyexp itself: in other dialects, a folder holds other files under them.
    """

    def __init__(self, attempt: AttemptFolder, laid_out: Iterable[str] = ()) -> None:
        self._attempt = attempt
        self._laid_out = frozenset(laid_out)
        self._before = self._look()
        self._contents = {name: data for name in AttemptFolder.SHARED if (data := self._read(name)) is not None}

    def taken(self) -> set[str]:
        """Name the files that are not pyexp's any more."""
        return {name for name, mark in self._look().items() if self._before.get(name) != mark}

    def wrote(self, name: str) -> None:
        """Take note that pyexp itself has just written one of them."""
        if (mark := self._look().get(name)) is not None:
            self._before[name] = mark

    def rescue(self) -> list[str]:
        """Write pyexp's own files again, beside those that the function put in their place; name these."""
        taken = sorted(self.taken().intersection(self._contents) - self._laid_out)
        for name in taken:
            atomic.write_bytes(f"{self._attempt.path}/{name}{AttemptFolder.BESIDE}", self._contents[name])
        return taken

    def _read(self, name: str) -> bytes | None:
        try:
            with open_file(f"{self._attempt.path}/{name}") as file:
                return file.read()
        except OSError:
            return None

    def _look(self) -> dict[str, tuple[int, int, int]]:
        marks: dict[str, tuple[int, int, int]] = {}
        folder = self._attempt.path
        try:
            names = os.listdir(folder)
        except OSError:  # the function deleted it
            return marks
        for name in names:
            if name in AttemptFolder.OWN and name != LOG and not name.endswith(AttemptFolder.BESIDE):
                try:
                    found = os.lstat(f"{folder}/{name}")
                except OSError:
                    continue
                marks[name] = found.st_ino, found.st_mtime_ns, found.st_size
        return marks


def save_success(
    attempt: AttemptFolder, state: dict[str, Any], config: Config, value: Any, own: OwnFiles | None = None
) -> None:
    """Write the return value, its digest and the final status.

    Parameters
    ----------
    attempt, state, config
        The attempt, what its status says so far, and the config of the run.
    value
        What the function returned.
    own
        Made before the function was called.

    Raises
    ------
    UnsavableResult
        The value cannot be saved; nothing of it is left behind.
    """
    if not os.path.isdir(attempt.path):  # the function deleted it
        os.makedirs(attempt.path)
    taken = own.taken() if own is not None else {PICKLE} if os.path.lexists(attempt.pickle) else set()
    for name in _VITAL:
        if name in taken:
            raise UnsavableResult(f"the function wrote {name} into its folder, a name pyexp uses; choose another")
    digest, pickle_sum = _pickle(attempt.pickle, Result(config, result=value, finished=True), value)
    try:
        sums = {PICKLE: pickle_sum}
        names = [PICKLE]
        config_json = os.path.basename(attempt.own(CONFIG))
        if config_json not in taken and os.path.exists(f"{attempt.path}/{config_json}"):
            names.append(config_json)
        if (readable := _json_form(value)) is not None:
            beside = AttemptFolder.BESIDE if os.path.lexists(attempt.result_json) else ""
            atomic.write_bytes(attempt.result_json + beside, readable)
            if beside:
                state[status.TAKEN] = [*state.get(status.TAKEN, ()), RESULT]
            names.append(f"{RESULT}{beside}")
            sums[names[-1]] = sum_of_bytes(readable)
        found = {name: os.stat(f"{attempt.path}/{name}") for name in names}
        saved = sorted(saved_files(attempt, taken))
        outputs = {
            "files": {name: stat.st_size for name, stat in found.items()},
            "saved": saved_sizes(saved),
            "sums": sums,
            "written": max(stat.st_mtime_ns for stat in found.values()),
        }
        status.end(attempt, state, status.FINISHED, digest=output_digest(digest, saved), **outputs)
    except BaseException:
        os.unlink(attempt.pickle)
        raise


def rehearse(state: dict[str, Any], config: Config) -> None:
    """Do what `save_success` does with its values, but write nothing.

    For a fork that waits for its run: memory pages that it has written to once need not be copied any more.
    """
    value: dict[str, Any] = {}
    value_digest(dumps(value))
    sum_of_bytes(dumps(Result(config, result=value, finished=True)))
    _json_form(value)
    atomic.json_bytes({**state, "end": timestamps.to_iso(time.time())})


def save_failure(attempt: AttemptFolder, state: dict[str, Any], config: Config, error: dict[str, Any]) -> None:
    """Write why the run failed: the final status, and a Result without a value."""
    os.makedirs(attempt.path, exist_ok=True)
    ended = status.end(attempt, state, status.FAILED, error=error)
    if os.path.lexists(attempt.pickle):  # a file of the function's own, and it may be all that there is
        return
    result = Result(config, error=status.error_text(ended), finished=True)
    atomic.write_bytes(attempt.pickle, dumps(result))


def _pickle(path: str, result: Result, value: Any) -> tuple[bytes, str]:
    """Pickle `result` to `path`; give the digest of `value` alone, and the sum of the file."""
    try:
        data = self_contained(result)
        atomic.write_bytes(path, data)
        return value_digest(dumps(value)), sum_of_bytes(data)
    except OSError:
        raise
    except Exception as error:  # pickling runs the value's own code
        atomic.remove(path)
        raise UnsavableResult(f"the return value cannot be pickled ({type(error).__name__}: {error})") from None


class _Readable:
    """A value as JSON can hold it; parts that it cannot hold become ``{"__pickled__": <type>}``."""

    def __init__(self, value: Any) -> None:
        self._left = _PARTS
        self.value = self._form(value, 0)

    def _form(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind in _SCALARS:
            return value
        if depth < 50:
            if isinstance(value, dict):
                if all(type(key) in _SCALARS for key in value):
                    self._count(len(value))
                    return {str(key): self._form(part, depth + 1) for key, part in dict.items(value)}
            elif kind in (list, tuple) and len(value) <= 10_000:
                self._count(len(value))
                return [self._form(part, depth + 1) for part in value]
            elif (names := _fields(kind)) is not None:
                self._count(len(names))
                return {name: self._form(getattr(value, name), depth + 1) for name in names}
        for plain in (int, float, str):
            if isinstance(value, plain):  # not str(value): a subclass may print otherwise
                return getattr(plain, f"__{plain.__name__}__")(value)
        if kind.__module__ == "numpy" and getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
            scalar = value.item()
            if type(scalar) in _SCALARS:
                return scalar
        return {"__pickled__": f"{kind.__module__}.{kind.__qualname__}"}

    def _count(self, parts: int) -> None:
        self._left -= parts + 1
        if self._left < 0:
            raise ValueError("too large to be read by people")


def _fields(kind: type) -> list[str] | None:
    """Name the fields of a dataclass or a named tuple; None for other classes."""
    if hasattr(kind, "__dataclass_fields__"):
        return [field.name for field in sys.modules["dataclasses"].fields(kind)]  # which a run need not import
    names = getattr(kind, "_fields", None) if issubclass(kind, tuple) else None
    return names if names is None else list(names)


def _json_form(value: Any) -> bytes | None:
    """Write the value as JSON; None if it is too large for that."""
    try:
        return atomic.json_bytes(_Readable(value).value)
    except Exception:  # the value's own code may run, and raise anything
        return None
