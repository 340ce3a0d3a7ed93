"""The digest of failures at the end of a build: what went wrong, how often, and where to read more.

Implements: DESIGN section 12. Runs that failed in the same way are told once, the first failure first.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from ..store import status as statuses
from .plan import PlannedRun

if TYPE_CHECKING:
    from .execution import Execution

SHOWN_RUNS = 3
SHOWN_SKIPPED = 10


class FailureGroup:
    """Runs that failed with the same type of error at the same place.

    Attributes
    ----------
    cause
        Type, message and place; of the first one when the messages differ.
    executions
        The runs, first failure first.
    """

    def __init__(self, cause: str) -> None:
        self.cause = cause
        self.executions: list[Execution] = []


def group_failures(executions: Iterable[Execution]) -> list[FailureGroup]:
    """Put failures of the same kind together."""
    groups: dict[tuple[str, str], FailureGroup] = {}
    for execution in executions:
        cause = local(execution.failure or "no cause was recorded")
        groups.setdefault(_kind(execution, cause), FailureGroup(cause)).executions.append(execution)
    return list(groups.values())


def _kind(execution: Execution, cause: str) -> tuple[str, str]:
    """Tell failures apart by type and place, and by message where there is no place."""
    error = statuses.read(execution.attempt).get("error") if execution.attempt is not None else None
    if not isinstance(error, dict) or not error.get("where"):
        return "", cause
    return str(error.get("type")), str(error["where"])


def local(text: str) -> str:
    """Write paths below the current folder as they are written from here."""
    return text.replace(f" {os.getcwd()}/", " ")


def failure_lines(executions: Iterable[Execution]) -> Iterator[tuple[str, str]]:
    """Yield the lines about failures, each with what it is: a ``cause`` or a ``detail``."""
    for group in group_failures(executions):
        count = len(group.executions)
        yield "cause", group.cause + (f"  ({count} runs)" if count > 1 else "")
        first = group.executions[:SHOWN_RUNS]
        width = max(len(execution.run.full_name) for execution in first)
        for execution in first:
            log = f"  {os.path.relpath(execution.attempt.log)}" if execution.attempt is not None else ""
            yield "detail", f"    {execution.run.full_name:<{width}}{log}"
        if count > SHOWN_RUNS:
            yield "detail", f"    ... and {count - SHOWN_RUNS} more"


def skipped_lines(skipped: Mapping[PlannedRun, str]) -> Iterator[str]:
    """Yield the lines about runs that were not tried: one for each, or their number when they are many."""
    if len(skipped) > SHOWN_SKIPPED:
        yield f"{len(skipped)} runs were skipped, because they depend on runs that failed"
        return
    for run, reason in skipped.items():
        yield f"{run.full_name}  skipped: {reason}"
