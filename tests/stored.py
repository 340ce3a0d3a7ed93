"""Runs and attempts put into an output folder by hand, for tests of what is found and removed there."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from dodo_pyexp.results.stored import StoredExperiment, StoredRun
from dodo_pyexp.store.manifest import Manifest
from dodo_pyexp.store.owner import Owner
from dodo_pyexp.store.paths import OutputFolder
from dodo_pyexp.store.record import Record

DAY = 86400
FIRST, SECOND, THIRD = "2026-01-01_00-00-00", "2026-01-02_00-00-00", "2026-01-03_00-00-00"
DEAD = {**Owner.current().to_dict(), "pid": 2**22 + 1}


def experiment_in(folder: Path, name: str = "exp") -> StoredExperiment:
    """An experiment with one batch and no run."""
    output = OutputFolder(folder / "out")
    batch(output, FIRST, {}, name=name)
    return StoredExperiment(output.experiment(name))


def batch(output: OutputFolder, stamp: str, attempts: dict[str, str], name: str = "exp") -> None:
    """A batch that is over, with the attempts that satisfied its runs."""
    configs = {run: {"name": run} for run in attempts}
    manifest = Manifest(stamp, list(configs), configs, (len(configs),), attempts=attempts)
    manifest.create(output.experiment(name))


def stored(experiment: StoredExperiment, name: str = "a") -> StoredRun:
    """A run of it, with a folder."""
    Path(experiment.files.path, name).mkdir(exist_ok=True)
    return StoredRun(experiment, name, name)


def attempt(run: StoredRun, stamp: str, state: str = "finished", *, days: float | None = None, **status: Any) -> Path:
    """An attempt of it; `days` ago, or when its name says."""
    folder = Path(run.files.path, stamp)
    folder.mkdir(parents=True)
    if days is not None:
        status["start_seconds"] = time.time() - days * DAY
    (folder / "status.json").write_text(json.dumps({"state": state, **status}))
    return folder


def record(run: StoredRun, attempt: str, upstream: dict[str, str] | None = None) -> None:
    """Let the run's record point to an attempt."""
    Record(run.name, "hash", upstream or {}, "digest", attempt, {}).write(run.files)
