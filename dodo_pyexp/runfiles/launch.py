"""From a run file to what becomes of it: it is shown, or carried out, as its dialect has it.

Implements: docs/run-files.md.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..interchange import json_text
from .dialects import Dialect, dialect_of, dialects
from .document import Reader, find_file
from .wanted import DRY_RUN, Wanted

if TYPE_CHECKING:
    from ..experiment import Experiment
    from ..history.verdict import Reproduction
    from ..planning.definition import Definition
    from ..results.stored import StoredRun


def launch(wanted: Wanted) -> int:
    """Carry out a run file, and give the exit status.

    Raises
    ------
    PyexpError
        Something in the file, on the command line or on this machine makes it impossible.
    """
    if wanted.mode == DRY_RUN:
        sys.dont_write_bytecode = True  # it leaves nothing behind, not even that
    reader, dialect = _reader(wanted)
    return dialect.run(reader, wanted)


def show(wanted: Wanted, *, origins: bool = False) -> None:
    """Print what a run file says after merging, as JSON; imports none of the user's code and writes nothing.

    Parameters
    ----------
    wanted
        The file.
    origins
        With the file and line of each value.

    Raises
    ------
    PyexpError
        The file is wrong.
    """
    reader, dialect = _reader(wanted)
    data, table = dialect.read(reader, wanted).show()
    print(json_text({"config": data, "origins": table} if origins else data))


def declared(name: str, arguments: Namespace) -> tuple[Experiment, list[Definition]]:
    """Give the experiment that a run file declares, for other commands than ``pyexp run``; and what it may depend on.

    Parameters
    ----------
    name
        The run file.
    arguments
        The flags of the command.

    Raises
    ------
    PyexpError
        The file is wrong, or of a dialect that tells its runs only when it is launched.
    """
    from ..experiment import Experiment

    wanted = Wanted(find_file(name), arguments)
    reader, dialect = _reader(wanted)
    definition, upstreams = dialect.declared(reader, wanted)
    experiment: Experiment = Experiment(definition.fn)
    experiment.definition = definition
    return experiment, upstreams


def is_key(file: str, name: str) -> bool:
    """Tell whether an option that stands behind the file means a key of its config, as Expyrun has it."""
    reader = Reader(find_file(file))
    return dialect_of(reader).is_key(reader, name)


def relaunch(run: StoredRun) -> Callable[..., Reproduction] | None:
    """Give what executes a run again, if its dialect has a way of its own; see `Dialect.relaunch`."""
    return next((again for each in dialects() if (again := each.relaunch(run)) is not None), None)


def _reader(wanted: Wanted) -> tuple[Reader, Dialect]:
    reader = Reader(wanted.path, wanted.pre, wanted.post)
    return reader, dialect_of(reader, names_code=bool(wanted.file or wanted.module))
