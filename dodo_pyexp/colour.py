"""Colour, where the reader is a terminal that shows it; and columns that fit into one."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import IO

from .printable import pad, printable, shorten, width

#: Names that take more columns stand out of their table, and do not make it as wide as they are.
WIDEST = 100
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


def column(names: Iterable[str], stream: IO[str]) -> list[str]:
    """Write names for a table, equally wide; on a terminal the middle of very long ones is cut out."""
    limit = name_limit(stream)
    shown = [shorten(printable(name), limit) for name in names]
    columns = max((found for found in map(width, shown) if found <= WIDEST), default=0)
    return [pad(name, columns) for name in shown]


def name_limit(stream: IO[str]) -> int | None:
    """Give the columns that a name may take in a table on `stream`; None where nobody watches, and nothing is cut.

    Two thirds of the terminal: one very long name must not push the states of all others out of sight.
    """
    columns = terminal_columns(stream)
    return None if columns is None else max(24, columns * 2 // 3)


def terminal_columns(stream: IO[str]) -> int | None:
    """Give the width of the terminal that `stream` is shown on; None where nobody watches."""
    if not is_terminal(stream):
        return None
    try:
        return int(os.environ.get("COLUMNS", "0")) or os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):  # a terminal that has no size, or no descriptor
        return 80
