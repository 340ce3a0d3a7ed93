"""Import of doit only as far as a build needs it: to be imported before doit is.

The package `doit` imports its whole command line when it is imported itself: plugins, configuration files, the
debugger; half of the start-up of a build that finds nothing to do. Its rooms work without that.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _Deferred(ModuleType):
    """A module whose own code is executed when somebody asks for a name that it defines."""

    def __getattr__(self, name: str) -> Any:
        room = f"{self.__name__}.{name}"
        if "__path__" in vars(self) and importlib.util.find_spec(room) is not None:
            return importlib.import_module(room)
        self.__class__ = ModuleType  # type: ignore[assignment]  # from here on it is a module like any other
        assert self.__spec__ is not None and self.__spec__.loader is not None
        self.__spec__.loader.exec_module(self)
        return getattr(self, name)


def spare() -> None:
    """Let ``import doit.control`` and the like import only that, and no debugger; does nothing once doit is imported.

    Examples
    --------
    >>> spare()
    >>> import doit
    >>> doit.get_var.__name__
    'get_var'
    """
    if "doit" not in sys.modules:
        _defer("doit")
        _defer("pdb")


def _defer(name: str) -> None:
    spec = None if name in sys.modules else importlib.util.find_spec(name)
    if spec is None:
        return
    module = _Deferred(name)
    module.__spec__, module.__loader__, module.__file__ = spec, spec.loader, spec.origin
    module.__package__ = spec.parent
    if spec.submodule_search_locations is not None:
        module.__path__ = spec.submodule_search_locations
    sys.modules[name] = module


spare()
