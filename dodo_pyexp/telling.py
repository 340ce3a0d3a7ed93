"""How a mistake of the user's is told at the end of a program: one sentence on stderr, and a status.

Implements: docs/reference.md, "Errors".
"""

from __future__ import annotations

import os
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


def is_doit() -> bool:
    """Tell whether the program is doit's own command, which shows a traceback for whatever an experiment raises."""
    main = sys.modules.get("__main__")
    if "doit.doit_cmd" not in sys.modules or main is None:
        return False
    spec, path = getattr(main, "__spec__", None), getattr(main, "__file__", None)
    return (spec.name if spec is not None else os.path.basename(path or "")) in ("doit.__main__", "doit", "doit.exe")


class plainly:  # noqa: N801  # read in a `with` statement, like contextlib's own
    """Under doit's own command, let a mistake in what the block does end it with one sentence and status 2.

    What doit itself prints from then on, names of tasks above all, ends nothing.
    """

    def __enter__(self) -> None:
        if is_doit():
            from .characters import never_fail

            never_fail(sys.stdout, sys.stderr)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, PyexpError) and is_doit():
            raise SystemExit(tell(error)) from None
