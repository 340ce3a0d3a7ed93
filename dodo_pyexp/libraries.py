"""The engine's own libraries, where a file of the user's has the name of one: each side gets its own.

Beside an experiment may lie a ``git.py`` or a ``yaml.py``, and Python looks there first, whoever imports. Only where
there is such a file, imports are watched: those of the engine, and of the libraries themselves, pass over it.
"""

from __future__ import annotations

import builtins
import os
import sys
from _thread import RLock
from importlib import _bootstrap_external

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import ModuleType
    from typing import Any

NAMES = ("cloudpickle", "doit", "git", "gitdb", "grpc", "pygments", "ray", "rich", "smmap", "tabulate", "yaml")
_ENGINE = ("dodo_pyexp", "pyexp")
_LIBRARIES = ("site-packages", "dist-packages", os.path.dirname(os.__file__))
_looked_at: set[str] = set()
_watch: _Watch | None = None
# Seconds an import waits for one in another thread, which may itself wait for what this one is importing.
PATIENCE_SECONDS = 10.0


def keep_apart() -> None:
    """Look whether the module search path leads to files that have the names of libraries, and watch imports then."""
    global _watch
    for folder in sys.path:
        if folder in _looked_at or of_library(folder):
            continue
        _looked_at.add(folder)
        for name in NAMES:
            if _is_module(os.path.join(folder, name)):
                others = [other for other in sys.path if other != folder]
                if _bootstrap_external.PathFinder.find_spec(name, others) is not None:  # else it is the library
                    _watch = _watch or _Watch()
                    _watch.add(name, folder)


def of_library(path: str) -> bool:
    """Tell whether a file or folder is Python's or of a library that was installed, and not the user's."""
    return any(part in path for part in _LIBRARIES)


def _renew() -> None:
    if _watch is not None:
        _watch.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)


def _is_module(path: str) -> bool:
    return os.path.isfile(f"{path}.py") or os.path.isfile(f"{path}/__init__.py")


class _Watch:
    """Stands between every import and Python, and gives the engine what is the engine's.

    What has one of the names is exchanged in `sys.modules` as long as an import of the engine's goes on. Other threads
    that import the engine, or what has one of the names, wait meanwhile.
    """

    def __init__(self) -> None:
        self._folders: dict[str, list[str]] = {}
        self._put_away: dict[str, ModuleType] = {}
        self._turn = RLock()
        self._depth = 0
        self._path: list[str] = []
        self._import = builtins.__import__
        builtins.__import__ = self._imported  # type: ignore[assignment]  # the same arguments

    def add(self, name: str, folder: str) -> None:
        """Keep two modules of one name apart: that in `folder`, and the library."""
        with self._turn:
            self._folders.setdefault(name, []).append(folder)
            for key in self._keys():
                if not self._is_theirs(key.partition(".")[0], getattr(sys.modules[key], "__file__", None)):
                    self._put_away[key] = sys.modules.pop(key)

    def renew(self) -> None:
        """In a fork: the thread whose turn it was may not be there."""
        self._turn = RLock()

    def _imported(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Iterable[str] = (),
        level: int = 0,
    ) -> ModuleType:
        own, top = self._is_own(globals or {}), name.partition(".")[0]
        if not own and top not in self._folders and top not in _ENGINE:
            return self._import(name, globals, locals, fromlist, level)  # type: ignore[arg-type]  # as Python gave them
        turn = self._turn
        mine = turn.acquire(timeout=PATIENCE_SECONDS)
        try:
            if own:
                self._enter()
            return self._import(name, globals, locals, fromlist, level)  # type: ignore[arg-type]  # the same
        finally:
            if own:
                self._leave()
            if mine:
                turn.release()

    def _is_own(self, importer: Mapping[str, Any]) -> bool:
        """Tell whether code of the engine or of a library of its is importing."""
        top = str(importer.get("__name__")).partition(".")[0]
        return top in _ENGINE or (top in self._folders and not self._is_theirs(top, importer.get("__file__")))

    def _is_theirs(self, top: str, file: Any) -> bool:
        places = [f"{folder}/{top}" for folder in self._folders[top]]
        return isinstance(file, str) and any(file == f"{at}.py" or file.startswith(f"{at}/") for at in places)

    def _keys(self) -> list[str]:
        """Name what is loaded under one of the names; of a library only what a user's file can be in the place of."""
        packages = [name for name, found in self._folders.items() if any(os.path.isdir(f"{at}/{name}") for at in found)]
        return [key for key in list(sys.modules) if key in self._folders or key.partition(".")[0] in packages]

    def _enter(self) -> None:
        self._depth += 1
        if self._depth == 1:
            self._path = sys.path[:]
            theirs = {folder for found in self._folders.values() for folder in found}
            sys.path[:] = [entry for entry in sys.path if entry not in theirs]
            self._exchange()

    def _leave(self) -> None:
        self._depth -= 1
        if self._depth == 0:
            sys.path[:] = self._path
            self._exchange()

    def _exchange(self) -> None:
        before = {key: sys.modules.pop(key) for key in self._keys()}
        sys.modules.update(self._put_away)
        self._put_away = before
