"""The files that must be there for a function to be imported: its own, and those of all first-party modules it imports.

More than the fingerprint counts: an import that nothing uses is executed all the same.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Collection, Iterator
from typing import Any

from ...importing import module_name, package_files
from .modules import Module, Modules, is_first_party, project_root
from .names import Imported


def imported_files(fn: Any, also: Collection[str] = ()) -> dict[str, str]:
    """Give the first-party files that a function needs, each with the folder that its imports are relative to.

    Found by reading, not by importing: every import statement of every file counts, inside functions too. What is
    imported by a computed name counts if it lies in the project and has been imported already.

    Parameters
    ----------
    fn
        The function.
    also
        Files that are known to be needed.
    """
    modules = Modules()
    home = modules.of_namespace(fn.__globals__)
    pending: list[Module] = [home]
    if home.path is not None:
        root = project_root(home.path) + os.sep
        for loaded in list(sys.modules.values()):
            found = modules.of_object(loaded)
            if found is not None and found.path is not None and found.path.startswith(root):
                pending.append(found)
    seen: dict[str, str] = {}
    while pending:
        module = pending.pop()
        path = module.path
        if path is None or path in seen or not is_first_party(path):
            continue
        seen[path] = _import_root(module, path)
        for name in {name for node in _imports(module) for name in _names(modules, module, node)}:
            parts = name.split(".")
            for length in range(1, len(parts) + 1):
                imported = modules.named(".".join(parts[:length]))
                if imported is not None:
                    pending.append(imported)
    if home.path is not None and is_first_party(home.path):
        root = module_name(home.path)[1]
        seen.update((path, root) for path in package_files(home.path) if path not in seen)
    for path in also:
        seen.setdefault(path, os.path.dirname(path))
    return seen


def _imports(module: Module) -> Iterator[ast.Import | ast.ImportFrom]:
    source = module.source
    for node in ast.walk(source.tree) if source is not None else ():
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node


def _names(modules: Modules, module: Module, node: ast.Import | ast.ImportFrom) -> list[str]:
    """Name the modules that an import may mean: ``from a import b`` may mean `a.b`."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = modules.imported_by(module, Imported(node.module or "", node.level))
    inner = [f"{base}.{alias.name}" for alias in node.names if alias.name != "*"]
    return [name for name in (base, *inner) if name and not name.startswith(".")]


def _import_root(module: Module, path: str) -> str:
    """Give the folder in which the first part of the module's name is found."""
    folder = os.path.dirname(path)
    parts = module.name.split(".")
    if os.path.basename(path) in ("__init__.py", "__init__.pyw"):
        parts.append("__init__")
    for part in reversed(parts[:-1]):
        if os.path.basename(folder) != part:  # imported under a name of its own
            return os.path.dirname(path)
        folder = os.path.dirname(folder)
    return folder
