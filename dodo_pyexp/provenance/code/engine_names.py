"""What in a user's module makes experiments: it says how runs are executed, not what they compute.

Implements: docs/how-it-works.md, "What code counts".
"""

from __future__ import annotations

import ast

from .modules import Module, Modules, is_engine
from .names import Imported, chain
from .sources import Binding

_MAKERS = frozenset(("experiment", "Experiment"))


class EngineNames:
    """Follows names through imports and assignments to `pyexp.experiment`, or to an experiment."""

    def __init__(self, modules: Modules) -> None:
        self._modules = modules
        self._known: dict[tuple[int, str, tuple[str, ...]], bool] = {}

    def decorators(self, module: Module, node: ast.AST) -> list[ast.expr]:
        """List the decorators of a definition that make an experiment of it, or are methods of one."""
        found: list[ast.expr] = getattr(node, "decorator_list", [])
        return [decorator for decorator in found if self._makes(module, decorator)]

    def makes_experiment(self, module: Module, binding: Binding) -> bool:
        """Tell whether a statement is like ``train = experiment(fn, retry=3)``."""
        value = getattr(binding.node, "value", None)
        return binding.kind == "assignment" and isinstance(value, ast.Call) and self._makes(module, value)

    def _makes(self, module: Module, node: ast.expr) -> bool:
        while isinstance(node, ast.Call):
            node = node.func
        found = chain(node)
        return found is not None and self._leads(module, *found)

    def _leads(self, module: Module, name: str, attributes: tuple[str, ...]) -> bool:
        key = id(module), name, attributes
        if key not in self._known:
            self._known[key] = False  # a circle leads nowhere
            self._known[key] = self._follow(module, name, attributes)
        return self._known[key]

    def _follow(self, module: Module, name: str, attributes: tuple[str, ...]) -> bool:
        source = module.source
        if source is None:
            return False
        bindings = source.module.names.get(name)
        if bindings is None:
            return any(self._imported(module, star, (name, *attributes)) for star in source.module.stars)
        return any(
            self._imported(module, binding.imported, (*filter(None, [binding.imported.attribute]), *attributes))
            if binding.imported is not None
            else self.makes_experiment(module, binding) or bool(self.decorators(module, binding.node))
            for binding in bindings
        )

    def _imported(self, module: Module, imported: Imported, names: tuple[str, ...]) -> bool:
        """Follow attributes of a module."""
        target = self._modules.imported_by(module, imported)
        if is_engine(target):
            return not _MAKERS.isdisjoint(names)
        found = self._modules.named(target)
        while found is not None and found.is_first_party and names:
            source = found.source
            if source is not None and (names[0] in source.module.names or source.module.stars):
                return self._leads(found, names[0], names[1:])
            found, names = self._modules.named(f"{found.name}.{names[0]}"), names[1:]
        return False
