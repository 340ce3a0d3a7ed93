"""What the runs of one build share: batches, executors, the guardian, the wishes of whoever started it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..executors.base import Executor
from ..executors.guardian import Guardian
from ..executors.registry import get_executor
from ..store import timestamps
from ..store.manifest import Manifest
from .batch import Batch
from .garbage import Collector
from .plan import Plan, PlannedExperiment, PlannedRun
from .stash import Stash


@dataclass
class Wishes:
    """How this build is to be carried out.

    Parameters
    ----------
    jobs
        How many runs may be on their way at once.
    live
        Show what runs print, as they print it.
    rerun
        Execute the selected runs whatever their records say.
    keep_going
        Go on with independent runs after a failure.
    timestamp
        Name of the batch; the present moment by default.
    continued
        Manifests to go on with, by experiment name.
    """

    jobs: int = 1
    live: bool = False
    rerun: bool = False
    keep_going: bool = True
    timestamp: str | None = None
    continued: dict[str, Manifest] | None = None


class Session:
    """One build on its way."""

    def __init__(self, plan: Plan, wishes: Wishes | None = None) -> None:
        self.plan = plan
        self.wishes = wishes or Wishes()
        self.guardian = Guardian()
        self.collector = Collector()
        self.note: Callable[[str], None] = lambda text: None
        self._stash = Stash(plan, lambda text: self.note(text))
        stamp = self.wishes.timestamp or timestamps.now()
        continued = self.wishes.continued or {}
        build = f"{os.getpid()}-{time.time_ns()}"
        self._batches = {
            id(experiment): Batch(experiment, stamp, build, continued.get(experiment.name))
            for experiment in plan.experiments
        }
        self._executors: dict[Any, Executor] = {}

    def batch(self, experiment: PlannedExperiment) -> Batch:
        """Give the batch of an experiment of the plan."""
        return self._batches[id(experiment)]

    def start_batch(self, experiment: PlannedExperiment) -> Batch:
        """Give the batch of an experiment of which a run is about to be executed: snapshot taken, manifest written."""
        batch = self.batch(experiment)
        if not batch.is_open:
            batch.commit = self._stash.commit(experiment)
            batch.open()
        return batch

    def executor(self, run: PlannedRun) -> Executor:
        """Give the executor of a run: one object for all runs that name the same.

        Raises
        ------
        ExecutorError
            It cannot work here.
        """
        wanted = run.experiment.options.executor
        key = wanted if isinstance(wanted, str) else id(wanted)
        if key not in self._executors:
            executor = get_executor(wanted)
            executor.check()
            self._executors[key] = executor
        return self._executors[key]

    def check_executors(self) -> None:
        """Make sure, before anything is created, that every executor can work.

        Raises
        ------
        ExecutorError
            One cannot.
        """
        for experiment in self.plan.experiments:
            if not experiment.runs:
                continue
            executor = self.executor(experiment.runs[0])
            if executor.blocking and experiment.options.timeout is not None:
                self.note(
                    f"{experiment.name}: timeout={experiment.options.timeout} does not hold for the executor "
                    f'"{executor.name}", which executes in the build\'s own process'
                )

    def close(self) -> None:
        """End watching; nothing that was started goes on."""
        self.guardian.close()
