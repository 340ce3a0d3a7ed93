"""Expyrun's dialect of run files."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ...errors import UsageError
from ...store.manifest import LAUNCHES
from ..dialects import BEYOND_DOUBT, UNKNOWN, Dialect

if TYPE_CHECKING:
    from ...history.verdict import Reproduction
    from ...planning.definition import Definition
    from ...results.stored import StoredRun
    from ..document import Reader
    from ..wanted import Wanted
    from .file import ExpyrunFile

_KEYS = ("__run__", "__default__", "__new_key_policy__")


class Expyrun(Dialect):
    """``__run__`` and its like; a folder for each launch.

    Implements: Expyrun readme.
    """

    name = "expyrun"

    def certainty(self, keys: Mapping[Any, Any]) -> int:
        """It has one of the keys that nobody else has."""
        return BEYOND_DOUBT if any(key in keys for key in _KEYS) else UNKNOWN

    def read(self, reader: Reader, wanted: Wanted) -> ExpyrunFile:
        """Read a run file."""
        from .file import read

        return read(reader, wanted)

    def run(self, reader: Reader, wanted: Wanted) -> int:
        """Launch a run file, and give the exit status."""
        from .file import read
        from .launch import launch

        if wanted.arguments.filter or wanted.arguments.continued or wanted.arguments.timestamp:
            raise UsageError(
                f"{wanted.path} starts one run of its own each time; leave out what selects runs and batches"
            )
        return launch(read(reader, wanted, lambda masked: masked.demand("--{} ...")), wanted)

    def declared(self, reader: Reader, wanted: Wanted) -> tuple[Definition, list[Definition]]:
        """Say why other commands than ``pyexp run`` do not take such a file."""
        raise UsageError(
            f"{wanted.path} makes a new run each time it is launched, so it has none to list or build: "
            f"pyexp run {shlex.quote(str(wanted.path))} launches it, and pyexp results shows what has been launched"
        )

    def is_key(self, reader: Reader, name: str) -> bool:
        """Tell whether the config has a key of that name."""
        from .file import is_key

        return is_key(reader, name)

    def relaunch(self, run: StoredRun) -> Callable[..., Reproduction] | None:
        """Launch a run again with the copy of the code in its folder, if it was launched from such a file."""
        newest = run.experiment.newest
        if newest is None or not newest.about.get(LAUNCHES):
            return None
        from .relaunch import relaunch

        return partial(relaunch, run)


DIALECT = Expyrun()
