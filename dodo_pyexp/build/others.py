"""Tasks that are no runs: reports, and the user's own doit tasks. They are doit's to decide and to execute.

Its runner is imported when there is such a task, as it brings multiprocessing along: a tenth of a build's start-up.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from .reporter import BuildReporter

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
    keep_going
        A failure does not end the build.
    """

    def __init__(self, dep_manager: Any, reporter: BuildReporter, *, keep_going: bool) -> None:
        self._dep_manager = dep_manager
        self._reporter = reporter
        self._keep_going = keep_going

    @cached_property
    def _runner(self) -> Runner:
        from doit.runner import Runner

        return Runner(self._dep_manager, self._reporter, continue_=self._keep_going)

    @property
    def stopped(self) -> bool:
        """One of them failed, and nothing more is to be started."""
        return "_runner" in vars(self) and self._runner._stop_running

    def select(self, node: Any, tasks: dict[str, Any]) -> bool:
        """Let doit decide whether the task has to be executed."""
        try:
            selected: bool = self._runner.select_task(node, tasks)
        except Exception as error:  # a bug in a check must not end the build
            from doit.exceptions import DependencyError

            fail = DependencyError(f"{node.task.name}: {type(error).__name__}: {error}")
            self._runner._handle_task_error(node, fail)
            return False
        return selected

    def execute(self, node: Any) -> None:
        """Execute the task here and now."""
        self._runner.process_task_result(node, self._runner.execute_task(node.task))

    def finish(self) -> None:
        """Run the teardowns of what was executed."""
        if "_runner" in vars(self):
            self._runner.teardown()
