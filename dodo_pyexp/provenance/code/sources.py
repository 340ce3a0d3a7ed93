"""`Source`: a file of Python code, parsed: where it defines what.

Implements: docs/how-it-works.md, "What code counts".
"""

from __future__ import annotations

import ast
import os
import sys
import warnings
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from types import CodeType
from typing import NamedTuple

from .names import Imported, Uses, chain, imported_names, uses
from .syntax import FUNCTIONS, digest, parameters

_MOST_FILES = 1000
Stamp = tuple[int, int] | None  # when a file was changed, and its size; None if it is not there
_parsed: dict[str, tuple[Stamp, Source | None]] = {}


class Binding(NamedTuple):
    """A statement of a module, or of a function, that gives a name its meaning or changes what it means.

    Attributes
    ----------
    node
        The statement, or the part of it that counts.
    context
        What decides whether and how often it is executed: tests, iterables, managers.
    imported
        What the name stands for, if the statement is an import.
    kind
        ``"definition"`` (def, class), ``"import"``, ``"assignment"``, ``"attribute"`` (``name.a = b``, ``name[a] = b``,
        ``@name.register``) or ``"call"`` (``name.update(...)``).
    """

    node: ast.AST
    context: tuple[ast.AST, ...]
    imported: Imported | None
    kind: str

    @property
    def nodes(self) -> tuple[ast.AST, ...]:
        """All syntax that counts."""
        return (*self.context, self.node)


class Bindings:
    """What the statements of one scope bind, by name, in order."""

    def __init__(self, body: Iterable[ast.stmt]) -> None:
        self.names: dict[str, list[Binding]] = {}
        self.stars: list[Imported] = []
        self._block(body, ())

    def _add(
        self, name: str, node: ast.AST, context: tuple[ast.AST, ...], kind: str, what: Imported | None = None
    ) -> None:
        self.names.setdefault(name, []).append(Binding(node, context, what, kind))

    def _block(self, body: Iterable[ast.stmt], context: tuple[ast.AST, ...]) -> None:
        for statement in body:
            self._statement(statement, context)

    def _statement(self, node: ast.stmt, context: tuple[ast.AST, ...]) -> None:
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            self._add(node.name, node, context, "definition")
            for decorator in node.decorator_list:
                found = chain(decorator.func if isinstance(decorator, ast.Call) else decorator)
                if found is not None and found[1] and found[1][-1] == "register":
                    self._add(found[0], node, context, "attribute")
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for name, imported in imported_names(node):
                if name == "*":
                    self.stars.append(imported)
                else:
                    self._add(name, node, context, "import", imported)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                self._target(target, node, context)
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                self._target(node.target, node, context)
        elif isinstance(node, ast.AugAssign):
            self._target(node.target, node, context)
        elif isinstance(node, ast.Expr):
            found = chain(node.value.func) if isinstance(node.value, ast.Call) else None
            if found is not None and found[1]:
                self._add(found[0], node, context, "call")
        elif isinstance(node, ast.If | ast.While):
            for inner in ast.walk(node.test):
                if isinstance(inner, ast.NamedExpr):
                    self._target(inner.target, inner, context)
            self._block(node.body, (*context, node.test))
            self._block(node.orelse, (*context, ast.UnaryOp(ast.Not(), node.test)))
        elif isinstance(node, ast.For | ast.AsyncFor):
            self._target(node.target, node.target, (*context, node.iter))
            self._block(node.body, (*context, node.target, node.iter))
            self._block(node.orelse, (*context, node.target, node.iter))
        elif isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                if item.optional_vars is not None:
                    self._target(item.optional_vars, item, context)
            self._block(node.body, (*context, *node.items))
        elif isinstance(node, ast.Try | ast.TryStar):
            for block in (node.body, node.orelse, node.finalbody):
                self._block(block, context)
            for handler in node.handlers:
                self._block(handler.body, (*context, *([handler.type] if handler.type is not None else [])))
        elif isinstance(node, ast.Match):
            for case in node.cases:
                within = (*context, node.subject, case.pattern, *([case.guard] if case.guard is not None else []))
                for inner in ast.walk(case.pattern):
                    bound = getattr(inner, "name", None) or getattr(inner, "rest", None)
                    if isinstance(bound, str):
                        self._add(bound, case.pattern, within, "assignment")
                self._block(case.body, within)
        elif node.__class__.__name__ == "TypeAlias":
            self._target(node.name, node, context)  # type: ignore[attr-defined]  # new in Python 3.12

    def _target(self, target: ast.AST, node: ast.AST, context: tuple[ast.AST, ...]) -> None:
        pending = [target]
        while pending:
            one = pending.pop()
            if isinstance(one, ast.Name):
                self._add(one.id, node, context, "assignment")
            elif isinstance(one, ast.Tuple | ast.List):
                pending += one.elts
            elif isinstance(one, ast.Starred):
                pending.append(one.value)
            else:
                while isinstance(one, ast.Attribute | ast.Subscript):
                    one = one.value
                if isinstance(one, ast.Name):
                    self._add(one.id, node, context, "attribute")


class Place(NamedTuple):
    """A definition somewhere in a file: its qualified name, and the definitions around it, outermost first."""

    node: ast.AST
    qualname: str
    around: tuple[ast.AST, ...]


class Source:
    """A parsed file.

    Attributes
    ----------
    path
        The file, by its real path.
    tree
        Its syntax tree.
    stamp
        What the file's `stamp` was when it was read.
    """

    def __init__(self, path: str, tree: ast.Module, stamp: Stamp = None) -> None:
        self.path = path
        self.tree = tree
        self.stamp = stamp
        self._digests: dict[tuple[int, frozenset[int]], str] = {}
        self._uses: dict[tuple[int, frozenset[int]], Uses] = {}
        self._bindings: dict[int, Bindings] = {}

    @cached_property
    def module(self) -> Bindings:
        """What the module's statements bind."""
        return Bindings(self.tree.body)

    def inside(self, function: ast.AST) -> Bindings:
        """Give what a function's statements bind."""
        known = self._bindings.get(id(function))
        if known is None:
            body = getattr(function, "body", None)
            known = self._bindings[id(function)] = Bindings(body if isinstance(body, list) else [])
        return known

    def digest(self, nodes: tuple[ast.AST, ...], omit: frozenset[int] = frozenset()) -> str:
        """Hash nodes of this tree, whose last one tells them all."""
        key = id(nodes[-1]), omit
        known = self._digests.get(key)
        if known is None:
            known = self._digests[key] = digest(nodes, omit)
        return known

    def uses(self, nodes: tuple[ast.AST, ...], omit: frozenset[int] = frozenset()) -> Uses:
        """Find the names that nodes of this tree use; the last one tells them all."""
        key = id(nodes[-1]), omit
        known = self._uses.get(key)
        if known is None:
            known = self._uses[key] = uses(nodes, omit)
        return known

    def find_code(self, code: CodeType) -> list[Place]:
        """Find the definition that code was compiled from: its name and first line must be there.

        Several lambdas on a line are told apart by their columns, if Python kept them; else all are given.
        """
        for binding in self.module.names.get(code.co_qualname, ()):
            if binding.kind == "definition" and _first_line(binding.node) == code.co_firstlineno:
                return [Place(binding.node, code.co_qualname, ())]
        found = [
            place
            for place in self._places(code.co_firstlineno)
            if _name(place.node) == code.co_name and _first_line(place.node) == code.co_firstlineno
        ]
        if len(found) > 1:
            spots = [
                (line, column)
                for line, _, column, end in code.co_positions()
                if line is not None and column is not None and end  # where a function starts it has no width
            ]
            holding = [place for place in found if spots and all(_holds(place.node, spot) for spot in spots)]
            # Of lambdas inside each other the innermost that holds all of the code is the one.
            found = [max(holding, key=lambda place: len(place.around))] if holding else found
        # The file is younger than the code when no line fits.
        return found or self.find_name(code.co_qualname)

    def find_name(self, qualname: str) -> list[Place]:
        """Find the definitions of that qualified name, ``Net.forward`` or ``make.<locals>.f``."""
        if qualname.endswith(">"):
            return []
        return [place for place in self._places(None) if place.qualname == qualname]

    def _places(self, line: int | None) -> Iterator[Place]:
        """Walk to the definitions that stand at `line`, or to all."""
        pending: list[tuple[ast.AST, str, tuple[ast.AST, ...]]] = [(self.tree, "", ())]
        while pending:
            parent, prefix, around = pending.pop()
            for node in ast.iter_child_nodes(parent):
                end = getattr(node, "end_lineno", None)
                if line is not None and end is not None and not _first_line(node) <= line <= end:
                    continue
                name = _name(node)
                if name is None:
                    if line is not None or isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
                        pending.append((node, prefix, around))
                    continue
                place = Place(node, prefix + name, around)
                yield place
                dot = "." if isinstance(node, ast.ClassDef) else ".<locals>."
                pending.append((node, place.qualname + dot, (*around, node)))


def read_source(path: str) -> Source | None:
    """Parse a file, once as long as it stays the same; None if it is not there or is no Python.

    A file that only the line cache knows is a cell of a notebook.
    """
    now = stamp(path)
    if now is None:
        return _read_cell(path)
    known = _parsed.get(path)
    if known is None or known[0] != now:
        try:
            with open(path, "rb") as file:
                tree = _parse(file.read())
        except OSError:
            return None
        if len(_parsed) >= _MOST_FILES:
            _parsed.clear()
        known = _parsed[path] = now, None if tree is None else Source(path, tree, now)
    return known[1]


def stamp(path: str) -> Stamp:
    """Give what tells whether a file has changed."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size


def captured_parameters(function: ast.AST) -> set[str]:
    """Name the parameters of a function."""
    arguments = getattr(function, "args", None)
    return {arg.arg for arg in parameters(arguments)} if isinstance(arguments, ast.arguments) else set()


def extent(nodes: Collection[ast.AST]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Tell where the last of the nodes begins and ends, by line and column."""
    node = list(nodes)[-1]
    first = min([node, *getattr(node, "decorator_list", [])], key=lambda one: getattr(one, "lineno", 0))
    start = getattr(first, "lineno", 0), getattr(first, "col_offset", 0)
    return start, (getattr(node, "end_lineno", 0) or 0, getattr(node, "end_col_offset", 0) or 0)


def _read_cell(path: str) -> Source | None:
    linecache = sys.modules.get("linecache")
    entry = linecache.cache.get(path) if linecache is not None else None
    if entry is None or len(entry) < 3 or entry[1] is not None:
        return None
    text = "".join(entry[2])
    now = hash(text), len(text)
    known = _parsed.get(path)
    if known is None or known[0] != now:
        tree = _parse(text.encode("utf-8", "surrogatepass"))
        known = _parsed[path] = now, None if tree is None else Source(path, tree)
    return known[1]


def _parse(content: bytes) -> ast.Module | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the user has read them when the file was imported
        try:
            return ast.parse(content)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def _name(node: ast.AST) -> str | None:
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        return node.name
    return "<lambda>" if isinstance(node, ast.Lambda) else None


def _first_line(node: ast.AST) -> int:
    decorators: list[ast.AST] = getattr(node, "decorator_list", [])
    line: int = min(getattr(one, "lineno", 0) for one in [node, *decorators])
    return line


def _holds(node: ast.AST, spot: tuple[int, int]) -> bool:
    """Tell whether a place in the file is in the body of a lambda or function."""
    body = node.body if isinstance(node, ast.Lambda) else node
    start, end = extent([body])
    return start <= spot <= end
