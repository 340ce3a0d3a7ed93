"""What differs between two configs, in words: ``lr 0.1 -> 0.01``, ``layers.9 128 -> 256``.

Implements: docs/how-it-works.md, "What makes a run out of date".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..config.config import Config, to_dict
from ..config.hashing import NOT_HASHED, same_value
from ..printable import apart

LONGEST = 40  # characters of a value that are shown
MOST_ITEMS = 3  # of a list in which more items differ, the first is shown, and how many others there are


def differences(before: Config, after: Config) -> dict[str, str]:
    """Name the keys (dotted) in which two configs differ, each with the change in words.

    Examples
    --------
    >>> differences(Config(lr=0.1, a={"b": 1}), Config(lr=0.01, a={"b": 1, "c": 2}))
    {'lr': 'lr 0.1 -> 0.01', 'a.c': 'a.c added'}
    >>> list(differences(Config(layers=[64, 128, 10]), Config(layers=[64, 256, 10])).values())
    ['layers.1 128 -> 256']
    """
    old, new = ({key: value for key, value in config.items() if key not in NOT_HASHED} for config in (before, after))
    return dict(_dicts(old, new, ""))


def _dicts(old: dict[Any, Any], new: dict[Any, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key in {**old, **new}:
        path = f"{prefix}{key}"
        if key not in new:
            yield from ((one, f"{one} removed") for one in _paths(old[key], path))
        elif key not in old:
            yield from ((one, f"{one} added") for one in _paths(new[key], path))
        else:
            yield from _values(old[key], new[key], path)


def _paths(value: Any, path: str) -> Iterator[str]:
    """Name what a dict holds, or the value itself."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _paths(inner, f"{path}.{key}")
    else:
        yield path


def _values(old: Any, new: Any, path: str) -> Iterator[tuple[str, str]]:
    if same_value(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict) and (old and new):
        yield from _dicts(old, new, f"{path}.")
    elif isinstance(old, (list, tuple)) and type(old) is type(new) and len(_text(old) + _text(new)) > 2 * LONGEST:
        yield from _lists(old, new, path)
    else:
        one, other = apart(_text(old), _text(new), LONGEST)
        if one == other:  # they differ in nothing that is shown
            one, other = type(old).__name__, type(new).__name__
        yield path, f"{path} {one} -> {other}"


def _lists(old: Any, new: Any, path: str) -> Iterator[tuple[str, str]]:
    """Tell which items of a long list differ."""
    found = [
        change
        for index, (one, other) in enumerate(zip(old, new, strict=False))
        for change in _values(one, other, f"{path}.{index}")
    ]
    if len(old) != len(new):
        found.append((path, f"{path} has {len(new)} items instead of {len(old)}"))
    if len(found) > MOST_ITEMS:
        (key, first), last = found[0], found[-1] if len(old) != len(new) else None
        rest = f"{first} and {len(found) - 1 - (last is not None)} more in {path}"
        found = [(key, rest), *([last] if last is not None else [])]
    yield from found


def _text(value: Any) -> str:
    return repr(to_dict(value)) if isinstance(value, (list, tuple, set, dict)) else str(value)
