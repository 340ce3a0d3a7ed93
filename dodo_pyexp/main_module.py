"""The script that was started, as other processes know it: as a module with a name of its own.

In the process that was started with it, it is called ``__main__``, a name that means another module in every process.
By its own name, that of `importing.module_name`, all of them can import it, and find its functions and classes in it.
"""

from __future__ import annotations

import os
import sys

from .importing import module_name

TYPE_CHECKING = False  # and no ast: processes that execute runs import this module
if TYPE_CHECKING:
    import ast
    from types import ModuleType
    from typing import Any

NAMES = ("__main__", "__mp_main__")  # the second is what multiprocessing calls it in its own processes
_known: Script | None = None
_hidden: list[ModuleType] = []


class Script:
    """The module ``__main__``, if it is a file.

    Parameters
    ----------
    module
        The module.
    path
        Its file.

    Attributes
    ----------
    name
        What other processes import it as.
    """

    def __init__(self, module: ModuleType, path: str) -> None:
        self.module = module
        self.path = path
        spec = getattr(module, "__spec__", None)
        self.name: str = spec.name if spec is not None and spec.name not in NAMES else module_name(path)[0]
        if self.name in NAMES:  # `python folder`
            self.name = NAMES[1]
        self._bound: tuple[set[str], set[str]] | None = None

    def defines(self, name: str) -> bool:
        """Tell whether a process that imports it finds `name` there."""
        return name in self._names()[0]

    def guards(self, name: str) -> bool:
        """Tell whether `name` is only there in the process that was started with the script."""
        defined, guarded = self._names()
        return name in guarded - defined

    def _names(self) -> tuple[set[str], set[str]]:
        """Give the names that are bound in any case, and those under ``if __name__ == "__main__"``."""
        if self._bound is None:
            import ast

            self._bound = set(), set()
            try:
                with open(self.path, "rb") as file:
                    _collect(ast.parse(file.read()), *self._bound)
            except (OSError, SyntaxError, ValueError, RecursionError):  # it is gone, or is being edited
                pass
        return self._bound

    def address(self, value: Any) -> str | None:
        """Give ``module:name`` of a function or class of the script; None if other processes do not find it there."""
        qualname: str = getattr(value, "__qualname__", "<>")
        found: Any = self.module
        for part in qualname.split("."):
            found = getattr(found, part, None)
        return f"{self.name}:{qualname}" if found is value and self.defines(qualname.partition(".")[0]) else None


def script(home: str = "__main__") -> Script | None:
    """Give the script that the module `home` is; None if it is none, as in a notebook or at a prompt."""
    global _known
    module = sys.modules.get(home)
    path = getattr(module, "__file__", None)
    if home not in NAMES or module is None or not isinstance(path, str) or hasattr(sys, "ps1"):
        return None
    if _known is None or _known.module is not module:
        if not os.path.isfile(path):
            return None
        _known = Script(module, os.path.realpath(path))
    return _known


def answer_to_own_name(home: str) -> None:
    """Let the script be found by its own name in its own process, too: what runs save speaks of it by that."""
    found = script(home)
    if found is None or found.name in sys.modules:
        return
    sys.modules[found.name] = found.module
    parent, _, child = found.name.rpartition(".")
    if parent in sys.modules:
        setattr(sys.modules[parent], child, found.module)


def become(module: ModuleType) -> None:
    """Let a module be ``__main__``: pickle looks classes up there, and so do the pools of multiprocessing."""
    for name in NAMES:
        if name in sys.modules and sys.modules[name] is not module:
            _hidden.append(sys.modules[name])  # its code may still go on
        sys.modules[name] = module


def _collect(tree: ast.AST, found: set[str], guarded: set[str]) -> None:
    """Add the names that statements bind to `found`; those of a part that depends on ``__name__`` to `guarded`."""
    import ast

    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.If) and "__name__" in {getattr(part, "id", "") for part in ast.walk(node.test)}:
            _collect(ast.Module(node.body, []), guarded, guarded)
            _collect(ast.Module(node.orelse, []), found, guarded)
        else:
            _collect(node, found, guarded)
