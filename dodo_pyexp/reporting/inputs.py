"""What runs read, listed: files and folders that were declared, and files that they were seen to open.

Implements: docs/how-to.md, "Data as input" (``pyexp list --inputs``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..planning import declared_inputs, files_read
from ..planning.decision import look_up
from ..printable import printable, size_text
from ..provenance.inputs.declared import is_folder_key
from ..provenance.inputs.entries import CHANGED

if TYPE_CHECKING:
    from ..planning.plan import PlannedRun


def inputs_data(run: PlannedRun) -> list[dict[str, Any]]:
    """Give the inputs of a run for programs: of each its path, size, digest, whether it was declared, what changed."""
    record = look_up(run)
    found: list[dict[str, Any]] = []
    changed = {} if record is None else declared_inputs.changes(run, record)
    for one in run.inputs:
        key, seen = one.key, declared_inputs.see(run, one)
        what = changed.get(key) or (seen.trouble if seen.entry is None else "")
        found.append({"path": key, "declared": True, **_known(key, seen.entry), "changed": what})
    if record is not None:
        try:
            read = files_read.changes(run, record)
            seen_files = [(path, _known(path, entry)) for path, entry in files_read.read_table(run, record).items()]
        except (TypeError, ValueError, IndexError):  # the record is damaged, which its state says
            return found
        found += [
            {"path": path, "declared": False, **known, "changed": read.get(path, "")} for path, known in seen_files
        ]
    return found


def _known(key: str, entry: list[Any] | None) -> dict[str, Any]:
    """Give what is known of a file or a folder, as a record has it."""
    if entry is None:
        return {"size": None, "digest": None}
    if is_folder_key(key) and len(entry) == 2:
        return {"files": entry[0], "size": None, "digest": entry[1][0]}
    if is_folder_key(key):
        return {"files": entry[0], "size": entry[1], "digest": entry[2]}
    return {"size": entry[0], "digest": None if entry[1] == CHANGED else entry[1]}


def inputs_lines(run: PlannedRun) -> Iterator[str]:
    """Write the inputs of a run in lines that stand below its own."""
    for one in inputs_data(run):
        known = [f"{one['files']:,} file{'' if one['files'] == 1 else 's'}"] if "files" in one else []
        known += [] if one["size"] is None else [size_text(one["size"])]
        size = f"  {', '.join(known)}" if known else ""
        how = "" if one["declared"] else "  (found)"
        changed = f"  {one['changed']}" if one["changed"] else ""
        yield printable(f"    {one['path']}{size}{how}{changed}")
