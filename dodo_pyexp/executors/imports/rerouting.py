"""`Rerouting`: whatever way an import takes into the user's folders, it ends in the copies of them.

Code may put folders of the project on `sys.path` at any moment: ``sys.path.insert(0, os.getcwd())``, ``"src"``,
``".."``. Not the entries are changed, but what is looked for behind them: Python asks the hooks in `sys.path_hooks`
once for each folder, and the hook here answers for the user's folders with a finder for their copies. Code that is
loaded by its own path asks no hook: see `loading`.
"""

from __future__ import annotations

import os
import sys

from ...libraries import keep_apart
from .loading import Loading
from .relocation import Relocation, editable_folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any


class Rerouting:
    """Leads imports of this process to copies.

    Parameters
    ----------
    relocation
        Which folders have copies, and where.
    """

    def __init__(self, relocation: Relocation) -> None:
        self.relocation = relocation
        self._theirs: dict[str, Any] = {}
        self._prepared: tuple[object, ...] = ()
        self._path: list[str] = []
        self._stale: list[str] = []

    @classmethod
    def by(cls, relocation: Relocation) -> Rerouting:
        """Give the one that leads to these copies."""
        if relocation.imports is None:
            relocation.imports = cls(relocation)
        found: Rerouting = relocation.imports
        return found

    def prepare(self) -> None:
        """Find out, before this process is forked, what `apply` is to change: it is the same for every fork."""
        path = [os.fspath(entry) or os.getcwd() for entry in sys.path]
        key = len(sys.path_importer_cache), *path
        if key != self._prepared:
            self._prepared = key
            self._path = self.relocation.search_path(path, editable_folders())
            self._stale = self._asked_before()

    def apply(self) -> None:
        """Begin, in a fork: what it imports from now on comes from the copies."""
        sys.path[:] = self._path
        keep_apart()
        self._begin(self._stale)

    def install(self) -> None:
        """Begin, in a process whose search path is that of the relocation."""
        self._begin(self._asked_before())

    def _begin(self, stale: list[str]) -> None:
        sys.path_hooks.insert(0, self.hook)
        sys.meta_path.append(self)
        Loading(self.relocation).begin()
        for entry in stale:
            sys.path_importer_cache.pop(entry, None)

    def _asked_before(self) -> list[str]:
        """List the folders that Python has finders for already, and would get others for."""
        of = self.relocation.of
        return [entry for entry in list(sys.path_importer_cache) if of(entry) is not None or self._is_above(entry)]

    def hook(self, entry: str) -> Any:
        """Give a finder for the copy of a folder; as every path hook, refuse what it has nothing to say about."""
        copy = self.relocation.of(entry or ".")
        if copy is not None:
            return self._others(copy)
        if self._is_above(entry):
            return _Above(self._others(entry), self.relocation)
        raise ImportError

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: object = None) -> Any:
        """Find, after everybody else, what only the user's folder has: compiled and generated modules."""
        portions: list[str] = []
        for folder in self._user_folders(sys.path if path is None else path):
            finder = self._theirs.get(folder)
            if finder is None:
                try:
                    finder = self._theirs[folder] = self._others(folder)
                except ImportError:
                    continue
            spec = finder.find_spec(name)
            if spec is not None and spec.loader is not None:
                self.relocation.check(spec.origin)
                return spec
            portions += (spec and spec.submodule_search_locations) or []
        if not portions:
            return None
        from importlib.machinery import ModuleSpec

        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = portions
        return spec

    def _user_folders(self, path: Iterable[str]) -> dict[str, None]:
        """Give the user's folders that entries of a search path are, or are copies of, each once."""
        found: dict[str, None] = {}
        for entry in path:
            if type(entry) is str:
                own = self.relocation.original(entry) or (self.relocation.of(entry or ".") and (entry or os.getcwd()))
                if own:
                    found[os.path.realpath(own)] = None
        return found

    def _others(self, entry: str) -> Any:
        """Ask the other hooks for a finder."""
        for hook in sys.path_hooks:
            if hook != self.hook:
                try:
                    return hook(entry)
                except ImportError:
                    continue
        raise ImportError

    def _is_above(self, entry: str) -> bool:
        """Tell whether one of the user's folders lies in a folder, so that it may be a package there."""
        above = os.path.realpath(entry or ".").rstrip(os.sep) + os.sep
        return any(folder.startswith(above) for folder, _ in self.relocation.pairs)


def users_own(path: str) -> str:
    """Give the user's file that `path` is a copy of, in a process that imports from copies; else the path itself."""
    for finder in sys.meta_path:
        if isinstance(finder, Rerouting) and (found := finder.relocation.original(path)) is not None:
            return found
    return path


class _Above:
    """Finds modules in a folder around the user's; where that is itself a package, its copy."""

    def __init__(self, finder: Any, relocation: Relocation) -> None:
        self._finder = finder
        self._relocation = relocation

    def __getattr__(self, name: str) -> Any:
        return getattr(self._finder, name)

    def find_spec(self, name: str, target: object = None) -> Any:
        spec = self._finder.find_spec(name, target)
        origin = getattr(spec, "origin", None)
        copy = self._relocation.of(origin) if isinstance(origin, str) else None
        if copy is not None:
            from importlib.util import spec_from_file_location

            package = spec.submodule_search_locations and [os.path.dirname(copy)]
            loader = type(spec.loader)(name, copy)
            return spec_from_file_location(name, copy, loader=loader, submodule_search_locations=package)
        return spec
