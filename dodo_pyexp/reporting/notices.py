"""What a build has to say about runs that are up to date, although today's code is not what made them.

Implements: docs/how-to.md, "Change the code": one line an experiment, made of the decisions themselves.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from ..planning.decision import Decision, several
from ..planning.source import source_file
from ..printable import printable
from ..store.paths import shown

if TYPE_CHECKING:
    from ..planning.plan import PlannedExperiment, PlannedRun


class Advice(NamedTuple):
    """What can be done about such runs, in the words of the door that the build came through."""

    rerun: str = "`pyexp build --code rerun`"
    accept: str = "`pyexp accept`"

    @classmethod
    def beside_doit(cls, experiment: PlannedExperiment) -> Advice:
        """Say it to a user of plain doit: `pyexp` takes dodo.py as doit does, but any other file has to be named."""
        dodo = getattr(sys.modules.get("dodo"), "__file__", None)
        file = None if dodo == os.path.abspath("dodo.py") else source_file(experiment.definition.fn)
        if file is None:
            return cls()
        name = shlex.quote(shown(file))
        return cls(f"`pyexp build {name} --code rerun`", f"`pyexp accept {name}`")


def code_lines(decisions: Mapping[PlannedRun, Decision], advice: Advice) -> Iterator[str]:
    """Say of each experiment how many runs were made by other code, and what changed since.

    Parameters
    ----------
    decisions
        What was decided; runs without a word about their code are passed over.
    advice
        What to say about what can be done.
    """
    found: dict[PlannedExperiment, list[Decision]] = {}
    for run, decision in decisions.items():
        if decision.up_to_date and decision.kind == "code":
            found.setdefault(run.experiment, []).append(decision)
    for experiment, told in found.items():
        name = printable(experiment.name)
        other = [decision for decision in told if decision.data]
        if other:
            # All runs of the same code share one decision.
            different = {id(decision): decision for decision in other}.values()
            changes = list(dict.fromkeys(change for decision in different for change in decision.data["changed"]))
            made = "was made" if len(other) == 1 else "were made"
            yield (
                f"{name}: {_runs(len(other))} {made} by other code: {printable(several(changes))} "
                f"({advice.rerun} executes {_them(other)} again, {advice.accept} keeps {_them(other)})"
            )
        unknown = [decision for decision in told if not decision.data]
        if unknown:
            yield (
                f"{name}: the code of {_runs(len(unknown))} cannot be compared with today's and counts as "
                f"the same ({advice.accept} puts that on record)"
            )


def _them(told: list[Decision]) -> str:
    return "it" if len(told) == 1 else "them"


def _runs(count: int) -> str:
    return f"{count} up-to-date run{'' if count == 1 else 's'}"
