"""Configs as JSON and back, with every type kept.

What JSON has itself stands as it is, so that an ordinary config is saved as anybody would write it.
Everything else becomes ``{"__pyexp__": <kind>, "value": ...}``; a dict that itself has the key ``__pyexp__``
is saved as a list of pairs, hence what a user writes is never mistaken for a tag.
"""

from __future__ import annotations

import json
import sys

from ..errors import ConfigTypeError, DamagedFile
from .config import ATOMS, Config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

TAG = "__pyexp__"
ALLOWED = "numbers, text, booleans, None, paths, dates, bytes, enums, or lists, tuples, sets and dicts of them"
PLAIN_ATOMS = ATOMS - {float}  # a float may be infinite
_INFINITE = (float("inf"), float("-inf"))


def encode(value: Any, where: str = "") -> Any:
    """Turn a config, or any value that one may hold, into what JSON can hold without losing a type.

    A value that JSON holds as it is comes back as the same object. Paths, tuples, sets, frozensets, bytes,
    dates, not-a-number, infinities and keys that are no strings are tagged; enums and numpy scalars become
    their plain value.

    Raises
    ------
    ConfigTypeError
        When a value of another type is inside; the message starts with `where` and names its key path.

    Examples
    --------
    >>> encode({"sizes": (1, 2)})
    {'sizes': {'__pyexp__': 'tuple', 'value': [1, 2]}}
    """
    try:
        return value if _is_json(value) else tagged(value, where, exact=True)
    except RecursionError:
        raise too_deep(where) from None


def decode(value: Any) -> Any:
    """Turn what `encode` gave, perhaps after a trip through JSON, into the value it was.

    Raises
    ------
    DamagedFile
        When a tag is not one that `encode` writes.
    """
    if isinstance(value, list):
        return [item if type(item) in ATOMS else decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if TAG not in value:
        return {key: item if type(item) in ATOMS else decode(item) for key, item in value.items()}
    try:
        return _untagged(value[TAG], value["value"])
    except (KeyError, ValueError, TypeError, AttributeError):
        raise DamagedFile(
            f"a saved config holds {str(value)[:80]}, which pyexp never writes; was it changed by hand?"
        ) from None


def dumps_config(config: Any, *, indent: int | None = 2, where: str = "") -> str:
    """Write a config as JSON text that `loads_config` reads back with all its types.

    Raises
    ------
    ConfigTypeError
        When a value cannot be saved; see `encode`.
    """
    return json.dumps(encode(config, where), indent=indent, allow_nan=False)


def loads_config(text: str | bytes) -> Config:
    """Read the config that `dumps_config` wrote.

    Raises
    ------
    DamagedFile
        When the text is not what `dumps_config` writes.
    """
    try:
        value = decode(json.loads(text))
    except (ValueError, RecursionError) as error:
        if isinstance(error, DamagedFile):
            raise
        raise DamagedFile(f"a saved config is no valid JSON ({error}); was it cut off?") from None
    if not isinstance(value, dict):
        raise DamagedFile(f"a saved config holds {describe(value)} and no keys; was it overwritten?")
    return Config(value)


def tagged(value: Any, where: str, *, exact: bool) -> Any:
    """Build the JSON-able form; not `exact` is the one for hashing, where order and tuples do not count."""
    try:
        return _tagged(value, exact)
    except _Refused as refused:
        place = ": ".join(part for part in (where, ".".join(reversed(refused.path))) if part) or "the config"
        raise ConfigTypeError(f"{place} {refused}") from None


class _Refused(Exception):
    """A value without a form; its key path is gathered on the way up, and costs nothing when all is well."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.path: list[str] = []


def _tagged(value: Any, exact: bool) -> Any:
    """Build the form of any value."""
    kind = type(value)
    if kind in ATOMS:
        if exact and kind is float and (value != value or value in _INFINITE):
            return {TAG: "float", "value": repr(value)}
        return value
    if isinstance(value, dict):
        return _tagged_dict(value, exact)
    if isinstance(value, (list, tuple)):
        items = [_tagged_under(index, item, exact) for index, item in enumerate(value)]
        return {TAG: "tuple", "value": items} if exact and isinstance(value, tuple) else items
    if isinstance(value, (set, frozenset)):
        # by their text: sets have no order, and their members need not be comparable
        members = {_text(tree): tree for tree in [_tagged(item, exact) for item in value]}
        name = "frozenset" if exact and isinstance(value, frozenset) else "set"
        return {TAG: name, "value": [members[text] for text in sorted(members)]}
    return _tagged_scalar(value, exact)


def _tagged_under(key: Any, value: Any, exact: bool) -> Any:
    """Build the form of a value that stands under a key or a position."""
    try:
        return _tagged(value, exact)
    except _Refused as refused:
        refused.path.append(str(key))
        raise


def _tagged_dict(value: dict[Any, Any], exact: bool) -> Any:
    """Build the form of a dict: itself when all keys are plain strings, else its pairs."""
    if TAG not in value and all(type(key) is str for key in value):
        return {
            key: item if type(item) in PLAIN_ATOMS else _tagged_under(key, item, exact) for key, item in value.items()
        }
    pairs: dict[str, tuple[Any, Any]] = {}
    for key, item in value.items():
        plain_key = _tagged_under(key, key, exact)
        text = _text(plain_key)
        if text in pairs:
            raise _Refused(f"has two keys that are both saved as {text}; rename one of them")
        pairs[text] = (plain_key, _tagged_under(key, item, exact))
    if all(type(key) is str and key != TAG for key, _ in pairs.values()):
        return dict(pairs.values())
    order: Iterable[str] = pairs if exact else sorted(pairs)
    return {TAG: "dict", "value": [list(pairs[text]) for text in order]}


def _tagged_scalar(value: Any, exact: bool) -> Any:
    """Build the form of a single value that is no JSON type itself, or refuse it."""
    from datetime import date, datetime
    from enum import Enum
    from pathlib import PurePath

    if isinstance(value, PurePath):
        return {TAG: "path", "value": str(value)}
    if isinstance(value, Enum):
        return _tagged(value.value, exact)
    for plain in (str, int, float):
        if isinstance(value, plain):
            # not str(value): a subclass may print otherwise
            return _tagged(getattr(plain, f"__{plain.__name__}__")(value), exact)
    if isinstance(value, bytes):
        return {TAG: "bytes", "value": value.hex()}
    if isinstance(value, datetime):
        return {TAG: "datetime", "value": value.isoformat()}
    if isinstance(value, date):
        return {TAG: "date", "value": value.isoformat()}
    numpy = sys.modules.get("numpy")  # a numpy scalar exists only where numpy was imported
    if numpy is not None and isinstance(value, numpy.generic):
        item = value.item()
        if not isinstance(item, numpy.generic):
            return _tagged(item, exact)
    raise _Refused(f"holds {describe(value)}, which cannot be saved and hashed; use {ALLOWED}")


def _untagged(kind: str, value: Any) -> Any:
    """Read one tag back; any error means that it is no tag of ours."""
    if kind == "tuple":
        return tuple(decode(value))
    if kind == "set":
        return set(decode(value))
    if kind == "frozenset":
        return frozenset(decode(value))
    if kind == "dict":
        return {decode(key): decode(item) for key, item in value}
    if kind == "float":
        return float(value)
    if kind == "bytes":
        return bytes.fromhex(value)
    if kind == "path":
        from pathlib import Path

        return Path(value)
    from datetime import date, datetime

    return {"datetime": datetime, "date": date}[kind].fromisoformat(value)


def _is_json(value: Any) -> bool:
    """Tell whether JSON gives the value back exactly as it is."""
    kind = type(value)
    if kind in ATOMS:
        return kind is not float or (value == value and value not in _INFINITE)
    if kind is dict or kind is Config:
        return TAG not in value and all(type(key) is str and _is_json(item) for key, item in value.items())
    return kind is list and all(_is_json(item) for item in value)


def _text(tree: Any) -> str:
    """Write the form of a key or of a set's member so that different ones differ."""
    return json.dumps(tree, sort_keys=True, ensure_ascii=False)


def describe(value: Any) -> str:
    """Say what kind of thing a value is, for a message."""
    kind = type(value)
    if kind.__name__ in ("function", "builtin_function_or_method", "method"):
        return f"a function ({getattr(value, '__name__', '?')})"
    if isinstance(value, type):
        return f"a class ({value.__qualname__})"
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def too_deep(where: str) -> ConfigTypeError:
    """Make the error for a config without end."""
    return ConfigTypeError(f"{where or 'the config'} is nested too deeply, or contains itself; flatten it")
