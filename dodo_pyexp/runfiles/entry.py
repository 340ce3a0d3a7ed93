"""`Entry`: the function that a run file names, by a file or a module; found without importing it, then imported."""

from __future__ import annotations

import ast
import importlib
import os
import sys
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from ..errors import ConfigError, MissingFile, nearest


@dataclass(frozen=True)
class Entry:
    """A function in a file or in a module.

    Parameters
    ----------
    where
        Where the run file says so.
    function
        Its name; "" where the file alone says which.
    file
        The Python file; None for a module.
    module
        The dotted name of the module; "" for a file.
    """

    where: str
    function: str = ""
    file: Path | None = None
    module: str = ""

    @classmethod
    def parse(cls, text: str, where: str, folder: Path) -> Entry:
        """Read ``train.py:main``, ``train.py`` or ``package.module:main``.

        Parameters
        ----------
        text
            What is written.
        where
            Where it is written.
        folder
            What the path of a file is relative to.

        Raises
        ------
        ConfigError
            It is none of these.
        """
        home, _, function = text.strip().rpartition(":")
        if not home and function.endswith(".py"):
            home, function = function, ""
        if home.endswith(".py"):
            if not function or function.isidentifier():
                return cls(where, function, folder / Path(home).expanduser())
        elif function.isidentifier() and all(part.isidentifier() for part in home.split(".")):
            return cls(where, function, module=home)
        raise ConfigError(f'{where}: the entry point is "{text}"; write file.py:function or package.module:function')

    def elsewhere(self, file: str | None, module: str | None, folder: Path) -> Entry:
        """Give the same function in the file or module that the command line names."""
        if module is not None:
            return Entry("command line", self.function, module=module)
        if file is not None:
            return Entry("command line", self.function, file=python_file(file, Path.cwd(), folder))
        return self

    @property
    def shown(self) -> str:
        """The entry point as people write it."""
        home = self.module or os.fspath(self.file or "")
        return f"{home}:{self.function}" if self.function else home

    def source(self, path: list[str] | None = None) -> Path | None:
        """Find the Python file; None if it cannot be found without importing anything."""
        if self.file is not None:
            return self.file
        return find_module(self.module, path)

    def check(self, path: list[str] | None = None) -> None:
        """Make sure, as far as can be told without importing it, that the function is there.

        Raises
        ------
        MissingFile, ConfigError
            It is not.
        """
        source = self.source(path)
        if self.file is not None and not os.path.isfile(self.file):
            raise MissingFile(f"{self.where}: there is no file {self.file}{_near(self.file)}")
        if source is None:
            hint = _near_module(self.module, list(sys.path) if path is None else path)
            raise ConfigError(
                f'{self.where}: there is no module "{self.module}"{hint}; it is looked for in the current folder, and '
                "where the run file says its code is"
            )
        if self.function:
            names = defined_names(source)
            if names is not None and self.function not in names:
                raise ConfigError(
                    f'{self.where}: {shown_path(source)} defines no "{self.function}"{nearest(self.function, names)}'
                )

    def load(self) -> ModuleType:
        """Import the module, for its definitions alone.

        Raises
        ------
        PyexpError
            It is not there, or raises something.
        """
        from .. import importing
        from ..planning.mistakes import user_code

        with user_code():
            if self.file is not None:
                return importing.import_file(os.fspath(self.file))
            with importing.definitions_only():
                try:
                    return importlib.import_module(self.module)
                except ModuleNotFoundError as error:
                    if error.name is not None and f"{self.module}.".startswith(f"{error.name}."):
                        raise ConfigError(f'{self.where}: there is no module "{error.name}"') from None
                    raise

    def value(self, module: ModuleType) -> Any:
        """Give what the function's name stands for in its module.

        Raises
        ------
        ConfigError
            Nothing.
        """
        try:
            return getattr(module, self.function)
        except AttributeError:
            hint = nearest(self.function, vars(module))
            raise ConfigError(
                f'{self.where}: {shown_path(module.__file__ or self.module)} defines no "{self.function}"{hint}'
            ) from None


def python_file(name: str, *folders: Path) -> Path:
    """Give a Python file by its path, relative to the first folder that has it; ``.py`` may be left out."""
    path = Path(name).expanduser()
    found = [(folder / path) for folder in folders]
    candidates = [*found, *(one.with_name(f"{one.name}.py") for one in found if one.suffix != ".py")]
    return next((one for one in candidates if os.path.isfile(one)), candidates[-1])


def find_module(name: str, path: list[str] | None = None) -> Path | None:
    """Find the source file of a module by looking at files alone, without importing its packages."""
    spec = _find_spec(name, list(sys.path) if path is None else path)
    return Path(spec.origin) if spec is not None and spec.origin else None


def _find_spec(name: str, path: list[str]) -> ModuleSpec | None:
    places, spec = path, None
    importlib.invalidate_caches()
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        try:
            spec = PathFinder.find_spec(".".join(parts[:end]), places)
        except (ImportError, ValueError):
            return None
        if spec is None:
            return None
        places = list(spec.submodule_search_locations or ())
    return spec


def defined_names(source: Path) -> set[str] | None:
    """Name what a Python file may define at its top; None if that cannot be told by reading it.

    Raises
    ------
    ConfigError
        It is no valid Python, or no text.
    """
    try:
        tree = ast.parse(source.read_bytes(), os.fspath(source))
    except SyntaxError as error:
        raise ConfigError(f"{shown_path(source)}:{error.lineno}: {error.msg}; correct the code") from None
    except (ValueError, OSError) as error:
        raise ConfigError(f"{shown_path(source)}: cannot be read as Python ({error})") from None
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            if any(alias.name == "*" for alias in node.names):
                return None
            names.update(alias.asname or alias.name.split(".")[0] for alias in node.names)
    return None if "__getattr__" in names else names


def shown_path(path: str | os.PathLike[str]) -> str:
    """Write a path as short as it can be written from here."""
    relative = os.path.relpath(path)
    return os.fspath(path) if relative.startswith("..") else relative


def add_to_path(folders: list[str]) -> None:
    """Put folders at the front of the module search path, in their order."""
    for folder in reversed(folders):
        if folder in sys.path:
            sys.path.remove(folder)
        sys.path.insert(0, folder)


def _near_module(name: str, path: list[str]) -> str:
    """Name the modules that may be meant: those beside it in its package, or in the search path."""
    package, _, last = name.rpartition(".")
    if package:
        spec = _find_spec(package, path)
        if spec is None:
            return _near_module(package, path)
        path = list(spec.submodule_search_locations or ())
    found = {entry.removesuffix(".py") for folder in path for entry in _entries(folder or ".")}
    return nearest(last, sorted(name for name in found - sys.stdlib_module_names if name.isidentifier()))


def _near(path: Path) -> str:
    return nearest(path.name, sorted(_entries(os.fspath(path.parent))))


def _entries(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
