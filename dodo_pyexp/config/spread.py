"""Dotted keys in a file, taken apart: ``model.width: 8`` is ``model: {width: 8}``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from .atoms import ATOMS
from .origins import Origins, place_text
from .yaml import Located

if TYPE_CHECKING:
    Keys = tuple[Any, ...]
    Place = tuple[str, int]

_ABSENT = object()


def spread(located: Located, refuse: bool = False) -> Located:
    """Take dotted keys of a file apart, at every depth: ``a.b: 1`` is ``a: {b: 1}``.

    Parameters
    ----------
    located
        The content of a file.
    refuse
        The same key written in both ways is a mistake; else the one that is written last counts.

    Raises
    ------
    ConfigError
        A dotted key has an empty part, or meets another.
    """
    if not _has_dots(located.tree):
        return located
    tree: dict[Any, Any] = {}
    positions: dict[Keys, Place] = {}
    _spread(located, located.tree, (), tree, (), positions, refuse)
    if () in located.positions:
        positions.setdefault((), located.positions[()])
    return Located(tree, positions)


def _has_dots(tree: Any) -> bool:
    return isinstance(tree, dict) and any(
        (isinstance(key, str) and "." in key) or (type(value) not in ATOMS and _has_dots(value))
        for key, value in tree.items()
    )


def _spread(
    located: Located,
    section: dict[Any, Any],
    written: Keys,
    tree: dict[Any, Any],
    path: Keys,
    positions: dict[Keys, Place],
    refuse: bool,
) -> None:
    """Take one section apart into `tree`, which stands at `path`."""
    for key, value in section.items():
        place = located.positions.get((*written, key)) or Origins(located.positions).place(*written, key)
        parts = key.split(".") if isinstance(key, str) else [key]
        if "" in parts and len(parts) > 1:
            raise ConfigError(f'{place_text(place)}: the key "{key}" has an empty part; join names by single dots')
        inner, here = tree, path
        for part in parts[:-1]:
            here = (*here, part)
            deeper = inner.setdefault(part, {})
            if not isinstance(deeper, dict):
                if refuse:
                    raise _twice(here, place, positions)
                deeper = inner[part] = {}
            positions.setdefault(here, place)
            inner = deeper
        here = (*here, parts[-1])
        old = inner.get(parts[-1], _ABSENT)
        if refuse and old is not _ABSENT and not (isinstance(old, dict) and isinstance(value, dict)):
            raise _twice(here, place, positions)
        positions[here] = place
        if isinstance(value, dict):
            deeper = inner[parts[-1]] = old if isinstance(old, dict) else {}
            _spread(located, value, (*written, key), deeper, here, positions, refuse)
        else:
            inner[parts[-1]] = value
            depth = len(written) + 1
            if isinstance(value, list):
                positions.update(
                    (here + keys[depth:], found)
                    for keys, found in located.positions.items()
                    if keys[:depth] == (*written, key) and len(keys) > depth
                )


def _twice(keys: Keys, place: Place, positions: dict[Keys, Place]) -> ConfigError:
    before = positions.get(keys)
    said = f" (also at {place_text(before)})" if before else ""
    return ConfigError(f'{place_text(place)}: "{".".join(map(str, keys))}" is there twice{said}; remove one of them')
