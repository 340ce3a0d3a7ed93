"""Which of the files that a run was seen to read are not any more what they were, and in what they differ.

Implements: docs/how-it-works.md, "What a run reads".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..printable import size_text
from ..provenance.inputs.entries import CHANGED, is_fresh
from ..provenance.inputs.found import kept_table

if TYPE_CHECKING:
    from ..provenance.inputs.contents import Contents
    from ..provenance.inputs.entries import Table
    from ..store.record import Record
    from .plan import PlannedExperiment, PlannedRun

LOST = "what inputs.json says"  # in place of a path: the list of the files is gone


def changes(run: PlannedRun, record: Record) -> dict[str, str]:
    """Give the files that changed, each with what became of it, such as ``changed (12.1 MB -> 12.3 MB)``.

    Raises
    ------
    TypeError, ValueError, IndexError
        What the record says makes no sense.
    """
    changed = {}
    for path, entry in read_table(run, record).items():
        what = _change(run.experiment, path, entry)
        if what:
            changed[path] = what
    return changed


def as_today(run: PlannedRun, record: Record) -> Table:
    """Give what the record of a run would say if the run had read its files as they are now; without those gone."""
    experiment, contents = run.experiment, run.experiment.contents
    table: Table = {}
    for path, entry in read_table(run, record).items():
        place = experiment.inside(path)
        if not _change(experiment, path, entry):
            table[path] = entry
        elif path.endswith("/"):
            if (listed := contents.listing(place)) is not None:
                table[path] = [listed[0], list(listed[1:])]
        elif (today := contents.stat(place)) is not None:
            size, *times = today
            fresh = is_fresh(today)  # before it is read
            table[path] = [size, contents.digest(place), times[0], None if fresh else times[1]]
    return table


def _is_same(contents: Contents, path: str, digest: str | None, dated: bool) -> bool:
    """Tell whether a file of the same size is the same; without a digest, one of the same time is."""
    return dated if digest is None else contents.digest(path) == digest


def read_table(run: PlannedRun, record: Record) -> Table:
    """Give what a record says of the files that were read, wherever it stands."""
    found, before = record.found, run.experiment.read_before
    if isinstance(found, str):
        if found not in before:
            before[found] = kept_table(run.files.attempt(record.attempt), found)
        found = before[found]
        return {LOST: [0, CHANGED, None, None]} if found is None else found
    return found or {}


def _change(experiment: PlannedExperiment, path: str, entry: Any) -> str:
    """Say what became of a file; "" if it is what it was."""
    contents, place = experiment.contents, experiment.inside(path)
    if path.endswith("/"):
        listed = contents.listing(place)
        count, (digest, seen) = entry
        if listed is None:
            return "is gone"
        if listed[0] != count:
            return f"changed ({count:,} files -> {listed[0]:,} files)"
        return "" if listed[1] == digest and contents.newest(place) <= seen else "changed"
    size, digest, mtime, ctime = entry
    today = contents.stat(place)
    if digest == CHANGED:
        return "changed while it ran" if path != LOST else "cannot be read"
    if today is None:
        return "is gone"
    if today == (size, mtime, ctime) or (today[0] == size and _is_same(contents, place, digest, today[1] == mtime)):
        return ""
    before, after = size_text(size), size_text(today[0])
    return f"changed ({before} -> {after})" if before != after else "changed"
