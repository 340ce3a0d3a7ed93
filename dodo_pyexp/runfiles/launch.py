"""From a run file to what becomes of it: recognise its dialect, then show it or carry it out.

Implements: DESIGN section 5 (run files: three dialects, one model).
"""

from __future__ import annotations

import json
import math
import sys
from importlib import import_module
from types import ModuleType
from typing import Any

from .document import EXPYRUN, Reader
from .wanted import DRY_RUN, Wanted


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
    data = _plain(data)
    print(json.dumps({"config": data, "origins": table} if origins else data, indent=2, ensure_ascii=False))


def _plain(value: Any) -> Any:
    """Give a value as JSON can hold it; what it has no form for, as text."""
    if isinstance(value, dict):
        return {key if isinstance(key, str) else str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(item) for item in value), key=str)
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return str(value.value) if hasattr(value, "value") else str(value)


def _module(dialect: str) -> ModuleType:
    """Import the module of a dialect, and no other."""
    return import_module(f".{dialect}", __package__)


def _reader(wanted: Wanted) -> tuple[Reader, str]:
    reader = Reader(wanted.path, wanted.pre, wanted.post)
    return reader, reader.dialect(names_code=bool(wanted.file or wanted.module))


def is_key(file: str, name: str) -> bool:
    """Tell whether an option that stands behind the file means a key of its config, as Expyrun has it."""
    from .document import find_file

    reader = Reader(find_file(file))
    if reader.dialect() != EXPYRUN:
        return False
    from . import expyrun

    return expyrun.is_key(reader, name)
