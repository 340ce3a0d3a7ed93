"""Mistakes in the user's own code, told in one sentence with its place: the same through every door.

Implements: docs/reference.md, "Errors".
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from .. import engine, standard
from ..errors import SOME_FAILED, LookupFailed, PyexpError
from ..provenance.frames import Place, is_ours, is_users, place_of
from ..store.paths import shown
from .definition import Definition

_STREAMS = standard.__file__
_API = os.path.join(engine.FOLDER, "experiment.py")


class UserCodeError(PyexpError):
    """The user's own code raised something while it was asked for its experiments or configs.

    Attributes
    ----------
    detail
        The way to the place, without frames of pyexp; nothing when there is only one.
    """

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


@contextmanager
def user_code() -> Iterator[None]:
    """Turn what the user's code raises into one sentence with its place; what is raised elsewhere goes through.

    Raises
    ------
    UserCodeError
        Instead of what the user's code raised.
    """
    try:
        yield
    except (Exception, SystemExit) as error:
        told = in_user_code(error)
        if told is None:
            raise
        raise told from None


def in_user_code(error: BaseException) -> UserCodeError | None:
    """Put an exception of the user's code into one sentence with its place; None if it was raised elsewhere."""
    if isinstance(error, SyntaxError):
        if error.filename is None:
            return None
        return UserCodeError(f"{shown(error.filename)}:{error.lineno}: {type(error).__name__}: {error.msg}")
    if isinstance(error, PyexpError):
        place = _place(error.__traceback__, anywhere=isinstance(error, LookupFailed))
        if not place or isinstance(error, UserCodeError) or place.rpartition(":")[0] in str(error):
            return None
        return UserCodeError(f"{place}: {error}")
    frames = user_frames(error.__traceback__)
    found = place_of(frames)
    if found is None:
        return None
    message = " ".join(str(error).split())
    kind = type(error).__name__
    detail = f"The way there:\n{''.join(way_to(found, frames))}" if len(frames) > 1 else ""
    line = shown_line(found.line)
    return UserCodeError(f"{line}: {kind}: {message}" if message else f"{line}: {kind}", detail)


def way_to(place: Place, frames: list[traceback.FrameSummary]) -> Iterator[str]:
    """Show the frames that lead to a place of the project; what libraries did from there on in one line."""
    yield from traceback.format_list(frames[: place.at + 1])
    if place.below:
        yield f"  {place.below}\n"


def shown_line(line: str) -> str:
    """Write ``file:line`` as short as it can be written from here."""
    path, _, number = line.rpartition(":")
    return f"{shown(path)}:{number}"


def failed_report(definition: Definition, error: BaseException) -> UserCodeError | None:
    """Put what a report raised into one sentence with its place; None if it is a bug of ours."""
    if isinstance(error, PyexpError):
        told = in_user_code(error) or UserCodeError(str(error))
    elif (found := in_user_code(error)) is not None:
        told = found
    else:
        return None
    failed = UserCodeError(f"the report of {definition.name} failed: {told}", told.detail)
    failed.exit_code = SOME_FAILED
    return failed


def in_script(error: BaseException) -> PyexpError | None:
    """Tell what ends a script: a mistake that pyexp found, or what configs or a report raised; None for any other."""
    reported = _called_by(error.__traceback__, Definition.call_report)
    if reported is not None and not isinstance(error, SystemExit):
        return failed_report(reported, error)
    in_configs = _called_by(error.__traceback__, Definition.call_configs) is not None
    if not (isinstance(error, PyexpError) or in_configs):
        return None
    told = in_user_code(error) or (error if isinstance(error, PyexpError) else None)
    if isinstance(error, LookupFailed) and told is not None and not in_configs:
        told.exit_code = SOME_FAILED  # the script's own doing, with results that are there
    return told


def _called_by(trace: TracebackType | None, method: Callable[..., Any]) -> Definition | None:
    """Give the definition whose `method` had called the user's code that raised something."""
    while trace is not None:
        if trace.tb_frame.f_code is method.__code__:
            found: Definition = trace.tb_frame.f_locals["self"]
            return found
        trace = trace.tb_next
    return None


def _place(trace: TracebackType | None, *, anywhere: bool = False) -> str:
    """Tell which line of the user's led to an error of ours; nothing where it called the experiment.

    What experiments refuse has its place already: a line of the user's, or an argument on the command line. A lookup
    in an experiment has none, so it may be `anywhere`.
    """
    frames = traceback.extract_tb(trace)
    last = max((index for index, frame in enumerate(frames) if is_users(frame.filename)), default=-1)
    if last < 0 or (not anywhere and last + 1 < len(frames) and frames[last + 1].filename == _API):
        return ""
    return f"{shown(frames[last].filename)}:{frames[last].lineno}"


def user_frames(trace: TracebackType | None) -> list[traceback.FrameSummary]:
    """Give the part of a traceback that begins in the user's code; empty when the error comes from elsewhere."""
    frames = [frame for frame in traceback.extract_tb(trace) if not frame.filename.startswith("<frozen ")]
    while frames and frames[-1].filename == _STREAMS:  # the user's code has printed
        frames.pop()
    last_of_ours = max((i for i, frame in enumerate(frames) if is_ours(frame.filename)), default=-1)
    behind = frames[last_of_ours + 1 :]
    first = next((i for i, frame in enumerate(behind) if is_users(frame.filename)), None)
    return [] if first is None else behind[first:]
