"""From a run file to what becomes of it: recognise its dialect, then show it or carry it out.

Implements: docs/run-files.md.
"""

from __future__ import annotations

import shlex
import sys
from argparse import Namespace
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..interchange import json_text
from .document import EXPYRUN, NATIVE, Reader, find_file
from .wanted import DRY_RUN, Wanted

if TYPE_CHECKING:
    from ..experiment import Experiment
    from ..planning.definition import Definition


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
    return _module(dialect).run(reader, wanted)  # type: ignore[no-any-return]  # each has a `run` that gives a status


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
    data, table = _module(dialect).read(reader, wanted).show()
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
    from .native.build import declared

    wanted = Wanted(find_file(name), arguments)
    reader, dialect = _reader(wanted)
    if dialect != NATIVE:
        raise UsageError(f"{name} {_module(dialect).UNDECLARED.format(name=shlex.quote(name))}")
    definition, upstreams = declared(_module(dialect).read(reader, wanted))
    experiment: Experiment = Experiment(definition.fn)
    experiment.definition = definition
    return experiment, upstreams


def _module(dialect: str) -> ModuleType:
    """Import the module of a dialect, and no other."""
    return import_module(f".{dialect}.dialect", __package__)


def _reader(wanted: Wanted) -> tuple[Reader, str]:
    reader = Reader(wanted.path, wanted.pre, wanted.post)
    return reader, reader.dialect(names_code=bool(wanted.file or wanted.module))


def is_key(file: str, name: str) -> bool:
    """Tell whether an option that stands behind the file means a key of its config, as Expyrun has it."""
    reader = Reader(find_file(file))
    if reader.dialect() != EXPYRUN:
        return False
    from .expyrun import dialect as expyrun

    return expyrun.is_key(reader, name)
