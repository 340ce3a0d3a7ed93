"""`Relocation`: runs import the project's modules from the snapshot, and not from where the user goes on editing.

Implements: pyexp guide, "`@pyexp.experiment` Parameters" (`stash`); docs/files-on-disk.md (`.snapshots/`).
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

_ENGINE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))


class Relocation:
    """Folders of the user's, and for each the folder that holds a copy of its code.

    Parameters
    ----------
    pairs
        ``(folder, copy)``, both absolute and without links.
    first
        Folders in copies that modules are looked for in before all others; then nothing else of the folders is. For
        code of long ago, which is not what the folders hold.
    """

    __slots__ = ("_known", "_packages", "_path", "_prepared", "first", "pairs")

    def __init__(self, pairs: Iterable[tuple[str, str]], first: Iterable[str] = ()) -> None:
        # The innermost first: a folder may lie in another.
        self.pairs = sorted(pairs, key=lambda pair: -len(pair[0]))
        self.first = list(first)
        self._known: dict[tuple[str, ...], list[str]] = {}
        self._prepared: tuple[object, ...] = ()
        self._path: list[str] = []
        self._packages: list[tuple[Any, list[str]]] = []

    def of(self, path: str) -> str | None:
        """Give the copy of a file or folder; None if there is none.

        The folder that pyexp itself is imported from stays: a project must not bring a pyexp of its own.
        """
        real = os.path.realpath(path)
        if real == _ENGINE:
            return None
        for folder, copy in self.pairs:
            moved = copy if real == folder else f"{copy}{real[len(folder) :]}" if _inside(real, folder) else None
            if moved is not None and os.path.exists(moved):
                return moved
        return None

    def search_path(self, path: Sequence[str], more: Iterable[str] = ()) -> list[str]:
        """Give the module search path with the copies in place of the folders.

        The folders themselves come last: what is in no copy, such as the metadata of an editable install, is still
        found. So are, before them, the copies of `more`, folders that modules are found in by other ways.
        """
        key = (*path, "", *more)
        found = self._known.get(key)
        if found is None and self.first:
            mine = [entry for entry in path if self.of(entry) is not None]
            found = self._known[key] = list(dict.fromkeys([*self.first, *(e for e in path if e not in mine), *mine]))
        if found is None:
            moved = {entry: copy for entry in path if (copy := self.of(entry)) is not None}
            others = [copy for entry in more if (copy := self.of(entry)) is not None]
            found = list(dict.fromkeys([*(moved.get(entry, entry) for entry in path), *others, *moved]))
            self._known[key] = found
        return found

    def readable(self, text: str) -> str:
        """Write in a text, instead of paths in copies, the paths of the files that the user knows."""
        for folder, copy in [] if self.first else self.pairs:
            if copy in text:
                text = text.replace(copy + os.sep, folder + os.sep)
        return text

    def original(self, path: str) -> str | None:
        """Give the user's file or folder that a path in a copy stands for."""
        for folder, copy in self.pairs:
            if path == copy or _inside(path, copy):
                return folder + path[len(copy) :]
        return None

    def install(self) -> None:
        """Let packages of a copy have submodules that only the user's folder has: compiled or generated ones."""
        sys.meta_path.append(_Beside(self))

    def prepare(self) -> None:
        """Find out, before this process is forked, what `apply` is to change: it is the same for every fork."""
        path = [os.fspath(entry) or os.getcwd() for entry in sys.path]
        key = len(sys.modules), *path
        if key != self._prepared:
            self._prepared = key
            self._path = self.search_path(path, editable_folders())
            self._packages = []
            for module in list(sys.modules.values()):
                folders = _folders(module)
                moved = [self.of(folder) or folder for folder in folders]
                if moved != folders:
                    self._packages.append((module, moved))

    def apply(self) -> None:
        """Move this process, a fork: what it imports from now on comes from the copies."""
        sys.path[:] = self._path
        for module, moved in self._packages:
            module.__path__ = moved
        self.install()


class _Beside:
    """Finds a submodule of a package in a copy in the folder that the copy was made of; asked last."""

    def __init__(self, relocation: Relocation) -> None:
        self.relocation = relocation

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: object = None) -> Any:
        folders = [folder for entry in path or () if (folder := self.relocation.original(entry)) is not None]
        if not folders:
            return None
        for finder in sys.meta_path:
            if finder is not self and (spec := _ask(finder, name, folders)) is not None:
                return spec
        return None


def users_own(path: str) -> str:
    """Give the user's file that `path` is a copy of, in a process that imports from copies; else the path itself."""
    for finder in sys.meta_path:
        if isinstance(finder, _Beside) and (found := finder.relocation.original(path)) is not None:
            return found
    return path


def _ask(finder: Any, name: str, folders: list[str]) -> Any:
    find: Callable[[str, list[str]], Any] | None = getattr(finder, "find_spec", None)
    return None if find is None else find(name, folders)


def editable_folders() -> list[str]:
    """Give the folders of packages that were installed to be edited and are found by a finder of setuptools."""
    found: list[str] = []
    for name, module in list(sys.modules.items()):
        if name.startswith("__editable__"):
            mapping = getattr(module, "MAPPING", None)
            places = mapping.values() if isinstance(mapping, dict) else ()
            found += [os.path.dirname(place) for place in places if isinstance(place, str)]
    return found


def _folders(module: Any) -> list[str]:
    """Give the folders of a regular package; those of a namespace package follow `sys.path` by themselves."""
    path = vars(module).get("__path__") if type(module) is type(sys) else None
    return path if type(path) is list and all(type(folder) is str for folder in path) else []


def _inside(path: str, folder: str) -> bool:
    return path.startswith(folder if folder.endswith(os.sep) else folder + os.sep)
