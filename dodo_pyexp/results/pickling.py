"""Pickling for other processes: plainly where that works everywhere.

What is defined in a script is known to plain pickle as ``__main__.Name``, which no other process can find; such values
are left to `portable`.
"""

from __future__ import annotations

import sys

try:  # the half of `pickle` that is used: the other takes a worker's time to import
    from _pickle import Unpickler, load, loads
    from _pickle import dumps as plain_dumps
except ImportError:  # not CPython
    from pickle import Unpickler, load, loads
    from pickle import dumps as plain_dumps

from ..importing import definitions_only

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO, Any

__all__ = ["dumps", "load", "load_here", "loads", "plain_dumps", "restore", "self_contained"]


def dumps(value: Any) -> bytes:
    """Pickle `value` so that any process that can import the same modules can read it.

    Whatever cloudpickle or the value's own code raises goes through.
    """
    try:
        data = plain_dumps(value, protocol=5)
    except Exception:  # pickling runs the value's own code; cloudpickle may manage all the same
        data = b"__main__"
    if b"__main__" not in data:
        return data
    from .portable import portable_dumps

    return portable_dumps(value)


def self_contained(value: Any) -> bytes:
    """Pickle `value` so that it can be read where the script that defines its classes is not to be found, too."""
    main = getattr(sys.modules.get("__main__"), "__name__", "").encode()
    try:
        data = plain_dumps(value, protocol=5)
    except Exception:
        data = b"__main__"
    if b"__main__" not in data and (main == b"__main__" or bytes([0x8C, len(main) & 255]) + main not in data):
        return data
    from .portable import portable_dumps

    return portable_dumps(value, restore=restore)


def restore(address: str, copy: bytes) -> Any:
    """Give a class of a script: its own where the script can be imported, else a copy."""
    from pkgutil import resolve_name

    try:
        with definitions_only():
            return resolve_name(address)
    except Exception:  # importing the user's code runs it
        return loads(copy)


def load_here(file: IO[bytes]) -> Any:
    """Unpickle `file`; objects whose class was pickled by value get the class that the script has here, if it has one.

    So ``isinstance`` and ``==`` say the same of a result that was just made and of one from an earlier day. Where the
    class is no longer what it was, or is not here at all, they get the one in the file.
    """
    start = file.tell()
    with definitions_only():  # what is needed may be defined in a script
        try:
            return _Reader(file).load()
        except Exception:
            file.seek(start)
            return load(file)


class _Reader(Unpickler):
    """Puts the classes of this process in the place of those that cloudpickle would make anew."""

    def __init__(self, file: IO[bytes]) -> None:
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
        main = sys.modules.get(module)
        found = getattr(main, name, None)
        if not isinstance(found, type) or found.__qualname__ != name:
            return None
        if found.__module__ not in (module, getattr(main, "__name__", "")):
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
