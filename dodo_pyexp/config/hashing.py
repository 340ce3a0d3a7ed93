"""One hash for everything: what a config *is*, told the same by every process, today and next year."""

from __future__ import annotations

import json
from hashlib import sha256

from ..errors import ConfigTypeError
from .atoms import ATOMS
from .config import Config
from .encode import TAG, tagged, tagged_input, too_deep
from .inputs import File, Folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# Top-level keys that do not count: none of them says with what the run computes.
NOT_HASHED = ("name", "depends_on", "resources")

# Not ASCII only: escaped, two surrogates would read the same as the one character they could stand for.
_json = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, check_circular=False, separators=(",", ":"), default=tagged_input
).encode


def hash_config(config: Mapping[str, Any]) -> str:
    """Hash a config: SHA-256 in 64 hexadecimal digits, without its `name`, `depends_on` and `resources`.

    The order of keys does not matter, and neither does tuple or list, nor set or frozenset. Everything else
    does: ``1``, ``1.0``, ``True`` and ``"1"`` differ, ``Path("a")`` and ``"a"`` differ, a key ``1`` and a
    key ``"1"`` differ. Enums and numpy scalars count as their plain value, named
    tuples as lists.

    Implements: pyexp guide, `hash_configs`; pyexp README, "Output Folder Structure".

    Raises
    ------
    ConfigTypeError
        When a value has no defined form (a function, an array, an object); the message names the run and key
        path.

    Examples
    --------
    >>> hash_config({"name": "a", "lr": 0.1}) == hash_config({"lr": 0.1, "name": "b"})
    True
    """
    content = dict(config)
    name = content.pop("name", None)
    content.pop("depends_on", None)
    content.pop("resources", None)
    return hash_value(content, "" if name is None else f'config "{name}"')


def hash_value(value: Any, where: str = "") -> str:
    """Hash any value that a config may hold, by the same rules as `hash_config`.

    Raises
    ------
    ConfigTypeError
        When something inside has no defined form; the message starts with `where`.
    """
    try:
        if not _is_plain(value):
            value = tagged(value, where, exact=False)
        try:
            text = _json(value)
        except ValueError:  # a whole number that is too long
            text = _json(tagged(value, where, exact=False))
    except RecursionError:
        raise too_deep(where) from None
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def same_value(one: Any, other: Any) -> bool:
    """Tell whether a hash would see no difference between two values; quickly where both are plain."""
    kind = type(one)
    if kind in ATOMS and type(other) in ATOMS:
        if kind is float:
            return type(other) is float and repr(one) == repr(other)  # -0.0, and not-a-number
        return kind is type(other) and bool(one == other)
    try:
        return hash_value(one) == hash_value(other)
    except ConfigTypeError:  # which whoever hashes the whole config will tell with its place
        return False


def _is_plain(value: Any) -> bool:
    """Tell whether the C encoder writes the value just as its tagged form would be written."""
    kind = type(value)
    if kind is dict or kind is Config:
        for key, item in value.items():
            if type(key) is not str or (type(item) not in ATOMS and not _is_plain(item)):
                return False
        return TAG not in value
    if kind is list or kind is tuple:
        return all(type(item) in ATOMS or _is_plain(item) for item in value)
    return kind in ATOMS or kind is File or kind is Folder
