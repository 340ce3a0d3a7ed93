"""The failures of a build, as they are told at its end: what went wrong, how often, and where to read more.

Implements: docs/reference.md, "Command line" (failures). Runs that failed in the same way are told once, the first
failure first.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..planning.decision import failure_message
from ..planning.plan import PlannedRun
from ..printable import from_here, name_in_line, pad, printable, width
from ..store import status as statuses

if TYPE_CHECKING:
    from ..running.ledger import Failure

SHOWN_GROUPS = 20
SHOWN_RUNS = 10
SHOWN_SKIPPED = 10
SHOWN_ROOTS = 5

# The last two are numpy's and torch's.
_OUT_OF_MEMORY = frozenset(["OutOfMemory", "MemoryError", "_ArrayMemoryError", "OutOfMemoryError"])
# Causes whose messages differ in details that make no other cause of them.
_ALIKE = frozenset(["Timeout", "IdleTimeout", "UnsavableResult"])


class FailureGroup:
    """Runs that failed of the same cause.

    That is: the same type of exception at the same place, the same signal, a lack of memory wherever it showed, a
    timeout, doing nothing for too long, a result that cannot be pickled.

    Attributes
    ----------
    kind
        Type and place of the first one, as far as they are known; `kinds` has those of all.
    failures
        The runs, first failure first.
    causes
        Type, message and place of each in words; in their order, and each once.
    messages
        The messages alone, likewise.
    below
        The library's line that raised the first one, in words; "" if no library did.
    """

    def __init__(self, kind: str, below: str) -> None:
        self.kind = kind
        self.kinds: set[str] = set()
        self.below = below
        self.failures: list[Failure] = []
        self.causes: dict[str, None] = {}
        self.messages: dict[str, None] = {}

    @property
    def cause(self) -> str:
        """Type, message and place; of the first one when the messages differ."""
        return next(iter(self.causes))

    def headline(self) -> str:
        """Say what went wrong and how often; if only the messages differ, that they do, and one of them."""
        count = len(self.failures)
        if count == 1:
            return self.cause
        example = next(filter(None, self.messages), "")
        if len(self.messages) == 1 or len(self.kinds) > 1:
            return f"{self.cause}  ({count} runs)"
        return f"{self.kind}  ({count} runs, {len(self.messages)} messages, e.g. {example})"


def group_failures(failures: Iterable[Failure]) -> list[FailureGroup]:
    """Put failures of the same kind together."""
    groups: dict[tuple[str, str], FailureGroup] = {}
    for failure in failures:
        cause = from_here(failure.cause or "no cause was recorded")
        error = statuses.read(failure.attempt).get("error") if failure.attempt is not None else None
        error = error if isinstance(error, dict) else {}
        place = error.get("where")
        kind = f"{error.get('type')}{f' at {place}' if place else ''}" if error else cause
        below = error.get("below")
        group = FailureGroup(from_here(kind), below if isinstance(below, str) else "")
        group = groups.setdefault(_likeness(error, cause), group)
        group.kinds.add(kind)
        group.failures.append(failure)
        group.causes.setdefault(cause)
        group.messages.setdefault(failure_message(error) if error else cause)
    return list(groups.values())


def _likeness(error: dict[str, Any], cause: str) -> tuple[str, str]:
    """Tell failures apart by type and place, and by message where there is no place."""
    if not error:
        return "", cause
    kind = str(error.get("type"))
    if kind in _OUT_OF_MEMORY:
        return "out of memory", ""
    if kind in _ALIKE:
        return kind, str(error.get("message")).split("(")[0] if kind == "UnsavableResult" else ""
    return (kind, str(error["where"])) if error.get("where") else ("", cause)


def failure_lines(failures: Iterable[Failure]) -> Iterator[tuple[str, str]]:
    """Yield the lines about failures, each with what it is: a ``cause`` or a ``detail``."""
    groups = group_failures(failures)
    for group in groups[:SHOWN_GROUPS]:
        count = len(group.failures)
        yield "cause", printable(group.headline())
        if group.below:
            yield "detail", f"    {printable(group.below)}"
        first = group.failures[:SHOWN_RUNS]
        names = [name_in_line(failure.run.full_name) for failure in first]
        columns = max(map(width, names))
        for name, failure in zip(names, first, strict=True):
            log = f"  {printable(os.path.relpath(failure.attempt.log))}" if failure.attempt is not None else ""
            yield "detail", f"    {pad(name, columns)}{log}"
        if count > SHOWN_RUNS:
            yield "detail", f"    ... and {count - SHOWN_RUNS} more"
    rest = [len(group.failures) for group in groups[SHOWN_GROUPS:]]
    if rest:
        yield "cause", f"... and {sum(rest)} more runs failed, of {len(rest)} other causes"


def failures_data(failures: Iterable[Failure]) -> list[dict[str, Any]]:
    """Give the failures by cause for programs, all of them."""
    return [
        {
            "cause": group.cause,
            "runs": [failure.run.full_name for failure in group.failures],
            "logs": [None if one.attempt is None else os.path.relpath(one.attempt.log) for one in group.failures],
        }
        for group in group_failures(failures)
    ]


def skipped_lines(skipped: Mapping[PlannedRun, str]) -> Iterator[str]:
    """Yield the lines about runs that were not tried: one for each, or their numbers when they are many."""
    if len(skipped) > SHOWN_SKIPPED:
        behind = Counter(_roots(skipped))
        because = f"{len(skipped)} runs were skipped, because they depend on"
        if len(behind) == 1:
            yield printable(f"{because} {next(iter(behind))}, which failed")
            return
        yield f"{because} runs that failed:"
        for root, count in list(behind.items())[:SHOWN_ROOTS]:
            yield printable(f"    {count} behind {root}")
        if len(behind) > SHOWN_ROOTS:
            yield f"    {sum(list(behind.values())[SHOWN_ROOTS:])} behind {len(behind) - SHOWN_ROOTS} others"
        return
    for run, reason in skipped.items():
        yield printable(f"{run.full_name}  skipped: {reason}")


def _roots(skipped: Mapping[PlannedRun, str]) -> Iterator[str]:
    """Name for each skipped run the failed one that it was skipped for, however far above it that stands."""
    above = {run.full_name: _upstream_in(reason) for run, reason in skipped.items()}
    found: dict[str, str] = {}
    for name, root in above.items():  # upstreams come first
        found[name] = found.get(root, root)
        yield found[name]


def _upstream_in(reason: str) -> str:
    return reason.removeprefix("upstream ").removesuffix(" failed").removesuffix(" was skipped")
