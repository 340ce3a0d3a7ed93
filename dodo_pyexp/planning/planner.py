"""From definitions to runs: configs expanded, names checked, folders given, `depends_on` resolved.

Implements: docs/how-it-works.md, "The words"; docs/reference.md, "Experiments" (`depends_on`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from ..config.hashing import hash_value
from ..errors import ConfigError
from ..importing import module_name
from ..namesakes import refuse_strangers
from ..store.paths import check_folder
from . import ownership
from .declared_inputs import Declarations, check_places
from .definition import place
from .dependencies import Resolver
from .garbage import Collector
from .plan import Plan, PlannedExperiment
from .resources import check_config
from .source import source_file


def make_plan(
    roots: Iterable[tuple[PlannedExperiment, Any]],
    others: Callable[[], Iterable[tuple[PlannedExperiment, Callable[[], Any]]]],
) -> Plan:
    """Expand experiments and connect their runs.

    Parameters
    ----------
    roots
        The experiments to build, each with its configs.
    others
        Gives the experiments that `depends_on` may reach beside the roots; they are only asked for, and their configs
        only made, when a pattern matches nothing nearer. Their runs are selected only where they are needed.

    Raises
    ------
    ConfigError, DependencyError
        A config or a dependency is wrong; the message names it.
    """
    with Collector():
        planned = []
        for experiment, configs in roots:
            experiment.fill(configs)
            planned.append(experiment)
        _check_folders(planned)
        resolver = Resolver(planned, others)
        declarations = cache(Declarations)
        pending = list(planned)
        while pending:
            for run in pending.pop(0).runs:
                wanted = run.config.get("depends_on")
                run.inputs = declarations(run.experiment).of(run.config)
                if "resources" in run.config:
                    check_config(run)
                if wanted is not None and wanted != []:
                    run.upstream, run.optional = resolver.resolve(run, wanted)
                    hash_value(wanted, f"{run.experiment.place}: {run.full_name}: depends_on")  # it is saved, too
            pending += resolver.take_new()
        plan = Plan(planned, resolver.extra)
        _check_folders(plan.experiments)
        _check_modules(plan.experiments)
        plan.ordered()
        check_places(plan)
        if resolver.extra:
            mine = {id(experiment) for experiment in planned}
            plan.select(lambda run: id(run.experiment) in mine)
        return plan


def _check_modules(experiments: list[PlannedExperiment]) -> None:
    files = dict.fromkeys(source_file(experiment.definition.fn) for experiment in experiments)
    real = [os.path.realpath(file) for file in files if file is not None]
    refuse_strangers((file, *module_name(file)) for file in real)


def _check_folders(experiments: list[PlannedExperiment]) -> None:
    taken: dict[str, PlannedExperiment] = {}
    for experiment in experiments:
        check_folder(experiment.files.batches)
        ownership.check(experiment.files, experiment.definition)
        other = taken.setdefault(experiment.files.path.casefold(), experiment)
        if other is not experiment:
            raise ConfigError(
                f'two experiments are called "{experiment.name}" ({place(other.definition.fn)} and '
                f"{place(experiment.definition.fn)}); give one of them another name"
            )
