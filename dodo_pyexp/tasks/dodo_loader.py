"""Loader of dodo files for plain doit: a file in a package is a module of that package from its first line on.

Implements: docs/reference.md, "Command line". doit imports a dodo file by its stem, so that ``from ..models import x``
fails in it before pyexp is there; ``[tool.doit] loader = "pyexp"`` in pyproject.toml has doit ask here instead.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from types import ModuleType
from typing import Any

from doit.cmd_base import DodoTaskLoader

from .plain_doit import settle


class Loader(DodoTaskLoader):
    """doit's own, which finds the file as ever."""

    def setup(self, opt_values: Mapping[str, Any]) -> None:
        """Import the dodo file."""
        finder = _Finder(os.path.splitext(os.path.basename(opt_values["dodoFile"]))[0])
        sys.meta_path.insert(0, finder)
        try:
            super().setup(opt_values)
        finally:
            sys.meta_path.remove(finder)


class _Finder:
    """Finds one module as Python does, and has it executed as a module of its package."""

    def __init__(self, stem: str) -> None:
        self._stem = stem

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Give what is known of the dodo file; nothing of any other module."""
        found = PathFinder.find_spec(name) if name == self._stem and path is None else None
        if found is None or not isinstance(found.loader, SourceFileLoader):
            return found
        return spec_from_file_location(name, found.origin, loader=_InPackage(name, found.loader.path))


class _InPackage(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        """Execute the module, when it has its place."""
        code = self.get_code(self.name)
        settle(vars(module))
        assert code is not None
        exec(code, vars(module))
