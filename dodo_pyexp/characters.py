"""Streams that cannot hold every character: what they have no letter for is written in ones that they have.

Names are anybody's, and a terminal, or a file that output goes to, may know ASCII only (``PYTHONIOENCODING=ascii``, old
locales). Nothing ends because of that: signs of drawing become plain ones, other letters are written as Python would.
"""

from __future__ import annotations

import codecs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO

_PLAIN = {"…": "...", "─": "-", "│": "|", "├": "|", "└": "`", "±": "+-", "→": "->", "█": "#"}
_NAME = "dodo_pyexp.plain"


def _plainly(error: UnicodeError) -> tuple[str, int]:
    """Write what cannot be encoded in other letters."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    return "".join(_PLAIN.get(one) or one.encode("unicode_escape").decode() for one in letters), error.end


codecs.register_error(_NAME, _plainly)


def never_fail(*streams: IO[str] | None) -> None:
    """Let streams write whatever they are given; those that are not Python's own stay as they are."""
    for stream in streams:
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None and getattr(stream, "errors", "strict") in ("strict", "backslashreplace"):
            reconfigure(errors=_NAME)
