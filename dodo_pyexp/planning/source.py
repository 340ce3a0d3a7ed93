"""Where an experiment function stands: its file, and the project that the file belongs to."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from ..errors import current_folder
from ..executors.imports.rerouting import users_own
from ..provenance.roots import is_installed, project_around, project_of


def innermost(fn: Any) -> Any:
    """Find the function that decorators and partials are around."""
    while isinstance(fn, partial) or getattr(fn, "__wrapped__", None) not in (None, fn):
        fn = fn.func if isinstance(fn, partial) else fn.__wrapped__
    return fn


def source_file(fn: Any) -> str | None:
    """Find the file that defines a function; a notebook has none."""
    code = getattr(innermost(fn), "__code__", None)
    path = getattr(code, "co_filename", "")
    return os.path.abspath(path) if os.path.isfile(path) else None


def project(fn: Any) -> str:
    """Give the folder of the project that a function belongs to; of a notebook's, the current folder.

    What is installed is no part of the project that uses it, and belongs to the one that the current folder is in.
    """
    file = source_file(fn)
    if file is not None and not is_installed(file):
        return project_of(users_own(file))
    here = current_folder()
    return here if file is None else project_around(here) or here
