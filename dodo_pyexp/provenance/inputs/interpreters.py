"""Interpreters that a run starts: they watch, too, from their first moment on (see `startup`)."""

from __future__ import annotations

import marshal
import os

from .watch import Watch, begin

VARIABLE = "PYEXP_READS"  # set for them: what they are to watch
STARTUP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "startup")


def announce(watch: Watch) -> None:
    """Have interpreters that this process starts watch, too: they find `startup` before they do anything else."""
    os.environ[VARIABLE] = marshal.dumps(watch.spec, 2).hex()
    path = os.environ.get("PYTHONPATH")
    if path is None or path.split(os.pathsep)[0] != STARTUP:
        os.environ["PYTHONPATH"] = STARTUP if not path else f"{STARTUP}{os.pathsep}{path}"


def withdraw() -> None:
    """Take that back."""
    os.environ.pop(VARIABLE, None)
    path = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if path[0] == STARTUP:
        if path[1:]:
            os.environ["PYTHONPATH"] = os.pathsep.join(path[1:])
        else:
            del os.environ["PYTHONPATH"]


def begin_as_told() -> None:
    """In such an interpreter: begin."""
    watch = Watch(marshal.loads(bytes.fromhex(os.environ[VARIABLE])))
    watch.be_child()
    begin(watch)
