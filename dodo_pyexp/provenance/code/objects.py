"""Living objects that code reaches: what functions captured, what wrappers wrap, what class an instance is of.

Nothing of the user's is called here, no property and no ``__getattr__``: only what Python itself keeps is looked at.

Implements: docs/how-it-works.md, "What code counts".
"""

from __future__ import annotations

import functools
import os
import sys
from collections import deque
from collections.abc import Iterable
from itertools import islice
from types import FunctionType, GetSetDescriptorType, MappingProxyType, MethodType, ModuleType
from typing import Any

from .constants import is_plain
from .modules import is_first_party, real_path
from .reach import Reach
from .sources import read_source

_MOST_ITEMS = 10_000
_MOST_OBJECTS = 20_000
_DEEPEST = 8
# Where objects that stand in for a function keep it.
_WRAPPED = ("__wrapped__", "fn", "func", "function", "py_func")


class Objects:
    """Looks into objects, and tells `Reach` which definitions they lead to."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._seen: dict[int, object] = {}  # holds them: an id may not be used again

    def visit(self, value: object, depth: int = 0) -> None:
        """Take an object; it is looked into later."""
        if is_plain(value) or depth > _DEEPEST or id(value) in self._seen or len(self._seen) > _MOST_OBJECTS:
            return
        self._seen[id(value)] = value
        self._reach.later(self._look, value, depth)

    def _all(self, values: Iterable[object], depth: int) -> None:
        for value in islice(values, _MOST_ITEMS):
            self.visit(value, depth + 1)

    def _look(self, value: Any, depth: int) -> None:
        # `type(value)`, for `value.__class__`, which isinstance asks too, can be the user's code.
        kind = type(value)
        if kind is FunctionType:
            self._function(value, depth)
        elif issubclass(kind, type):
            self._class(value, depth)
        elif kind is MethodType:
            self.visit(value.__self__, depth + 1)
        elif issubclass(kind, functools.partial):
            base: Any = functools.partial
            self._all([*base.args.__get__(value), *dict.values(base.keywords.__get__(value))], depth)
        elif issubclass(kind, property):
            self._all([property.__dict__[name].__get__(value) for name in ("fget", "fset", "fdel")], depth)
        elif issubclass(kind, dict):
            self._all(dict.values(value), depth)
        elif issubclass(kind, list):
            self._all(list.__iter__(value), depth)
        elif issubclass(kind, tuple):
            self._all(tuple.__iter__(value), depth)
        elif issubclass(kind, set | frozenset):
            self._all((set if issubclass(kind, set) else frozenset).__iter__(value), depth)
        elif kind is MappingProxyType or kind is deque:
            self._all(value.values() if kind is MappingProxyType else value, depth)
        if kind is not FunctionType and not issubclass(kind, ModuleType | type):
            self.visit(kind, depth + 1)
        self._all(wrapped_by(value), depth)

    def _function(self, function: FunctionType, depth: int) -> None:
        code = function.__code__
        cells: dict[str, Any] = {}
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=False):
            try:
                cells[name] = cell.cell_contents
            except ValueError:  # it has no value yet
                continue
        cells.pop("__class__", None)
        self._all(cells.values(), depth)
        path = real_path(os.path.abspath(code.co_filename))
        module = self._reach.modules.of_namespace(function.__globals__)
        source = module.source
        if source is None or source.path != path:
            in_notebook = not os.path.exists(path)
            wanted = in_notebook or (path.endswith((".py", ".pyw")) and is_first_party(path))
            source = read_source(code.co_filename if in_notebook else path) if wanted else None
        if source is None:
            return
        self._all([*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()], depth)
        for place in source.find_code(code):
            self._reach.definition(module, source, place, cells)

    def _class(self, kind: type, depth: int) -> None:
        namespace = _raw(kind, "__dict__")
        module_name = namespace.get("__module__")
        loaded = sys.modules.get(module_name) if isinstance(module_name, str) else None
        module = self._reach.modules.of_object(loaded)
        if module is not None and not module.is_first_party:
            return
        meta: type = type(kind)
        self._all([*_raw(kind, "__bases__"), meta], depth)
        if module is None or module.source is None:
            return
        # What was put into a class from elsewhere is part of it, too.
        self._all(namespace.values(), depth)
        for place in module.source.find_name(_raw(kind, "__qualname__")):
            self._reach.definition(module, module.source, place, {})


def wrapped_by(value: Any) -> list[Any]:
    """List what stands behind an object that stands in for a function."""
    kind = type(value)
    if kind is MethodType:
        return [value.__func__]
    if issubclass(kind, staticmethod | classmethod):
        return [value.__func__]
    if issubclass(kind, functools.partial):
        base: Any = functools.partial
        return [base.func.__get__(value)]
    if issubclass(kind, ModuleType | type):
        return []
    own = instance_dict(value)
    found = [own[name] for name in _WRAPPED if name in own]
    if issubclass(kind, functools.partialmethod):
        found += [*own.get("args", ()), *own.get("keywords", {}).values()]
    return found


def _raw(kind: type, name: str) -> Any:
    """Read what Python keeps of a class, past its metaclass."""
    return type.__dict__[name].__get__(kind)


def instance_dict(value: object) -> dict[str, Any]:
    """Give the attributes that an object itself holds, past properties and ``__getattr__``."""
    kind = type(value)
    for base in _raw(kind, "__mro__"):
        found = _raw(base, "__dict__").get("__dict__")
        if found is not None:
            own = found.__get__(value) if type(found) is GetSetDescriptorType else None
            return own if type(own) is dict else {}
    return {}
