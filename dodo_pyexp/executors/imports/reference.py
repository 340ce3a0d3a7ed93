"""How a function reaches another process: by the file that defines it; by value only where no file does.

A function of a script is one of the module that the script is: over there the script is imported, top level and all,
and `run` does nothing in it. What was defined in a notebook or inside another function is sent by value, with
cloudpickle.
"""

from __future__ import annotations

import os
import sys
from functools import partial

from ...importing import definitions_only, import_file, line_reached, passed_over_run
from ...main_module import NAMES, Script, become, script
from ...results.pickling import dumps, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

    Parts = tuple[str, str, str | bytes, int]
    """Name and file of a module (empty if there is none), the name that leads to the function there or the function
    itself, and the line at which the top level of the module had come when the function was referred to."""


_EXPERIMENTS = "dodo_pyexp.experiment"


class UnsendableFunction(TypeError):
    """The function, or something it refers to, cannot be pickled."""


class Reference:
    """A function that has not been imported yet, and need not be to be executed elsewhere.

    Parameters
    ----------
    module, path, name
        Name of its module, its file, and the name that leads to it there.
    """

    __slots__ = ("parts",)

    def __init__(self, module: str, path: str, name: str) -> None:
        self.parts: Parts = (module, path, name, 0)

    def __call__(self, *args: Any) -> Any:
        """Import the function, and call it."""
        return resolve(self.parts)(*args)


def refer(fn: Callable[..., Any]) -> Parts:
    """Give what `resolve` needs to find `fn` in another process.

    Raises
    ------
    UnsendableFunction
        The function holds something that cannot be sent.
    """
    if isinstance(fn, Reference):
        return fn.parts
    home = _home(fn)
    name = None if home is None else home.name_of(fn)
    if home is not None and name is not None:
        return home.name, home.path, name, home.line
    try:
        value = dumps(fn)
    except Exception as error:
        raise UnsendableFunction(
            f"the experiment function or something it uses cannot be sent to another process "
            f'({type(error).__name__}: {error}); create it inside the function, or use executor="fork"'
        ) from None
    if home is None or home.script is None:
        return "", "", value, 0
    return home.name, home.path, value, home.line


def travels_by_value(fn: Callable[..., Any]) -> bool:
    """Tell whether other processes are sent the function itself, and not the name by which to import it."""
    home = _home(fn)
    return home is None or home.name_of(fn) is None


def redirected(parts: Parts, place: Callable[[str], str | None]) -> Parts:
    """Let a reference lead to where `place` says that a file is; None: where it was."""
    name, path, what, line = parts
    return name, (path and place(path)) or path, what, line


def resolve(parts: Parts) -> Callable[..., Any]:
    """Find the function that `refer` described."""
    name, path, what, line = parts
    try:
        module = import_file(path, name, line) if _is_needed(path, what) else None
    except Exception as error:
        if passed_over_run():
            told = ImportError(
                f'what uses the results of run() belongs under `if __name__ == "__main__":` ({type(error).__name__}: '
                f"{error}); {path} is imported for its runs, and there run() gives nothing"
            )
            raise told.with_traceback(error.__traceback__) from None
        raise
    if isinstance(what, bytes):
        with definitions_only():  # unpickling imports what the function needs
            fn: Callable[..., Any] = loads(what)
        return fn
    found = _found(module, what)
    if found is None:
        raise ImportError(f"{path} no longer defines {what}")
    return found  # type: ignore[no-any-return]  # whatever the user's module has there


def resolve_as_main(parts: Parts) -> Callable[..., Any]:
    """Find the function, and let this process, which is there to execute it, be that of its script."""
    fn = resolve(parts)
    name, path, what, line = parts
    become(import_file(path, name, line) if _is_needed(path, what) else _session(fn))
    return fn


def _is_needed(path: str, what: str | bytes) -> bool:
    """Tell whether the file is to be imported: a function by value can do without, where there is no such file."""
    return isinstance(what, str) or os.path.exists(path)


class _Home:
    """The module that a function is found in, as other processes import it.

    Parameters
    ----------
    module, name, path
        The module, its name over there, and its file.
    script
        What it is besides, if it is the script that was started.
    """

    def __init__(self, module: ModuleType, name: str, path: str, script: Script | None = None) -> None:
        self.name = name
        self.path = path
        self.script = script
        self._module = module

    @property
    def line(self) -> int:
        """How far its top level has come."""
        return line_reached(vars(self._module))

    def name_of(self, fn: Any) -> str | None:
        """Give the name that leads to the function, or to an experiment that was made of it; None if none does."""
        qualname = getattr(fn, "__qualname__", "<>")
        if "<" not in qualname and self._has(qualname) and _found(self._module, qualname) is fn:
            return str(qualname)
        for name, value in list(vars(self._module).items()):  # a lambda, or what a decorator gave
            if type(value).__module__ == _EXPERIMENTS and getattr(value, "fn", None) is fn and self._has(name):
                return name
        return None

    def _has(self, qualname: str) -> bool:
        return self.script is None or self.script.defines(qualname.partition(".")[0])


def _home(fn: Any) -> _Home | None:
    """Find the module that a function belongs to, if it has a file."""
    while isinstance(fn, partial):
        fn = fn.func
    home = getattr(fn, "__module__", None) or ""
    if home in NAMES:
        found = script(home)
        return None if found is None else _Home(found.module, found.name, found.path, found)
    module = sys.modules.get(home)
    path = getattr(module, "__file__", None)
    return _Home(module, home, path) if module is not None and path else None


def _found(module: Any, qualname: str) -> Any:
    """Follow `qualname`, and look inside an `Experiment` for its function."""
    for part in qualname.split("."):
        module = getattr(module, part, None)
    return getattr(module, "fn", module)


def _session(fn: Any) -> ModuleType:
    """Make a module of what a function sees that was typed into a session."""
    module = type(sys)("__main__")
    vars(module).update(getattr(fn, "__globals__", {}))
    return module
