"""The door of plain doit: experiments at the top level of a module are task creators.

Implements: docs/how-it-works.md, "Who does what". doit first looks at every object of the module, then calls the
creators it found one by one. So what has been looked at since the last call are the experiments of one module, whose
runs may depend on each other.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

from ..executors.guardian import watch_pool
from ..planning.definition import Definition
from ..planning.mistakes import user_code
from ..planning.options import Options
from ..planning.plan import PlannedExperiment
from ..planning.planner import make_plan
from ..printable import printable
from ..running.session import Session
from .forget import tell_if_out_of_reach
from .plain_doit import loaded_file, plainly
from .user_tasks import stand_at


class _Module:
    """The experiments that doit found in one module."""

    def __init__(self) -> None:
        self.found: dict[int, Definition] = {}
        self._planned: dict[int, PlannedExperiment] = {}
        self._session: Session | None = None
        self._given: set[int] = set()
        self._asked: set[int] = set()
        self.called = False

    def asks_again(self, definition: Definition) -> bool:
        """Tell whether doit has been given this experiment already: it may go by several names in the module."""
        known = id(definition) in self._asked
        self._asked.add(id(definition))
        return known

    def tasks(self, definition: Definition, reach: Callable[[], list[Definition]]) -> Iterator[Any]:
        """Yield the tasks of one experiment, and of those it needs that are not in the module; each only once."""
        from .run_tasks import make_tasks

        self.called = True
        if self._session is None:
            tell_if_out_of_reach()
            self._session = self._plan(reach)
        for experiment in self._session.plan.experiments:
            mine = experiment.definition is definition or id(experiment.definition) not in self.found
            needed = any(run.selected for run in experiment.runs) or experiment.definition is definition
            if mine and needed and id(experiment) not in self._given:
                self._given.add(id(experiment))
                yield from make_tasks(experiment, self._session)

    def _plan(self, reach: Callable[[], list[Definition]]) -> Session:
        def others() -> list[tuple[PlannedExperiment, Callable[[], Any]]]:
            return [
                (PlannedExperiment(other, other.resolved()), other.call_configs)
                for other in reach()
                if id(other) not in self.found and other.configs is not None
            ]

        roots = [(PlannedExperiment(found, found.resolved()), found.call_configs()) for found in self.found.values()]
        watch_pool()
        session = Session(make_plan(roots, others))
        session.note = _say
        return session


def _say(text: str) -> None:
    """Say what there is to know beside what doit reports."""
    print(printable(text), file=sys.stderr, flush=True)


_module = _Module()


def task_creator(definition: Definition, reach: Callable[[], list[Definition]]) -> Callable[[], Iterator[Any] | None]:
    """Make what doit takes for a task creator: a plain function with a source and a `basename`.

    Raises nothing while doit merely looks around; a mistake in the configs shows when the tasks are made.
    """
    global _module
    if _module.called:
        _module = _Module()
    module = _module
    module.found[id(definition)] = definition

    def create_doit_tasks() -> Iterator[Any] | None:
        # None, and no empty generator: doit would make an empty group of that
        return None if module.asks_again(definition) else _tasks(module, definition, reach)

    if (dodo := loaded_file()) is not None:
        stand_at(create_doit_tasks, dodo, definition)
    create_doit_tasks.basename = PlannedExperiment(definition, Options()).task  # type: ignore[attr-defined]  # doit reads it
    return create_doit_tasks


def _tasks(module: _Module, definition: Definition, reach: Callable[[], list[Definition]]) -> Iterator[Any]:
    with plainly(), user_code():
        yield from module.tasks(definition, reach)
