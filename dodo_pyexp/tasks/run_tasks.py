"""Runs as doit tasks: the same tasks for ``pyexp build`` and for plain ``doit``.

Implements: docs/how-it-works.md, "Who does what" (a lean task class, one shared check with a `__signature__`).
"""

from __future__ import annotations

import inspect
import os
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from doit.action import BaseAction
from doit.exceptions import BaseFail, TaskFailed
from doit.task import IOConfig, Task

from ..errors import PyexpError, warn
from ..planning.decision import Decision, decide
from ..planning.plan import PlannedExperiment, PlannedRun
from ..printable import printable, printable_lines
from ..reporting.notices import Advice, remark_lines
from ..running.batch import Batch
from ..running.ledger import Ledger
from ..running.session import Session
from ..store.opening import open_file
from ..store.paths import FINISHED, REPORT, shown
from .report_task import ReportAction, report_is_current

if TYPE_CHECKING:
    from ..running.execution import Execution

_NO_IO = IOConfig({})
_NOTHING: list[Any] = []
_NO_FILES: frozenset[str] = frozenset()
POLL_SECONDS = 0.05


class _Check:
    """The `uptodate` check of all runs: one object, so that doit need not look at it again for each task."""

    __signature__ = inspect.Signature([inspect.Parameter("task", inspect.Parameter.POSITIONAL_OR_KEYWORD)])

    last: Decision | None = None

    def __call__(self, task: RunTask) -> bool:
        ledger = task.session.ledger
        found = decide(task.run, ledger.output_of)
        ledger.decided(task.run, found)
        self.last = found.decision
        task.fine = found.decision.up_to_date
        return task.fine

    def __repr__(self) -> str:
        # `doit info` shows this as the reason, right after the call.
        return repr(self.last)


check = _Check()
_CHECK: list[tuple[Any, list[Any], dict[str, Any]]] = [(check, [], {})]


class _Files(frozenset[str]):
    """Files in the order of their names: doit prints them as they come."""

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(super().__iter__()))


class LeanTask(Task):
    """A doit task made without the checks doit needs for what users write."""

    # On the class, what doit never changes in place for tasks like these: 100,000 of them need not each have their own.
    has_subtask = False
    params = creator_params = wild_dep = setup_tasks = _NOTHING
    pos_arg = pos_arg_val = loader = cfg_values = custom_title = None
    io = _NO_IO
    options: dict[str, Any] | None = None
    dep_changed: list[str] | None = None
    result: Any = None
    verbosity: int | None = None
    _remove_targets = False
    watch: tuple[str, ...] = ()
    executed = False
    _action_instances: list[Any] | None = None
    _actions: list[Any] = _NOTHING  # shared on purpose: doit only reads it
    clean_actions: list[Any] = _NOTHING  # shared on purpose: doit only reads it
    teardown: list[Any] = _NOTHING  # shared on purpose: doit only reads it
    value_savers: list[Any] = _NOTHING  # shared on purpose: doit only reads it
    file_dep: Any = _NO_FILES
    calc_dep: ClassVar[set[str]] = set()
    getargs: ClassVar[dict[str, Any]] = {}

    def __init__(self, name: str, *, targets: list[str], task_dep: list[str], subtask_of: str | None) -> None:
        self.name = name
        self.targets = targets
        self.task_dep = task_dep
        self.subtask_of = subtask_of
        self.values: dict[str, Any] = {}

    def pickle_safe_dict(self) -> dict[str, Any]:
        """What doit's process pool may send around: its workers have everything else already."""
        return _sendable(self)


class RunTask(LeanTask):
    """The task of one run: its target is the run's `.finished`."""

    #: The check found the record fine: if doit executes the task all the same, that is forced (``doit -a``).
    fine = False
    uptodate = _CHECK

    def __init__(self, run: PlannedRun, session: Session) -> None:
        super().__init__(
            run.task,
            targets=[run.target],
            task_dep=[upstream.task for upstream in run.upstream if session.ledger.of(upstream).ended is None],
            subtask_of=run.experiment.task,
        )
        self.run = run
        self.session = session

    @property
    def actions(self) -> list[Any]:
        """The one action, made when it is needed."""
        if self._action_instances is None:
            self._action_instances = [RunAction(self)]
        return self._action_instances

    @property
    def file_dep(self) -> frozenset[str]:
        """The targets of the upstreams, and the inputs: what doit shows, and what it orders tasks by.

        What doit would make of them to find out whether the task is up to date, it does not see: it would compare
        records byte by byte, though the same outputs may stand behind another record, and read every input. The run's
        own check does that by its record. Nor are upstreams told twice when tasks are ordered, which would be
        quadratic: they stand in `task_dep`.
        """
        run = self.run
        if not run.inputs and not run.upstream:
            return _NO_FILES
        asking = sys._getframe(1).f_globals.get("__name__")
        if asking == "doit.dependency":
            return _NO_FILES
        inputs = frozenset(shown(one.place) for one in run.inputs)
        return inputs if asking == "doit.control" else _Files(inputs | {upstream.target for upstream in run.upstream})

    @file_dep.setter
    def file_dep(self, value: Any) -> None:
        """Nothing to keep: it is derived."""

    @property
    def doc(self) -> str:
        """The line that `doit list` shows."""
        return describe_config(self.run)

    @property
    def meta(self) -> dict[str, Any]:
        """What `doit info` shows beside the rest."""
        config = dict(self.run.experiment.masker.config(self.run.config))
        told = {"run": self.run.full_name, "config": config, "config_hash": self.run.hash}
        decision = self.session.ledger.of(self.run).decision
        if decision is not None and decision.up_to_date and decision.reason:
            told["note"] = decision.reason  # of a task that is up to date doit shows no reason
        return told

    @meta.setter
    def meta(self, value: Any) -> None:
        """Nothing to keep: it is derived."""

    @property
    def clean_actions(self) -> list[Any]:
        """`doit clean` takes the record away, so that the run is built again; attempts stay."""
        return [CleanAction(self.run.files.finished, self.run.target)]

    @clean_actions.setter
    def clean_actions(self, value: Any) -> None:
        """Nothing to keep: there is only one way to clean a run."""

    @property
    def records(self) -> tuple[str, ...]:
        """What goes when doit forgets the task."""
        return (self.run.files.finished,)

    def title(self) -> str:
        """What doit's console shows: the real name where it differs."""
        return self.name if self.run.name == self.run.folder else f"{self.name}  ({printable(self.run.name)})"


def _sendable(task: Task) -> dict[str, Any]:
    return {name: getattr(task, name) for name in ("name", "options", "values", "result", "executed")} | {
        "fine": getattr(task, "fine", False)
    }


def describe_config(run: PlannedRun) -> str:
    """Put the config into one line; of one that has only a name, what the run depends on."""
    config = run.experiment.masker.config(run.config)
    parts = [f"{key}={value}" for key, value in config.items() if key not in ("name", "depends_on")]
    if not parts and run.upstream:
        pattern = config.get("depends_on")
        parts = [f"depends on {pattern if isinstance(pattern, str) else _runs(len(run.upstream))}"]
    line = printable(" ".join(", ".join(parts).split()))
    return line if len(line) <= 100 else line[:97] + "..."


def _runs(count: int) -> str:
    return f"{count} run{'s' * (count != 1)}"


class RunAction(BaseAction):
    """Makes sure that a run is finished; `execute` is how plain doit does it."""

    def __init__(self, task: RunTask) -> None:
        self.task = task
        self.out = ""
        self.err = ""
        self.result: Any = None
        self.values: dict[str, Any] = {}

    def __str__(self) -> str:
        return f"execute {self.task.run.full_name}"

    def execution(self) -> Execution:
        """Prepare to execute the run."""
        from ..running.execution import Execution

        return Execution(self.task.session, self.task.run, forced=self.task.fine)

    def execute(self, out: Any = None, err: Any = None) -> BaseFail | None:
        """Execute the run and wait for its end."""
        execution = self.execution()
        try:
            self.task.session.uncommitted.forbid()  # ``pyexp build`` has looked before it began
            while not execution.start():
                time.sleep(POLL_SECONDS)  # somebody else is executing it
            wait(execution)
        except KeyboardInterrupt:
            interrupt(execution)
            raise
        except PyexpError as error:
            return TaskFailed(f"{self.task.run.full_name}: {error}")
        run, ledger = self.task.run, self.task.session.ledger
        folder = ledger.folder(run)
        if ledger.of(run).cause is not None and folder is not None:
            self.out = printable_lines(tail(folder.log))  # doit shows it below the failure
        return failure(run, ledger)


def wait(execution: Execution) -> None:
    """Wait until an execution has ended."""
    import selectors

    while not execution.poll():
        fd = execution.handle.fileno() if execution.handle is not None else -1
        if fd < 0:
            time.sleep(POLL_SECONDS)
            continue
        with selectors.DefaultSelector() as selector:
            selector.register(fd, selectors.EVENT_READ)
            selector.select(0.5)  # a run with a timeout has to be looked at from time to time


def interrupt(execution: Execution) -> None:
    """End an execution because the build was told to stop."""
    execution.kill("Interrupted", "the build was interrupted")
    while execution.handle is not None and not execution.poll():
        time.sleep(0.005)


def failure(run: PlannedRun, ledger: Ledger) -> BaseFail | None:
    """Turn what became of a run into what doit reports, if it is a failure."""
    cause, attempt = ledger.of(run).cause, ledger.folder(run)
    if cause is None:
        return None
    log = f"  log: {os.path.relpath(attempt.log)}" if attempt is not None else ""
    return TaskFailed(printable(f"{run.full_name} failed: {cause}{log}"))


def tail(path: str, size: int = 4000) -> str:
    """Read the last lines of a log."""
    try:
        with open_file(path) as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - size))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


class CleanAction(BaseAction):
    """Removes the record of a run or a report."""

    def __init__(self, path: str, target: str) -> None:
        self.path = path
        self.target = target

    def __str__(self) -> str:
        return f"remove {self.target}"

    def execute(self, out: Any = None, err: Any = None) -> None:
        """Remove the record, unless there is none."""
        try:
            os.unlink(self.path)
        except FileNotFoundError:
            return
        if out is not None:
            out.write(f"removed {printable(self.target)}\n")


class GroupTask(Task):
    """All runs of an experiment: it does nothing itself, and when they are done the batch is closed."""

    def __init__(self, experiment: PlannedExperiment, runs: list[RunTask], session: Session) -> None:
        doc = (experiment.definition.fn.__doc__ or "").strip().split("\n")[0]
        super().__init__(
            experiment.task, None, has_subtask=True, doc=doc or f"{_runs(len(runs))} of {experiment.name}",
            teardown=[(_close, [session.batch(experiment)]), (self._tell_code, [runs, session.ledger])],
        )  # fmt: skip
        self.task_dep = [task.name for task in runs]
        self.experiment = experiment

    def _tell_code(self, runs: list[RunTask], ledger: Ledger) -> None:
        """Say which runs were made by other code; `pyexp build` has its own way to say so."""
        found = ((task.run, ledger.of(task.run).decision) for task in runs)
        decisions = {run: decision for run, decision in found if decision is not None}
        for line in remark_lines(decisions, Advice.beside_doit(self.experiment)):
            print(printable(line), file=sys.stderr)

    def pickle_safe_dict(self) -> dict[str, Any]:
        """What doit's process pool may send around."""
        return _sendable(self)


def _close(batch: Batch) -> None:
    """Write what became of a batch's runs; where that cannot be written, the runs are what they are all the same."""
    try:
        batch.close(shared=True)
    except (PyexpError, OSError) as error:
        warn(str(error))


class ReportTask(LeanTask):
    """The report of an experiment: made again when a result or the report's own code changed."""

    def __init__(self, experiment: PlannedExperiment, session: Session) -> None:
        super().__init__(
            f"{experiment.task}:report",
            targets=[f"{experiment.target_prefix}{REPORT}/{FINISHED}"],
            task_dep=[run.task for run in experiment.runs if run.selected and session.ledger.of(run).ended is None],
            subtask_of=experiment.task,
        )
        self.experiment = experiment
        self.uptodate: list[tuple[Any, list[Any], dict[str, Any]]] = [(self._current, [], {})]
        self._ledger = session.ledger
        self._actions = [ReportAction(experiment, session)]
        self.clean_actions = [CleanAction(experiment.files.reports.finished, self.targets[0])]
        self.records = (experiment.files.reports.finished,)
        self.doc = f"report on the results of {experiment.name}"
        self.meta = None

    def _current(self) -> bool:
        return report_is_current(self.experiment, self._ledger)


def make_tasks(experiment: PlannedExperiment, session: Session) -> Iterator[Task]:
    """Yield the tasks of an experiment: its group, its runs, and its report if it has one.

    Runs that are known to be up to date are no tasks any more.
    """
    tasks = [RunTask(run, session) for run in experiment.runs if run.selected and session.ledger.of(run).ended is None]
    group = GroupTask(experiment, tasks, session)
    yield group
    yield from tasks
    if experiment.definition.report is not None and any(run.chosen for run in experiment.runs):
        report = ReportTask(experiment, session)
        group.task_dep.append(report.name)
        yield report
