"""The report of an experiment: a function of its results, up to date as long as they and its code are the same.

Implements: pyexp README, "Result Filtering"; DESIGN section 10 (report).
"""

from __future__ import annotations

import hashlib
import inspect
import os
import sys
from pathlib import Path
from typing import Any

from doit.action import BaseAction
from doit.exceptions import BaseFail, TaskFailed

from ..collection.tensor import Tensor
from ..config.config import Config
from ..errors import UsageError
from ..results.reading import read_results
from ..results.result import Result
from ..store import atomic, timestamps
from ..store.manifest import find
from ..store.paths import AttemptFolder
from .batch import Batch
from .decision import look_up
from .definition import REPORT_SIGNATURE, arity, place
from .plan import PlannedExperiment, PlannedRun
from .session import Session


def results_of(experiment: PlannedExperiment, batch: Batch) -> Tensor[Result]:
    """Give the results of this build: each run with the attempt that satisfied it, or that failed."""
    return Tensor((_result(run, batch) for run in experiment.runs), experiment.shape)


def _result(run: PlannedRun, batch: Batch) -> Result:
    def locate() -> tuple[AttemptFolder | None, str | None]:
        name = run.attempt or batch.attempt_of(run)
        if name is None and look_up(run) is not None:
            name = run.attempt
        return (None if name is None else run.files.attempt(name)), batch.skip_reason(run)

    return Result.at(run.name, lambda: Config(run.config), locate)


def make_report(experiment: PlannedExperiment, batch: Batch) -> Any:
    """Call the report function and remember what it was made from; return what it returns.

    Whatever it raises goes through.
    """
    report = experiment.definition.report
    assert report is not None
    results = results_of(experiment, batch)
    folder = experiment.files.reports
    name = ""
    if arity(report, range(1, 3), REPORT_SIGNATURE) == 2:
        name = timestamps.claim_folder(folder.path, batch.timestamp)
        value = report(results, Path(folder.attempt(name).path))
    else:
        os.makedirs(folder.path, exist_ok=True)
        value = report(results)
    sys.stdout.flush()
    atomic.write_json(folder.finished, {"format": 1, "digest": _digest(experiment), "attempt": name})
    return value


def report_from_disk(experiment: PlannedExperiment, timestamp: str) -> Any:
    """Call the report function on a batch as it is on disk; execute nothing.

    Raises
    ------
    UsageError
        There is no report function, or no such batch.
    """
    report = experiment.definition.report
    if report is None:
        raise UsageError(f"{place(experiment.definition.fn)}: experiment {experiment.name} has no report function")
    results = read_results(experiment.files, find(experiment.files, timestamp).timestamp)
    if arity(report, range(1, 3), REPORT_SIGNATURE) == 1:
        return report(results)
    folder = experiment.files.reports
    return report(results, Path(folder.attempt(timestamps.claim_folder(folder.path, timestamps.now())).path))


def report_is_current(experiment: PlannedExperiment) -> bool:
    """Tell whether the newest report was made from these results by this code."""
    record = atomic.read_json(experiment.files.reports.finished)
    if record is None or record.get("digest") != _digest(experiment):
        return False
    name = record.get("attempt")
    return isinstance(name, str) and (not name or os.path.isdir(experiment.files.reports.attempt(name).path))


def _digest(experiment: PlannedExperiment) -> str:
    """Hash what a report is made from: names, shape and outputs of the runs, and its own code."""
    digest = hashlib.sha256(repr(experiment.shape).encode())
    for run in experiment.runs:
        digest.update(f"{run.name}\0{run.hash}\0{run.digest or look_up(run)}\n".encode("utf-8", "surrogatepass"))
    report = experiment.definition.report
    assert report is not None
    try:
        digest.update(inspect.getsource(report).encode())
    except (OSError, TypeError):  # no source: a notebook that was closed, a built-in
        digest.update(getattr(report, "__qualname__", repr(type(report))).encode())
    return digest.hexdigest()[:32]


class ReportAction(BaseAction):
    """Makes the report, as the action of a doit task."""

    def __init__(self, experiment: PlannedExperiment, session: Session) -> None:
        self.experiment = experiment
        self.session = session
        self.task: Any = None
        self.out = ""
        self.err = ""
        self.result: Any = None
        self.values: dict[str, Any] = {}

    def __str__(self) -> str:
        return f"report on {self.experiment.name}"

    def execute(self, out: Any = None, err: Any = None) -> BaseFail | None:
        """Make the report; an exception in it is the failure of this task."""
        report = self.experiment.definition.report
        assert report is not None
        try:
            make_report(self.experiment, self.session.batch(self.experiment))
        except Exception:
            import traceback

            kind, error, trace = sys.exc_info()
            while trace is not None and trace.tb_frame.f_globals.get("__package__") == __package__:
                trace = trace.tb_next  # begin in the user's code
            text = "".join(traceback.format_exception(kind, error, trace))
            return TaskFailed(f"the report of {self.experiment.name} ({place(report)}) failed:\n{text}")
        return None
