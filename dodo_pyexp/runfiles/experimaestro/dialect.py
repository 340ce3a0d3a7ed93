"""Experimaestro's dialect of run files, and its experiments in Python."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...errors import UsageError
from ..dialects import CERTAIN, LIKELY, SURE, UNKNOWN, Dialect

if TYPE_CHECKING:
    from ...planning.definition import Definition
    from ..document import Reader
    from ..wanted import Wanted
    from .file import ExperimaestroFile

_KEYS = ("id", "file", "module", "parent", "pre_experiment")


class Experimaestro(Dialect):
    """A YAML file, a class that says what may be in it, and a function ``run(helper, cfg)``.

    Implements: Experimaestro guide, "Running experiments".
    """

    name = "experimaestro"

    def certainty(self, keys: Mapping[Any, Any]) -> int:
        """It names itself and its code; each of these keys alone may be another's as well."""
        if "id" in keys and ("file" in keys or "module" in keys):
            return CERTAIN
        return LIKELY if any(key in keys for key in _KEYS) else UNKNOWN

    def by_default(self, *, names_code: bool) -> int:
        """The command line names the code."""
        return SURE if names_code else UNKNOWN

    def read(self, reader: Reader, wanted: Wanted) -> ExperimaestroFile:
        """Read a run file."""
        from .file import read

        return read(reader, wanted)

    def run(self, reader: Reader, wanted: Wanted) -> int:
        """Launch a run file, and give the exit status."""
        from .launch import launch

        return launch(self.read(reader, wanted))

    def declared(self, reader: Reader, wanted: Wanted) -> tuple[Definition, list[Definition]]:
        """Say why other commands than ``pyexp run`` do not take such a file."""
        name = shlex.quote(str(wanted.path))
        raise UsageError(
            f"{wanted.path} says which runs there are only when its function run(helper, cfg) is called: "
            f"pyexp run {name} -n lists them, and pyexp run {name} builds them"
        )


DIALECT = Experimaestro()
