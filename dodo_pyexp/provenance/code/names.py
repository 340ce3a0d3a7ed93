"""The names that a piece of code takes from outside of it, found in its syntax by Python's rules of scope.

Implements: docs/how-it-works.md, "What code counts".
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from .syntax import FUNCTIONS, annotations_count, class_annotations, fields, parameters


class Imported(NamedTuple):
    """What an ``import`` gives a name: a module, or with ``from`` an attribute of it."""

    module: str
    level: int = 0
    attribute: str | None = None


class Reference(NamedTuple):
    """A use of a name, with the attributes that are taken of it: ``helper.f`` is ``("helper", ("f",))``.

    `imports` is not empty if the name was imported by the code itself; then they say what it stands for.
    """

    name: str
    attributes: tuple[str, ...] = ()
    imports: tuple[Imported, ...] = ()


class Uses(NamedTuple):
    """What code uses from outside of it: the names, each with the nodes that do, and the imports inside of it."""

    names: dict[Reference, list[ast.AST]]
    imports: list[ast.Import | ast.ImportFrom]


_Chain = tuple[str, tuple[str, ...]]
_Environment = Mapping[str, tuple[Imported, ...]]
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def uses(nodes: Iterable[ast.AST], omit: Collection[int] = ()) -> Uses:
    r"""Find the names that `nodes`, read at the top level of a module, take from there, and what they import.

    Parameters
    ----------
    nodes
        Definitions or statements.
    omit
        The `id` of nodes inside of them that are left out.

    Examples
    --------
    >>> tree = ast.parse("def f(x):\n    import helper\n    return helper.g(x, K.a)")
    >>> for reference in sorted(uses([tree]).names):
    ...     print(reference.name, reference.attributes, [imported.module for imported in reference.imports])
    K ('a',) []
    helper ('g',) ['helper']
    """
    top = _Scope(omit)
    top.scan(nodes)
    found = Uses({Reference(*load): spots for load, spots in top.loads.items()}, list(top.statements))
    found.names.update((Reference("", (), (imported,)), []) for imported in top.by_text)
    pending: list[tuple[ast.AST, _Environment]] = [(node, {}) for node in top.inner]
    while pending:
        node, outside = pending.pop()
        scope = _Scope(omit)
        scope.enter(node)
        inside: _Environment = scope.environment(outside)
        for (name, attributes), spots in scope.loads.items():
            if name not in inside or inside[name]:
                found.names.setdefault(Reference(name, attributes, inside.get(name, ())), []).extend(spots)
        found.names.update((Reference("", (), (imported,)), []) for imported in scope.by_text)
        found.imports.extend(scope.statements)
        if isinstance(node, ast.ClassDef):
            # A name of the class may have been the module's before, as in `f = staticmethod(f)`.
            for load, spots in scope.loads.items():
                if load[0] in scope.stores and load[0] not in outside:
                    found.names.setdefault(Reference(*load), []).extend(spots)
            inside = outside  # methods do not see the names of their class
        pending += [(inner, inside) for inner in scope.inner]
    return found


def chain(node: ast.AST) -> _Chain | None:
    """Read ``a.b.c`` as ``("a", ("b", "c"))``; None for anything else."""
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    return (node.id, tuple(reversed(attributes))) if isinstance(node, ast.Name) else None


def imported_names(node: ast.Import | ast.ImportFrom) -> list[tuple[str, Imported]]:
    """List the names that an import binds and what each stands for; ``*`` is one of them."""
    if isinstance(node, ast.ImportFrom):
        return [
            (alias.asname or alias.name, Imported(node.module or "", node.level, alias.name)) for alias in node.names
        ]
    return [
        (alias.asname, Imported(alias.name)) if alias.asname else (top := alias.name.partition(".")[0], Imported(top))
        for alias in node.names
    ]


class _Scope:
    """One scope: what is read, bound and imported in it, and the scopes inside of it."""

    def __init__(self, omit: Collection[int]) -> None:
        self.omit = omit
        self.loads: dict[_Chain, list[ast.AST]] = {}
        self.statements: list[ast.Import | ast.ImportFrom] = []
        self.stores: set[str] = set()
        self.imports: dict[str, tuple[Imported, ...]] = {}
        self.by_text: list[Imported] = []
        self.foreign: set[str] = set()
        self.not_own: set[str] = set()
        self.inner: list[ast.AST] = []

    def environment(self, outside: _Environment) -> dict[str, tuple[Imported, ...]]:
        """Give the names that the scopes inside see and that are not the module's."""
        inside = dict(outside)
        inside.update((name, ()) for name in self.stores if name not in self.not_own)
        inside.update(self.imports)
        for name in self.foreign:
            inside.pop(name, None)
        return inside

    def enter(self, node: ast.AST) -> None:
        """Scan the inside of a function, class or comprehension."""
        self.stores.update(parameter.name for parameter in getattr(node, "type_params", ()))
        if isinstance(node, (*FUNCTIONS, ast.Lambda)):
            self.stores.update(parameter.arg for parameter in parameters(node.args))
            self.scan(node.body if isinstance(node.body, list) else [node.body])
        elif isinstance(node, ast.ClassDef):
            self.scan(node.body)
            self.scan(statement.annotation for statement in class_annotations(node.body))
        else:
            assert isinstance(node, _COMPREHENSIONS)
            first, *others = node.generators
            results = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
            self.scan([*results, first.target, *first.ifs, *others])

    def scan(self, nodes: Iterable[ast.AST]) -> None:
        """Scan nodes of this scope."""
        pending = list(nodes)
        while pending:
            node = pending.pop()
            kind = node.__class__
            if kind is ast.Constant or (self.omit and id(node) in self.omit):
                continue
            if isinstance(node, ast.Name):
                if node.ctx.__class__ is ast.Load:
                    self._load((node.id, ()), node)
                else:
                    self.stores.add(node.id)
            elif isinstance(node, ast.Attribute):
                found = chain(node)
                if found is not None:
                    self._load(found, node)
                else:
                    pending.append(node.value)
            elif kind in _OPENERS:
                self._open(node, pending)
            elif isinstance(node, ast.Call):
                self._call(node, pending)
            else:
                if kind in _BINDERS:
                    self._bind(node)
                for field in fields(kind):
                    value = getattr(node, field, None)
                    if isinstance(value, list):
                        pending.extend(one for one in value if isinstance(one, ast.AST))
                    elif isinstance(value, ast.AST) and not (field == "annotation" and kind is ast.AnnAssign):
                        pending.append(value)

    def _load(self, name: _Chain, node: ast.AST) -> None:
        self.loads.setdefault(name, []).append(node)

    def _open(self, node: ast.AST, pending: list[ast.AST]) -> None:
        """Note a scope inside of this one; some of its parts are still read in this one."""
        self.inner.append(node)
        if isinstance(node, (*FUNCTIONS, ast.Lambda)):
            pending += node.args.defaults
            pending += [default for default in node.args.kw_defaults if default is not None]
        if isinstance(node, FUNCTIONS):
            self.stores.add(node.name)
            if annotations_count(node):
                pending += [arg.annotation for arg in parameters(node.args) if arg.annotation is not None]
                pending += [node.returns] if node.returns is not None else []
            pending += node.decorator_list
        elif isinstance(node, ast.ClassDef):
            self.stores.add(node.name)
            pending += [*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)]
        elif isinstance(node, _COMPREHENSIONS):
            pending.append(node.generators[0].iter)
            # `:=` in a comprehension binds a name of the scope around it.
            self.stores.update(inner.target.id for inner in ast.walk(node) if isinstance(inner, ast.NamedExpr))

    def _call(self, node: ast.Call, pending: list[ast.AST]) -> None:
        arguments: list[ast.AST] = [*node.args, *node.keywords]
        name = chain(node.func)
        text = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        if name is not None and text and len(node.args) <= 3:
            last = name[1][-1] if name[1] else name[0]
            owner = chain(node.args[0])
            if last in ("getattr", "hasattr") and owner is not None and len(node.args) > 1:
                # `getattr(helper, "f")` is helper.f, and not all of helper.
                self._load((owner[0], (*owner[1], *text[0].split("."))), node.args[0])
                arguments = arguments[1:]
            elif last in ("import_module", "__import__") and isinstance(node.args[0], ast.Constant):
                module = text[0].lstrip(".")
                self.by_text.append(Imported(module, len(text[0]) - len(module)))
        pending += [node.func, *arguments]

    def _bind(self, node: ast.AST) -> None:
        """Note the names that a node binds by text."""
        if isinstance(node, ast.Import | ast.ImportFrom):
            self.statements.append(node)
            for name, imported in imported_names(node):
                self.imports[name] = (*self.imports.get(name, ()), imported)
        elif isinstance(node, ast.Global):
            self.foreign.update(node.names)
            self.not_own.update(node.names)
            for name in node.names:
                self.loads.setdefault((name, ()), [])
        elif isinstance(node, ast.Nonlocal):
            self.not_own.update(node.names)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
            self.stores.update([node.name] if node.name else [])
        elif isinstance(node, ast.MatchMapping):
            self.stores.update([node.rest] if node.rest else [])


_OPENERS = frozenset((*FUNCTIONS, ast.Lambda, ast.ClassDef, *_COMPREHENSIONS))
_BINDERS = frozenset(
    (
        ast.Import,
        ast.ImportFrom,
        ast.Global,
        ast.Nonlocal,
        ast.ExceptHandler,
        ast.MatchAs,
        ast.MatchStar,
        ast.MatchMapping,
    )
)
