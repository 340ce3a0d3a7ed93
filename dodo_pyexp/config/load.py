"""Configs from YAML files that import one another."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import ConfigError, ConfigTypeError, MissingFile
from .config import Config
from .merge import DEEP, apply, steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from .yaml import Located

    Keys = tuple[Any, ...]

IMPORTS = "imports"


def load_config(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> Config:
    """Load one or more YAML files and merge them, later ones over earlier ones.

    A file may name others under a top-level ``imports`` (a path or a list of them; relative to the file,
    ``~`` is the home folder). They are merged before it, each file once: what two files both import cannot
    undo what the first of them says. Dotted and ``**`` keys work as in `merge`.

    Implements: pyexp guide, "load_config(paths)".

    Raises
    ------
    MissingFile
        When a file or an import does not exist; names the line of the import.
    ConfigError
        When imports go in a circle, or a file is not what `load_yaml` and `merge` take: an empty one, for example.
    ConfigTypeError
        When `paths` are no paths.
    """
    return Config(load_located(paths).tree)


def load_located(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> Located:
    """Load files as `load_config` does; give a plain dict, and the file and line of every value in it.

    Raises
    ------
    MissingFile, ConfigError, ConfigTypeError
        As `load_config`.
    """
    from .yaml import Located

    chosen = [paths] if isinstance(paths, (str, os.PathLike)) else paths
    if isinstance(chosen, (bytes, dict)) or not hasattr(chosen, "__iter__"):
        raise ConfigTypeError(f"load_config takes the path of a YAML file or a list of them, not {chosen!r:.60}")
    chosen = list(chosen)
    for path in chosen:
        if not isinstance(path, (str, os.PathLike)):
            raise ConfigTypeError(f"load_config takes paths of YAML files, not {path!r:.60}")
    loading = _Loading()
    for path in chosen:
        loading.add(Path(path).expanduser())
    return Located(loading.tree, _present(loading.positions, loading.tree))


def load_imports(targets: Iterable[tuple[Path, str]]) -> Located:
    """Load files as `load_located` does that another file names, each given with the place that names it.

    Raises
    ------
    MissingFile, ConfigError
        As `load_config`.
    """
    from .yaml import Located

    loading = _Loading()
    for path, where in targets:
        loading.add(path, where)
    return Located(loading.tree, _present(loading.positions, loading.tree))


class _Loading:
    """One call's files: what is merged so far, and from where."""

    def __init__(self) -> None:
        self.tree: dict[Any, Any] = {}
        self.positions: dict[Keys, tuple[str, int]] = {}
        self._merged: set[str] = set()
        self._open: list[Path] = []

    def add(self, path: Path, where: str = "") -> None:
        """Merge a file that the user named: over everything before it, even if it was imported already."""
        from .yaml import load_yaml

        self._merge(path, load_import(path, where) if where else load_yaml(path))

    def _merge(self, path: Path, located: Located) -> None:
        """Merge what a file imports, then its own values."""
        real = os.path.realpath(path)
        self._open.append(path)
        self._merged.add(real)
        imports = located.tree.pop(IMPORTS, None)
        for target, where in _imports(imports, path, located):
            self._check_circle(target, where)
            if os.path.realpath(target) not in self._merged:
                self._merge(target, load_import(target, where))
        self._open.pop()
        for key, value in located.tree.items():
            try:
                apply(self.tree, steps({key: value}), dict)
            except ConfigError as error:
                raise ConfigError(f"{located.where(key)}: {error}") from None
        targets = {source: target for target, source in _targets(located.tree)}
        for keys, place in located.positions.items():
            for end in range(1, len(keys) + 1):
                if keys[:end] in targets:
                    self.positions[targets[keys[:end]] + keys[end:]] = place
                    break

    def _check_circle(self, target: Path, where: str) -> None:
        """Refuse an import of a file that is itself waiting for its imports."""
        real = os.path.realpath(target)
        waiting = [os.path.realpath(path) for path in self._open]
        if real in waiting:
            circle = [*waiting[waiting.index(real) :], real]
            names = " -> ".join(os.path.relpath(each, os.path.dirname(real)) for each in circle)
            raise ConfigError(f"{where}: imports go in a circle: {names}; take one of them out")


def _imports(imports: Any, path: Path, located: Located) -> Iterator[tuple[Path, str]]:
    """Give the files that a file imports, each with the line that says so."""
    named = imports if isinstance(imports, list) else [] if imports is None else [imports]
    for index, name in enumerate(named):
        where = located.where(IMPORTS, index)
        if not isinstance(name, str) or not name:
            raise ConfigError(f"{where}: imports holds {name!r}; it takes a path, or a list of paths")
        yield path.parent / Path(name).expanduser(), where


def circle_text(path: Path, waiting: Iterable[Path]) -> str:
    """Write the circle that a file closes which is itself waiting for those it builds on; nothing if it does not."""
    real, names = os.path.realpath(path), [os.path.realpath(each) for each in waiting]
    if real not in names:
        return ""
    circle = [*names[names.index(real) :], real]
    return " -> ".join(os.path.relpath(each, os.path.dirname(real)) for each in circle)


def load_import(path: Path, where: str) -> Located:
    """Load an imported file.

    Raises
    ------
    MissingFile, ConfigError
        As `load_yaml`; a missing file is told of where it was asked for.
    """
    from .yaml import load_yaml, near_files

    try:
        return load_yaml(path)
    except MissingFile:
        hint = near_files(os.fspath(path)) or "; check the path"
        raise MissingFile(f'{where}: there is no file "{path}" to import{hint}') from None


def _targets(update: dict[Any, Any], above: Keys = (), source: Keys = ()) -> Iterator[tuple[Keys, Keys]]:
    """Give for each setting that `steps` makes the key path it sets, and the one it was written under."""
    for key, value in update.items():
        if not isinstance(key, str) or key == "":
            yield (*above, key), (*source, key)
        elif key.startswith(DEEP):
            section = key.removeprefix(DEEP)
            yield from _targets(value, above + (tuple(section.split(".")) if section else ()), (*source, key))
        else:
            yield (*above, *key.split(".")), (*source, key)


def _present(positions: dict[Keys, tuple[str, int]], tree: Any) -> dict[Keys, tuple[str, int]]:
    """Keep the positions of what is still there after all merging."""
    kept: dict[Keys, tuple[str, int]] = {}
    todo: list[tuple[Keys, Any]] = [((), tree)]
    while todo:
        keys, value = todo.pop()
        if keys in positions:
            kept[keys] = positions[keys]
        if isinstance(value, dict):
            todo.extend(((*keys, key), item) for key, item in value.items())
        elif isinstance(value, list):
            todo.extend(((*keys, index), item) for index, item in enumerate(value))
    return kept
