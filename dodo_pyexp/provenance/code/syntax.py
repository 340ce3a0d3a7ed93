"""The normalised syntax of code: what is left of it when everything that does not change its behaviour is dropped.

Implements: docs/how-it-works.md, "What code counts".
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

# Decorators under which annotations stay what they are to Python: remarks. Others may read them.
# fmt: off
_BLIND_DECORATORS = frozenset((
    "abstractmethod", "asynccontextmanager", "cache", "cached_property", "classmethod", "contextmanager", "deleter",
    "experiment", "final", "getter", "inference_mode", "lru_cache", "no_grad", "overload", "override", "property",
    "setter", "staticmethod", "wraps",
))
# fmt: on
_IGNORED_FIELDS = frozenset(("ctx", "kind", "type_comment", "type_ignores"))
_fields: dict[type[ast.AST], tuple[str, ...]] = {}

# An item that is still to be written: a node, or text that is ready.
_Item = ast.AST | str


class Rewritten(NamedTuple):
    """What is written for a node instead, and what that stands for."""

    text: str
    targets: tuple[str, ...]


def digest(nodes: Iterable[ast.AST], omit: Collection[int] = ()) -> str:
    r"""Hash the normalised syntax of `nodes`.

    Locations, comments, docstrings, ``pass``, statements that are a mere constant, and annotations outside of class
    bodies do not count. Empty fields leave no trace, so that a newer Python's additional fields change nothing.

    Parameters
    ----------
    nodes
        What to hash, in order.
    omit
        The `id` of nodes inside of them that do not count either.

    Examples
    --------
    >>> one = ast.parse("def f(x: int):\n    'Doc.'\n    return (x +\n 1)  # comment")
    >>> digest([one]) == digest([ast.parse("def f(x): return x + 1")])
    True
    """
    return short_hash(_write(nodes, omit, {})[0])


def rewritten_digest(
    nodes: Iterable[ast.AST], omit: Collection[int], rewritten: Mapping[int, Rewritten]
) -> tuple[str, ...]:
    """Hash nodes as `digest` does, with others in the place of some; what these stand for comes behind, in order."""
    text, targets = _write(nodes, omit, rewritten)
    return short_hash(text), *targets


def short_hash(text: str) -> str:
    """Hash a text, in 16 characters."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def annotations_count(node: Function) -> bool:
    """Tell whether something may read the annotations of a function: a decorator that is not known to be blind."""
    return any(_last_name(decorator) not in _BLIND_DECORATORS for decorator in node.decorator_list)


def parameters(arguments: ast.arguments) -> list[ast.arg]:
    """List all parameters."""
    starred = [arg for arg in (arguments.vararg, arguments.kwarg) if arg is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *starred]


def class_annotations(body: Iterable[ast.stmt]) -> list[ast.AnnAssign]:
    """List the annotated names of a class body, also those under ``if`` and ``try``."""
    found: list[ast.AnnAssign] = []
    pending: list[ast.AST] = list(body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.AnnAssign):
            found.append(node)
        elif isinstance(node, ast.If | ast.Try | ast.With | ast.For | ast.While | ast.ExceptHandler):
            pending.extend(ast.iter_child_nodes(node))
    return found


def fields(kind: type[ast.AST]) -> tuple[str, ...]:
    """Name the fields of a kind of node that can matter."""
    known = _fields.get(kind)
    if known is None:
        known = _fields[kind] = tuple(field for field in kind._fields if field not in _IGNORED_FIELDS)
    return known


def _last_name(decorator: ast.expr) -> str | None:
    while isinstance(decorator, ast.Call):
        decorator = decorator.func
    if isinstance(decorator, ast.Attribute):
        return decorator.attr
    return decorator.id if isinstance(decorator, ast.Name) else None


def _write(
    nodes: Iterable[ast.AST], omit: Collection[int], rewritten: Mapping[int, Rewritten]
) -> tuple[str, list[str]]:
    """Write nodes as one unambiguous text; without recursion, for generated code is nested deeply."""
    parts: list[str] = []
    targets: list[str] = []
    annotated: set[int] = set()
    items: list[_Item] = []
    items += [*nodes][::-1]
    while items:
        item = items.pop()
        if isinstance(item, str):
            parts.append(item)
            continue
        kind = item.__class__
        if rewritten and (instead := rewritten.get(id(item))) is not None:
            parts.append(instead.text)
            targets += instead.targets
        elif kind is ast.Name:
            parts.append(f"Name({item.id})")  # type: ignore[attr-defined]  # `kind is` does not narrow
        elif kind is ast.Constant:
            parts.append(_constant(item.value))  # type: ignore[attr-defined]
        else:
            rewrite = _REWRITES.get(kind)
            pairs = rewrite(item, annotated) if rewrite else _pairs(item)
            if kind is ast.AnnAssign and id(item) not in annotated:
                kind = ast.Assign
            _push(items, kind.__name__, pairs, omit, annotated)
    return "".join(parts), targets


def _push(
    items: list[_Item], name: str, pairs: Iterable[tuple[str, object]], omit: Collection[int], annotated: set[int]
) -> None:
    pending: list[_Item] = [name + "("]
    for field, value in pairs:
        if value is None:
            continue
        if isinstance(value, list):
            counting = [one for one in value if _counts(one, omit, annotated)]
            if counting:
                pending.append(field + "=[")
                pending.extend(one if isinstance(one, ast.AST) else f"{one!r}," for one in counting)
                pending.append("]")
        elif isinstance(value, ast.AST):
            pending.append(field + "=")
            pending.append(value)
        else:
            pending.append(f"{field}={value!r},")
    pending.append(")")
    items.extend(reversed(pending))


def _counts(item: object, omit: Collection[int], annotated: set[int]) -> bool:
    kind = item.__class__
    if kind is ast.Expr:
        return item.value.__class__ is not ast.Constant and id(item) not in omit  # type: ignore[attr-defined]
    if kind is ast.AnnAssign:
        return item.value is not None or id(item) in annotated  # type: ignore[attr-defined]
    return kind is not ast.Pass and id(item) not in omit


def _constant(value: object) -> str:
    text = hex(value) if type(value) is int else repr(value)  # the decimals of a very long number may be refused
    return f"{type(value).__name__}:{text};"


def _pairs(node: ast.AST) -> list[tuple[str, object]]:
    return [(field, getattr(node, field, None)) for field in fields(node.__class__)]


def _function(node: ast.AST, annotated: set[int]) -> list[tuple[str, object]]:
    assert isinstance(node, FUNCTIONS)
    if not annotations_count(node):
        return [(field, value) for field, value in _pairs(node) if field not in ("returns", "type_params")]
    annotated.update(map(id, parameters(node.args)))
    return _pairs(node)


def _class(node: ast.AST, annotated: set[int]) -> list[tuple[str, object]]:
    assert isinstance(node, ast.ClassDef)
    annotated.update(map(id, class_annotations(node.body)))
    return _pairs(node)


def _parameter(node: ast.AST, annotated: set[int]) -> list[tuple[str, object]]:
    assert isinstance(node, ast.arg)
    return [("arg", node.arg), ("annotation", node.annotation if id(node) in annotated else None)]


def _annotated_assignment(node: ast.AST, annotated: set[int]) -> list[tuple[str, object]]:
    assert isinstance(node, ast.AnnAssign)
    return _pairs(node) if id(node) in annotated else [("targets", [node.target]), ("value", node.value)]


def _format_string(node: ast.AST, annotated: set[int]) -> list[tuple[str, object]]:
    """Join neighbouring texts and drop empty ones: versions of Python differ there."""
    assert isinstance(node, ast.JoinedStr)
    values: list[ast.AST] = []
    text = ""
    for value in node.values:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            text += value.value
            continue
        values += [ast.Constant(text), value] if text else [value]
        text = ""
    return [("values", [*values, ast.Constant(text)] if text else values)]


_REWRITES: dict[type[ast.AST], Callable[[ast.AST, set[int]], Sequence[tuple[str, object]]]] = {
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
    ast.arg: _parameter,
    ast.AnnAssign: _annotated_assignment,
    ast.JoinedStr: _format_string,
}
