"""Which experiments a Python file declares, by its syntax: it is not imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .syntax import FUNCTIONS

_MAKER = "experiment"
_PACKAGES = frozenset(("pyexp", "dodo_pyexp"))


def line_declaring(path: str, name: str, function: str | None = None) -> int | None:
    """Give the line of a file at which it declares an experiment; None if it does not.

    Parameters
    ----------
    path
        The file. Of one that is no valid Python, or that may not be read, nobody knows: then it is the first line.
    name
        The experiment.
    function
        The experiment has its name from somewhere else, and the file only this function.
    """
    try:
        with open(path, "rb") as file:
            nodes = list(ast.walk(ast.parse(file.read())))
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return 1
    if function is not None:
        return next((node.lineno for node in nodes if isinstance(node, FUNCTIONS) and node.name == function), None)
    # A name that is computed may be any.
    return next((line for line, declared in _declared(nodes) if declared in (name, None)), None)


def _declared(nodes: list[ast.AST]) -> Iterator[tuple[int, str | None]]:
    """Yield the line and the name of each experiment; None for a name that is no plain text."""
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module in _PACKAGES]
    aliases = {alias.asname for node in imports for alias in node.names if alias.name == _MAKER and alias.asname}
    makers = {_MAKER, *aliases}
    for node in nodes:
        if isinstance(node, FUNCTIONS):
            for decorator in node.decorator_list:
                if _last(decorator.func if isinstance(decorator, ast.Call) else decorator) in makers:
                    yield node.decorator_list[0].lineno, _said(decorator, node.name)
        elif isinstance(node, ast.Call) and _last(node.func) in makers and node.args:
            yield node.lineno, _said(node, _last(node.args[0]))  # experiment(train)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Call) and _last(node.func.func) in makers:
            yield node.lineno, _said(node.func, _last(node.args[0]) if node.args else None)  # experiment(...)(train)
        elif isinstance(node, ast.Call) and _last(node.func) == "run" and (said := _said(node, "")):
            yield node.lineno, said  # train.run(name="other")


def _said(node: ast.expr, otherwise: str | None) -> str | None:
    """Give what a call says as the name."""
    for keyword in node.keywords if isinstance(node, ast.Call) else ():
        if keyword.arg == "name":
            value = keyword.value
            return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None
    return otherwise


def _last(node: ast.AST) -> str | None:
    """Give the last part of a name with dots."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else None
