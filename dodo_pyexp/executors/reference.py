"""How a function reaches another process: by the file that defines it, or by value.

A function of a module is imported again over there; one that was defined in a script's ``__main__``, in a notebook
or inside another function is sent by value, with cloudpickle.
"""

from __future__ import annotations

import sys

from ..importing import definitions_only, import_file
from ..results.pickling import dumps, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .relocation import Relocation


class UnsendableFunction(TypeError):
    """The function, or something it refers to, cannot be pickled."""


class Reference:
    """A function that has not been imported yet, and need not be to be executed elsewhere.

    Parameters
    ----------
    parts
        Name of its module, its file, and the name that leads to it there.
    """

    __slots__ = ("parts",)

    def __init__(self, *parts: str) -> None:
        self.parts = parts

    def __call__(self, *args: Any) -> Any:
        """Import the function, and call it."""
        return resolve(self.parts)(*args)


def refer(fn: Callable[..., Any]) -> tuple[str, ...] | bytes:
    """Give what `resolve` needs to find `fn` in another process.

    Raises
    ------
    UnsendableFunction
        The function holds something that cannot be sent.
    """
    if isinstance(fn, Reference):
        return fn.parts
    home, qualname = getattr(fn, "__module__", None) or "", getattr(fn, "__qualname__", "<object>")
    module = sys.modules.get(home)
    path = getattr(module, "__file__", None)
    if module is not None and path and home != "__main__" and "<" not in qualname:
        name = qualname.split(".")[0]
        if _function(getattr(module, name, None), qualname) is fn:
            return home, path, qualname
    try:
        return dumps(fn)
    except Exception as error:
        raise UnsendableFunction(
            f"the experiment function or something it uses cannot be sent to another process "
            f'({type(error).__name__}: {error}); create it inside the function, or use executor="fork"'
        ) from None


def resolve(reference: tuple[str, ...] | bytes, relocation: Relocation | None = None) -> Callable[..., Any]:
    """Find the function that `refer` described."""
    if isinstance(reference, bytes):
        with definitions_only():  # unpickling imports what the function needs
            fn: Callable[..., Any] = loads(reference)
        if getattr(fn, "__module__", None) == "__main__":
            from .standin import stand_in

            stand_in(getattr(fn, "__globals__", {}), relocation)
        return fn
    name, path, qualname = reference
    module = import_file(path, name)
    found: Callable[..., Any] | None = _function(getattr(module, qualname.split(".")[0], None), qualname)
    if found is None:
        raise ImportError(f"{path} no longer defines {qualname}")
    return found


def _function(value: Any, qualname: str) -> Any:
    """Follow `qualname` from its first name, and look inside an `Experiment` for its function."""
    for part in qualname.split(".")[1:]:
        value = getattr(value, part, None)
    return getattr(value, "fn", value)
