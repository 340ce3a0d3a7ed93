"""What a run is given of its upstreams: their results, and what is noted about them in its record.

`deps` holds a result for every upstream, always: a run is skipped when an upstream failed, and where `depends_on` says
that the upstream is optional, its result stands there with `error`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..collection.runs import Runs
from ..config.config import Config
from ..config.merge import copied
from ..results.result import Result
from ..store.record import FAILED_UPSTREAM
from .decision import look_up

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..store.paths import AttemptFolder
    from .batch import Batch
    from .plan import PlannedExperiment, PlannedRun


def look_up_all(run: PlannedRun) -> None:
    """Find out what other processes may have made of the upstreams."""
    for upstream in run.upstream:
        if upstream.digest is None:
            look_up(upstream)


def noted(run: PlannedRun) -> dict[str, str]:
    """Give what the record says of the upstreams: the digest of each one's outputs, or that it had failed."""
    return {
        upstream.task: upstream.digest or (FAILED_UPSTREAM if run.does_without(upstream) else "")
        for upstream in run.upstream
    }


def attempts_of(run: PlannedRun, batch: Callable[[PlannedExperiment], Batch]) -> dict[str, dict[str, Any]]:
    """Give what the status says of the upstreams: which attempt of each it was, and the digest of its outputs.

    Attempts are named by their paths in the output folder.
    """
    told: dict[str, dict[str, Any]] = {}
    for upstream in run.upstream:
        name = upstream.attempt or batch(upstream.experiment).attempt_of(upstream)
        path = None if name is None else upstream.files.attempt(name).path
        place = None if path is None else os.path.relpath(path, run.experiment.output.path)
        told[upstream.task] = {"attempt": place, "digest": upstream.digest}
    return told


def results_of(run: PlannedRun, batch: Callable[[PlannedExperiment], Batch]) -> Runs[Result]:
    """Give the results of the upstreams, in the order of `depends_on`, to be read when asked for."""
    return Runs(result_of(upstream, batch(upstream.experiment)) for upstream in run.upstream)


def result_of(run: PlannedRun, batch: Batch) -> Result:
    """Give the result of a run in this build: of the attempt that satisfied it, or that failed."""

    def locate() -> tuple[AttemptFolder | None, str | None]:
        name = run.attempt or batch.attempt_of(run)
        if name is None and run.failure is None and look_up(run) is not None:
            name = run.attempt
        if name is None:
            return None, batch.skip_reason(run) or run.failure
        return run.files.attempt(name), batch.skip_reason(run)

    return Result.at(run.name, lambda: copied(run.config, Config), locate, watched=True)
