"""`StandIn`: the script in a process that executes a function of it, and never was that script.

The function came by value, with the part of the script that it uses. But pickle, `torch.save`, and the pools of
`multiprocessing` look classes and functions up by name in ``__main__``.
"""

from __future__ import annotations

import os
import sys

from ..importing import definitions_only
from ..results.pickling import script_globals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .relocation import Relocation

_FOR_PROCESSES = "__mp_main__"  # what multiprocessing calls a script that it imports, so that nothing is started
_hidden: list[Any] = []  # modules whose code may still go on


class StandIn(type(sys)):  # type: ignore[misc]  # the type of modules, without the time that `types` takes
    """The module ``__main__``, as far as a function sees it; for anything else, the script is imported.

    Parameters
    ----------
    seen
        The globals of the function.
    relocation
        Where the script is to be read from.
    """

    def __init__(self, seen: dict[str, Any], relocation: Relocation | None) -> None:
        super().__init__("__main__")
        self.__dict__.update(seen)
        path, package = seen.get("__file__"), seen.get("__package__")
        self.__source: str | None = None
        if path is None:  # typed into a session
            return
        if not os.path.exists(path):  # on another machine: processes that are started there must not look for it
            del self.__file__
        elif package:  # it was started as `python -m package.module`
            from importlib.machinery import ModuleSpec

            stem = os.path.splitext(os.path.basename(path))[0]
            self.__spec__ = ModuleSpec(f"{package}.{stem}", None, origin=path)
        self.__path: str = path
        self.__source = (relocation and relocation.of(path)) or path

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("__") and self.__source is not None:
            source, self.__source = self.__source, None
            try:
                self._import(source)
            except Exception as error:
                raise AttributeError(
                    f"{self.__path}, imported for {name!r}, fails: {type(error).__name__}: {error}"
                ) from error
            if name in self.__dict__:
                return self.__dict__[name]
        raise AttributeError(f"module '__main__' has no attribute {name!r}")

    def _import(self, source: str) -> None:
        """Execute the script for what it defines, and add what is not here yet."""
        with open(source, "rb") as file:
            code = compile(file.read(), self.__path, "exec", dont_inherit=True)
        rest = type(sys)(_FOR_PROCESSES)
        vars(rest).update({"__file__": self.__path, "__package__": self.__dict__.get("__package__")})
        before = sys.modules.get(_FOR_PROCESSES)
        sys.modules[_FOR_PROCESSES] = rest
        try:
            with definitions_only():
                exec(code, vars(rest))
        finally:
            sys.modules[_FOR_PROCESSES] = before or self
        for name, value in vars(rest).items():
            if getattr(value, "__module__", None) == _FOR_PROCESSES:
                try:
                    value.__module__ = "__main__"
                except (AttributeError, TypeError):
                    pass
            self.__dict__.setdefault(name, value)


def stand_in(seen: dict[str, Any], relocation: Relocation | None) -> None:
    """Let ``__main__`` be the script that a function with these globals is of."""
    script_globals.update(seen)  # what the function is given is of these classes
    main = StandIn(seen, relocation)
    for name in ("__main__", _FOR_PROCESSES):
        if name in sys.modules:
            _hidden.append(sys.modules[name])
            sys.modules[name] = main
    for name, value in list(seen.items()):
        if any(value is module for module in _hidden):  # the script has imported itself
            seen[name] = main.__dict__[name] = main
