"""Writing what a run gave back into its attempt; the same for all executors.

Implements: DESIGN section 6 (`experiment.pkl`, `result.json`, `status.json`) and P3: a value that cannot be saved
fails that run and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from typing import TYPE_CHECKING, Any

from ..store import atomic, status
from ..store.digest import output_digest
from ..store.paths import AttemptFolder
from .pickling import dumps
from .result import Result

if TYPE_CHECKING:
    from ..config.config import Config

_SCALARS = (str, int, float, bool, type(None))


class UnsavableResult(Exception):
    """The return value cannot be pickled, or the function took a file name that pyexp needs."""


def save_success(attempt: AttemptFolder, state: dict[str, Any], config: Config, value: Any) -> None:
    """Write the return value, its digest and the final status.

    Raises
    ------
    UnsavableResult
        The value cannot be saved; nothing of it is left behind.
    """
    if os.path.lexists(attempt.pickle):
        raise UnsavableResult("the function wrote experiment.pkl into its folder, a name pyexp uses; choose another")
    result = Result(config, result=value, finished=True)
    value_digest = _pickle(attempt.pickle, result, value)
    sizes = {name: os.stat(f"{attempt.path}/{name}").st_size for name in ("config.json", "experiment.pkl")}
    if not os.path.lexists(attempt.result_json):  # a file of that name which the function saved is left alone
        readable = _json_form(value)
        if readable is not None:
            sizes["result.json"] = atomic.write_text(attempt.result_json, readable + "\n")
    status.end(attempt, state, status.FINISHED, digest=output_digest(value_digest, attempt), files=sizes)


def save_failure(attempt: AttemptFolder, state: dict[str, Any], config: Config, error: dict[str, Any]) -> None:
    """Write why the run failed: the final status, and a Result without a value."""
    ended = status.end(attempt, state, status.FAILED, error=error)
    result = Result(config, error=status.error_text(ended), finished=True)
    with atomic.aside(attempt.pickle, "wb") as file:
        pickle.dump(result, file)


def _pickle(path: str, result: Result, value: Any) -> bytes:
    """Pickle `result` to `path` and return the digest of `value` alone."""
    try:
        with atomic.aside(path, "wb") as file:
            file.write(dumps(result))
        return hashlib.sha256(dumps(value)).digest()
    except OSError:
        raise
    except Exception as error:  # pickling runs the value's own code
        raise UnsavableResult(f"the return value cannot be pickled ({type(error).__name__}: {error})") from None


def _json_form(value: Any) -> str | None:
    """Write the value as JSON; parts that JSON cannot hold become ``{"__pickled__": <type>}``."""
    try:
        text = json.dumps(_readable(value), ensure_ascii=False, indent=2)
    except (TypeError, ValueError, RecursionError):
        return None
    return text


def _readable(value: Any, depth: int = 0) -> Any:
    kind = type(value)
    if kind in _SCALARS:
        return value
    if depth < 50:
        if kind is dict or (isinstance(value, dict) and kind.__name__ == "Config"):
            if all(type(key) is str for key in value):
                return {key: _readable(part, depth + 1) for key, part in value.items()}
        elif kind in (list, tuple) and len(value) <= 10_000:
            return [_readable(part, depth + 1) for part in value]
    if isinstance(value, (bool, int, float, str)):
        return next(base(value) for base in (bool, int, float, str) if isinstance(value, base))
    if kind.__module__ == "numpy" and getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        scalar = value.item()
        if type(scalar) in _SCALARS:
            return scalar
    return {"__pickled__": f"{kind.__module__}.{kind.__qualname__}"}
