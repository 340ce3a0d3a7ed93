"""Building a plan: doit's parts put together with pyexp's.

Implements: DESIGN section 7 (`pyexp build` is doit with pyexp's own task classes, backend and runner).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from doit.control import ExecNode, TaskControl, TaskDispatcher
from doit.dependency import Dependency

from ..errors import UsageError
from .backend import Backend
from .plan import Plan
from .reporter import BuildReporter
from .runner import BuildRunner
from .session import Session, Wishes
from .tasks import ReportTask, make_tasks

DONE, SOME_FAILED, WRONG_USAGE, WORK_TO_DO, INTERRUPTED = 0, 1, 2, 3, 130


class Build:
    """One build of a plan.

    Parameters
    ----------
    plan
        What to bring up to date.
    wishes
        How.
    reporter
        Tells the user; by default lines on stderr.
    others
        Other doit tasks of the same file.
    reports
        Make reports that are out of date.
    """

    def __init__(
        self,
        plan: Plan,
        wishes: Wishes | None = None,
        reporter: BuildReporter | None = None,
        others: Iterable[Any] = (),
        *,
        reports: bool = True,
    ) -> None:
        self.session = Session(plan, wishes)
        total = sum(run.selected for run in plan.runs())
        self.reporter = reporter or BuildReporter(total)
        self.reporter.total = total
        self.reporter.expected = lambda: (run for run in plan.runs() if run.selected)
        self.session.note = self.reporter.note
        self._others = list(others)
        self._reports = reports
        self.exit_code = DONE

    def run(self, selection: list[str] | None = None) -> int:
        """Execute what is out of date and give the exit status.

        Parameters
        ----------
        selection
            Names of tasks or paths of targets; everything by default.

        Raises
        ------
        PyexpError
            Something about the plan or this machine makes it impossible; nothing has been executed.
        """
        self.session.uncommitted.forbid()
        with self.session.collector:
            try:
                control = self._control(selection)
                runner = self._runner()
                runner.run_all(_Dispatcher(control.tasks, control.targets, control.selected_tasks))
            finally:
                self.session.close()
            self._close_batches()
        return self._judge(runner)

    def _control(self, selection: list[str] | None) -> TaskControl:
        tasks = [task for experiment in self.session.plan.experiments for task in make_tasks(experiment, self.session)]
        if not self._reports:
            dropped = {task.name for task in tasks if isinstance(task, ReportTask)}
            tasks = [task for task in tasks if task.name not in dropped]
            for task in tasks:
                if dropped.intersection(task.task_dep[-1:]):
                    task.task_dep.pop()
        control = TaskControl([*tasks, *self._others])
        control.process(selection)
        return control

    def _runner(self) -> BuildRunner:
        from doit.dependency import JSONCodec, MD5Checker

        experiments = self.session.plan.experiments
        path = experiments[0].output.doit_db if experiments else ".doit.db"
        manager = Dependency(Backend, path, checker_cls=MD5Checker, codec_cls=JSONCodec)
        return BuildRunner(manager, self.reporter, self.session)

    def _close_batches(self) -> None:
        for experiment in self.session.plan.experiments:
            # A sweep that has become empty is a batch too, or the results would still be those of the one before.
            emptied = not experiment.runs and bool(experiment.files.batch_names())
            if emptied or any(run.selected for run in experiment.runs):
                try:
                    self.session.batch(experiment).close()
                except (OSError, UsageError) as error:  # all runs are on record; what was done is still to be told
                    why = error.strerror if isinstance(error, OSError) else str(error)
                    self.reporter.unrecorded(f"the manifest of {experiment.name} cannot be written: {why}")

    def _judge(self, runner: BuildRunner) -> int:
        if runner.interrupted:
            self.exit_code = INTERRUPTED
        elif self.reporter.failed or self.reporter.skipped or self.reporter.other_failures:
            self.exit_code = SOME_FAILED
        return self.exit_code


class _Dispatcher(TaskDispatcher):
    """Lets go of the runs that waited for the same one in their order, of which doit's set knows nothing."""

    _positions: dict[str, int] | None = None

    def _update_waiting(self, processed: ExecNode | None) -> None:
        if processed is not None and processed.run_status != "run" and len(processed.waiting_me) > 1:
            if self._positions is None:
                self._positions = {name: position for position, name in enumerate(self.tasks)}
            positions = self._positions
            processed.waiting_me = sorted(processed.waiting_me, key=lambda node: positions[node.task.name])
        super()._update_waiting(processed)
