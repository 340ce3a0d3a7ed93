"""Runs that were taken over under another name: where the folder of an earlier name is today.

Implements: docs/how-to.md, "I renamed my runs". Manifests and records of the past speak of runs by the folders that
they had then.
"""

from __future__ import annotations

import os

from . import atomic
from .paths import AttemptFolder, ExperimentFolder

FORMAT = 1


def read(files: ExperimentFolder) -> dict[str, str]:
    """Give for each folder that was renamed what it was renamed to."""
    values = atomic.read_json(files.renames) or {}
    found = values.get("runs") if values.get("format") == FORMAT else None
    if not isinstance(found, dict):
        return {}
    return {old: new for old, new in found.items() if isinstance(new, str) and _is_name(old) and _is_name(new)}


def _is_name(folder: str) -> bool:
    return bool(folder) and "/" not in folder and not folder.startswith(".")


def add(files: ExperimentFolder, old: str, new: str) -> None:
    """Write down that a folder is about to be renamed: as long as it is there, that means nothing."""
    known = {name: then for name, then in read(files).items() if name != new}
    atomic.write_json(files.renames, {"format": FORMAT, "runs": {**known, old: new}})


def today(files: ExperimentFolder, folder: str) -> str:
    """Give the folder that a run of the past has today: its own, if nobody has renamed it."""
    if os.path.isdir(files.run(folder).path):
        return folder
    return follow(read(files), folder)


def follow(renamed: dict[str, str], folder: str) -> str:
    """Go from name to name to the newest; one who goes in a circle ends where it began."""
    seen = {folder}
    now = folder
    while now in renamed and renamed[now] not in seen:
        now = renamed[now]
        seen.add(now)
    return now


def attempt_today(attempt: AttemptFolder) -> AttemptFolder:
    """Give an attempt where it lies today."""
    if os.path.isdir(attempt.path):
        return attempt
    run = attempt.run.path
    files = ExperimentFolder(os.path.dirname(run))
    now = files.run(today(files, os.path.basename(run))).path
    return AttemptFolder(now + attempt.path[len(run) :], flat=attempt.flat)
