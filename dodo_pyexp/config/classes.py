"""Classes by name: which one a saved value is of, and where that is found again."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_SCRIPTS = ("__main__", "__mp_main__")


def name_of(kind: type) -> list[str]:
    """Name a class by its module and its place there; the module of a script is called as when it is imported."""
    home = kind.__module__
    return [_imported_name(sys.modules.get(home)) or home if home in _SCRIPTS else home, kind.__qualname__]


def find_class(module: str, qualname: str, *, importing: bool = False) -> type | None:
    """Find the class of a name among what is imported already; None if it is not there.

    With `importing`, the module is imported if need be: only for the process that executes the run, because that is
    code of the user's.
    """
    for home in _homes(module):
        found: Any = home
        for part in qualname.split("."):
            # What a module makes on demand is asked for only where the user's code may run.
            found = getattr(found, part, None) if importing else vars(found).get(part)
            if found is None or not hasattr(found, "__dict__"):
                break
        if isinstance(found, type):
            return found
    if not importing or module in sys.modules:
        return None
    import importlib

    try:
        importlib.import_module(module)
    except (Exception, SystemExit):  # it is not there, or something that it needs is damaged
        return None
    return find_class(module, qualname, importing=True)


def _homes(module: str) -> Iterator[Any]:
    """Give the modules that may be meant: of that name, the script of that name, or the same file's under another."""
    if module in sys.modules:
        yield sys.modules[module]
    last = module.rpartition(".")[2]
    for name in _SCRIPTS:
        script = sys.modules.get(name)
        if script is not None and (_imported_name(script) or name).rpartition(".")[2] == last:
            yield script
    dotted = f".{last}"
    for name in [name for name in list(sys.modules) if name == last or name.endswith(dotted)]:
        if name != module:
            yield sys.modules[name]


def _imported_name(script: Any) -> str | None:
    """Give the name under which a script is imported; None where it has no file, as in a notebook."""
    path = getattr(script, "__file__", None)
    name = getattr(getattr(script, "__spec__", None), "name", "__main__")  # of `python -m`
    if name not in _SCRIPTS:
        return str(name)
    return os.path.splitext(os.path.basename(path))[0].replace(".", "_") if path else None
