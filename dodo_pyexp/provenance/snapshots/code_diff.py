"""What differs between two folders of code, as a unified diff.

Implements: the command ``pyexp diff``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from .repository import is_leftover

_LIMIT = 1_000_000


def unified_diff(before: Path, after: Path) -> list[str]:
    """Give the lines of a diff between two snapshots; what only Python left behind, and links, do not count."""
    old, new = _files(before), _files(after)
    lines: list[str] = []
    for place in sorted({*old, *new}):
        lines += _file_diff(place, old.get(place), new.get(place))
    return lines


def _files(root: Path) -> dict[str, str]:
    """Give the regular files of a folder by their relative paths."""
    found: dict[str, str] = {}
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not is_leftover(name)]
        for name in files:
            path = os.path.join(folder, name)
            if not is_leftover(name) and not os.path.islink(path):
                found[os.path.relpath(path, root)] = path
    return found


def _file_diff(place: str, before: str | None, after: str | None) -> Iterator[str]:
    import difflib
    import filecmp

    if before is not None and after is not None and filecmp.cmp(before, after, shallow=False):
        return
    old, new = _lines(before), _lines(after)
    names = (f"a/{place}" if before else "/dev/null", f"b/{place}" if after else "/dev/null")
    if old is None or new is None:
        yield f"Binary files {names[0]} and {names[1]} differ"
        return
    yield from difflib.unified_diff(old, new, *names, lineterm="")


def _lines(path: str | None) -> list[str] | None:
    """Read the lines of a text; None if it is none, or is too long to be shown."""
    if path is None:
        return []
    try:
        with open(path, "rb") as file:
            content = file.read(_LIMIT + 1)
        return None if len(content) > _LIMIT or b"\0" in content else content.decode().splitlines()
    except (OSError, UnicodeDecodeError):
        return None
