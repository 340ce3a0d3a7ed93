"""The report of an experiment: a function of its results, up to date as long as they and its code are the same.

Implements: pyexp README, "Result Filtering"; docs/how-to.md, "Report on the results".
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from doit.action import BaseAction
from doit.exceptions import BaseFail, TaskFailed

from ..collection.tensor import Tensor
from ..errors import UsageError, damaged_attempt, warn
from ..planning import ownership
from ..planning.definition import place
from ..planning.mistakes import failed_report
from ..planning.plan import PlannedExperiment, PlannedRun
from ..planning.signature import REPORT
from ..reporting.mixed_versions import Made, made_of, mixed_line
from ..results.reading import read_results
from ..results.result import Result
from ..running.batch import Batch
from ..running.damage import distrust, make_way
from ..running.ledger import Ledger
from ..running.session import Session
from ..running.upstreams import result_of
from ..standard import flush_stdout
from ..store import atomic, timestamps
from ..store.manifest import find
from ..store.paths import check_folder, shown


def results_of(experiment: PlannedExperiment, ledger: Ledger) -> Tensor[Result]:
    """Give the results of this build: each run with the attempt that satisfied it, or that failed.

    Runs that this build was not asked for are among them if they have a result.
    """
    handed = handed_on(experiment, ledger)
    shape = experiment.shape if len(handed) == len(experiment.runs) else None
    return Tensor((result_of(run, ledger) for run in handed), shape)


def handed_on(experiment: PlannedExperiment, ledger: Ledger) -> list[PlannedRun]:
    """Give the runs that a report is about: those the build was asked for, and what has a result besides."""
    return [run for run in experiment.runs if run.selected or ledger.digest_of(run) is not None]


def make_report(experiment: PlannedExperiment, ledger: Ledger, batch: Batch) -> Any:
    """Call the report function and remember what it was made from; return what it returns.

    Whatever it raises goes through.
    """
    report = experiment.definition.report
    assert report is not None
    results = results_of(experiment, ledger)
    there = [run for run in experiment.runs if not ledger.of(run).failed and ledger.digest_of(run) is not None]
    tell_mixed(experiment, (Made(run.name, ledger.of(run).code, ledger.of(run).packages) for run in there))
    folder = experiment.files.reports
    name = ""
    with _writing(folder.path):
        if REPORT.arity(report) == 2:
            name = timestamps.claim_folder(folder.path, batch.timestamp)
        else:
            os.makedirs(folder.path, exist_ok=True)
    try:
        value = experiment.definition.call_report(results, Path(folder.attempt(name).path) if name else None)
    except Exception as error:
        distrust(experiment.runs, ledger, damaged_attempt(error), warn)
        raise
    flush_stdout()
    with _writing(folder.path):
        make_way(folder.finished)
        atomic.write_json(folder.finished, {"format": 1, "digest": _digest(experiment, ledger), "attempt": name})
    return value


def tell_mixed(experiment: PlannedExperiment, results: Iterable[Made]) -> None:
    """Say so if what is reported on was not all made by the same code and packages."""
    line = mixed_line(experiment.files, results)
    if line is not None:
        warn(f"{experiment.name}: {line}")


@contextmanager
def _writing(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        check_folder(path)
        raise UsageError(f"cannot write to {shown(path)}: {error.strerror}; choose another --output-dir") from None


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
    ownership.check(experiment.files, experiment.definition)
    results = read_results(experiment.files, find(experiment.files, timestamp).timestamp)
    tell_mixed(experiment, map(made_of, results))
    out = None
    if REPORT.arity(report) == 2:
        folder = experiment.files.reports
        out = Path(folder.attempt(timestamps.claim_folder(folder.path, timestamps.now())).path)
    return experiment.definition.call_report(results, out)


def report_is_current(experiment: PlannedExperiment, ledger: Ledger) -> bool:
    """Tell whether the newest report was made from these results by this code."""
    record = atomic.read_json(experiment.files.reports.finished)
    if record is None or record.get("digest") != _digest(experiment, ledger):
        return False
    name = record.get("attempt")
    return isinstance(name, str) and (not name or os.path.isdir(experiment.files.reports.attempt(name).path))


def _digest(experiment: PlannedExperiment, ledger: Ledger) -> str:
    """Hash what a report is made from: names, shape and outputs of its runs, and the code that it reaches."""
    from ..provenance.code.fingerprint import combined, fingerprint

    digest = hashlib.sha256(repr(experiment.shape).encode())
    for run in handed_on(experiment, ledger):
        digest.update(f"{run.name}\0{run.hash}\0{ledger.digest_of(run)}\n".encode("utf-8", "surrogatepass"))
    report = experiment.definition.report
    code = fingerprint(report)
    # Without a source: a notebook that was closed, a built-in.
    digest.update((combined(code) if code else getattr(report, "__qualname__", repr(type(report)))).encode())
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
        """Make the report; an exception in it is the failure of this task: one sentence, and the way to the place."""
        try:
            make_report(self.experiment, self.session.ledger, self.session.batch(self.experiment))
        except (Exception, SystemExit) as error:
            told = failed_report(self.experiment.definition, error)
            if told is not None:
                return TaskFailed(f"{told}\n\n{told.detail}".rstrip())
            import traceback

            return TaskFailed(f"the report of {self.experiment.name} failed:\n{traceback.format_exc()}")
        return None
