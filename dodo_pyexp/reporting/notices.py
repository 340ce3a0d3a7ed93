"""What a build has to say about runs that are up to date, although today's code or data is not what made them.

Implements: docs/how-to.md, "Change the code", one line an experiment, and "Data as input", one line a file; made of the
decisions themselves.
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

MOST_FILES = 5  # files that changed and are told one by one


class Advice(NamedTuple):
    """What can be done about such runs, in the words of the door that the build came through."""

    rerun: str = "`pyexp build --code rerun`"
    accept: str = "`pyexp accept`"
    reread: str = "`pyexp build --read-files rerun`"

    @classmethod
    def beside_doit(cls, experiment: PlannedExperiment) -> Advice:
        """Say it to a user of plain doit: `pyexp` takes dodo.py as doit does, but any other file has to be named."""
        dodo = getattr(sys.modules.get("dodo"), "__file__", None)
        file = None if dodo == os.path.abspath("dodo.py") else source_file(experiment.definition.fn)
        if file is None:
            return cls()
        name = shlex.quote(shown(file))
        build, accept = f"pyexp build {name}", f"`pyexp accept {name}`"
        return cls(f"`{build} --code rerun`", accept, f"`{build} --read-files rerun`")


def remark_lines(decisions: Mapping[PlannedRun, Decision], advice: Advice) -> Iterator[str]:
    """Say what there is to say about runs that are up to date: of their code, then of the files that they read.

    Parameters
    ----------
    decisions
        What was decided.
    advice
        What to say about what can be done.
    """
    yield from _code_lines(decisions, advice)
    lines = list(file_lines(decisions))
    if lines:
        one = sum("read" in decision.data for decision in decisions.values() if decision.up_to_date) == 1
        them = "it" if one else "them"
        yield from lines[:-1]
        yield f"{lines[-1]} ({advice.reread} executes {them} again, {advice.accept} keeps {them})"


def file_lines(decisions: Mapping[PlannedRun, Decision]) -> Iterator[str]:
    """Say of each file that runs have read and that changed since how many runs that are; of many, only of some."""
    readers: dict[str, list[str]] = {}
    for decision in decisions.values():
        if decision.up_to_date:
            for path, what in decision.data.get("read", {}).items():
                readers.setdefault(path, []).append(what)
    for path, told in list(readers.items())[:MOST_FILES]:
        what = told[0] if len(set(told)) == 1 else told[0].partition(" (")[0]
        yield f"{printable(path)}, which {_count(len(told))} read, {what}"
    if len(readers) > MOST_FILES:
        rest = len(readers) - MOST_FILES
        yield f"{rest} more file{'s' if rest > 1 else ''} that they read changed"


def renamed_lines(decisions: Mapping[PlannedRun, Decision]) -> Iterator[str]:
    """Say how many runs look renamed, and what gives them what they were made of before."""
    orphans = [len(said.data["renamed"]) for run, said in decisions.items() if run.selected and "renamed" in said.data]
    if found := orphans.count(1):
        looks, them = ("look", "them") if found > 1 else ("looks", "it")
        yield f"{_count(found)} {looks} renamed: `pyexp accept --renamed` takes {them} over, and executes nothing"
    if several_fit := len(orphans) - found:
        they = "each has" if several_fit > 1 else "it has"
        yield (
            f"{_count(several_fit)} may have been renamed, but {they} the config of several orphans: `pyexp clean` "
            "the others, and `pyexp accept --renamed` takes over the one that is left"
        )


def _count(runs: int) -> str:
    return f"{runs} run{'' if runs == 1 else 's'}"


def _code_lines(decisions: Mapping[PlannedRun, Decision], advice: Advice) -> Iterator[str]:
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
        other = [decision for decision in told if "changed" in decision.data]
        if other:
            # All runs of the same code share one decision.
            different = {id(decision): decision for decision in other}.values()
            changes = list(dict.fromkeys(change for decision in different for change in decision.data["changed"]))
            made = "was made" if len(other) == 1 else "were made"
            yield (
                f"{name}: {_runs(len(other))} {made} by other code: {printable(several(changes))} "
                f"({advice.rerun} executes {_them(other)} again, {advice.accept} keeps {_them(other)})"
            )
        unknown = [decision for decision in told if "changed" not in decision.data]
        if unknown:
            yield (
                f"{name}: the code of {_runs(len(unknown))} cannot be compared with today's and counts as "
                f"the same ({advice.accept} puts that on record)"
            )


def _them(told: list[Decision]) -> str:
    return "it" if len(told) == 1 else "them"


def _runs(count: int) -> str:
    return f"{count} up-to-date run{'' if count == 1 else 's'}"
