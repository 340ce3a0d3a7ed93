"""Reading the results of a batch back from disk, without the user's code and without a lock.

Implements: pyexp guide, "Loading Results"; docs/reference.md, "Experiments" (`results()`).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..collection.tensor import Tensor
from ..config.config import Config
from ..config.defaults import Defaults, read_first
from ..config.encode import decode
from ..config.hashing import hash_config
from ..errors import DamagedFile
from ..store import manifest as manifests
from ..store import status as statuses
from ..store import timestamps
from ..store.manifest import Manifest
from ..store.paths import AttemptFolder, ExperimentFolder, RunFolder
from ..store.record import Record
from .result import Result

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def read_results(folder: ExperimentFolder, timestamp: str | None = None, *, finished: bool = False) -> Tensor[Result]:
    """Give every run of a batch, each with the attempt that satisfies it.

    Parameters
    ----------
    folder
        The experiment.
    timestamp
        Which batch: its name, ``latest``, a date or any unambiguous prefix; by default the newest.
    finished
        With no `timestamp`: the newest batch whose runs have all ended, well or badly.

    Raises
    ------
    UsageError
        No batch goes by that name, or a file stands where the output folder should.
    DamagedFile
        The manifest that was asked for cannot be read, or none of them can.
    """
    if timestamp is not None and timestamp != "latest":
        results = batch_results(folder, manifests.find(folder, timestamp))
        return _only_finished(results) if finished else results
    for manifest in manifests.readable(folder):
        results = batch_results(folder, manifest, every=finished)
        if not finished or all(result.finished for result in results):
            return results
    return Tensor([], (0,))


def _only_finished(results: Tensor[Result]) -> Tensor[Result]:
    ended = [result for result in results if result.finished]
    return results if len(ended) == len(results) else Tensor(ended)


def batch_results(folder: ExperimentFolder, manifest: Manifest, *, every: bool = False) -> Tensor[Result]:
    """Give the results of one batch, to be read when asked for.

    That is of the runs it was asked for, and of the others if they have a result: after ``--filter`` there may be less
    than all, and then they have no shape. With `every`, all the same.
    """
    items = {run: _result(folder, manifest, run) for run in manifest.runs}
    chosen = manifest.about.get("selected")
    if isinstance(chosen, list) and not every:
        asked = set(chosen)
        items = {run: item for run, item in items.items() if run in asked or (item.finished and not item.error)}
    size = 1
    for length in manifest.shape:
        size *= length
    return Tensor(items.values(), manifest.shape if size == len(items) else None)


def _result(folder: ExperimentFolder, manifest: Manifest, run: str) -> Result:
    encoded: Any = manifest.configs[run]
    name = name_today(folder, manifest, run)

    def config() -> Config:
        found = Config(decode(encoded))
        if "name" in found:
            found["name"] = name
        return found

    def locate() -> tuple[AttemptFolder | None, str | None]:
        return find_attempt(folder, manifest, run, config)

    return Result.at(name, config, locate)


def name_today(folder: ExperimentFolder, manifest: Manifest, run: str) -> str:
    """Give the name of a run of a batch; if it was taken over under another name, that one."""
    now = manifest.folder_today(folder, run)
    if now is not None and now != run:
        try:
            record = Record.read(folder.run(now, flat=manifest.flat))
        except DamagedFile:
            record = None
        if record is not None and isinstance(record.name, str):
            return record.name
    name = manifest.configs[run].get("name")
    return name if isinstance(name, str) else run


def find_attempt(
    folder: ExperimentFolder, manifest: Manifest, run: str, config: Callable[[], Config]
) -> tuple[AttemptFolder | None, str | None]:
    """Find the attempt that satisfies a run of a batch, or that failed in it; and why it was skipped, if it was."""
    now = manifest.folder_today(folder, run)
    if now is None:
        return None, None
    files = folder.run(now, flat=manifest.flat)
    known = manifest.attempts.get(run)
    if known is not None and os.path.isdir(files.attempt(known).path):
        return files.attempt(known), None
    if run in manifest.skipped:
        return None, manifest.skipped[run]
    made = made_by(manifest, files)
    if made is not None:
        return made, None
    record = fitting_record(files, run, config, manifest)
    if record is not None:
        return files.attempt(record.attempt), None
    newest = files.newest() if manifest.flat else None
    return newest, _skipped_by(folder, manifest, run) if newest is None else None


def fitting_record(files: RunFolder, run: str, config: Callable[[], Config], manifest: Manifest) -> Record | None:
    """Read the record of a run, if it is whole and speaks of this config, which the manifest has for it."""
    try:
        record = Record.read(files)
    except DamagedFile:
        return None
    masked = manifest.about.get(manifests.HASHES)
    if record is None or record.config_hash == (masked.get(run) if isinstance(masked, dict) else None):
        return record
    if record.config_hash == hash_config(config()):
        return record
    first = read_first(manifest.about.get("defaults"))
    return record if first and record.config_hash == Defaults({}, first).hash(config()) else None


def made_by(manifest: Manifest, files: RunFolder) -> AttemptFolder | None:
    """Find the newest attempt that a batch itself made of a run."""
    began = timestamps.order(manifest.timestamp)
    for name in reversed(files.attempt_names()):
        if not files.flat and timestamps.order(name) < began:
            break
        attempt = files.attempt(name)
        if statuses.read(attempt).get("batch") == manifest.timestamp:
            return attempt
    return None


def _skipped_by(folder: ExperimentFolder, manifest: Manifest, run: str) -> str | None:
    """Find the failed upstream of a run that was never tried, in a batch that nobody closed.

    Plain doit does not tell when a run is skipped, and a build that was killed could not.
    """
    own = folder.path.rsplit("/", 1)[-1]
    pending = [(task, task) for task in manifest.upstream.get(run, [])]
    seen: set[str] = set()
    for task, above in pending:  # grows while it is walked: an upstream may itself have been skipped
        if above in seen:
            continue
        seen.add(above)
        experiment, _, upstream = above.rpartition(":")
        if experiment.rstrip("~") != own or upstream not in manifest.configs:
            continue
        now = manifest.folder_today(folder, upstream)
        attempt = folder.run(now, flat=manifest.flat).newest() if now is not None else None
        if attempt is None:
            pending += [(task, higher) for higher in manifest.upstream.get(upstream, [])]
        elif statuses.read(attempt).get("state") == statuses.FAILED:
            return f"upstream {task} {'failed' if above == task else 'was skipped'}"
    return None
