"""Files that two snapshots have in common are one file with two names: a new snapshot costs what has changed.

All files of a snapshot bear one date. Whatever has another was written to since, and is not shared any more.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from .repository import Entry, Repository, SnapshotError

_DATE = 946684800 * 10**9
_REGULAR = ("100644", "100755")


def newest_base(dest: Path) -> Path | None:
    """Find the snapshot beside this one that was made last."""
    newest: tuple[int, Path] | None = None
    try:
        with os.scandir(dest.parent) as entries:
            for entry in entries:
                if entry.name.isalnum() and len(entry.name) >= 40 and entry.is_dir(follow_symlinks=False):
                    made = entry.stat().st_mtime_ns
                    newest = max(newest or (made, Path(entry.path)), (made, Path(entry.path)))
    except OSError:
        return None
    return None if newest is None else newest[1]


def link_unchanged(
    repository: Repository, base: Path, commit: str, target: Path, entries: Iterable[Entry]
) -> set[bytes]:
    """Give files of `base`, a folder named by its commit, a second name in `target`; name those that were linked."""
    try:
        changed = set(repository.names("diff-tree", "-r", "-z", "--no-renames", "--name-only", base.name, commit))
    except SnapshotError:  # that commit is gone
        return set()
    linked: set[bytes] = set()
    made: set[bytes] = set()
    old, new = os.fsencode(base), os.fsencode(target)
    for entry in entries:
        if entry.path in changed or entry.mode not in _REGULAR:
            continue
        source = os.path.join(old, entry.path)
        try:
            status = os.lstat(source)
            if not stat.S_ISREG(status.st_mode) or status.st_mtime_ns != _DATE:
                continue
            folder = os.path.dirname(os.path.join(new, entry.path))
            if folder not in made:
                os.makedirs(folder, exist_ok=True)
                made.add(folder)
            os.link(source, os.path.join(new, entry.path))
        except OSError:  # gone, or no links here
            continue
        linked.add(entry.path)
    return linked


def date(target: Path, entries: Iterable[Entry]) -> None:
    """Give the regular files of a snapshot their date."""
    folder = os.fsencode(target)
    for entry in entries:
        if entry.mode in _REGULAR:
            try:
                os.utime(os.path.join(folder, entry.path), ns=(_DATE, _DATE), follow_symlinks=False)
            except OSError:  # a file system that keeps no dates: then nothing is shared
                return
