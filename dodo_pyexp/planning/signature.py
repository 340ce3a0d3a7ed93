"""What pyexp calls a user's function with: told from its signature when it is handed over, or refused.

Implements: pyexp guide, "Function signature"; docs/reference.md, "Experiments".
"""

from __future__ import annotations

from functools import partial
from types import FunctionType

from ..errors import ArgumentError, SignatureError
from .definition import called, caller, place

TYPE_CHECKING = False  # and no inspect unless something is wrapped: a worker process imports this module
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_ASYNC, _GENERATOR, _VARARGS = 0x80 | 0x200, 0x20, 0x04  # flags of code objects


class Call:
    """What a function of the user's may be called with.

    Parameters
    ----------
    names
        What the arguments are, the first ones at least. A parameter with a default is given its argument if it is
        called so: ``def train(cfg, out=None)``.
    allowed
        How many arguments it may take.
    signature
        All that in words.
    """

    def __init__(self, names: tuple[str, ...], allowed: range, signature: str) -> None:
        self._names, self._allowed, self.signature = names, allowed, signature

    def arity(self, fn: Callable[..., Any]) -> int:
        """Tell how many arguments `fn` is to be called with.

        Raises
        ------
        SignatureError, ArgumentError
            It cannot be called with any number of arguments that pyexp may give, or not at all.
        """
        if not callable(fn):
            raise ArgumentError(f"{caller()}: {self.signature} must be a function, not {type(fn).__name__}")
        _refuse_flags(fn, _ASYNC | _GENERATOR)
        found = _Parameters.of(fn)
        if found is None:
            return self._allowed[0]
        who = f"{place(fn)}: {called(fn)}"
        if found.keywords:
            raise SignatureError(
                f"{who} has a keyword parameter without a default ({found.keywords[0]}); it is called as "
                f"{self.signature}"
            )
        if found.rest:
            raise SignatureError(
                f"{who} takes *{found.rest}, which does not tell what it wants; name its parameters, {self.signature}, "
                "and use functools.wraps in a decorator"
            )
        for index, name in enumerate([*found.positional, *found.options]):
            if name in self._names[1:] and (name in found.options or index != self._names.index(name)):
                raise SignatureError(
                    f"{who} has {name} in another place than {self.signature}; it would not get it there"
                )
        count = found.required
        if count == 0 and found.positional:
            count = 1
        while count < min(len(found.positional), self._allowed[-1]) and found.positional[count] == self._names[count]:
            count += 1
        if count not in self._allowed:
            raise SignatureError(
                f"{who} takes {count} positional parameter{'' if count == 1 else 's'}; it must be {self.signature}"
            )
        return count


FUNCTION = Call(("cfg", "out", "deps"), range(1, 4), "fn(cfg), fn(cfg, out) or fn(cfg, out, deps)")
REPORT = Call(("results", "out"), range(1, 3), "report(results) or report(results, out)")


def takes_nothing(fn: Any) -> None:
    """Make sure that `fn` can give configs: a function without a parameter that must be given.

    Raises
    ------
    ArgumentError
        It is no function.
    SignatureError
        It takes a parameter, or is no plain function.
    """
    if not callable(fn):
        raise ArgumentError(
            f"{caller()}: configs registers a function that gives the configs, not {type(fn).__name__}; "
            "a list goes into run(configs=...)"
        )
    _refuse_flags(fn, _ASYNC)
    found = _Parameters.of(fn)
    if found is not None and (found.required or found.keywords):
        raise SignatureError(f"{place(fn)}: {called(fn)} gives the configs, so it must take no parameter")


def _refuse_flags(fn: Callable[..., Any], refused: int) -> None:
    """Refuse a function that executes nothing when it is called."""
    inner: Any = fn
    while isinstance(inner, partial):
        inner = inner.func
    code = getattr(inner, "__code__", None) or getattr(type(inner).__call__, "__code__", None)
    flags = getattr(code, "co_flags", 0) & refused
    if flags & _ASYNC:
        raise SignatureError(
            f"{place(fn)}: {called(fn)} is an async def, so calling it executes nothing; write a plain function that "
            "calls asyncio.run"
        )
    if flags:
        raise SignatureError(
            f"{place(fn)}: {called(fn)} is a generator, because it has a yield, so calling it executes nothing; "
            "return the result instead"
        )


class _Parameters:
    """Parameters of a function: positional ones, keywords that must or may be given, and the name of ``*args``."""

    def __init__(
        self, positional: list[str], required: int, keywords: list[str], options: list[str], rest: str
    ) -> None:
        self.positional, self.required, self.rest = positional, required, rest
        self.keywords, self.options = keywords, options

    @classmethod
    def of(cls, fn: Callable[..., Any]) -> _Parameters | None:
        """Give those of `fn`; None where nobody knows."""
        if type(fn) is FunctionType and not fn.__dict__:  # nothing wrapped: no need for inspect, slow to import
            code, names = fn.__code__, fn.__code__.co_varnames
            end = code.co_argcount + code.co_kwonlyargcount
            given = fn.__kwdefaults__ or {}
            return cls(
                list(names[: code.co_argcount]),
                code.co_argcount - len(fn.__defaults__ or ()),
                [name for name in names[code.co_argcount : end] if name not in given],
                list(given),
                names[end] if code.co_flags & _VARARGS else "",
            )
        import inspect

        try:
            # Not that of what it wraps: a decorator may give some of the arguments itself.
            parameters = inspect.signature(fn, follow_wrapped=False).parameters.values()
        except (TypeError, ValueError):
            return None
        rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "")
        wrapped = getattr(fn, "__wrapped__", None)
        if rest and callable(wrapped) and wrapped is not fn:  # it hands on whatever it is given
            return cls.of(wrapped)
        positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        return cls(
            [p.name for p in positional],
            len([p for p in positional if p.default is p.empty]),
            [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty],
            # A partial that gives an argument by its name shows it as such a parameter.
            []
            if isinstance(fn, partial)
            else [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is not p.empty],
            rest,
        )
