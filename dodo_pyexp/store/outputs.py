"""Output folders among other folders: made so that git ignores them, and known by what is in them.

Implements: docs/files-on-disk.md (`out/.gitignore`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from . import atomic, timestamps
from .opening import read_text
from .paths import BATCHES

IGNORE = "# Made by pyexp, which keeps no output folder in its snapshots.\n*\n"
_MANIFESTS = f"/{BATCHES}/"
_LOOKED_AT = 1000


def make_output(path: str) -> None:
    """Make an output folder that is not there yet, with a `.gitignore` of its own; do nothing about one that is.

    Whoever removes the `.gitignore`, to commit results, is not given another. Where nothing can be made, whoever is
    going to write there says so.
    """
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.mkdir(path)
        atomic.write_text(f"{path}/.gitignore", IGNORE)
    except OSError:
        return


def experiment_folders(paths: Iterable[bytes]) -> tuple[bytes, ...]:
    """Give the folders of experiments, whatever they are called, that some of these files show: they hold manifests.

    Examples
    --------
    >>> experiment_folders([b"old/train/.batches/2026-11-21_07-49-18.json", b"src/.batches/x.json"])
    (b'old/train',)
    """
    found: set[bytes] = set()
    marker = os.fsencode(_MANIFESTS)
    for path in paths:
        if marker in path:
            folder, _, name = path.partition(marker)
            if name.endswith(b".json") and timestamps.is_timestamp(os.fsdecode(name[:-5])):
                found.add(folder)
    return tuple(sorted(found))


def is_output(folder: str) -> bool:
    """Tell whether a folder is an output folder, or that of an experiment in one."""
    if read_text(f"{folder}/.gitignore") == IGNORE or os.path.isdir(folder + _MANIFESTS):
        return True
    try:
        with os.scandir(folder) as entries:
            near = [entry.path for _, entry in zip(range(_LOOKED_AT), entries, strict=False) if entry.is_dir()]
    except OSError:
        return False
    return any(os.path.isdir(path + _MANIFESTS) for path in near)
