"""What a file or folder is like that a run is declared to read, and in what it differs from what it was.

Implements: docs/how-to.md, "Data as input".
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Any, NamedTuple

from ...config.inputs import Input
from ...printable import size_text
from ...store.digest import SUM_LENGTH, sha256
from .digests import ChangingFile
from .entries import CHANGED, Entry, is_fresh

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .digests import Digests

    Tree = dict[str, list[Any]]
    """Each file in a folder, by its path there: size and digest."""

GONE = "is gone"
_KINDS = ((stat.S_ISFIFO, "named pipe"), (stat.S_ISSOCK, "socket"), (stat.S_ISCHR, "device"), (stat.S_ISBLK, "device"))


class Declared:
    """A file or a folder that runs of an experiment read; one object for all of these runs.

    Attributes
    ----------
    value
        As it was written.
    key
        What records call it.
    place
        Its absolute path.
    """

    __slots__ = ("key", "kind", "place", "value")

    def __init__(self, value: Input, place: str) -> None:
        self.value = value
        self.kind = value.kind
        self.key = value.key
        self.place = place


class Seen(NamedTuple):
    """What was found at a place: what a record says of it, or what is wrong with it.

    Attributes
    ----------
    entry
        Of a file: size, digest and both times, as of files that were read; of a folder: number and bytes of its files,
        and a digest of them all.
    trouble
        Why there is none, as the end of a sentence.
    tree
        Of a folder, its files.
    """

    entry: Entry | None
    trouble: str = ""
    tree: Tree | None = None


def see_file(place: str, digests: Digests) -> Seen:
    """Look at a file, and read it if it is not known."""
    try:
        found = os.stat(place)
        if stat.S_ISDIR(found.st_mode):
            return Seen(None, "is a folder; declare it as pyexp.Folder")
        if not stat.S_ISREG(found.st_mode):
            return Seen(None, f"is no file, but a {_kind(found.st_mode)}")
        times = found.st_mtime_ns, found.st_ctime_ns
        fresh = is_fresh((found.st_size, *times))  # before it is read, which may take longer than a tick
        digest = digests.of(place, found)
    except (OSError, ValueError) as error:
        return Seen(None, _trouble(error))
    return Seen([found.st_size, digest, times[0], None if fresh else times[1]])


def see_folder(place: str, digests: Digests) -> Seen:
    """Look at a folder with everything in it, and read what is not known."""
    try:
        if not stat.S_ISDIR(os.stat(place).st_mode):
            return Seen(None, "is no folder; declare it as pyexp.File")
        tree: Tree = {}
        for name, found in _files(place, "", _above(place)):
            tree[name] = [found.st_size, digests.of(os.path.join(place, name), found)]
    except (OSError, ValueError) as error:
        return Seen(None, _trouble(error))
    digest = sha256()
    for name in sorted(tree):
        digest.update(f"{tree[name][1]} ".encode() + os.fsencode(name) + b"\0")
    total = sum(size for size, _ in tree.values())
    return Seen([len(tree), total, digest.hexdigest()[:SUM_LENGTH]], tree=tree)


def _files(place: str, below: str, above: frozenset[tuple[int, int]]) -> Iterator[tuple[str, os.stat_result]]:
    """Walk to the files; links are followed, but for those that lead to where they are, or to a folder above."""
    found = os.stat(os.path.join(place, below))
    here = found.st_dev, found.st_ino
    if here in above:
        return
    with os.scandir(os.path.join(place, below)) as entries:
        listed = sorted(entries, key=lambda entry: entry.name)
    for entry in listed:
        name = os.path.join(below, entry.name)
        try:
            about = entry.stat()
        except FileNotFoundError:  # a link that leads nowhere, or gone by now
            continue
        if stat.S_ISDIR(about.st_mode):
            yield from _files(place, name, above | {here})
        elif stat.S_ISREG(about.st_mode):
            yield name, about


def _above(place: str) -> frozenset[tuple[int, int]]:
    """Know the folders above a folder: what lies beside it is no part of it, and the output folder may."""
    found = set()
    while (upper := os.path.dirname(place := os.path.realpath(place))) != place:
        place = upper
        about = os.stat(place)
        found.add((about.st_dev, about.st_ino))
    return frozenset(found)


def change(before: Entry, after: Seen, tree: Tree | None = None) -> str:
    """Say how an input differs from what it was; "" if it does not.

    Parameters
    ----------
    before
        What the record says.
    after
        What is there now.
    tree
        The files that were in the folder, if that is known.

    Examples
    --------
    >>> change([12_100_000, "a", 1, 2], Seen([12_300_000, "b", 3, 4]))
    'changed (12.1 MB -> 12.3 MB)'
    """
    if before[-1] == CHANGED or (len(before) > 3 and before[1] == CHANGED):
        return "changed while it ran"
    if after.entry is None:
        return after.trouble
    if len(before) != len(after.entry):
        return "changed"
    if len(before) > 3:
        if before[:2] == after.entry[:2]:
            return ""
        sizes = size_text(before[0]), size_text(after.entry[0])
        return f"changed ({sizes[0]} -> {sizes[1]})" if sizes[0] != sizes[1] else "changed"
    if before == after.entry:
        return ""
    if tree is None or after.tree is None:
        old, new = (f"{count:,} files, {size_text(size)}" for count, size, _ in (before, after.entry))
        return f"changed ({old} -> {new})" if old != new else "changed"
    now = after.tree
    counts = {
        "added": len(now.keys() - tree.keys()),
        "removed": len(tree.keys() - now.keys()),
        "changed": sum(now[name] != tree[name] for name in now.keys() & tree.keys()),
    }
    said = [f"{count:,} {what}" for what, count in counts.items() if count]
    first = next(count for count in counts.values() if count)
    return ", ".join([said[0].replace(" ", f" file{'' if first == 1 else 's'} ", 1), *said[1:]])


def is_folder_key(key: str) -> bool:
    """Tell whether a key of a table of inputs is that of a folder."""
    return key.endswith("/")


def _kind(mode: int) -> str:
    return next((name for is_kind, name in _KINDS if is_kind(mode)), "something else")


def _trouble(error: OSError | ValueError) -> str:
    if isinstance(error, ChangingFile):
        return "changes while it is read; wait until it is complete"
    if isinstance(error, ValueError) or error.errno in (errno.ENOENT, errno.ENOTDIR):
        return GONE
    if error.errno == errno.ELOOP:
        return "is a symbolic link that leads in a circle"
    name = error.filename
    inside = f" ({os.path.basename(name)})" if isinstance(name, str) and name else ""
    return f"cannot be read: {error.strerror or error}{inside}"
