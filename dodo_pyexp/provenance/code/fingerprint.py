"""`fingerprint`: what the code that an experiment reaches looks like, so that a change of it is seen.

Implements: docs/how-it-works.md, "What code counts".
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
from .sources import Stamp, stamp
from .syntax import short_hash

__all__ = ["FORMAT", "Survey", "combined", "fingerprint"]

FORMAT = 1  # the way fingerprints are made; those of different formats cannot be compared


def fingerprint(fn: object) -> dict[str, str]:
    """Hash the first-party code that a function reaches, piece by piece.

    Counted are the functions, classes (as a whole, with their first-party bases and metaclass) and module-level
    statements that give a reached name its value, in the function's own file and in every module of the project, by
    their normalised syntax: comments, docstrings, formatting, annotations of functions, unused imports and code
    that is not reached do not count. A name that is imported from a library counts by its import, one that is
    imported from the project by what it stands for in the end. Of closures, captured constants count by value if
    they were passed as arguments, else by the statements that assign them.

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
    return Survey(fn).pieces


class Survey:
    """One look at the code that a function reaches: its fingerprint, and the files that it was taken from.

    Attributes
    ----------
    pieces
        The `fingerprint`.
    meanings
        Of the pieces that use modules of the project: the hash without the modules' names, then what they use of them.
    home
        The file of the function itself; None if there is none.
    stamps
        When each file was changed that was read, and its size.
    """

    def __init__(self, fn: object) -> None:
        collecting = gc.isenabled()
        gc.disable()  # syntax trees are many objects and no circles
        try:
            self.home = _home(fn)
            reach = Reach(project_root(self.home) if self.home is not None else None)
            objects = Objects(reach)
            reach.visit = objects.visit
            objects.visit(fn)
            found = reach.run()
        finally:
            if collecting:
                gc.enable()
        self.pieces: dict[str, str] = {name: found[name] for name in sorted(found)}
        self.meanings = reach.meanings()
        self.stamps: dict[str, Stamp] = reach.modules.stamps()
        self._modules = reach.modules

    def is_current(self) -> bool:
        """Tell whether all of the files are still the same."""
        return all(stamp(path) == before for path, before in self.stamps.items())

    def outdated(self) -> list[str]:
        """Name the files that tell of other code than this process has imported from them before."""
        from .loaded import outdated

        return outdated(self._modules)


def combined(fp: Mapping[str, str]) -> str:
    """Hash a whole fingerprint.

    Examples
    --------
    >>> combined({"a.py::f": "1", "a.py::g": "2"}) == combined({"a.py::g": "2", "a.py::f": "1"})
    True
    """
    return short_hash("\n".join(f"{name} {fp[name]}" for name in sorted(fp)))


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
