"""doit's own settings, where it loads a file with experiments.

Implements: docs/files-on-disk.md (`out/.doit.db`).
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from ..errors import PyexpError
from .definition import Definition

if TYPE_CHECKING:
    from types import FrameType


def configure_doit(definition: Definition) -> None:
    """Tell the doit that is loading a dodo file just now to keep its database in the output folder.

    The file may define this experiment itself or import it. Whatever it says in a ``DOIT_CONFIG`` of its own wins.
    """
    frame: FrameType | None = sys._getframe(1)
    dodo = None
    while frame is not None and frame.f_globals.get("__name__") != "doit.loader":
        if frame.f_code.co_name == "<module>":
            dodo = frame.f_globals
        frame = frame.f_back
    if frame is not None and dodo is not None:
        try:
            output_dir = os.fspath(definition.resolved().output_dir or "out")
        except PyexpError:  # told when the tasks are made
            return
        settings = {"backend": "pyexp", "dep_file": f"{output_dir}/.doit.db", "continue": True}
        dodo.setdefault("DOIT_CONFIG", settings)
