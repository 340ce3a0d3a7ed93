"""`Definition`: what a user wrote about one experiment.

Implements: pyexp guide, "Function signature"; DESIGN section 10 (function).
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..errors import ConfigError, SignatureError, UsageError
from .options import Options

REPORT_SIGNATURE = "report(results) or report(results, out)"
FUNCTION_SIGNATURE = "fn(cfg), fn(cfg, out) or fn(cfg, out, deps)"


@dataclass(frozen=True)
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

    name: str
    fn: Callable[..., Any]
    arity: int
    configs: Callable[[], Any] | None = None
    report: Callable[..., Any] | None = None
    options: Options = field(default_factory=Options)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise ConfigError(f"{place(self.fn)}: the name of an experiment must be a text, not {self.name!r}")

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
    code = getattr(inspect.unwrap(fn), "__code__", None)
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
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):
        return allowed[0]
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    required = [p for p in positional if p.default is p.empty]
    count = len(required)
    if count == 0 and (positional or any(p.kind is p.VAR_POSITIONAL for p in parameters)):
        count = 1
    keyword = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
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
