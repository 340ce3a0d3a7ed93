"""What lies beside the code and is in no snapshot: data that git ignores, large files. A snapshot gets links to it.

Code that opens ``Path(__file__).parent / "data"`` finds there what it would find in the user's folder. Links are only
made where such code is among what an experiment imports, and never to secrets or to the output folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from ...store.outputs import is_output
from ..secrets.secret_files import secret_content, secret_file
from .repository import is_leftover

MOST_LINKS = 1000
_SMALL = 1_000_000
# How code finds files that lie beside it.
_WORDS = (b"__file__", b"__path__", b"__spec__", b"resources", b"get_data", b"getfile", b"getsourcefile", b"find_spec")
_PATHS = re.compile(rb"""["'](?:\.\./)*([A-Za-z0-9_][\w.-]{0,99})["'/]""")


def looks_beside(files: Iterable[str]) -> bool:
    """Tell whether some of these files of code may open files that lie beside it."""
    for path in files:
        try:
            with open(path, "rb") as file:
                content = file.read()
        except OSError:
            continue
        if any(word in content for word in _WORDS):
            return True
    return False


def link_beside(copy: Path, original: Path, exclude: Iterable[Path] = ()) -> int:
    """Link what a folder has and its copy has not; give the number of links, `MOST_LINKS` at most.

    Parameters
    ----------
    copy
        The snapshot.
    original
        The folder that it is a snapshot of.
    exclude
        What is never linked: the output folder.
    """
    barred = {os.path.realpath(path) for path in exclude}
    made = 0
    for folder, folders, files in os.walk(copy):
        place = os.path.relpath(folder, copy)
        folders[:] = [name for name in folders if not is_leftover(name)]
        taken = {*folders, *files}
        try:
            found = sorted(os.scandir(original / place), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in found:
            if entry.name in taken or not _may_be_linked(entry, f"{place}/{entry.name}", barred):
                continue
            if made == MOST_LINKS:
                return made
            link = os.path.join(folder, entry.name)
            try:
                os.symlink(os.path.relpath(entry.path, os.path.realpath(folder)), link)
            except OSError:  # another build was quicker, or there are no links here
                continue
            made += 1
    return made


def link_above(copy: Path, original: Path, files: Iterable[str], exclude: Iterable[Path] = ()) -> None:
    """Link what lies beside the project's folder and is named in the code: ``Path(__file__).parent.parent / "data"``.

    The links stand beside the snapshot, which may be one of several of the same project.

    Parameters
    ----------
    copy, original, exclude
        As for `link_beside`.
    files
        The files of code.
    """
    above = original.parent
    if above == original or above.parent == above:
        return
    barred = {os.path.realpath(path) for path in exclude}
    for name in sorted(_named(files) - {original.name, copy.name}):
        entry, link = above / name, copy.parent / name
        if os.path.exists(entry) and not os.path.lexists(link) and _may_be_linked(entry, name, barred):
            try:
                os.symlink(os.path.relpath(entry, os.path.realpath(copy.parent)), link)
            except OSError:
                continue


def _named(files: Iterable[str]) -> set[str]:
    """Give the first parts of the paths that stand in the code."""
    found: set[str] = set()
    for path in files:
        try:
            with open(path, "rb") as file:
                found.update(os.fsdecode(name) for name in _PATHS.findall(file.read()))
        except OSError:
            continue
    return found


def _may_be_linked(entry: os.DirEntry[str] | Path, place: str, barred: set[str]) -> bool:
    """Tell whether it is neither git's nor Python's nor the output folder, nor looks like a secret."""
    if entry.name == ".git" or is_leftover(entry.name) or secret_file(place) or secret_file(f"{place}/file"):
        return False
    real = os.path.realpath(entry)
    if any(real == path or path.startswith(real + os.sep) for path in barred):
        return False
    if os.path.exists(f"{real}/pyvenv.cfg") or is_output(real):
        return False
    try:
        if not entry.is_file() or entry.stat().st_size > _SMALL:
            return True
        with open(entry, "rb") as file:
            return secret_content(file.read(), entry.name) is None
    except OSError:
        return False
