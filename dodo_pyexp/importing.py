"""Importing a user's file for what it defines, and for nothing else.

While that goes on, `Experiment.run` does nothing: a script that calls it without ``if __name__ == "__main__"``
can still be listed, built by ``pyexp build`` and imported by the processes that execute its runs.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from importlib import _bootstrap, _bootstrap_external  # importlib.util is slow to import

from .bytecode import distrust
from .libraries import keep_apart
from .namesakes import refuse_namesakes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

#: When this process began, or not much later: what was edited before, it has read as it stands.
BEGAN = time.time_ns()
distrust()
_depth = 0
_until: tuple[dict[str, Any], int] | None = None
_passed_over = False


def active() -> bool:
    """Tell whether a file is being imported for its definitions right now.

    A new interpreter of `multiprocessing` imports the script that it serves, for nothing else.
    """
    if _depth > 0:
        return True
    processes = sys.modules.get("multiprocessing.process")
    return processes is not None and getattr(processes.current_process(), "_inheriting", False)


class definitions_only:  # noqa: N801  # read in a `with` statement, like contextlib's own
    """While it lasts, whatever is imported is imported for its definitions."""

    def __enter__(self) -> None:
        global _depth
        _depth += 1

    def __exit__(self, *_: object) -> None:
        global _depth
        _depth -= 1


class _Reached(BaseException):
    """A file has been imported as far as is wanted."""


def line_reached(namespace: dict[str, Any]) -> int:
    """Tell how far a module has come: the line of its top level that is being executed; 0 if none is."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_globals is namespace and frame.f_code.co_name == "<module>":
            return frame.f_lineno
        frame = frame.f_back  # type: ignore[assignment]  # None ends the loop
    return 0


def pass_over_run() -> None:
    """Where `run` is called while a file is imported: end that, if its importer wants no more of it than this."""
    global _passed_over
    if _until is not None and line_reached(_until[0]) == _until[1]:
        raise _Reached
    _passed_over = True


def passed_over_run() -> bool:
    """Tell whether a file that this process has imported called `run`, and got nothing from it."""
    return _passed_over


def module_name(path: str) -> tuple[str, str]:
    """Give the name of the module that a file is, and the folder that the name is found in.

    A file in a folder with an ``__init__.py`` is a module of that package, and so on upwards. Any other one is called
    by its stem; a dot in the file's name means no package.

    Examples
    --------
    >>> module_name("/somewhere/my.experiment.py")
    ('my_experiment', '/somewhere')
    """
    folder, file = os.path.split(path)
    stem = os.path.splitext(file)[0].replace(".", "_")
    names = [] if stem == "__init__" else [stem]
    for _ in package_files(path):
        folder, package = os.path.split(folder)
        names.insert(0, package)
    return ".".join(names) or stem, folder


def package_files(path: str) -> list[str]:
    """Give the ``__init__.py`` of each package that a file is in, the innermost first."""
    found = []
    folder = os.path.dirname(path)
    while os.path.basename(folder).isidentifier() and os.path.isfile(file := os.path.join(folder, "__init__.py")):
        found.append(file)
        folder = os.path.dirname(folder)
    return found


def import_file(path: str, name: str | None = None, until: int = 0) -> ModuleType:
    """Import the file at `path`, once a process.

    Links are followed first, as for ``python file.py``; then modules beside the file are found. Whatever the file
    raises goes through.

    Parameters
    ----------
    path
        The file.
    name
        Its name as a module; by default that of `module_name`.
    until
        A line of its top level: when a call of `run` is reached there, the rest is not executed.
    """
    path = os.path.realpath(path)
    own, root = module_name(path)
    name = name or own
    if "." not in name:
        _search(0, os.path.dirname(path))
    elif name == own:
        _search(0, root)
        _search(len(sys.path), os.path.dirname(path))  # for ``import helper`` of a script that lies in a package
    keep_apart()
    with definitions_only():
        known = sys.modules.get(name)
        if known is not None and _same(getattr(known, "__file__", None), path):
            return known
        if name == own:
            refuse_namesakes(path, own, root)
        return _load(*_free_name(name, path), path, until)


def _search(place: int, folder: str) -> None:
    if folder not in sys.path:
        sys.path.insert(place, folder)


def _free_name(name: str, path: str) -> tuple[str, ModuleSpec | None]:
    """Give the name to import by, with what the finders say of it if that is this very file."""
    spec = None if name in sys.modules else _find(name)
    if spec is not None and _same(spec.origin, path):
        return name, spec
    if name in sys.modules:  # another module has it
        import hashlib

        name = f"{name}_{hashlib.sha256(path.encode()).hexdigest()[:8]}"
    return name, None


def _find(name: str) -> ModuleSpec | None:
    """Find a module as ``import`` would; `importlib.util` does the same, but is slow to import itself."""
    parent = name.rpartition(".")[0]
    path = None
    if parent:
        try:
            path = getattr(importlib.import_module(parent), "__path__", None)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{parent}.".startswith(f"{error.name}."):
                raise  # the package is there, and what it imports is not
        if path is None:
            return None
    for finder in sys.meta_path:
        spec = finder.find_spec(name, path)
        if spec is not None:
            return spec
    return None


def _same(found: str | None, path: str) -> bool:
    try:
        return found is not None and os.path.samefile(found, path)
    except OSError:
        return False


def _load(name: str, spec: ModuleSpec | None, path: str, until: int) -> ModuleType:
    """Execute a file as the module `name`, unless that has been done."""
    global _until
    if name in sys.modules:
        return sys.modules[name]
    findable = spec is not None
    if spec is None:  # a script need not have a suffix, and then Python does not know how to load it
        loader = None if os.path.splitext(path)[1] else _bootstrap_external.SourceFileLoader(name, path)
        spec = _bootstrap_external.spec_from_file_location(name, path, loader=loader)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module: ModuleType = _bootstrap.module_from_spec(spec)
    sys.modules[name] = module
    before, _until = _until, (vars(module), until)
    try:
        spec.loader.exec_module(module)
    except _Reached:
        pass
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        _until = before
    if not findable:
        module.__spec__ = None  # else pools of multiprocessing look for it by its name
    parent, _, child = name.rpartition(".")
    if parent in sys.modules:
        setattr(sys.modules[parent], child, module)
    return module
