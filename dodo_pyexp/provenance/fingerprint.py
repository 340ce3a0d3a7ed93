"""`fingerprint`: what the code that an experiment reaches looks like, so that a change of it is seen.

Implements: DESIGN section 11 (Code that changed).
"""

from __future__ import annotations

import gc
import os
from collections.abc import Mapping
from types import FunctionType
from typing import Any

from .modules import is_first_party, project_root, real_path
from .objects import Objects, wrapped_by
from .reach import Reach
from .syntax import short_hash

__all__ = ["FORMAT", "changes", "combined", "fingerprint"]

FORMAT = 1
"""The way fingerprints are made; those of different formats cannot be compared."""


def fingerprint(fn: object) -> dict[str, str]:
    """Hash the first-party code that a function reaches, piece by piece.

    Counted are the functions, classes (as a whole, with their first-party bases and metaclass) and module-level
    statements that give a reached name its value, in the function's own file and in every module of the project, by
    their normalised syntax: comments, docstrings, formatting, annotations of functions, unused imports and code that
    is not reached do not count. A name that is imported from a library counts by its import. Of closures, captured
    constants count by value if they were passed as arguments, else by the statements that assign them.

    First-party is each Python file outside of site-packages, the standard library and pyexp.

    Not followed: modules imported by a computed name; attributes with a computed name of anything but a module (of a
    module ``getattr(models, name)`` reaches all); what an object that comes as an argument is; modules changed from
    elsewhere (monkey patches); what statements of a module do besides giving names their values; compiled
    extensions; data files; code made by ``exec``. Nothing is imported, and nothing of the user's is called.

    Parameters
    ----------
    fn
        A function, or what wraps one: an `Experiment`, a `functools.partial`, a decorated function.

    Returns
    -------
    dict of str to str
        ``"model.py::loss"`` to a hash, sorted. Files are named relative to the project's root, modules outside of it
        by their dotted name. It is the same in every process, on every machine and in every version of Python.
        Empty if no source is found; it never raises for odd code.

    Examples
    --------
    >>> fingerprint(len)
    {}
    """
    collecting = gc.isenabled()
    gc.disable()  # syntax trees are many objects and no circles
    try:
        return _fingerprint(fn)
    finally:
        if collecting:
            gc.enable()


def combined(fp: Mapping[str, str]) -> str:
    """Hash a whole fingerprint.

    Examples
    --------
    >>> combined({"a.py::f": "1", "a.py::g": "2"}) == combined({"a.py::g": "2", "a.py::f": "1"})
    True
    """
    return short_hash("\n".join(f"{name} {fp[name]}" for name in sorted(fp)))


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Tell what differs between two fingerprints: first what changed, then what was added, then what was removed.

    Examples
    --------
    >>> changes({"model.py::loss": "1", "helper.py::f": "1"}, {"model.py::loss": "2", "helper.py::g": "1"})
    ['model.py::loss changed', 'helper.py::g added', 'helper.py::f removed']
    """
    changed = [f"{name} changed" for name in sorted(before.keys() & after.keys()) if before[name] != after[name]]
    added = [f"{name} added" for name in sorted(after.keys() - before.keys())]
    return changed + added + [f"{name} removed" for name in sorted(before.keys() - after.keys())]


def _fingerprint(fn: object) -> dict[str, str]:
    home = _home(fn)
    reach = Reach(project_root(home) if home is not None else None)
    objects = Objects(reach)
    reach.visit = objects.visit
    objects.visit(fn)
    found = reach.run()
    return {name: found[name] for name in sorted(found)}


def _home(fn: Any) -> str | None:
    """Find the file of the function that all wrappers wrap."""
    home = None
    for _ in range(100):
        kind = type(fn)
        if kind is FunctionType:
            path = real_path(os.path.abspath(fn.__code__.co_filename))
            if home is None or is_first_party(path):
                home = path
        inner = wrapped_by(fn)
        if not inner and kind is not FunctionType:
            inner = [method for base in kind.__mro__ if (method := vars(base).get("__call__"))]
        if not inner:
            break
        fn = inner[0]
    return home
