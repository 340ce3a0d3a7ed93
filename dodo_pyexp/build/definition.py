"""`Definition`: what a user wrote about one experiment.

Implements: pyexp guide, "Function signature"; DESIGN section 10 (function).
"""

from __future__ import annotations

import os
from types import FunctionType

from ..errors import ConfigError, SignatureError, UsageError
from .options import Options

TYPE_CHECKING = False  # no dataclasses and no inspect either: a worker process imports this module
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self

REPORT_SIGNATURE = "report(results) or report(results, out)"
FUNCTION_SIGNATURE = "fn(cfg), fn(cfg, out) or fn(cfg, out, deps)"


class Definition:
    """One experiment: its name, its function and what it is run on.

    Parameters
    ----------
    name
        Name of the experiment.
    fn
        The experiment function.
    arity
        How many arguments it is called with, 1 to 3.
    configs
        Gives the configs.
    report
        Makes the report, if there is one.
    options
        What the decorator said.
    """

    def __init__(
        self,
        name: str,
        fn: Callable[..., Any],
        arity: int,
        configs: Callable[[], Any] | None = None,
        report: Callable[..., Any] | None = None,
        options: Options | None = None,
    ) -> None:
        if not isinstance(name, str):
            raise ConfigError(f"{place(fn)}: the name of an experiment must be a text, not {name!r}")
        self.name = name
        self.fn = fn
        self.arity = arity
        self.configs = configs
        self.report = report
        self.options = options or Options()

    def replaced(self, **changes: Any) -> Self:
        """Copy it with some fields changed."""
        return type(self)(**{**vars(self), **changes})

    def call_configs(self) -> Any:
        """Call the configs function.

        Raises
        ------
        UsageError
            There is none.
        """
        if self.configs is None:
            raise UsageError(
                f"{place(self.fn)}: experiment {self.name} has no configs; "
                f"decorate a function with @{called(self.fn)}.configs, or call run(configs=...)"
            )
        return self.configs()


def called(fn: Callable[..., Any]) -> str:
    """Give the name of a function; of a partial or another callable object, that of its type."""
    name = getattr(fn, "__name__", None)
    return name if isinstance(name, str) else type(fn).__name__


def place(fn: Callable[..., Any]) -> str:
    """Tell where a function stands: ``file:line``."""
    while (wrapped := getattr(fn, "__wrapped__", None)) is not None and wrapped is not fn:
        fn = wrapped
    code = getattr(fn, "__code__", None)
    if code is None:
        return getattr(fn, "__module__", None) or "?"
    path = code.co_filename
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive
        relative = path
    return f"{path if relative.startswith('..') else relative}:{code.co_firstlineno}"


def arity(fn: Callable[..., Any], allowed: range, signature: str) -> int:
    """Count the positional parameters without a default that `fn` is to be called with.

    Raises
    ------
    SignatureError
        It cannot be called with any number of arguments that pyexp may give.
    """
    counted = _parameters(fn)
    if counted is None:
        return allowed[0]
    count, optional, keyword = counted
    if count == 0 and optional:
        count = 1
    if keyword:
        raise SignatureError(
            f"{place(fn)}: {called(fn)} has a keyword parameter without a default ({keyword[0]}); it is called as "
            f"{signature}"
        )
    if count not in allowed:
        raise SignatureError(
            f"{place(fn)}: {called(fn)} takes {count} positional parameter{'' if count == 1 else 's'}; "
            f"it must be {signature}"
        )
    return count


def _parameters(fn: Callable[..., Any]) -> tuple[int, bool, list[str]] | None:
    """Count the required positional parameters; tell whether there are others; name the required keywords."""
    if type(fn) is FunctionType and not fn.__dict__:  # nothing wrapped: no need for inspect, which is slow to import
        code, defaults = fn.__code__, fn.__defaults__ or ()
        keywords = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
        has_varargs = bool(code.co_flags & 0x04)
        return (
            code.co_argcount - len(defaults),
            bool(defaults) or has_varargs,
            [name for name in keywords if name not in (fn.__kwdefaults__ or {})],
        )
    import inspect

    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):
        return None
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    required = [p for p in positional if p.default is p.empty]
    return (
        len(required),
        len(positional) > len(required) or any(p.kind is p.VAR_POSITIONAL for p in parameters),
        [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty],
    )
