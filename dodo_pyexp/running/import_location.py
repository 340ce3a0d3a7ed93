"""Where in the snapshot the experiment function stands: enough to import it again, years later, on another machine.

Implements: docs/how-to.md, "Run it again".
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from ..executors.imports.relocation import editable_folders
from ..main_module import NAMES, script
from ..planning.definition import Definition
from ..planning.source import innermost

if TYPE_CHECKING:
    from .stash import Kept


def origin(definition: Definition, kept: Kept) -> dict[str, Any]:
    """Describe the function for the manifest.

    Paths are relative to the snapshot: `file`, the folders that modules are searched in (`path`), and the current
    folder (`folder`, None if it is not in the project). `attribute` leads from the module to the function or its
    experiment; None if nothing does, because it is made inside another function.
    """
    fn = definition.fn
    inner = innermost(fn)
    code = getattr(inner, "__code__", None)
    file = None if code is None else kept.relocation.of(code.co_filename)
    home = getattr(inner, "__module__", None) or ""
    module = sys.modules.get(home)
    main = script(home)
    home = main.name if main is not None else "" if home in NAMES else home
    path = [os.fspath(entry) or os.getcwd() for entry in sys.path]
    copies = [copy for entry in [*path, *editable_folders()] if (copy := kept.relocation.of(entry)) is not None]
    root = kept.root
    here = kept.relocation.of(os.getcwd())
    return {
        "file": None if file is None else os.path.relpath(file, root),
        "module": home,
        "attribute": _attribute(fn, vars(module) if module is not None else {}),
        "arity": definition.arity,
        "path": [os.path.relpath(copy, root) for copy in dict.fromkeys(copies)],
        "folder": None if here is None else os.path.relpath(here, root),
    }


def _attribute(fn: Any, namespace: dict[str, Any]) -> str | None:
    """Find the dotted name under which a module has the function, or the experiment that was made of it."""
    qualname = getattr(fn, "__qualname__", "<>")
    if "<" not in qualname:
        first, *rest = qualname.split(".")
        value = namespace.get(first)
        for part in rest:
            value = getattr(value, part, None)
        if value is fn or getattr(value, "fn", None) is fn:
            return qualname
    return next((name for name, value in list(namespace.items()) if getattr(value, "fn", None) is fn), None)
