"""Who opens a file: the code of a run, or Python that imports a module, or pyexp itself."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

# Read by Python to import or to show code: the fingerprint of the code sees to that.
_IMPORTERS = frozenset(("importlib._bootstrap_external", "_frozen_importlib_external"))
_LOADERS = frozenset(("runpy", "zipimport", "linecache"))
_STANDARD: frozenset[str] = getattr(sys, "stdlib_module_names", frozenset())
_ENGINE = "dodo_pyexp."


def is_code(own: str) -> bool:
    """Tell whether whoever opens a file imports it, or shows its lines in a traceback; or is pyexp itself.

    `own` is the name of the module that asks.
    """
    homes = _callers(own)
    home = next(homes, "")
    if home in _IMPORTERS:
        above = next((above for above in homes if not above.startswith(_ENGINE)), "")
        return above in _IMPORTERS  # else `pkgutil.get_data` or the like wants some data
    while home not in _LOADERS and home.partition(".")[0] in _STANDARD:  # whoever has asked it for the file
        home = next(homes, "")
    if home in _LOADERS:
        return True
    while home.startswith(_ENGINE):
        if home.startswith("dodo_pyexp.config."):  # what the user has it read, as by `load_config`
            return False
        if not (home := next(homes, "")).startswith(_ENGINE):
            return True
    return False


def _callers(own: str) -> Iterator[str]:
    """Give the names of the modules that called each other, the innermost first, without who asks."""
    frame: Any = sys._getframe(2)
    while frame is not None:
        if (home := str(frame.f_globals.get("__name__"))) != own:
            yield home
        frame = frame.f_back
