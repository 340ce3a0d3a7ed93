"""States of the code that no attempt refers to any more: snapshots, and the fingerprints beside them.

What a build has just made or is about to use stays: as long as one is at work on the experiment nothing is unused, and
before it has said so in its manifest, what it uses is young.

Implements: docs/reference.md, "What `clean` leaves".
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..errors import DamagedFile
from ..results.stored import StoredExperiment
from ..store import manifest as manifests
from ..store import status as statuses
from ..store.locks import at_work
from ..store.manifest import Manifest
from ..store.opening import read_bytes
from ..store.paths import AttemptFolder, RunFolder
from ..store.record import Record
from .removable import UNUSED, Piece, freed_sizes

YOUNG = 60.0  # seconds that a build may take from choosing a snapshot to writing its manifest
_LEFT_BEHIND = 86400.0


def unused(experiment: StoredExperiment, going: Iterable[Piece] = ()) -> list[Piece]:
    """Give the snapshots and fingerprints of an experiment that nothing refers to.

    Parameters
    ----------
    experiment
        The experiment.
    going
        Runs and attempts that are about to be removed: what they refer to does not count.
    """
    files = experiment.files
    if _is_at_work(experiment):
        return []
    found = {files.snapshot(name): name for name in _old(files.snapshots)}
    found.update({files.code(name.removesuffix(".json")): name for name in _old(files.codes) if name.endswith(".json")})
    left = set(found)
    if left:
        for place in _references(experiment, {piece.path for piece in going}):
            left.discard(place)
            if not left:
                return []
    paths = [path for path in found if path in left]
    return [
        Piece(path, UNUSED, f"{experiment.name} {_label(path)}", experiment, None, size)
        for path, size in zip(paths, freed_sizes(paths), strict=True)
    ]


def _is_at_work(experiment: StoredExperiment) -> bool:
    """Tell whether a build of it goes on, or one that only another machine knows of."""
    files = experiment.files
    for name in reversed(files.batch_names()):
        if manifests.is_closed(files, name):
            continue
        try:
            owner = Manifest.read(files, name).about.get("owner")
        except DamagedFile:
            continue
        if at_work(owner, files.manifest(name)):
            return True
    return False


def _old(folder: str) -> Iterator[str]:
    """Name what is in a folder and is not young; what was being made or removed only when that is long ago."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_symlink():  # to data beside the project, for all snapshots
                    continue
                age = time.time() - entry.stat(follow_symlinks=False).st_mtime
                if age > (_LEFT_BEHIND if entry.name.startswith(".") else YOUNG):
                    yield entry.name
    except OSError:
        return


def _references(experiment: StoredExperiment, going: set[str]) -> Iterator[str]:
    """Walk over what the runs and attempts that stay refer to."""
    files = experiment.files
    for folder in experiment.run_folders():
        run = RunFolder(f"{files.path}/{folder}")
        if run.path in going and not experiment.is_flat(folder):
            continue
        try:
            record = Record.read(run)
        except DamagedFile:
            record = None
        if record is not None and record.code:
            yield files.code(record.code)
        for attempt in [AttemptFolder(run.path, flat=True), *(run.attempt(name) for name in run.attempt_names())]:
            if attempt.path not in going:
                yield from _named_by(experiment, attempt)


def _named_by(experiment: StoredExperiment, attempt: AttemptFolder) -> Iterator[str]:
    try:
        yield experiment.files.snapshot(read_bytes(attempt.commit).decode().strip())
    except (OSError, UnicodeDecodeError):
        pass
    code = statuses.read(attempt).get("code")
    if isinstance(code, str):
        yield experiment.files.code(code)


def _label(path: str) -> str:
    """Write where it is, in the folder of the experiment."""
    place = Path(path)
    name = place.name if place.suffix else f"{place.name[:18]}..." if len(place.name) > 21 else place.name
    return f"{place.parent.name}/{name}"
