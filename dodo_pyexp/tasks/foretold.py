"""What of the user's own doit tasks a build would execute, and why: for ``build -n``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..planning.decision import Decision
from ..planning.plan import PlannedRun
from .backend import Backend
from .user_tasks import OwnTasks


def foretell(own: OwnTasks, decisions: Mapping[PlannedRun, Decision], database: str) -> dict[str, str | None]:
    """Tell of each task why it would be executed; None if it would not.

    Parameters
    ----------
    own
        The tasks.
    decisions
        What would be done with the runs.
    database
        Path of doit's database.
    """
    from doit.dependency import Dependency, JSONCodec, MD5Checker

    manager = Dependency(Backend, database, checker_cls=MD5Checker, codec_cls=JSONCodec)
    return _Foretelling(own, decisions, manager).reasons()


class _Foretelling:
    def __init__(self, own: OwnTasks, decisions: Mapping[PlannedRun, Decision], manager: Any) -> None:
        self._own = own
        self._manager = manager
        self._tasks = {task.name: task for task in own.tasks}
        self._makers = {own.path(task, path): task.name for task in own.tasks for path in task.targets}
        self._makers.update({run.files.finished: run.task for run in decisions})
        self._stale = {run.task for run, decision in decisions.items() if run.selected and not decision.up_to_date}
        self._stale |= {task.rpartition(":")[0] for task in self._stale}
        self._known: dict[str, str | None] = {}

    def reasons(self) -> dict[str, str | None]:
        for name in list(self._tasks):
            self._why(name)
        return {name: why for name, why in self._known.items() if _does_something(self._tasks[name])}

    def _would(self, name: str) -> bool:
        return name in self._stale or (name in self._tasks and self._why(name) is not None)

    def _why(self, name: str) -> str | None:
        if name not in self._known:
            self._known[name] = None  # should the tasks go in a circle, the build tells that
            self._known[name] = self._decide(self._tasks[name])
        return self._known[name]

    def _decide(self, task: Any) -> str | None:
        if task.loader is not None and task.loader.creator is not None:
            return self._decide_later(task)
        if not _does_something(task):  # a group
            return next((f"{name} would be executed" for name in task.task_dep if self._would(name)), None)
        if self._manager.status_is_ignore(task):
            return None
        for name in sorted(task.calc_dep):
            if self._would(name):
                return f"{name} would be executed"
            task.update_deps(self._manager.get_values(name))
        try:
            with self._own.inside(task):
                status = self._manager.get_status(task, self._tasks, get_log=True)
        except Exception as error:  # a bug in a check of the user's
            return f"its check raises {type(error).__name__}: {error}"
        makers = [self._makers.get(self._own.path(task, path)) for path in task.file_dep]
        first = next((maker for maker in makers if maker is not None and self._would(maker)), None)
        if first is not None:
            return f"{first} would be executed"
        return None if status.status == "up-to-date" else _reason(task, status.reasons, self._manager)

    def _decide_later(self, task: Any) -> str | None:
        """Tell of tasks that are made when another one was executed: if it need not be, they are made now."""
        from doit.loader import generate_tasks

        after = task.loader.task_dep
        if after is not None and self._would(after):
            return f"{after} would be executed"
        creator = task.loader.creator
        made = generate_tasks(task.name, creator(**(task.loader.kwargs or {})), creator.__doc__)
        why = None
        for one in made:
            self._tasks[one.name] = one
            self._known.pop(one.name, None)
        for one in made:
            why = self._why(one.name) or why
        return why


def _does_something(task: Any) -> bool:
    return bool(task.actions) or task.loader is not None


def _reason(task: Any, reasons: Mapping[str, Any], manager: Any) -> str:
    missing = [*reasons.get("missing_file_dep", ()), *reasons.get("missing_target", ())]
    if missing:
        return f"{os.path.normpath(missing[0])} is missing"
    if not manager._in(task.name):
        return "never executed"
    if "changed_file_dep" in reasons:
        return f"{sorted(reasons['changed_file_dep'])[0]} changed"
    if reasons.get("added_file_dep") or reasons.get("removed_file_dep"):
        return "it reads other files than before"
    return "nothing says that it is up to date"
