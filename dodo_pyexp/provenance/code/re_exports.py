"""Where an imported name comes from, however many modules hand it on.

Implements: docs/how-it-works.md, "What code counts": ``from losses import mse as loss`` and ``from losses import mae as
loss`` are different code, even when both functions are reached anyway.
"""

from __future__ import annotations

from .modules import Module, Modules
from .names import Imported

_LONGEST = 100


def origin(modules: Modules, module: Module, imported: Imported) -> str:
    """Name what an import in `module` gives: ``losses::mse``, or the module, by the name it would be imported by.

    Imports are followed through first-party modules to the one that defines the name, so that it does not matter
    by which way it is imported.
    """
    for _ in range(_LONGEST):
        name = modules.imported_by(module, imported)
        found = modules.named(name)
        if imported.attribute is None:
            return name
        if found is None or not found.is_first_party:
            return f"{name}::{imported.attribute}"
        following = handed_on(modules, found, imported.attribute)
        if following is None:
            inner = modules.named(f"{name}.{imported.attribute}") if found.folders is not None else None
            defined = found.source is not None and imported.attribute in found.source.module.names
            return inner.name if inner is not None and not defined else f"{name}::{imported.attribute}"
        module, imported = found, following
    return f"{imported.module}::{imported.attribute}"  # a circle


def exporting(modules: Modules, module: Module, name: str, seen: set[int] | None = None) -> list[Imported]:
    """List the stars by which a name that is not bound otherwise may come into a module."""
    source = module.source
    return [] if source is None else [star for star in source.module.stars if _binds(modules, module, star, name, seen)]


def _binds(modules: Modules, module: Module, star: Imported, name: str, seen: set[int] | None) -> bool:
    target = modules.named(modules.imported_by(module, star))
    return target is not None and exports(modules, target, name, seen)


def exports(modules: Modules, module: Module, name: str, seen: set[int] | None = None) -> bool:
    """Tell whether a module's statements bind a name, be it by a star."""
    seen = set() if seen is None else seen
    source = module.source
    if source is None or id(module) in seen:
        return False
    seen.add(id(module))
    return name in source.module.names or bool(exporting(modules, module, name, seen))


def handed_on(modules: Modules, module: Module, name: str) -> Imported | None:
    """Give the one import by which a module has a name; None if it defines it itself, or may have it by several."""
    source = module.source
    if source is None:
        return None
    bindings = source.module.names.get(name)
    if bindings is not None:
        return bindings[0].imported if len(bindings) == 1 and not bindings[0].context else None
    stars = exporting(modules, module, name)
    return Imported(stars[0].module, stars[0].level, name) if len(stars) == 1 else None
