"""Modules of the project have no names: which parts of a piece of code name one, and what they use of it.

Implements: docs/how-it-works.md, "What code counts": ``helper.f()`` is the same code when `helper` is called otherwise,
but it is other code when it is another module's `f`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping

from .modules import Module, Modules
from .names import Imported, Reference, Uses, chain, imported_names
from .re_exports import exports, handed_on
from .sources import Source
from .syntax import Rewritten

_MODULE = "<module>"
_LONGEST = 100


class Nameless:
    """Finds where code names modules of the project.

    Parameters
    ----------
    modules
        The modules.
    label
        Names a definition of a module as the fingerprint does; with an empty name, the module.
    """

    def __init__(self, modules: Modules, label: Callable[[Module, str], str]) -> None:
        self._modules = modules
        self._label = label

    def rewritten(
        self, module: Module, source: Source, uses: Uses, hidden: Collection[str] = ()
    ) -> Mapping[int, Rewritten]:
        """Give what takes the place of nodes, by their `id`: a text without names, and what is meant by it.

        Parameters
        ----------
        module, source
            Where the code stands.
        uses
            The names that it uses.
        hidden
            Names that functions around it bind: they are not the module's.
        """
        found: dict[int, Rewritten] = {}
        unclear: set[int] = set()
        kept: set[str] = set()
        for reference, nodes in uses.names.items():
            imported = _one_import(source, reference, hidden)
            used = None if imported is None else self._used(module, imported, reference.attributes)
            for node in nodes:
                part = None if used is None else _first(node, used[0])
                if part is None or used is None or id(part) in found:
                    kept.add(reference.name)
                    unclear.update([] if part is None else [id(part)])
                else:
                    found[id(part)] = Rewritten(_MODULE, (used[1],))
        for node in uses.imports:
            rewritten = self._import(module, node, kept)
            if rewritten is not None:
                found[id(node)] = rewritten
        return {key: value for key, value in found.items() if key not in unclear}

    def target(self, module: Module, imported: Imported) -> str | None:
        """Name what an import gives, if it is of the project: a module or a definition."""
        used = self._used(module, imported, ())
        if used is not None or imported.attribute is None:
            return None if used is None else used[1]
        found = self._modules.named(self._modules.imported_by(module, imported))
        return None if found is None or not found.is_first_party else self._defined(found, imported.attribute)

    def _used(self, module: Module, imported: Imported, attributes: tuple[str, ...]) -> tuple[int, str] | None:
        """Tell how many of the attributes lead to a module, and what is used of it; None if none is imported."""
        found = self._module(module, imported)
        if found is None:
            return None
        for number, attribute in enumerate(attributes):
            inner = self._module(found, Imported(found.name, 0, attribute))
            if inner is None:
                return number, self._defined(found, attribute)
            found = inner
        return len(attributes), self._label(found, "")

    def _module(self, module: Module, imported: Imported) -> Module | None:
        """Find the module of the project that an import gives, if it gives one."""
        for _ in range(_LONGEST):
            name = self._modules.imported_by(module, imported)
            found = self._modules.named(name)
            if found is None or not found.is_first_party or imported.attribute is None:
                return found if found is not None and found.is_first_party else None
            following = handed_on(self._modules, found, imported.attribute)
            if following is None or (following == imported and found.path == module.path):
                if following is None and exports(self._modules, found, imported.attribute):
                    return None
                inner = self._modules.named(f"{name}.{imported.attribute}") if found.folders is not None else None
                return inner if inner is not None and inner.is_first_party else None
            module, imported = found, following
        return None

    def _defined(self, module: Module, name: str) -> str:
        """Name a definition by the module that it stands in, however many hand it on."""
        for _ in range(_LONGEST):
            following = handed_on(self._modules, module, name)
            if following is None or following.attribute is None:
                break
            found = self._modules.named(self._modules.imported_by(module, following))
            if found is None or not found.is_first_party:
                break
            module, name = found, following.attribute
        return self._label(module, name)

    def _import(self, module: Module, node: ast.Import | ast.ImportFrom, kept: Collection[str]) -> Rewritten | None:
        """Write an import that stands inside of a function; None where it is to stay as it is."""
        texts: list[str] = []
        targets: list[str] = []
        for alias, (name, imported) in zip(node.names, imported_names(node), strict=True):
            given = Imported(alias.name) if isinstance(node, ast.Import) else imported
            target = None if alias.name == "*" else self.target(module, given)
            if target is None or (target.endswith("::") and name in kept):
                return None
            targets.append(target)
            texts.append(_MODULE if target.endswith("::") else f"{alias.name} as {name}")
        return Rewritten(f"Import({', '.join(texts)})", tuple(targets))


def _one_import(source: Source, reference: Reference, hidden: Collection[str]) -> Imported | None:
    """Give the one import that a name comes from; None if there is none, or it depends."""
    if reference.imports:
        return reference.imports[0] if len(reference.imports) == 1 else None
    bindings = source.module.names.get(reference.name, ()) if reference.name not in hidden else ()
    return bindings[0].imported if len(bindings) == 1 and not bindings[0].context else None


def _first(node: ast.AST, count: int) -> ast.AST | None:
    """Give the part of ``a.b.c`` that has so many attributes."""
    found = chain(node)
    if found is None or len(found[1]) < count:
        return None
    for _ in range(len(found[1]) - count):
        assert isinstance(node, ast.Attribute)
        node = node.value
    return node
