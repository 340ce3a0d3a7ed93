"""What this process has imported, beside what stands in the files now: a long session may have old code in memory.

Implements: docs/how-it-works.md, "What code counts": the code that is executed is the code that is put on record.
"""

from __future__ import annotations

import ast
import dis
from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

from ...importing import BEGAN
from .modules import Module
from .objects import wrapped_by
from .sources import Source


def outdated(modules: Iterable[Module]) -> list[str]:
    """Name the files that were edited after they had been imported, so that they tell of other code than is in memory.

    Compared are functions, methods and plain constants; a file that was imported again since is up to date.
    """
    found = []
    for module in modules:
        source = module.source if "source" in vars(module) else None
        if source is None or module.namespace is None or source.stamp is None or source.stamp[0] <= BEGAN:
            continue
        if source.path == module.path and _differs(module.namespace, source):
            found.append(source.path)
    return sorted(set(found))


def _differs(namespace: dict[str, Any], source: Source) -> bool:
    for name, value in _constants(source):
        if name in namespace and (type(namespace[name]) is not type(value) or namespace[name] != value):
            return True
    try:
        whole = compile(source.tree, source.path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError):
        return True
    written: dict[str, list[Any]] = {}
    for code in _codes(whole):
        written.setdefault(code.co_qualname, []).append(_shape(code))
    # What the file no longer has may linger after `importlib.reload`; who used it must have changed.
    living = [code for code in _living(namespace) if code.co_qualname in written]
    return any(_shape(code) not in written[code.co_qualname] for code in living)


def _constants(source: Source) -> Iterator[tuple[str, Any]]:
    """Give the names of a module that one statement gives a plain value."""
    for name, bindings in source.module.names.items():
        one = bindings[0]
        value = getattr(one.node, "value", None)
        if len(bindings) == 1 and one.kind == "assignment" and not one.context and isinstance(value, ast.Constant):
            yield name, value.value


def _codes(code: CodeType) -> Iterator[CodeType]:
    pending = [code]
    while pending:
        inner = [one for one in pending.pop().co_consts if isinstance(one, CodeType)]
        pending += inner
        yield from inner


def _living(namespace: dict[str, Any]) -> Iterator[CodeType]:
    """Give the code of the functions and methods that a module has defined."""
    pending = list(namespace.values())
    seen = set()
    while pending:
        value = pending.pop()
        kind = type(value)
        if id(value) in seen or issubclass(kind, ModuleType):
            continue
        seen.add(id(value))
        if kind is FunctionType and value.__globals__ is namespace:
            yield value.__code__
        if issubclass(kind, type):
            inside = type.__dict__["__dict__"].__get__(value)
            if inside.get("__module__") == namespace.get("__name__"):
                pending += inside.values()
        elif issubclass(kind, property):
            pending += [value.fget, value.fset, value.fdel]
        else:
            pending += wrapped_by(value)


def _shape(code: CodeType) -> list[Any]:
    """Give what code does, without where it stands and what its docstring says."""
    return [
        (step.opname, _shape(step.argval) if isinstance(step.argval, CodeType) else (type(step.argval), step.argval))
        for step in dis.get_instructions(code)
    ]
