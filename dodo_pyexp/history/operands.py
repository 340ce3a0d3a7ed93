"""What ``pyexp diff A B`` compares: an attempt of a run, or a batch, found by the word that names it.

``RUN`` and ``experiment:run`` mean the run's result, ``RUN@TS`` another attempt (or the one that satisfied a batch),
``EXPERIMENT`` its newest batch, ``EXPERIMENT@TS`` and ``TS`` another batch; a prefix of a timestamp will do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..errors import UsageError, ambiguous
from ..results.stored import StoredExperiment, StoredRun, stored_experiments, stored_run, stored_runs
from ..store import manifest as manifests
from ..store.manifest import Manifest
from ..store.paths import OutputFolder, shown
from .past import Past


class BatchSide(NamedTuple):
    """A batch of an experiment."""

    experiment: StoredExperiment
    manifest: Manifest

    @property
    def label(self) -> str:
        """The batch, as messages name it."""
        return f"{self.experiment.name} {self.manifest.timestamp}"


Side = Past | BatchSide


def find_side(output: OutputFolder, word: str) -> Side:
    """Find what a word means.

    Raises
    ------
    UsageError
        It means nothing, or several things.
    DamagedFile
        The manifest of the batch that it means cannot be read.
    """
    found = _found(output, word, None)
    if found is not None:
        return found
    for position in range(len(word) - 1, 0, -1):  # a name may have an @ of its own
        if word[position] == "@":
            found = _found(output, word[:position], word[position + 1 :])
            if found is not None:
                return found
    batches = [side for side in _batches(output, word)]
    if len(batches) == 1:
        return batches[0]
    if batches:
        raise ambiguous(word, [f"{side.experiment.name}@{side.manifest.timestamp}" for side in batches], "batches")
    stored_run(output, word)  # raises: it says which are near
    raise UsageError(f'"{word}" names nothing in {shown(output.path)}')


def _found(output: OutputFolder, name: str, at: str | None) -> Side | None:
    """Find a run, or else an experiment, of exactly this name."""
    runs: list[StoredRun] = stored_runs(stored_experiments(output), name)
    if len(runs) > 1:
        raise ambiguous(name, [run.full_name for run in runs])
    if runs:
        return Past(runs[0], at, runs[0].experiment.output)
    for experiment in stored_experiments(output):
        if name in (experiment.name, experiment.folder):
            return BatchSide(experiment, manifests.find(experiment.files, at or "latest"))
    return None


def _batches(output: OutputFolder, stamp: str) -> Iterator[BatchSide]:
    """Find the batches that a timestamp, or the beginning of one, means."""
    for experiment in stored_experiments(output):
        names = experiment.files.batch_names()
        if stamp in names or (stamp[:1].isdigit() and any(name.startswith(stamp) for name in names)):
            yield BatchSide(experiment, manifests.find(experiment.files, stamp))
