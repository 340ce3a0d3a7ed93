"""``doit forget`` with a database that is not ours: it knows nothing of runs, and that is told."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .backend import Backend

if TYPE_CHECKING:
    from types import FrameType


def tell_if_out_of_reach() -> None:
    """Say so if the command that is loading tasks just now is to forget some, and its database is not ours.

    A ``DOIT_CONFIG`` of the user's own is left as it is; doit then asks a database that knows nothing of runs.
    """
    from doit.globals import Globals

    frame: FrameType | None = sys._getframe(1)
    while frame is not None and type(frame.f_locals.get("self")).__module__ != "doit.cmd_forget":
        frame = frame.f_back
    if frame is not None and not isinstance(Globals.dep_manager.backend, Backend):
        print(
            'runs are not forgotten: DOIT_CONFIG names another database than theirs; put "backend": "pyexp" into it, '
            "or execute them again by `pyexp build --rerun`",
            file=sys.stderr,
        )
