"""`Reach`: the first-party code that a function can get to, and the hash of each piece of it.

Syntax leads the way, since it says the same whether or not a module has been imported yet; living objects add what
syntax cannot tell: what a closure captured, what a registry holds, what class an instance is of.

Implements: docs/how-it-works.md, "What code counts".
"""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .constants import is_plain, plain_text
from .engine_names import EngineNames
from .module_uses import Nameless
from .modules import Module, Modules, is_engine
from .names import Imported, Reference
from .re_exports import exporting, exports, origin
from .sources import Binding, Place, Source, captured_parameters, extent
from .syntax import FUNCTIONS, Rewritten, rewritten_digest, short_hash

_Cells = dict[str, Any]
# A hash; and one without the names of modules, with what is used of them, which is empty if there are none.
_Token = tuple[str, tuple[str, ...]]
_Import = tuple[Imported, tuple[ast.AST, ...]]  # and what decides whether it is done
IMPORT = "import "  # before the name, where it is said what an imported name stands for: ``exp.py::import loss``


class Reach:
    """Collects what is reached; `fingerprint` is the way in.

    Attributes
    ----------
    root
        The folder that names of files are relative to.
    modules
        The modules, as found this time.
    visit
        Takes living objects that were met.
    """

    def __init__(self, root: str | None) -> None:
        self.root = root
        self.modules = Modules()
        self.visit: Callable[[object], None] = lambda value: None
        self._engine = EngineNames(self.modules)
        self._steps: list[tuple[Callable[..., object], tuple[Any, ...]]] = []
        self._seen: set[tuple[object, ...]] = set()
        self._nameless = Nameless(self.modules, self._label)
        self._tokens: dict[str, dict[str, tuple[str, ...]]] = {}
        # What is part of something else that is counted as a whole need not be counted again.
        self._covered: dict[str, list[tuple[tuple[int, int], tuple[int, int]]]] = {}
        self._loose: list[tuple[Source, Sequence[ast.AST], str, _Token]] = []

    def later(self, step: Callable[..., object], *arguments: Any) -> None:
        """Do a step of the search, but not inside this one."""
        self._steps.append((step, arguments))

    def run(self) -> dict[str, str]:
        """Search to the end; give a hash for each definition."""
        while self._steps:
            step, arguments = self._steps.pop()
            try:
                step(*arguments)
            except Exception:  # odd code: this piece of it gives no entry
                continue
        for source, nodes, label, token in self._loose:
            start, end = extent(nodes)
            if not any(first <= start and end <= last for first, last in self._covered.get(source.path, ())):
                self._count(label, *token)
        return {
            label: next(iter(tokens)) if len(tokens) == 1 else short_hash("".join(sorted(tokens)))
            for label, tokens in self._tokens.items()
        }

    def meanings(self) -> dict[str, list[str]]:
        """Give the hashes without names of modules, where there are any, and what is used of those modules."""
        return {
            label: list(_together([(digest, meaning) for digest, meaning in tokens.items()])[1])
            for label, tokens in self._tokens.items()
            if any(tokens.values())
        }

    def name(self, module: Module, name: str, attributes: tuple[str, ...] = (), live: bool = True) -> None:
        """Reach a name of a module, or attributes of what it stands for.

        `live` means that the module has been imported for certain when the search starts, and not by chance.
        """
        live = live and module.namespace is not None
        if not self._first_time(module.path or id(module), name, attributes, live):
            return
        source = module.source
        bindings: Sequence[Binding] = () if source is None else source.module.names.get(name, ())
        known = [self._imported(module, one.imported, attributes, live, name) for one in bindings if one.imported]
        if source is not None:
            imports = [(one.imported, one.context) for one in bindings if one.imported]
            for star in [] if bindings else exporting(self.modules, module, name):
                target = self.modules.named(self.modules.imported_by(module, star))
                if target is not None:
                    self.later(self.name, target, name, attributes, live)
                    imports.append((Imported(star.module, star.level, name), ()))
                    known.append(True)
            self._link(module, source, name, imports, any(known))
        if source is not None and len(bindings) > len([one for one in bindings if one.imported]):
            self._unit(module, source, name, bindings, live)
        if not live or any(known) or name not in (module.namespace or {}):
            return
        value = (module.namespace or {})[name]
        inner = self.modules.of_object(value)
        if inner is not None:
            if not known:
                self._attribute(inner, attributes, live)
        elif source is None and is_plain(value):
            self._count(self._label(module, name), short_hash(plain_text(value, self.root or "") or ""))
        else:
            self.visit(value)

    def definition(self, module: Module, source: Source, place: Place, cells: _Cells) -> None:
        """Reach a function or class that was found in a file, maybe inside of functions; `cells` is its closure."""
        while place.around and isinstance(place.around[-1], ast.ClassDef):
            place = Place(place.around[-1], place.qualname.rpartition(".")[0], place.around[:-1])
        if not place.around and source.path == module.path:
            name = getattr(place.node, "name", "")
            if any(one.node is place.node for one in source.module.names.get(name, ())):
                self.name(module, name)
                return
        if self._first_time(id(place.node), tuple(sorted((name, id(value)) for name, value in cells.items()))):
            label = self._label(module, place.qualname, source)
            omit = frozenset(map(id, self._engine.decorators(module, place.node)))
            token = self._token(module, source, (place.node,), omit, place.around)
            if omit:
                self._count(label, *token)
                self._cover(source, [place.node])
            else:
                self._loose.append((source, [place.node], label, token))
            for reference in source.uses((place.node,), omit).names:
                self._local(module, source, place, reference, cells)

    def _link(
        self, module: Module, source: Source, qualname: str, imports: Sequence[_Import], first_party: bool
    ) -> None:
        """Count what a name stands for that is imported from the project's modules, or from one or another."""
        told = [origin(self.modules, module, imported) for imported, _ in imports]
        targets = [self._nameless.target(module, imported) for imported, _ in imports]
        meant = [text if target is None else "" for text, target in zip(told, targets, strict=True)]
        if len(told) == 1 and not imports[0][1] and (not first_party or told[0] == qualname):
            return  # the name itself, or the import of a library that is counted elsewhere, says it all
        for number, (_, context) in enumerate(imports):
            if context:
                told[number] += f" {source.digest(context)}"
                meant[number] += f" {source.digest(context)}"
                for reference in source.uses(context).names:
                    self._follow(module, reference, False)
        if told:
            meaning = (short_hash("\n".join(meant)), *filter(None, targets)) if any(targets) else ()
            self._count(self._label(module, f"{IMPORT}{qualname}", source), short_hash("\n".join(told)), meaning)

    def _first_time(self, *key: object) -> bool:
        if key in self._seen:
            return False
        self._seen.add(key)
        return True

    def _label(self, module: Module, qualname: str, source: Source | None = None) -> str:
        """Name a definition as users do: ``model.py::loss``."""
        path = source.path if source is not None else module.path
        if path is None or self.root is None or not path.startswith(os.path.join(self.root, "")):
            return f"{module.name}::{qualname}"
        return f"{os.path.relpath(path, self.root).replace(os.sep, '/')}::{qualname}"

    def _count(self, label: str, digest: str, meaning: tuple[str, ...] = ()) -> None:
        self._tokens.setdefault(label, {})[digest] = meaning

    def _token(
        self,
        module: Module,
        source: Source,
        nodes: tuple[ast.AST, ...],
        omit: frozenset[int],
        around: Sequence[ast.AST] = (),
    ) -> _Token:
        """Hash a piece, with and without names of modules."""
        hidden = {
            name for function in around for name in (*captured_parameters(function), *source.inside(function).names)
        }
        rewritten = self._nameless.rewritten(module, source, source.uses(nodes, omit), hidden)
        return source.digest(nodes, omit), rewritten_digest(nodes, omit, rewritten) if rewritten else ()

    def _cover(self, source: Source, nodes: Sequence[ast.AST]) -> None:
        self._covered.setdefault(source.path, []).append(extent(nodes))

    def _unit(self, module: Module, source: Source, name: str, bindings: Sequence[Binding], live: bool) -> None:
        """Count all that gives a name of a module its meaning; what it uses is reached as well."""
        if not self._first_time(source.path, name, live):
            return
        tokens: dict[str, list[_Token]] = {}
        assigned = any(one.kind == "assignment" for one in bindings)
        maker = any(self._engine.makes_experiment(module, one) for one in bindings)
        for binding in bindings:
            if binding.kind == "import" or (binding.kind == "call" and (maker or not assigned)):
                continue
            omit = frozenset(map(id, self._engine.decorators(module, binding.node)))
            uses = source.uses(binding.nodes, omit)
            for reference in uses.names:
                self._follow(module, reference, live)
            if maker and binding.kind == "assignment":
                continue
            rewritten = self._nameless.rewritten(module, source, uses)
            _pieces(source, name, binding.nodes, omit, rewritten, tokens)
            self._cover(source, binding.nodes)
        for qualname, found in tokens.items():
            self._count(self._label(module, qualname), *_together(found))

    def _follow(self, module: Module, reference: Reference, live: bool) -> None:
        if reference.imports:
            for imported in reference.imports:
                self._imported(module, imported, reference.attributes, False, None)
        else:
            self.later(self.name, module, reference.name, reference.attributes, live)

    def _imported(
        self, module: Module, imported: Imported, attributes: tuple[str, ...], live: bool, name: str | None
    ) -> bool:
        """Reach what an import gives; False if that is not first-party. Then `name` itself is counted."""
        full_name = self.modules.imported_by(module, imported)
        wanted = attributes if imported.attribute is None else (imported.attribute, *attributes)
        target = self.modules.named(full_name)
        if target is not None and target.is_first_party:
            if target.path is not None and target.path == module.path and wanted:
                # `from . import sub` in a package's own file
                target, wanted = self.modules.named(f"{full_name}.{wanted[0]}"), wanted[1:]
            if target is not None and self._attribute(target, wanted, live):
                return True
        elif name is not None and not is_engine(full_name) and (name, None) != (full_name, imported.attribute):
            self._count(self._label(module, name), short_hash(f"import {full_name} {imported.attribute}"))
        return False

    def _attribute(self, module: Module, wanted: tuple[str, ...], live: bool) -> bool:
        """Reach an attribute of a module; without one, all that it defines, since all can be meant."""
        if not module.is_first_party:
            return False
        if not wanted:
            self._whole(module, live)
            return True
        if exports(self.modules, module, wanted[0]):
            self.later(self.name, module, wanted[0], wanted[1:], live)
            return True
        inner = self.modules.named(f"{module.name}.{wanted[0]}") if module.folders is not None else None
        if inner is not None:
            return self._attribute(inner, wanted[1:], live)
        if live and module.namespace is not None and wanted[0] in module.namespace:
            self.visit(module.namespace[wanted[0]])
            return True
        return False

    def _whole(self, module: Module, live: bool) -> None:
        if module.source is None:
            return
        for name, bindings in module.source.module.names.items():
            if any(one.imported is None or one.imported.attribute is not None for one in bindings):
                self.later(self.name, module, name, (), live)

    def _local(self, module: Module, source: Source, place: Place, reference: Reference, cells: _Cells) -> None:
        """Follow a name that code inside of functions uses: it may be one of theirs."""
        if not reference.imports:
            for depth in range(len(place.around), 0, -1):
                function = place.around[depth - 1]
                if not isinstance(function, (*FUNCTIONS, ast.Lambda)):
                    continue
                qualname = f"{_qualname(place.around[:depth])}.<locals>.{reference.name}"
                if reference.name in captured_parameters(function):
                    text = plain_text(cells.get(reference.name), self.root or "")
                    if reference.name in cells and text is not None:
                        captured = f"{place.qualname}.{reference.name}"
                        self._count(self._label(module, captured, source), short_hash(text))
                    if reference.name not in source.inside(function).names:
                        return
                bindings = source.inside(function).names.get(reference.name)
                if bindings is not None:
                    self._captured(module, source, place.around[:depth], qualname, bindings, reference, cells)
                    return
        self._follow(module, reference, True)

    def _captured(
        self,
        module: Module,
        source: Source,
        around: tuple[ast.AST, ...],
        qualname: str,
        bindings: Sequence[Binding],
        reference: Reference,
        cells: _Cells,
    ) -> None:
        """Count the statements of an enclosing function that bind a name."""
        if not self._first_time(id(around[-1]), reference):
            return
        assigned = any(one.kind == "assignment" for one in bindings)
        imports = [(one.imported, one.context) for one in bindings if one.imported]
        self._link(module, source, qualname, imports, True)
        for binding in bindings:
            if binding.imported is not None:
                self._imported(module, binding.imported, reference.attributes, False, None)
            elif binding.kind != "call" or assigned:
                token = self._token(module, source, binding.nodes, frozenset(), around)
                self._loose.append((source, binding.nodes, self._label(module, qualname, source), token))
                place = Place(binding.node, qualname, around)
                for inner in source.uses(binding.nodes).names:
                    self._local(module, source, place, inner, cells)


def _qualname(around: Sequence[ast.AST]) -> str:
    text = ""
    for node in around:
        text += getattr(node, "name", "<lambda>") + ("." if isinstance(node, ast.ClassDef) else ".<locals>.")
    return text.removesuffix(".").removesuffix(".<locals>")


def _pieces(
    source: Source,
    qualname: str,
    nodes: tuple[ast.AST, ...],
    omit: frozenset[int],
    rewritten: Mapping[int, Rewritten],
    tokens: dict[str, list[_Token]],
) -> None:
    """Hash a definition; the methods of a class, and classes in it, each on its own."""
    node = nodes[-1]
    if isinstance(node, ast.ClassDef) and node.name == qualname.rpartition(".")[2]:
        parts = [one for one in node.body if isinstance(one, (*FUNCTIONS, ast.ClassDef))]
        for part in parts:
            _pieces(source, f"{qualname}.{part.name}", (part,), frozenset(), rewritten, tokens)
        omit = omit.union(map(id, parts))
    meaning = rewritten_digest(nodes, omit, rewritten) if rewritten else ()
    # A part without any module in it is the same with or without names.
    tokens.setdefault(qualname, []).append((source.digest(nodes, omit), meaning if len(meaning) > 1 else ()))


def _together(tokens: Sequence[_Token]) -> _Token:
    """Make one of several that have one name."""
    if len(tokens) == 1:
        return tokens[0]
    meanings = [meaning or (digest,) for digest, meaning in tokens]
    targets = [target for meaning in meanings for target in meaning[1:]]
    whole = (short_hash("".join(meaning[0] for meaning in meanings)), *targets) if targets else ()
    return short_hash("".join(digest for digest, _ in tokens)), whole
