"""Which line of a traceback has to be mended: the innermost one of the project, with what the libraries below it did.

Implements: docs/reference.md, "Errors".
"""

from __future__ import annotations

import os
import sysconfig
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from .. import engine
from .code.modules import is_first_party, real_path
from .roots import LIBRARIES, project_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from traceback import FrameSummary


class Place(NamedTuple):
    """Where something was raised.

    Parameters
    ----------
    line
        ``file:line`` of the project.
    below
        The library's line that raised it, in words; "" if it was the project's own.
    at
        Which of the frames it is.
    """

    line: str
    below: str
    at: int


def place_of(frames: Sequence[FrameSummary]) -> Place | None:
    """Find the innermost frame of the project in a traceback; where it has none, the innermost that is not ours.

    The project is that of the first file which is neither a library's, nor Python's, nor ours, wherever these lie: a
    virtual environment may stand inside the project. Code without a file, as in a notebook, counts if it comes first.
    """
    not_ours = [index for index, frame in enumerate(frames) if not is_ours(frame.filename)]
    if not not_ours:
        return None
    head = frames[not_ours[0]].filename
    typed = head if head.startswith("<") and not head.startswith("<frozen ") else ""
    first = next((frames[index].filename for index in not_ours if is_users(frames[index].filename)), None)
    project = "" if first is None else os.path.join(project_of(first), "")
    own = [index for index in not_ours if _is_of(frames[index].filename, typed, project)]
    found = own[-1] if own else not_ours[-1]
    frame, last = frames[found], frames[-1]
    below = f"raised in {library_line(last)}" if found != not_ours[-1] and not is_ours(last.filename) else ""
    return Place(f"{frame.filename}:{frame.lineno}", below, found)


def is_ours(path: str) -> bool:
    """Tell whether a file is one of pyexp's own."""
    return not path.startswith("<") and real_path(os.path.abspath(path)).startswith(engine.REAL_FOLDER + os.sep)


def is_users(path: str) -> bool:
    """Tell whether a file is of no library, not Python's, and not ours."""
    return not path.startswith("<") and is_first_party(real_path(os.path.abspath(path)))


def library_line(frame: FrameSummary) -> str:
    """Name a line of a library as one imports it: ``numpy/linalg/_linalg.py:144``."""
    parts = frame.filename.split(os.sep)
    last = max((index for index, part in enumerate(parts) if part in LIBRARIES), default=None)
    name = frame.filename
    if last is not None:
        name = "/".join(parts[last + 1 :])
    elif name.startswith(_standard_library()):
        name = name[len(_standard_library()) :]
    return f"{name}:{frame.lineno}"


def _is_of(path: str, typed: str, project: str) -> bool:
    if path.startswith("<"):
        return path == typed
    return bool(project) and is_users(path) and real_path(os.path.abspath(path)).startswith(project)


@cache
def _standard_library() -> str:
    return os.path.join(sysconfig.get_paths()["stdlib"], "")
