"""`Modules`: which file a module is, without importing it, and which files are the project's own.

Implements: docs/how-it-works.md, "What code counts".
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cache, cached_property
from types import ModuleType
from typing import Any

from ... import engine
from ...main_module import script
from ..roots import is_installed, nearest_with
from .names import Imported
from .sources import Source, Stamp, read_source

_MARKS = ("pyproject.toml", ".git")
_STANDARD_LIBRARY = os.path.realpath(os.path.dirname(os.__file__)) + os.sep
_ENGINE_FOLDERS = (engine.REAL_FOLDER + os.sep, os.path.join(engine.IMPORT_ROOT, "pyexp") + os.sep)
_ENGINE_NAMES = frozenset(("dodo_pyexp", "pyexp"))


class Module:
    """A module, imported or not.

    Attributes
    ----------
    name, package
        Its name, and what its relative imports are relative to.
    path
        Its file; None if there is none, as for a namespace package or a notebook.
    folders
        Where its submodules are; None unless it is a package.
    namespace
        What its names stand for; None as long as it has not been imported.
    """

    def __init__(
        self, name: str, package: str, path: str | None, folders: list[str] | None, namespace: dict[str, Any] | None
    ) -> None:
        self.name = name
        self.package = package
        self.path = path
        self.folders = folders
        self.namespace = namespace

    @cached_property
    def source(self) -> Source | None:
        """Its parsed file, if it is the project's own."""
        if self.path is None or not self.path.endswith((".py", ".pyw")) or not is_first_party(self.path):
            return None
        return read_source(self.path)

    @property
    def is_first_party(self) -> bool:
        """Tell whether it is the project's own, or may hold modules that are."""
        if self.path is None:
            return self.folders is not None or self.name == "__main__"
        return is_first_party(self.path)


class Modules:
    """The modules as code that asks now would find them; good for one question and its answer."""

    def __init__(self) -> None:
        self._by_name: dict[str, Module | None] = {}
        self._by_namespace: dict[int, Module] = {}

    def of_namespace(self, namespace: dict[str, Any]) -> Module:
        """Give the module that a function's globals belong to."""
        known = self._by_namespace.get(id(namespace))
        if known is None:
            name = namespace.get("__name__")
            name = name if isinstance(name, str) else "?"
            main = script(name)
            name = main.name if main is not None and vars(main.module) is namespace else name
            path = _python_file(namespace.get("__file__"))
            folders = _folders(namespace.get("__path__"))
            package = namespace.get("__package__")
            if not isinstance(package, str):
                package = name if folders is not None else name.rpartition(".")[0]
            known = self._by_namespace[id(namespace)] = Module(name, package, path, folders, namespace)
        return known

    def of_object(self, value: object) -> Module | None:
        """Give what a living module is; None for any other object."""
        return self.of_namespace(_namespace(value)) if issubclass(type(value), ModuleType) else None

    def named(self, name: str) -> Module | None:
        """Find a module by its full name; nothing is imported."""
        if name not in self._by_name:
            self._by_name[name] = None  # should the finders ask for it again
            self._by_name[name] = self._find(name)
        return self._by_name[name]

    def stamps(self) -> dict[str, Stamp]:
        """Give the files that have been read, each with what tells whether it has changed since."""
        sources = [module.source for module in self if "source" in vars(module)]
        return {source.path: source.stamp for source in sources if source is not None}

    def __iter__(self) -> Iterator[Module]:
        """Give those that have been looked at."""
        yield from self._by_namespace.values()
        yield from filter(None, self._by_name.values())

    def imported_by(self, module: Module, imported: Imported) -> str:
        """Give the full name of the module that an import in `module` asks for."""
        if not imported.level:
            return imported.module
        parts = module.package.split(".")
        parts = parts[: len(parts) - imported.level + 1]
        return ".".join([*parts, *([imported.module] if imported.module else [])])

    def _find(self, name: str) -> Module | None:
        loaded = sys.modules.get(name)
        if loaded is not None:
            return self.of_object(loaded)
        parent_name = name.rpartition(".")[0]
        folders: list[str] | None = None
        if parent_name:
            parent = self.named(parent_name)
            if parent is None or parent.folders is None or not parent.is_first_party:
                return None
            folders = parent.folders
        for finder in list(sys.meta_path):
            try:
                spec = finder.find_spec(name, folders)
            except Exception:  # a finder of somebody's
                continue
            if spec is not None:
                inner = spec.submodule_search_locations
                package = name if inner is not None else parent_name
                return Module(name, package, _python_file(spec.origin), _folders(inner), None)
        return None


@cache
def is_first_party(path: str) -> bool:
    """Tell whether a file is the project's own: of no library, not Python's, not the engine's."""
    if path.startswith((_STANDARD_LIBRARY, *_ENGINE_FOLDERS)):
        return False
    return not is_installed(path)


@cache
def real_path(path: str) -> str:
    """Resolve links, so that a file has one name."""
    return os.path.realpath(path)


def is_engine(module: str) -> bool:
    """Tell whether a module is one of ours, by name."""
    return module.partition(".")[0] in _ENGINE_NAMES


def project_root(path: str) -> str:
    """Find the folder that names of files are relative to: the nearest with a project's mark, else the file's own."""
    home = os.path.dirname(path)
    return nearest_with(home, _MARKS) or home


def _namespace(module: object) -> dict[str, Any]:
    """Read a module's names without waking it, should it be a lazy one."""
    reader: Any = vars(ModuleType)["__dict__"]
    found: dict[str, Any] = reader.__get__(module)
    return found


def _python_file(path: object) -> str | None:
    if not isinstance(path, str) or not path.endswith((".py", ".pyw", ".so", ".pyd", ".pyc")):
        return None
    path = real_path(os.path.abspath(path))
    return path if os.path.exists(path) else None


def _folders(path: object) -> list[str] | None:
    if path is None:
        return None
    try:
        return [folder for folder in path if isinstance(folder, str)]  # type: ignore[attr-defined]  # any iterable
    except TypeError:
        return None
