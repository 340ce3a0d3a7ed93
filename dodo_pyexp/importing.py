"""Importing a user's file for what it defines, and for nothing else.

While that goes on, `Experiment.run` does nothing: a script that calls it without ``if __name__ == "__main__"``
can still be listed, built by ``pyexp build`` and imported by the processes that execute its runs.
"""

from __future__ import annotations

import importlib
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType

#: When this process began, or not much later: what was edited before, it has read as it stands.
BEGAN = time.time_ns()
_depth = 0


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


def import_file(path: str, name: str | None = None) -> ModuleType:
    """Import the file at `path` as module `name` (default: its stem), once a process.

    The file's folder is put first on ``sys.path``, as for ``python file.py``, unless it is there already.
    Whatever the file raises goes through.
    """
    path = os.path.abspath(path)
    # A dot in the file's name means no package.
    name = name or os.path.splitext(os.path.basename(path))[0].replace(".", "_")
    folder = os.path.dirname(path)
    if "." not in name and folder not in sys.path:
        sys.path.insert(0, folder)
    with definitions_only():
        module = _already(name, path)
        return module if module is not None else _load(name, path)


def _already(name: str, path: str) -> ModuleType | None:
    """Import by name if that leads to the very file."""
    if name not in sys.modules:
        try:
            spec = _find(name)
        except (ImportError, AttributeError):
            return None
        if spec is None or not _same(spec.origin, path):
            return None
        return importlib.import_module(name)
    module = sys.modules[name]
    return module if _same(getattr(module, "__file__", None), path) else None


def _find(name: str) -> ModuleSpec | None:
    """Find a module as ``import`` would; `importlib.util` does the same, but is slow to import itself."""
    parent = name.rpartition(".")[0]
    path = importlib.import_module(parent).__path__ if parent else None
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


def _load(name: str, path: str) -> ModuleType:
    """Load a file whose name leads elsewhere: under a name of its own when another module has it."""
    if name in sys.modules:
        import hashlib

        name = f"{name}_{hashlib.sha256(path.encode()).hexdigest()[:8]}"
        if name in sys.modules:
            return sys.modules[name]
    import importlib.util

    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
