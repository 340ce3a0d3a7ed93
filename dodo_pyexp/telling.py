"""How a mistake of the user's is told at the end of a program: one sentence on stderr, and a status.

Implements: docs/reference.md, "Errors".
"""

from __future__ import annotations

import sys

from .errors import PyexpError
from .standard import lead_nowhere


def tell(error: PyexpError) -> int:
    """Write a mistake to stderr, and give the exit status that goes with it."""
    from .printable import printable_lines

    detail = getattr(error, "detail", "")
    try:
        print(f"error: {printable_lines(str(error))}", file=sys.stderr)
        if detail:
            print(f"\n{printable_lines(detail)}", file=sys.stderr, end="")
    except OSError:  # nobody reads it, or the disk is full: the status tells
        lead_nowhere(sys.stderr)
    return error.exit_code
