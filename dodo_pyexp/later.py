"""Names of a façade that are imported on first use: processes that execute runs import it too, and need few of them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any


def later(
    namespace: dict[str, Any], places: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Give the ``__getattr__`` and the ``__dir__`` of a module.

    Parameters
    ----------
    namespace
        The globals of the module.
    places
        For each name the module of the engine that defines it.

    Examples
    --------
    >>> found, listed = later({"__name__": "facade"}, {"merge": "config.merge"})
    >>> found("merge")({"a": 1}, {"a": 2})
    {'a': 2}
    >>> listed()
    ['__name__', 'merge']
    """

    def found(name: str) -> object:
        if name not in places:
            raise AttributeError(f"module {namespace['__name__']!r} has no attribute {name!r}")
        from importlib import import_module

        value: object = getattr(import_module(f"dodo_pyexp.{places[name]}"), name)
        namespace[name] = value
        return value

    return found, lambda: sorted({*namespace, *places})
