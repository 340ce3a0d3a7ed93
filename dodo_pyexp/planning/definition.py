"""`Definition`: what a user wrote about one experiment.

Implements: pyexp guide, "Function signature"; docs/reference.md, "Experiments".
"""

from __future__ import annotations

import os
import sys
from functools import partial
from itertools import islice

from .. import engine
from ..config.sweep import MOST_CONFIGS
from ..errors import ArgumentError, ConfigError, UsageError, suggest
from ..store.names import refusal
from .options import Options, resolve

TYPE_CHECKING = False  # no dataclasses and no inspect either: a worker process imports this module
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import FrameType
    from typing import Any, Self


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
    defaults
        What keys of the configs have where nobody gives them, as the user wrote it.
    about
        What else the manifests of its batches are to say.
    """

    def __init__(
        self,
        name: str,
        fn: Callable[..., Any],
        arity: int,
        configs: Callable[[], Any] | None = None,
        report: Callable[..., Any] | None = None,
        options: Options | None = None,
        defaults: Any = None,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        if not isinstance(name, str):
            raise ConfigError(f"{place(fn)}: the name of an experiment must be a text, not {name!r}")
        refused = refusal(name)
        if refused is not None:
            raise ConfigError(f"{place(fn)}: an experiment {refused}")
        self.name = name
        self.fn = fn
        self.arity = arity
        self.configs = configs
        self.report = report
        self.options = options or Options()
        self.defaults = defaults
        self.about = about or {}

    def replaced(self, **changes: Any) -> Self:
        """Copy it with some fields changed."""
        return type(self)(**{**vars(self), **changes})

    def resolved(self, *said: Options, typed: Options | None = None) -> Options:
        """Give the options that hold: those of the decorator below what was `said` and `typed`, see `resolve`."""
        from .source import project

        return resolve(*said, self.options, typed=typed, project=project(self.fn))

    def call_configs(self) -> Any:
        """Call the configs function; whatever it raises goes through, except for an exit.

        Raises
        ------
        UsageError
            There is none, or it wanted to end the program.
        """
        if self.configs is None:
            raise UsageError(
                f"{place(self.fn)}: experiment {self.name} has no configs; "
                f"decorate a function with @{called(self.fn)}.configs, or call run(configs=...)"
            )
        try:
            configs = self.configs()
            if hasattr(configs, "__next__"):  # a generator's errors belong here
                return list(islice(configs, MOST_CONFIGS + 1))
            return configs
        except SystemExit as error:
            raise UsageError(
                f"{self.configs_place}: the configs of {self.name} called sys.exit({error.code!r}); "
                "they must give a list of configs"
            ) from error

    def call_report(self, results: Any, out: Any = None) -> Any:
        """Call the report function, with a folder if it takes one; whatever it raises goes through."""
        assert self.report is not None
        return self.report(results) if out is None else self.report(results, out)

    @property
    def configs_place(self) -> str:
        """Where the configs come from: the function that makes them; the experiment's where they were handed over."""
        if self.configs is None or isinstance(self.configs, Given):
            return getattr(self.configs, "place", "") or place(self.fn)
        return place(self.configs)


class Given:
    """Configs that were handed over as a list, in the shape of a function that makes them.

    Parameters
    ----------
    configs
        The list.
    place
        Where they were written, if that is known.
    """

    __slots__ = ("configs", "place")

    def __init__(self, configs: Any, place: str = "") -> None:
        self.configs = configs
        self.place = place

    def __call__(self) -> Any:
        """Give them."""
        return self.configs


def called(fn: Callable[..., Any]) -> str:
    """Give the name of a function; of a partial or another callable object, that of its type."""
    name = getattr(fn, "__name__", None)
    return name if isinstance(name, str) else type(fn).__name__


def place(fn: Callable[..., Any]) -> str:
    """Tell where a function stands: ``file:line``."""
    while isinstance(fn, partial) or (getattr(fn, "__wrapped__", None) not in (None, fn)):
        fn = fn.func if isinstance(fn, partial) else fn.__wrapped__  # type: ignore[attr-defined]  # just seen
    code = getattr(fn, "__code__", None) or getattr(type(fn).__call__, "__code__", None)
    if code is None:
        return getattr(fn, "__module__", None) or "?"
    return f"{_short(code.co_filename)}:{code.co_firstlineno}"


def caller() -> str:
    """Tell which line of somebody else's called pyexp: ``file:line``."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(engine.FOLDER + os.sep):
        frame = frame.f_back
    return "?" if frame is None else f"{_short(frame.f_code.co_filename)}:{frame.f_lineno}"


def _short(path: str) -> str:
    try:
        relative = os.path.relpath(path)
    except (ValueError, OSError):  # another drive; a working directory that is gone
        return path
    return path if relative.startswith("..") else relative


def refuse_unknown(unknown: Mapping[str, Any], known: Callable[..., Any], what: str) -> None:
    """Refuse keyword arguments that a function of ours does not have.

    Raises
    ------
    ArgumentError
        There is one.
    """
    for name in unknown:
        code = known.__code__
        choices = [word for word in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount] if word != "self"]
        raise ArgumentError(f'{what} has no argument "{name}"{suggest(name, choices, len(choices))}')
