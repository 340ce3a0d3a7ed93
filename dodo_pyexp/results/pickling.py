"""Pickling for other processes: plainly where that works everywhere, else by value.

What is defined in a script is known to plain pickle as ``__main__.Name``, which no other process can find.
"""

from __future__ import annotations

import sys

try:  # the half of `pickle` that is used: the other takes a worker's time to import
    from _pickle import Unpickler, load, loads
    from _pickle import dumps as plain_dumps
except ImportError:  # not CPython
    from pickle import Unpickler, load, loads
    from pickle import dumps as plain_dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, BinaryIO

__all__ = ["dumps", "load", "load_here", "loads", "plain_dumps"]

script_globals: dict[str, Any] = {}
"""In a process that executes a function of a script without being that script: what the function sees of it."""


def dumps(value: Any) -> bytes:
    """Pickle `value` so that any process with the same packages can read it.

    Whatever cloudpickle or the value's own code raises goes through.
    """
    try:
        data = plain_dumps(value, protocol=5)
    except Exception:  # pickling runs the value's own code; cloudpickle may manage all the same
        data = b"__main__"
    if b"__main__" not in data:
        return data
    return _by_value(value)


def _by_value(value: Any) -> bytes:
    """Pickle with cloudpickle, but with the names of the files that code comes from.

    Newer cloudpickle writes `<dynamic-code>` in their place, and tracebacks of the other process would lead nowhere.
    """
    import io
    from collections import ChainMap
    from types import CodeType

    import cloudpickle

    table = cloudpickle.Pickler.dispatch_table

    def reduce_code(code: CodeType) -> tuple[Any, tuple[Any, ...]]:
        make, arguments = table[CodeType](code)
        written = make(*arguments).co_filename
        return make, tuple(code.co_filename if argument == written else argument for argument in arguments)

    named = {"dispatch_table": ChainMap({CodeType: reduce_code}, table)}
    file = io.BytesIO()
    type("Pickler", (cloudpickle.Pickler,), named)(file, protocol=5).dump(value)
    return file.getvalue()


def load_here(file: BinaryIO) -> Any:
    """Unpickle `file`; objects whose class was pickled by value get the class that the script has here, if it has one.

    So ``isinstance`` and ``==`` say the same of a result that was just made and of one from an earlier day. Where the
    class is no longer what it was, or is not here at all, they get the one in the file.
    """
    start = file.tell()
    try:
        return _Reader(file).load()
    except Exception:
        file.seek(start)
        return load(file)


class _Reader(Unpickler):
    """Puts the classes of this process in the place of those that cloudpickle would make anew."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self._own: list[type] = []

    def find_class(self, module: str, name: str, /) -> Any:
        """Give what a name in the pickle means."""
        found = super().find_class(module, name)
        if not module.startswith("cloudpickle"):
            return found
        if name == "_make_skeleton_class":
            return self._class(found)
        if name == "_make_skeleton_enum":
            return self._enum(found)
        return self._state(found) if name == "_class_setstate" else found

    def _class(self, make: Callable[..., Any]) -> Callable[..., Any]:
        def give(kind: Any, name: str, bases: Any, arguments: dict[str, Any], *more: Any) -> Any:
            return self._here(arguments.get("__module__"), name) or make(kind, name, bases, arguments, *more)

        return give

    def _enum(self, make: Callable[..., Any]) -> Callable[..., Any]:
        def give(bases: Any, name: str, qualname: str, members: dict[str, Any], module: str, *more: Any) -> Any:
            return self._here(module, qualname) or make(bases, name, qualname, members, module, *more)

        return give

    def _here(self, module: Any, name: str) -> Any:
        if module != "__main__":
            return None
        found = script_globals.get(name) or getattr(sys.modules.get(module), name, None)
        if not isinstance(found, type) or (found.__module__, found.__qualname__) != (module, name):
            return None
        self._own.append(found)
        return found

    def _state(self, fill: Callable[..., Any]) -> Callable[..., Any]:
        def give(made: type, state: Any) -> Any:
            if made not in self._own:
                return fill(made, state)
            for name, value in state[0].items():
                if getattr(value, "__qualname__", "").endswith(f"<locals>.{made.__name__}.{name}"):
                    raise LookupError("a class inside a function, which only has the same name")
            return made  # it is filled already, by the script as it is now

        return give
