"""Tasks that are no runs: reports, and the user's own doit tasks. They are doit's to decide and to execute.

Its runner is imported when there is such a task, as it brings multiprocessing along: a tenth of a build's start-up.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..reporting.reporter import BuildReporter
from .run_tasks import ReportTask
from .user_tasks import OwnTasks

if TYPE_CHECKING:
    from doit.runner import Runner


class OtherTasks:
    """Decides and executes, one after the other and in this process, what is no run.

    Parameters
    ----------
    dep_manager
        doit's database.
    reporter
        Tells the user what happens.
    own
        The user's own tasks.
    tasks
        All tasks of the build, by name.
    keep_going
        A failure does not end the build.
    """

    def __init__(
        self, dep_manager: Any, reporter: BuildReporter, own: OwnTasks, tasks: dict[str, Any], *, keep_going: bool
    ) -> None:
        self._own = own
        self._tasks = tasks
        self._dep_manager = dep_manager
        self._reporter = reporter
        self._keep_going = keep_going

    @cached_property
    def _runner(self) -> Runner:
        from doit.runner import Runner
        from doit.task import Stream

        stream = Stream(self._own.verbosity)
        return Runner(self._dep_manager, self._reporter, continue_=self._keep_going, stream=stream)

    @property
    def stopped(self) -> bool:
        """One of them failed, and nothing more is to be started."""
        return "_runner" in vars(self) and self._runner._stop_running

    def select(self, node: Any) -> bool:
        """Let doit decide whether the task has to be executed."""
        try:
            with self._inside(node.task):
                selected: bool = self._runner.select_task(node, self._tasks)
        except Exception as error:  # a bug in a check must not end the build
            from doit.exceptions import DependencyError

            fail = DependencyError(f"{node.task.name}: {type(error).__name__}: {error}")
            self._runner._handle_task_error(node, fail)
            return False
        return selected

    def execute(self, node: Any) -> None:
        """Execute the task here and now."""
        with self._inside(node.task):
            self._runner.process_task_result(node, self._runner.execute_task(node.task))

    def _inside(self, task: Any) -> AbstractContextManager[None]:
        return nullcontext() if isinstance(task, ReportTask) else self._own.inside(task)

    def finish(self) -> None:
        """Run the teardowns of what was executed."""
        if "_runner" in vars(self):
            for task in reversed(self._runner.teardown_list):
                with self._inside(task):
                    self._runner.teardown_list = [task]
                    self._runner.teardown()
