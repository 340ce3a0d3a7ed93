"""`inputs.json`: the files that a run was seen to read, with what they were like; and the same as a record holds it.

Implements: docs/files-on-disk.md (`inputs.json`); docs/how-it-works.md, "What a run reads".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...store import atomic
from ...store.digest import sum_of_bytes
from ...store.paths import INPUTS, AttemptFolder
from ...store.status import READ, TAKEN
from .entries import CHANGED, Table, is_fresh

if TYPE_CHECKING:
    from collections.abc import Callable

    from .contents import Contents


FORMAT = 1
FEW = 20  # files that stand in the record itself; more stand in `inputs.json` alone


def told(attempt: AttemptFolder, status: dict[str, Any]) -> dict[str, Any] | None:
    """Give what the run itself has told of what it read, as its status has it; None if that is nothing."""
    said = status.get(READ)
    if said == INPUTS:
        said = atomic.read_json(_path(attempt, status))
    return said if isinstance(said, dict) else None


def look_at(
    said: dict[str, Any], place: Callable[[str], str], contents: Contents, copy_of: Callable[[str], str | None]
) -> dict[str, Any]:
    """Find out what is in the files that were read, as `inputs.json` has it.

    Parameters
    ----------
    said
        What the run has told; whoever has executed it may have told anything.
    place
        Gives the path of a file of the project's.
    contents
        Reads files, each only once.
    copy_of
        Gives the copy that was read in place of a file, if there is one.

    Raises
    ------
    ValueError, TypeError
        What was told makes no sense.
    """
    files, folders = {}, {}
    for path, size, mtime, copied, rewrote in said["files"]:
        own = place(path)
        today = contents.stat(own)
        if today is None and not copied:
            continue  # it is on another machine, or gone by now
        fresh = today is not None and is_fresh(today)  # before it is read, which may take longer than a tick
        digest = contents.digest((copied and copy_of(own)) or own)
        about = files[path] = {"size": size, "mtime_ns": mtime, "digest": digest}
        if not copied and not rewrote and (today is None or today[:2] != (size, mtime)):
            about |= {"digest": None, "changed": True}
        elif today is not None and (not copied or contents.digest(own) == digest):
            about |= dict(zip(("size", "mtime_ns", "ctime_ns"), today, strict=True))
            if fresh:
                del about["ctime_ns"]
    for path in said["folders"]:
        listed = contents.listing(place(path))
        if listed is not None:
            folders[path] = dict(zip(("files", "digest", "seen_ns"), listed, strict=True))
    return {"format": FORMAT, "files": files, "folders": folders}


def write(attempt: AttemptFolder, status: dict[str, Any], found: dict[str, Any]) -> Table | str:
    """Write `inputs.json`; give what the record says of it: the table, or the digest of one that is long.

    Raises
    ------
    OSError
        It cannot be written.
    """
    atomic.write_text(_path(attempt, status), _text(found))
    table = as_table(found)
    return table if len(table) <= FEW else _sum(table)


def _text(found: dict[str, Any]) -> str:
    """Write it with a line for each file."""
    parts = [f'{{"format": {found["format"]}']
    for key in ("files", "folders"):
        lines = [f"{_json(path)}: {_json(about)}" for path, about in found[key].items()]
        parts.append(f'"{key}": {{' + ",".join(f"\n  {line}" for line in lines) + "}")
    return ",\n ".join(parts) + "}\n"


def _json(value: Any) -> str:
    return atomic.json_bytes(value, indent=None).decode().rstrip("\n")


def as_table(found: dict[str, Any]) -> Table:
    """Give what `inputs.json` says as a record has it."""
    table: Table = {
        path: [of["size"], CHANGED if of.get("changed") else of["digest"], of["mtime_ns"], of.get("ctime_ns")]
        for path, of in found["files"].items()
    }
    return table | {path: [of["files"], [of["digest"], of["seen_ns"]]] for path, of in found["folders"].items()}


def kept_table(attempt: AttemptFolder, digest: str) -> Table | None:
    """Read the table that a record names by its digest; None if it is not there any more."""
    for path in (attempt.inputs + AttemptFolder.BESIDE, attempt.inputs):
        try:
            table = as_table(atomic.read_json(path) or {})
        except (KeyError, TypeError, AttributeError):
            continue
        if _sum(table) == digest:
            return table
    return None


def _sum(table: Table) -> str:
    return sum_of_bytes(atomic.json_bytes(table, indent=None))


def _path(attempt: AttemptFolder, status: dict[str, Any]) -> str:
    taken = INPUTS in (status.get(TAKEN) or ())
    return attempt.inputs + (AttemptFolder.BESIDE if taken else "")
