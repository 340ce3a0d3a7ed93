"""Merging one dict into another: replace a key, go down a dotted path, or merge into a section."""

from __future__ import annotations

from ..errors import ConfigError, ConfigTypeError
from .atoms import ATOMS, rebuilt
from .setting import Setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    Step = tuple[tuple[Any, ...], Any, Any]  # the sections on the way, the key, its value

DEEP = "**"


def merge(base: Mapping[Any, Any], update: Mapping[Any, Any]) -> dict[Any, Any]:
    """Merge an update into a base; neither is changed, nor shares a container with the result.

    ==================  ========================================================================
    ``"model": {...}``   replaces the whole value
    ``"model.width"``    sets one key inside; sections that are missing or no dicts are created
    ``"layers.0.width"`` sets one key inside an item of a list; ``"stages.1"`` may also be the key ``1``
    ``"**model": {...}`` merges into the section by these same rules, so that its other keys stay
    ==================  ========================================================================

    The keys of the update take effect one after the other, so the last one wins. Inside a replaced value
    keys are plain: dots and stars mean nothing there. Keys that are no strings are plain keys. ``"**"``
    alone means the root.

    Implements: pyexp guide, "merge(base, update)"; pyexp README, "Dot Notation in Sweeps".

    Raises
    ------
    ConfigError
        When a dotted key has an empty part (``".a"``, ``"a..b"``), when ``**`` starts a later part of a
        key, when the value of a ``**key`` is no dict, or when a key leads to no position of a list.

    Examples
    --------
    >>> base = {"model": {"width": 32, "depth": 2}}
    >>> merge(base, {"model": {"width": 64}})
    {'model': {'width': 64}}
    >>> merge(base, {"**model": {"width": 64}})
    {'model': {'width': 64, 'depth': 2}}
    >>> merge(base, {"model.width": 64})
    {'model': {'width': 64, 'depth': 2}}
    """
    for side, value in (("base", base), ("update", update)):
        if not isinstance(value, dict):
            raise ConfigTypeError(f"merge takes two dicts, but the {side} is of type {type(value).__name__}")
    try:
        result: dict[Any, Any] = copied(base, dict)
        apply(result, steps(update), dict)
    except RecursionError:
        raise ConfigError("cannot merge a dict that is nested too deeply, or contains itself") from None
    return result


def steps(update: Mapping[Any, Any], above: tuple[Any, ...] = ()) -> Iterator[Step]:
    """Take an update apart into settings of single keys, in order."""
    for key, value in update.items():
        if not isinstance(key, str) or ("." not in key and not key.startswith(DEEP)):
            yield above, key, value
        elif key.startswith(DEEP):
            if not isinstance(value, dict):
                raise ConfigError(f'"{key}" merges into a section and needs a dict, but holds {value!r}')
            yield from steps(value, above + (_parts(key, key[len(DEEP) :]) if key != DEEP else ()))
        else:
            *sections, last = _parts(key, key)
            yield (*above, *sections), last, value


def apply(target: dict[Any, Any], changes: Iterable[Step], kind: type[dict[Any, Any]]) -> None:
    """Make settings of single keys in a dict whose sections are of that kind; values are copied."""
    put = dict.__setitem__
    for sections, key, value in changes:
        inner: Any = target
        for depth, section in enumerate(sections):
            deeper = inner.get(section)
            if not isinstance(deeper, dict):
                if isinstance(deeper, (list, tuple)) or (section not in inner and number_of(section) in inner):
                    _put_into(inner, sections, depth, key, value, kind)
                    break
                deeper = kind.__new__(kind)
                put(inner, section, deeper)
            inner = deeper
        else:
            if sections and key not in inner and number_of(key) in inner:
                key = number_of(key)
            put(inner, key, value if type(value) in ATOMS else copied(value, kind))


def _put_into(inner: Any, sections: tuple[Any, ...], depth: int, key: Any, value: Any, kind: type[Any]) -> None:
    """Set a value on a way that leads through lists, or over keys that are numbers."""
    path, rest = ".".join(map(str, (*sections, key))), ".".join(map(str, (*sections[depth:], key)))
    Setting(path, rest, copied(value, kind), create=True, kind=kind, what="the key").put_into(inner)


def number_of(key: Any) -> Any:
    """Give the whole number that a part of a dotted key may mean; else the part itself."""
    return int(key) if isinstance(key, str) and key.isdecimal() and len(key) < 20 else key


def copied(value: Any, kind: type[dict[Any, Any]]) -> Any:
    """Copy a value with all containers in it, dicts as that kind; what is no container is shared."""
    if isinstance(value, dict):
        new = kind.__new__(kind)
        dict.update(new, value)
        for key, item in value.items():
            if type(item) not in ATOMS:
                dict.__setitem__(new, key, copied(item, kind))
        return new
    if isinstance(value, list):
        return [item if type(item) in ATOMS else copied(item, kind) for item in value]
    if isinstance(value, tuple):
        return rebuilt(value, [copied(item, kind) for item in value])
    return set(value) if type(value) is set else value


def _parts(key: str, path: str) -> tuple[str, ...]:
    """Split a dotted path, and refuse one that cannot be meant."""
    parts = tuple(path.split("."))
    if "" in parts:
        raise ConfigError(f'the key "{key}" has an empty part; join names by single dots, such as "a.b"')
    if any(part.startswith(DEEP) for part in parts):
        raise ConfigError(f'the key "{key}" has ** inside; it may only stand at the very start, such as "**a.b"')
    return parts
