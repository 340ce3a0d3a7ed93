"""What is started where a run is executed by the build's own process: it is to end with that process, in any case.

Other runs lead a process group each, which the guardian kills. These, `inline` and those of executors of the user's own
that execute inside `start`, have only the build's own, in which there may be anybody: the shell script that called it,
the other end of a pipe. So what they start is marked: programs by a variable of their environment, forks by a file in
memory that has its name. A `sweeper` waits for the end of this process and kills what has the mark, and is in its group
still.
"""

from __future__ import annotations

import os
import sys
import time
from _thread import allocate_lock

from .standard_streams import above_standard

_VARIABLE = "PYEXP_STARTED_BY"
_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sweeper.py")


class Offspring:
    """While a ``with`` block lasts, what is started has the mark (Linux).

    Blocks of several threads may overlap: it has the mark until the last one ends.
    """

    _changing = allocate_lock()
    _depth = 0
    _process = 0  # the one that has a sweeper
    _value = ""

    def __enter__(self) -> None:
        with Offspring._changing:
            Offspring._depth += 1
            if Offspring._process != os.getpid() and sys.platform == "linux":
                _start_sweeper()
            if Offspring._value:
                os.environ[_VARIABLE] = Offspring._value

    def __exit__(self, *_: object) -> None:
        with Offspring._changing:
            Offspring._depth -= 1
            if not Offspring._depth:
                os.environ.pop(_VARIABLE, None)


def _start_sweeper() -> None:
    """Start it, once for this process."""
    import subprocess

    Offspring._process, Offspring._value = os.getpid(), f"{os.getpid()}-{time.time_ns()}"
    program = [sys.executable, "-I", "-S", _PROGRAM, f"{os.getpid()}", f"{os.getpgrp()}", _mark()]
    try:
        # It is nobody's child here: a run that waits for all of its children must not wait for that one, too.
        subprocess.run(
            ["/bin/sh", "-c", '"$@" &', "sh", *program], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, cwd="/", start_new_session=True, check=False,
        )  # fmt: skip
    except OSError:  # there is no room for it, or no shell: the runs go on without it
        pass


def _mark() -> str:
    return f"{_VARIABLE}={Offspring._value}"


def _mark_fork() -> None:
    """In a fork: an environment shows only what a program was started with."""
    Offspring._changing = allocate_lock()
    if Offspring._depth and Offspring._value:
        try:
            above_standard(os.memfd_create(_mark()))
        except OSError:  # it has too many files open
            pass


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_mark_fork)
