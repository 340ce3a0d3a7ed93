"""Importing a user's file for what it defines, and for nothing else.

While that goes on, `Experiment.run` does nothing: a script that calls it without ``if __name__ == "__main__"``
can still be listed, built by ``pyexp build`` and imported by the processes that execute its runs (P7).
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

_depth = 0


def active() -> bool:
    """Tell whether a file is being imported for its definitions right now."""
    return _depth > 0


def import_file(path: str, name: str | None = None) -> ModuleType:
    """Import the file at `path` as module `name` (default: its stem), once a process.

    The file's folder is put first on ``sys.path``, as for ``python file.py``, unless it is there already.
    Whatever the file raises goes through.
    """
    global _depth
    path = os.path.abspath(path)
    name = name or os.path.splitext(os.path.basename(path))[0]
    folder = os.path.dirname(path)
    if "." not in name and folder not in sys.path:
        sys.path.insert(0, folder)
    _depth += 1
    try:
        module = _already(name, path)
        return module if module is not None else _load(name, path)
    finally:
        _depth -= 1


def _already(name: str, path: str) -> ModuleType | None:
    """Import by name if that leads to the very file."""
    if name not in sys.modules:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            return None
        if spec is None or not _same(spec.origin, path):
            return None
        return importlib.import_module(name)
    module = sys.modules[name]
    return module if _same(getattr(module, "__file__", None), path) else None


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
