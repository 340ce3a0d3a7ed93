"""doit's own settings, where it loads a file with experiments.

Implements: docs/files-on-disk.md (`out/.doit.db`).
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, Any

from ..errors import PyexpError
from ..importing import module_name
from ..planning.definition import Definition

if TYPE_CHECKING:
    from types import FrameType


def settle_in_package() -> None:
    """Let the dodo file that doit is loading just now be the module of its package, if it lies in one.

    doit imports it by its stem alone; what it imports after pyexp may be relative to the package then, as elsewhere.
    """
    dodo = _dodo_file()
    path = None if dodo is None else dodo.get("__file__")
    if dodo is None or not isinstance(path, str):
        return
    path = os.path.realpath(path)
    name, root = module_name(path)
    if "." in name and name not in sys.modules:
        if root not in sys.path:
            sys.path.insert(0, root)
        sys.modules[name] = sys.modules[dodo["__name__"]]
        dodo.update(__name__=name, __package__=name.rpartition(".")[0], __spec__=ModuleSpec(name, None, origin=path))


def configure_doit(definition: Definition) -> None:
    """Tell the doit that is loading a dodo file just now to keep its database in the output folder.

    The file may define this experiment itself or import it. Whatever it says in a ``DOIT_CONFIG`` of its own wins.
    """
    dodo = _dodo_file()
    if dodo is not None:
        try:
            output_dir = os.fspath(definition.resolved().output_dir or "out")
        except PyexpError:  # told when the tasks are made
            return
        settings = {"backend": "pyexp", "dep_file": f"{output_dir}/.doit.db", "continue": True}
        dodo.setdefault("DOIT_CONFIG", settings)


def _dodo_file() -> dict[str, Any] | None:
    """Give the namespace of the dodo file that doit is loading just now; None if it loads none."""
    frame: FrameType | None = sys._getframe(1)
    dodo = None
    while frame is not None and frame.f_globals.get("__name__") != "doit.loader":
        if frame.f_code.co_name == "<module>" and not frame.f_code.co_filename.startswith("<frozen"):
            dodo = frame.f_globals
        frame = frame.f_back
    return None if frame is None else dodo


def loaded_file() -> str | None:
    """Give the file in which doit is looking for tasks just now; None if it looks elsewhere."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__") != "doit.loader":
        frame = frame.f_back
    namespace = frame.f_locals.get("namespace") if frame is not None else None
    file = namespace.get("__file__") if isinstance(namespace, dict) else None
    return file if isinstance(file, str) and os.path.isfile(file) else None
