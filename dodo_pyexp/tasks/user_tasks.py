"""The user's own doit tasks, which stand beside experiments in a file: loaded by doit, in the order of definition.

As doit does, they are made, decided and executed in the folder of their file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FunctionType
from typing import Any

from ..errors import UsageError
from ..planning.definition import Definition
from ..planning.mistakes import user_code
from ..planning.source import innermost, source_file
from ..planning.targets import Needs


class OwnTasks:
    """The tasks of one build.

    Parameters
    ----------
    order
        Tasks and experiments as they are defined; experiments that are only imported stand behind them all.
    folders
        The folder of each task, by name.
    verbosity
        What of their output is shown at once, as ``DOIT_CONFIG`` says: 0 nothing, 1 stderr, 2 all.
    """

    def __init__(
        self, order: Iterable[Any] = (), folders: dict[str, str] | None = None, verbosity: int | None = None
    ) -> None:
        self.order = list(order)
        self.tasks = [item for item in self.order if not isinstance(item, Definition)]
        self.verbosity = verbosity
        self._folders = folders or {}

    def __bool__(self) -> bool:
        return bool(self.tasks)

    def add(self, other: OwnTasks) -> None:
        """Put those of another file behind."""
        self.order += other.order
        self.tasks += other.tasks
        self._folders.update(other._folders)
        self.verbosity = other.verbosity if self.verbosity is None else self.verbosity

    def only(self, names: Iterable[str]) -> OwnTasks:
        """Give those of some names."""
        kept = set(names)
        order = [item for item in self.order if isinstance(item, Definition) or item.name in kept]
        return OwnTasks(order, self._folders, self.verbosity)

    def names(self) -> list[str]:
        """Give their names."""
        return [task.name for task in self.tasks]

    def makers(self) -> dict[str, str]:
        """Give which of them makes a file, by its path from everywhere."""
        return {self.path(task, path): task.name for task in self.tasks for path in task.targets}

    def needs(self, name: str) -> Needs:
        """Give what has to be done before a task."""
        task = next(task for task in self.tasks if task.name == name)
        delayed = [task.loader.task_dep] if task.loader is not None and task.loader.task_dep else []
        return Needs(
            [*task.task_dep, *task.setup_tasks, *task.calc_dep, *delayed],
            list(task.wild_dep),
            [self.path(task, path) for path in task.file_dep],
        )

    def path(self, task: Any, file: str) -> str:
        """Give a path as a task means it, from everywhere."""
        return os.path.normpath(os.path.join(self._folder(task.name), file))

    def among(self, tasks: dict[int, list[Any]]) -> Iterator[Any]:
        """Yield all tasks in the order of definition.

        Parameters
        ----------
        tasks
            Those of each experiment, by the id of its definition; of others, they come last.
        """
        left = dict(tasks)
        for item in self.order:
            if isinstance(item, Definition):
                yield from left.pop(id(item), [])
            else:
                yield item
        for some in left.values():
            yield from some

    @contextmanager
    def inside(self, task: Any) -> Iterator[None]:
        """Go into the folder of a task."""
        with inside(self._folder(task.name)):
            yield

    def _folder(self, name: str) -> str:
        found = self._folders.get(name) or self._folders.get(name.partition(":")[0])
        return found or os.getcwd()


@contextmanager
def refused_tasks() -> Iterator[None]:
    """Tell in a sentence what doit does not accept in tasks: some of it shows only when they are looked at."""
    from doit.exceptions import InvalidCommand, InvalidDodoFile, InvalidTask

    try:
        with user_code():
            yield
    except (InvalidCommand, InvalidDodoFile, InvalidTask) as error:
        raise UsageError(" ".join(str(error).split())) from None


@contextmanager
def inside(folder: str) -> Iterator[None]:
    """Go into a folder for a while."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def load_own(path: str, namespace: dict[str, Any], experiments: dict[str, Definition]) -> OwnTasks:
    """Let doit make the tasks of a file that are no experiment's.

    Parameters
    ----------
    path
        The file.
    namespace
        What it defines, but for experiments, modules and classes.
    experiments
        Those, by their names in it.

    Raises
    ------
    UsageError, UserCodeError
        A task makes no sense, or what makes it raises something.
    """
    if not any(name.startswith("task_") or _makes_tasks(value) for name, value in namespace.items()):
        return OwnTasks()  # and doit is not imported
    from doit.exceptions import InvalidDodoFile, InvalidTask
    from doit.loader import load_tasks

    folder = os.path.dirname(os.path.abspath(path))
    marks = {f"pyexp {number}": made for number, made in enumerate(experiments.values()) if line_in(path, made)}
    stand_ins = {mark: _StandIn(mark, path, made) for mark, made in marks.items()}
    try:
        with user_code(), inside(folder):
            tasks = load_tasks({**namespace, **stand_ins}, allow_delayed=True)
    except (InvalidDodoFile, InvalidTask) as error:
        raise UsageError(f"{path}: {' '.join(str(error).split())}") from None
    for task in tasks:
        if task.loader is not None and task.loader.creator is not None:
            task.loader.creator = _made_inside(folder, task.loader.creator)
    order = [marks.get(task.name, task) for task in tasks]
    config = namespace.get("DOIT_CONFIG")
    verbosity = config.get("verbosity") if isinstance(config, dict) else None
    return OwnTasks(order, {task.name: folder for task in tasks}, verbosity if isinstance(verbosity, int) else None)


class _StandIn:
    """In place of an experiment, where only the order of definition is asked for."""

    def __init__(self, name: str, path: str, definition: Definition) -> None:
        def create_doit_tasks() -> dict[str, Any]:
            return {"basename": name, "actions": None}

        stand_at(create_doit_tasks, path, definition)
        create_doit_tasks.basename = name  # type: ignore[attr-defined]  # doit reads it
        self.create_doit_tasks = create_doit_tasks


def line_in(path: str, definition: Definition) -> int | None:
    """Give the line at which a file defines an experiment; None if it only imports it."""
    file = source_file(definition.fn)
    if file is None or os.path.realpath(file) != os.path.realpath(path):
        return None
    line: int = innermost(definition.fn).__code__.co_firstlineno
    return line


def stand_at(creator: FunctionType | Any, path: str, definition: Definition) -> None:
    """Let doit, which sorts what makes tasks by line, find a creator where the file defines the experiment."""
    line = line_in(path, definition)
    if line is not None:
        creator.__code__ = creator.__code__.replace(co_filename=os.path.abspath(path), co_firstlineno=line)


def _made_inside(folder: str, creator: Callable[..., Any]) -> Callable[..., Any]:
    made = partial(_make, folder, creator)
    made.__doc__ = creator.__doc__
    return made


def _make(folder: str, creator: Callable[..., Any], **arguments: Any) -> Any:
    with inside(folder):
        made = creator(**arguments)
        return (task for task in list(made)) if hasattr(made, "__next__") else made  # doit takes generators alone


def _makes_tasks(value: Any) -> bool:
    try:
        return hasattr(value, "create_doit_tasks")
    except Exception:  # somebody's own __getattr__; doit will say so
        return True
