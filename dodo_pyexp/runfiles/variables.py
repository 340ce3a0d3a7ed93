"""Environment variables that a run file or the command line sets."""

from __future__ import annotations

import os


def refused_variable(name: str, value: object) -> str | None:
    """Say why no variable can have that name or that value; None if one can.

    Examples
    --------
    >>> refused_variable("A=B", "1")
    '"A=B" holds "=", and no variable can be called so; give it another name'
    >>> refused_variable("A", "1")
    """
    what = name if len(name) <= 60 else f"{name[:57]}..."
    if "=" in name:
        return f'"{what}" holds "=", and no variable can be called so; give it another name'
    if not name:
        return "a variable needs a name"
    for text, which in ((name, "name"), (str(value), "value")):
        if "\0" in text:
            return f"the {which} of {what!r} holds a NUL character, which no variable can; take it out"
        try:
            os.fsencode(text)
        except UnicodeEncodeError:
            return f"the {which} of {what!r} holds what is no character; take it out"
    return None
