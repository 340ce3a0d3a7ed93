"""``doit forget``: what doit is to forget is on record with pyexp, too, and goes there as well.

doit asks its database alone to forget a task, whose only trace of the run is a copy of what the record says.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType


def tell_if_out_of_reach() -> None:
    """Say so if the command that is loading tasks just now is to forget some, and its database is not ours.

    A ``DOIT_CONFIG`` of the user's own is left as it is; doit then asks a database that knows nothing of runs.
    """
    from doit.globals import Globals

    from .backend import Backend

    frame: FrameType | None = sys._getframe(1)
    while frame is not None and type(frame.f_locals.get("self")).__module__ != "doit.cmd_forget":
        frame = frame.f_back
    if frame is not None and not isinstance(Globals.dep_manager.backend, Backend):
        print(
            'runs are not forgotten: DOIT_CONFIG names another database than theirs; put "backend": "pyexp" into it, '
            "or execute them again by `pyexp build --rerun`",
            file=sys.stderr,
        )


def forget_records(caller: FrameType | None) -> None:
    """Take away the records of the runs that doit's command is about to forget; the attempts stay.

    Parameters
    ----------
    caller
        Whoever asks the database to forget: of anybody but that command nothing is done.
    """
    if caller is None or caller.f_globals.get("__name__") != "doit.cmd_forget":
        return
    named = caller.f_locals.get("task")
    command: Any = caller.f_locals.get("self")
    tasks: Iterable[Any] = getattr(command, "task_list", ()) if named is None else [named]
    for task in tasks:
        for record in getattr(task, "records", ()):
            try:
                os.unlink(record)
            except FileNotFoundError:
                continue
            except OSError as error:
                print(f"{task.name} is not forgotten: {record}: {error.strerror}", file=sys.stderr)
