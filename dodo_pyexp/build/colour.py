"""Colour, where the reader is a terminal that shows it."""

from __future__ import annotations

import os
from typing import IO

_CODES = {"bold": 1, "red": 31, "green": 32, "yellow": 33, "blue": 34, "magenta": 35, "cyan": 36}


def is_terminal(stream: IO[str]) -> bool:
    """Tell whether somebody watches `stream` on a terminal that understands control sequences."""
    try:
        return stream.isatty() and os.environ.get("TERM") != "dumb"
    except (AttributeError, ValueError):  # no stream, or a closed one
        return False


def paint(text: str, colour: str, stream: IO[str]) -> str:
    """Give `text` in a colour if `stream` shows colours; ``NO_COLOR`` is respected.

    Examples
    --------
    >>> import io
    >>> paint("failed", "red", io.StringIO())
    'failed'
    """
    if not text or os.environ.get("NO_COLOR") or not is_terminal(stream):
        return text
    return f"\x1b[{_CODES[colour]}m{text}\x1b[0m"
