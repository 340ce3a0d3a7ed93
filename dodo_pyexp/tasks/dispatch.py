"""doit's parts put together with pyexp's: what comes next, in which order, and what is remembered.

Implements: docs/how-it-works.md, "Who does what" (`pyexp build` is doit with pyexp's own task classes, backend and
runner).
"""

from __future__ import annotations

import os
from typing import Any

from doit.control import ExecNode, TaskControl, TaskDispatcher
from doit.dependency import Dependency, JSONCodec, MD5Checker

from ..reporting.reporter import BuildReporter
from ..running.session import Session
from ..store.paths import DOIT_DB
from .backend import Backend
from .other_tasks import OtherTasks
from .run_tasks import ReportTask, RunTask, make_tasks
from .runner import BuildRunner
from .user_tasks import OwnTasks


def run_tasks(
    session: Session, reporter: BuildReporter, own: OwnTasks, selection: list[str] | None, *, reports: bool
) -> BuildRunner:
    """Let doit bring the tasks of a plan, and others of the same file, up to date; give the runner that did it.

    Parameters
    ----------
    session, reporter
        The build, and who tells of it.
    own
        doit tasks that are no runs.
    selection
        Names of tasks or paths of targets; None for all.
    reports
        Make reports that are out of date.
    """
    tasks = _tasks(session, reports=reports)
    control = TaskControl(list(own.among(tasks)))
    _order_by_files(control, own, [task for some in tasks.values() for task in some])
    control.process(selection)
    experiments = session.plan.experiments
    path = experiments[0].output.doit_db if experiments else DOIT_DB
    manager = Dependency(Backend, path, checker_cls=MD5Checker, codec_cls=JSONCodec)
    others = OtherTasks(manager, reporter, own, control.tasks, keep_going=session.wishes.keep_going)
    runner = BuildRunner(manager, reporter, session, others)
    runner.run_all(_Dispatcher(control.tasks, control.targets, control.selected_tasks))
    return runner


def _tasks(session: Session, *, reports: bool) -> dict[int, list[Any]]:
    """Make the tasks of each experiment, by the id of its definition."""
    made = {id(one.definition): list(make_tasks(one, session)) for one in session.plan.experiments}
    if not reports:
        for some in made.values():
            dropped = {task.name for task in some if isinstance(task, ReportTask)}
            some[:] = [task for task in some if task.name not in dropped]
            for task in some:
                if dropped.intersection(task.task_dep[-1:]):
                    task.task_dep.pop()
    return made


def _order_by_files(control: TaskControl, own: OwnTasks, tasks: list[Any]) -> None:
    """Let runs depend on the user's tasks that make their inputs, and these tasks on runs whose targets they read."""
    if not own:
        return
    makers = own.makers()
    for task in tasks:
        if isinstance(task, RunTask) and task.run.inputs:
            task.task_dep += [makers[one.place] for one in task.run.inputs if one.place in makers]
    made = {os.path.abspath(target): task.name for task in tasks for target in task.targets}
    for task in own.tasks:
        paths = {path: made[full] for path in task.file_dep if (full := own.path(task, path)) in made}
        control.add_implicit_task_dep(paths, task, paths)


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
