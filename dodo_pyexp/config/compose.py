"""Putting a config together from files that build on others: what run files of every dialect have in common.

Sections are merged key by key at every depth; anything else, lists included, is replaced. How a file names those it
builds on is its dialect's affair: a `Style`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from .atoms import ATOMS
from .load import circle_text, load_import
from .merge import copied, number_of
from .origins import Origins, place_text
from .yaml import Located, load_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable

    Keys = tuple[Any, ...]
    Place = tuple[str, int]

_ABSENT = object()


class Watch:
    """Told of what a file adds to, or changes in, those that it builds on. This one does not mind."""

    def new(self, keys: Keys, place: Place, known: Iterable[Any]) -> None:
        """Take note of a key beside those that are known; of a new section, only of the section itself."""

    def retyped(self, keys: Keys, old: Any, new: Any, place: Place) -> None:
        """Take note of a value of another type."""


class Style:
    """How the files of one dialect build on each other. This one: not at all.

    Attributes
    ----------
    once
        A file that several others build on is merged the first time only, so that it cannot undo what came between.
    """

    once = False

    def parents(self, located: Located, path: Path) -> list[tuple[Path, str]]:
        """Take out of a file which others it builds on; give their paths, each with the place that names it."""
        return []

    def watch(self, located: Located, path: Path) -> Watch:
        """Take out of a file what is to be said about new keys."""
        return Watch()

    def spread(self, located: Located) -> Located:
        """Give the content of a file with its dotted keys taken apart, if the dialect has such."""
        return located


class Composition:
    """Merges files, those that they build on first, and remembers where everything comes from.

    Parameters
    ----------
    style
        How files name what they build on.
    read
        Files that have been read already, by their real path; those that are read now are added.

    Attributes
    ----------
    tree
        What is merged so far.
    origins
        Where it was written down.
    files
        Every file that was read, in the order of merging.
    """

    def __init__(self, style: Style, read: dict[str, Located] | None = None) -> None:
        self.tree: dict[Any, Any] = {}
        self.origins = Origins()
        self.files: list[Path] = []
        self._style = style
        self._read = {} if read is None else read
        self._open: list[Path] = []
        self._merged: set[str] = set()

    def add(self, path: Path) -> None:
        """Merge a file, and what it builds on, over everything before it.

        Raises
        ------
        MissingFile, ConfigError
            A file does not exist or is not what a config file has to be, files build on each other in a circle, or
            the dialect refuses something.
        """
        real = os.path.realpath(path)
        if real not in self._read:
            self._read[real] = load_yaml(path)
        located = self._load(path, self._read[real])
        overlay(self.tree, self.origins, located.tree, located.positions)

    def _load(self, path: Path, raw: Located) -> Located:
        """Give a file merged over what it builds on."""
        self._open.append(path)
        located = Located(dict(raw.tree), raw.positions)
        parents = self._style.parents(located, path)
        watch = self._style.watch(located, path)
        self._merged.add(os.path.realpath(path))
        if not parents:
            self._open.pop()
            self.files.append(path)
            return self._style.spread(located)
        tree: dict[Any, Any] = {}
        origins = Origins()
        for target, where in parents:
            circle = circle_text(target, self._open)
            if circle:
                raise ConfigError(f"{where}: files build on each other in a circle: {circle}; take one of them out")
            real = os.path.realpath(target)
            if self._style.once and real in self._merged:
                continue
            below = self._load(target, self._import(real, target, where))
            overlay(tree, origins, below.tree, below.positions, _Retyped(watch))
        self._open.pop()
        self.files.append(path)
        located = self._style.spread(located)
        overlay(tree, origins, located.tree, located.positions, watch)
        return Located(tree, origins)

    def _import(self, real: str, path: Path, where: str) -> Located:
        """Read a file that another one builds on; one that was read before is not read again."""
        if real not in self._read:
            self._read[real] = load_import(path, where)
        return self._read[real]


class _Retyped(Watch):
    """Among themselves, files that another builds on may add what they like; types are watched all the same."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def retyped(self, keys: Keys, old: Any, new: Any, place: Place) -> None:
        """Pass it on."""
        self._watch.retyped(keys, old, new, place)


def overlay(
    tree: dict[Any, Any],
    origins: Origins,
    over: dict[Any, Any],
    positions: dict[Keys, Place],
    watch: Watch | None = None,
) -> None:
    """Merge `over` into `tree`: sections key by key at every depth, everything else replaced; values are copied.

    Examples
    --------
    >>> tree = {"model": {"width": 32, "sizes": [1, 2]}}
    >>> overlay(tree, Origins(), {"model": {"sizes": [3]}, "lr": 0.1}, {})
    >>> tree
    {'model': {'width': 32, 'sizes': [3]}, 'lr': 0.1}
    """
    replaced: list[Keys] = []
    _merge(tree, over, (), positions, watch, replaced)
    gone = set(replaced)
    if gone:
        for keys in [keys for keys in origins if any(keys[:end] in gone for end in range(1, len(keys)))]:
            del origins[keys]
    origins.update(positions)


def _merge(
    tree: dict[Any, Any],
    over: dict[Any, Any],
    path: Keys,
    positions: dict[Keys, Place],
    watch: Watch | None,
    replaced: list[Keys],
) -> None:
    """Merge one section."""
    for key, value in over.items():
        key = key if key in tree or number_of(key) not in tree else number_of(key)
        old = tree.get(key, _ABSENT)
        if isinstance(value, dict) and isinstance(old, dict):
            _merge(old, value, (*path, key), positions, watch, replaced)
            continue
        if isinstance(value, dict) and isinstance(old, list) and all(number_of(item) != item for item in value):
            items = dict(enumerate(old))  # a dotted key leads into the list
            for item in value:
                if number_of(item) not in items:
                    place = positions.get((*path, key, item)) or Origins(positions).place(*path, key)
                    count = f"{len(old)} item{'' if len(old) == 1 else 's'}"
                    raise ConfigError(
                        f'{place_text(place)}: "{key}" has {count}, so there is no position {item}; lists are replaced '
                        "as a whole, or item by item"
                    )
            _merge(items, value, (*path, key), positions, watch, replaced)
            old[:] = items.values()
            continue
        if watch is not None:
            keys = (*path, key)
            place = positions.get(keys) or Origins(positions).place(*keys)
            if old is _ABSENT:
                watch.new(keys, place, tree)
            elif not isinstance(value, type(old)):
                watch.retyped(keys, old, value, place)
        if isinstance(old, (dict, list)):
            replaced.append((*path, key))
        tree[key] = value if type(value) in ATOMS else copied(value, dict)


def named_files(named: Any, located: Located, key: str, folder: Path) -> Iterable[tuple[Path, str]]:
    """Give the files that a value names, a path or a list of them, relative to a folder; ``~`` is the home folder.

    Raises
    ------
    ConfigError
        It is neither.
    """
    for index, name in enumerate(named if isinstance(named, list) else [] if named is None else [named]):
        where = located.where(key, index)
        if not isinstance(name, str) or not name:
            raise ConfigError(f"{where}: {key} holds {name!r}; it takes a path, or a list of paths")
        yield tidy(folder / Path(name).expanduser()), where


def tidy(path: Path) -> Path:
    """Write a path without the detours that joining made, if it leads to the same file."""
    short = Path(os.path.normpath(path))
    try:
        return short if short != path and os.path.samefile(short, path) else path
    except OSError:
        return short
