"""What is told to other programs: JSON that every parser reads.

Implements: docs/reference.md, "Command line" (``--json``).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from enum import Enum
from typing import Any

DEEPEST = 200  # levels that are told; a file in the output folder may hold any number


def json_text(data: Any) -> str:
    """Write data as JSON by the standard's letter, in ASCII.

    JSON has no not-a-number and no infinity: they are ``null``, as pandas and JavaScript write them. What it has no
    form for otherwise is its text.

    Examples
    --------
    >>> print(json_text({"loss": float("nan"), "lr": 0.1}))
    {
      "loss": null,
      "lr": 0.1
    }
    """
    try:
        return json.dumps(data, indent=2, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return json.dumps(as_json(data), indent=2, allow_nan=False)


def as_json(value: Any, depth: int = 0) -> Any:
    """Give a value as far as JSON has it: keys are texts, numbers are finite, and nothing is nested without end."""
    if value is None or type(value) in (bool, str):
        return value
    if isinstance(value, Enum):
        return as_json(value.value, depth)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return _number(value)
    if isinstance(value, float):
        return float(value) if abs(value) < float("inf") else None
    if depth >= DEEPEST:
        return "(nested too deeply)"
    if isinstance(value, Mapping):
        return {_text(key): as_json(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(item, depth + 1) for item in value]
    if isinstance(value, (set, frozenset)):
        return [as_json(item, depth + 1) for item in sorted(value, key=repr)]
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):  # a number of numpy's or torch's
        try:
            item = value.item()
        except Exception:  # the value's own code
            return _text(value)
        return as_json(item, DEEPEST)
    return _text(value)


def _number(value: int) -> int | str:
    """Give a whole number; one with more digits than Python reads back as its hexadecimal text."""
    try:
        str(value)
    except ValueError:
        return hex(value)
    return int(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return os.fspath(value) if isinstance(value, os.PathLike) and isinstance(os.fspath(value), str) else str(value)
    except Exception:  # the value's own code
        return type(value).__name__
