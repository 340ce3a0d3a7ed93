"""What a past attempt has read, and what became of that since.

Implements: docs/how-to.md, "Run it again".
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..config.inputs import inputs_in, replaced, rooted
from ..config.merge import copied
from ..errors import UsageError
from ..planning.declared_inputs import named
from ..printable import size_text
from ..provenance.inputs.contents import Contents
from ..provenance.inputs.declared import GONE, Seen, change, is_folder_key
from ..provenance.inputs.found import as_table, look_at, told, write
from ..provenance.roots import project_of
from ..results.comparing import Difference
from ..store import atomic

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..config.config import Config
    from ..provenance.inputs.entries import Entry, Table
    from ..store.paths import AttemptFolder
    from .past import Past


def declared_by(past: Past) -> Table:
    """Give the files and folders that an attempt was declared to read, with what they were like when it began."""
    found = past.status.get("inputs")
    return {key: entry for key, entry in found.items() if _is_entry(entry)} if isinstance(found, dict) else {}


def found_by(past: Past) -> Table:
    """Give the files that an attempt was seen to read."""
    for path in (past.attempt.inputs + past.attempt.BESIDE, past.attempt.inputs):
        try:
            table = as_table(atomic.read_json(path) or {})
        except (KeyError, TypeError, AttributeError):
            continue
        return {key: entry for key, entry in table.items() if _is_entry(entry)}
    return {}


def _is_entry(entry: Any) -> bool:
    return isinstance(entry, list) and len(entry) in (2, 3, 4) and isinstance(entry[0], int)


def project_of_past(past: Past, function: dict[str, Any]) -> str:
    """Give the project's folder today, which relative paths of inputs are relative to."""
    root = past.live_root(function)
    return os.path.dirname(past.output.path) if root is None else project_of(os.path.join(root, function["file"]))


class InputsSince:
    """The inputs of an attempt today.

    Attributes
    ----------
    changed
        Those that are not what they were, each with what became of it.
    today
        The declared ones as they are now.
    """

    def __init__(self, past: Past, project: str) -> None:
        self._contents = Contents(past.output.digests)
        self._project = project
        self.changed: dict[str, str] = {}
        self.today: Table = {}
        for key, before in declared_by(past).items():
            seen = self._seen(key)
            if seen.entry is None:
                trouble = "is gone" if seen.trouble == GONE else seen.trouble
                raise UsageError(f"{past.label} cannot be reproduced: its input {named(key)} {trouble}")
            self.today[key] = seen.entry
            self._note(key, before, seen)
        for key, before in found_by(past).items():
            if not is_folder_key(key):
                self._note(key, before, self._seen(key))

    def put_down(self, attempt: AttemptFolder, status: dict[str, Any], copy_of: Callable[[str], str | None]) -> None:
        """Write which files a new attempt has read, so that it can be compared as any other; declared ones apart."""
        said = told(attempt, status)
        try:
            if said is not None:
                said["files"] = [one for one in said["files"] if one[0] not in self.today]
                write(attempt, status, look_at(said, self._place, self._contents, copy_of))
        except (OSError, KeyError, TypeError, ValueError):  # a full disk, or the run has damaged it
            return

    def _place(self, key: str) -> str:
        return os.path.join(self._project, os.path.expanduser(key))

    def _seen(self, key: str) -> Seen:
        return self._contents.declared("folder" if is_folder_key(key) else "file", self._place(key).rstrip("/"))

    def _note(self, key: str, before: Entry, seen: Seen) -> None:
        if len(before) == 4 and before[1] is None and seen.entry is not None:  # it is known by size and time alone
            same = [before[0], before[2]] == [seen.entry[0], seen.entry[2]]
            said = "" if same else "changed"
        else:
            said = change(before, seen)
        if said:
            self.changed[key] = said


def placed(config: Config, project: str) -> Config:
    """Give a config whose inputs know where they lie."""
    if not any(inputs_in(config)):
        return config
    found: Config = replaced(copied(config, type(config)), lambda value: rooted(value, project))
    return found


def differing_inputs(before: Past, after: Past) -> list[Difference]:
    """Name the inputs in which two attempts differ."""
    old, new = ({**found_by(past), **declared_by(past)} for past in (before, after))
    return [
        Difference(named(key), _text(old.get(key)), _text(new.get(key)))
        for key in sorted({**old, **new})
        if _content(old.get(key)) != _content(new.get(key))
    ]


def _content(entry: Entry | None) -> list[Any] | None:
    """Give what stays the same when a file is copied or touched."""
    if entry is None:
        return None
    if len(entry) == 2:
        return [entry[0], entry[1][:1]]
    return entry if len(entry) == 3 else entry[:2] if entry[1] is not None else [entry[0], None, entry[2]]


def _text(entry: Entry | None) -> str:
    if entry is None:
        return "(not read)"
    if len(entry) == 2:
        return f"{entry[0]:,} files"
    size, digest = (entry[1], entry[2]) if len(entry) == 3 else entry[:2]
    return f"{size_text(size)} ({str(digest)[:8]})" if digest else size_text(size)
