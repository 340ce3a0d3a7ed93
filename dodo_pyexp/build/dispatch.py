"""doit's parts put together with pyexp's: what comes next, in which order, and what is remembered.

Implements: docs/how-it-works.md, "Who does what" (`pyexp build` is doit with pyexp's own task classes, backend and
runner).
"""

from __future__ import annotations

from typing import Any

from doit.control import ExecNode, TaskControl, TaskDispatcher
from doit.dependency import Dependency, JSONCodec, MD5Checker

from .backend import Backend
from .reporter import BuildReporter
from .runner import BuildRunner
from .session import Session
from .tasks import ReportTask, make_tasks


def run_tasks(
    session: Session, reporter: BuildReporter, others: list[Any], selection: list[str] | None, *, reports: bool
) -> BuildRunner:
    """Let doit bring the tasks of a plan, and others of the same file, up to date; give the runner that did it.

    Parameters
    ----------
    session, reporter
        The build, and who tells of it.
    others
        doit tasks that are no runs.
    selection
        Names of tasks or paths of targets; None for all.
    reports
        Make reports that are out of date.
    """
    control = TaskControl([*_tasks(session, reports=reports), *others])
    control.process(selection)
    experiments = session.plan.experiments
    path = experiments[0].output.doit_db if experiments else ".doit.db"
    manager = Dependency(Backend, path, checker_cls=MD5Checker, codec_cls=JSONCodec)
    runner = BuildRunner(manager, reporter, session)
    runner.run_all(_Dispatcher(control.tasks, control.targets, control.selected_tasks))
    return runner


def _tasks(session: Session, *, reports: bool) -> list[Any]:
    tasks = [task for experiment in session.plan.experiments for task in make_tasks(experiment, session)]
    if not reports:
        dropped = {task.name for task in tasks if isinstance(task, ReportTask)}
        tasks = [task for task in tasks if task.name not in dropped]
        for task in tasks:
            if dropped.intersection(task.task_dep[-1:]):
                task.task_dep.pop()
    return tasks


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
