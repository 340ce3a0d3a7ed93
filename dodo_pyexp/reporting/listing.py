"""What is told without executing anything, and what was done, for people and for programs: states and reasons.

Implements: docs/reference.md, "Command line" (``list``, ``build -n``, ``--json``).
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

from ..colour import column, paint
from ..errors import DONE, WORK_TO_DO
from ..planning.decision import (
    FAILED,
    INTERRUPTED,
    MISSING,
    ORPHAN,
    RUNNING,
    SKIPPED,
    STALE,
    UP_TO_DATE,
    Decision,
    Foreseen,
)
from ..planning.plan import Plan, PlannedRun
from ..printable import from_here, printable
from ..running.ledger import EXECUTED
from .failures import failures_data
from .inputs import inputs_data, inputs_lines
from .notices import file_lines, renamed_lines

if TYPE_CHECKING:
    from ..planning.orphans import Orphan
    from ..running.session import Session
    from .reporter import BuildReporter

STATES = {
    UP_TO_DATE: "green",
    STALE: "yellow",
    MISSING: "cyan",
    RUNNING: "blue",
    FAILED: "red",
    SKIPPED: "magenta",
    INTERRUPTED: "magenta",
    ORPHAN: "yellow",
}
Decisions = dict[PlannedRun, Decision]
MOST_LINES = 20  # a dry run that would be longer is summed up by reason
MOST_NAMES = 3


# -- states -----------------------------------------------------------------------------------------------------


def _wanted(decisions: Decisions) -> list[tuple[PlannedRun, Decision]]:
    return [(run, decision) for run, decision in decisions.items() if run.selected]


def _in_order(plan: Plan, decisions: Decisions) -> list[tuple[PlannedRun, Decision]]:
    return [(run, decisions[run]) for run in plan.runs() if run.selected]


def _counts_text(counts: dict[str, int], stream: IO[str]) -> str:
    """Write how many runs are in which state."""
    total = sum(counts.values())
    parts = [paint(f"{count} {state}", STATES[state], stream) for state, count in counts.items() if count]
    return f"{total} run{'' if total == 1 else 's'}" + (f": {', '.join(parts)}" if parts else "")


def _counts(decisions: Iterable[Decision], *, orphans: bool = False) -> dict[str, int]:
    counts = {state: 0 for state in STATES if orphans or state != ORPHAN}
    for decision in decisions:
        counts[decision.state] += 1
    return counts


def _with_orphans(
    plan: Plan, decisions: Decisions, orphans: Sequence[Orphan] | None
) -> list[tuple[PlannedRun | Orphan, Decision]]:
    return [*_in_order(plan, decisions), *((orphan, orphan.decision) for orphan in orphans or ())]


def states_text(
    plan: Plan,
    decisions: Decisions,
    stream: IO[str] | None = None,
    orphans: Sequence[Orphan] | None = None,
    *,
    inputs: bool = False,
    own: Mapping[str, str | None] | None = None,
) -> str:
    """List the selected runs with state and reason, then the orphans and own tasks, and the counts at the end.

    `own` are the user's own tasks, each with the reason for which it would be executed, or None.
    """
    stream = stream or sys.stdout
    wanted = _with_orphans(plan, decisions, orphans)
    tasks = [(UP_TO_DATE if why is None else STALE, why or "") for why in (own or {}).values()]
    names = column([*(run.full_name for run, _ in wanted), *(own or ())], stream)
    state_width = max([len(decision.state) for _, decision in wanted] + [len(state) for state, _ in tasks], default=0)
    painted = {state: paint(f"{state:<{state_width}}", colour, stream) for state, colour in STATES.items()}
    lines = []
    for name, (run, decision) in zip(names, wanted, strict=False):
        lines.append(f"{name}  {painted[decision.state]}  {_reason(decision)}".rstrip())
        if inputs and isinstance(run, PlannedRun):
            lines += inputs_lines(run)
    for name, (state, why) in zip(names[len(wanted) :], tasks, strict=True):
        lines.append(f"{name}  {painted[state]}  {printable(why)}".rstrip())
    lines += map(printable, file_lines({run: decisions[run] for run, _ in _in_order(plan, decisions)}))
    lines += renamed_lines(decisions)
    counted = _counts_text(_counts((decision for _, decision in wanted), orphans=orphans is not None), stream)
    if tasks:
        stale = sum(state == STALE for state, _ in tasks)
        parts = [f"{len(tasks) - stale} {UP_TO_DATE}"] * (stale < len(tasks)) + [f"{stale} {STALE}"] * bool(stale)
        counted += f"; {len(tasks)} task{'' if len(tasks) == 1 else 's'}: {', '.join(parts)}"
    lines.append(counted)
    return "\n".join(lines)


def tasks_data(own: Mapping[str, str | None]) -> list[dict[str, Any]]:
    """Give the user's own tasks for programs."""
    return [{"task": name, "reason": why or "", "up_to_date": why is None} for name, why in own.items()]


def _reason(decision: Decision) -> str:
    return printable(from_here(decision.reason))


def states_data(
    plan: Plan, decisions: Foreseen, orphans: Sequence[Orphan] | None = None, *, inputs: bool = False
) -> dict[str, Any]:
    """Give what `states_text` says for programs."""
    wanted = _with_orphans(plan, decisions, orphans)
    attempts: dict[Any, str] = decisions.attempts
    return {
        "runs": [
            {
                **_names(run),
                **decision.to_dict(),
                "attempt": attempts.get(run) or decision.data.get("attempt"),
                **({"inputs": inputs_data(run)} if inputs and isinstance(run, PlannedRun) else {}),
            }
            for run, decision in wanted
        ],
        "counts": _counts((decision for _, decision in wanted), orphans=orphans is not None),
    }


def _names(run: PlannedRun | Orphan) -> dict[str, Any]:
    return {"run": run.full_name, "experiment": run.experiment.name, "name": run.name}


def dry_run_text(
    decisions: Decisions, stream: IO[str] | None = None, own: Mapping[str, str | None] | None = None
) -> tuple[str, int]:
    """Say which selected runs would be executed, and why; and the exit status that goes with it.

    `own` are the user's own tasks, each with the reason for which it would be executed, or None.
    """
    stream = stream or sys.stdout
    open_runs = [(run, decision) for run, decision in _wanted(decisions) if not decision.up_to_date]
    tasks = {name: why for name, why in (own or {}).items() if why is not None}
    lines = list(_by_reason(open_runs, stream)) if len(open_runs) > MOST_LINES else []
    told = [] if lines else [(run.full_name, _painted(decision, stream)) for run, decision in open_runs]
    told += [(name, paint(printable(why), STATES[STALE], stream)) for name, why in tasks.items()]
    names = column((name for name, _ in told), stream)
    lines += [f"{name}  {reason}" for name, (_, reason) in zip(names, told, strict=True)]
    work = _outlooks(decisions)
    counted = f" and {len(tasks)} of {len(own)} tasks" if own else ""
    said = [f"{work[WOULD]} of {len(_wanted(decisions))} runs{counted} would be executed"]
    if work[MIGHT]:
        said.append(f"{work[MIGHT]} more might be, depending on {'its' if work[MIGHT] == 1 else 'their'} upstreams")
    if work[RUNNING]:
        said.append(f"{work[RUNNING]} {'is' if work[RUNNING] == 1 else 'are'} being executed already")
    lines.append(", ".join(said))
    lines += renamed_lines(decisions)
    return "\n".join(lines), WORK_TO_DO if work[WOULD] or tasks else DONE


def _painted(decision: Decision, stream: IO[str]) -> str:
    return paint(_reason(decision), STATES[decision.state], stream)


def _by_reason(runs: Sequence[tuple[PlannedRun, Decision]], stream: IO[str]) -> Iterator[str]:
    """Sum up many runs: how many have each reason, and the first of them; rare reasons in one line at the end."""
    groups: dict[tuple[str, str], list[str]] = {}
    for run, decision in runs:
        groups.setdefault((decision.state, _reason(decision)), []).append(printable(run.full_name))
    shown = sorted(groups.items(), key=lambda group: -len(group[1]))[:MOST_LINES]
    for (state, reason), names in shown:
        more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        count = f"{len(names)} run{'s' if len(names) > 1 else ''}"
        yield f"{count}  {paint(reason, STATES[state], stream)}  ({', '.join(names[:MOST_NAMES])}{more})"
    rest = len(runs) - sum(len(names) for _, names in shown)
    if rest:
        yield f"{rest} more run{'s' if rest > 1 else ''}, for {len(groups) - len(shown)} other reasons"


WOULD, MIGHT = "would", "might"


def _outlooks(decisions: Decisions) -> Counter[str]:
    """Count the selected runs that a build would execute, and those of which it is not known yet.

    The latter stand behind a run that failed last time, or have nothing against them but an upstream that is to be
    made again, perhaps with the same outputs.
    """
    work: Counter[str] = Counter()
    behind_failure: set[PlannedRun] = set()
    for run, decision in decisions.items():  # upstreams come first
        if decision.state == SKIPPED or any(
            decisions[upstream].state == FAILED or upstream in behind_failure
            for upstream in run.upstream if upstream.task not in run.optional
        ):  # fmt: skip
            behind_failure.add(run)
        if run.selected and not decision.up_to_date:
            uncertain = run in behind_failure or decision.data.get("waits")
            work[RUNNING if decision.state == RUNNING else MIGHT if uncertain else WOULD] += 1
    return work


# -- what a build did -------------------------------------------------------------------------------------------


def build_data(session: Session, reporter: BuildReporter, exit_code: int) -> dict[str, Any]:
    """Give for programs what a build did: every selected run, and the counts."""
    plan, ledger = session.plan, session.ledger
    runs = []
    counts = dict.fromkeys(["executed", "up-to-date", "failed", "skipped", "interrupted", "not started"], 0)
    for run in plan.runs():
        if not run.selected:
            continue
        entry, folder = ledger.of(run), ledger.folder(run)
        told = {**_names(run), "executed": entry.started and entry.ended is not None, "kind": "", "reason": ""}
        if entry.decision is not None and (entry.started or entry.ended == UP_TO_DATE):
            told["kind"], told["reason"] = entry.decision.kind, entry.decision.reason
        attempt = entry.attempt
        state = count = entry.ended or ""
        if entry.ended == FAILED:
            attempt = folder.name if folder is not None else None
            told["error"] = entry.cause
        elif entry.ended == SKIPPED:
            told["kind"], told["reason"] = "upstream", entry.cause
        elif entry.ended == EXECUTED:
            state = UP_TO_DATE
        elif entry.ended is None:
            state, count = (UP_TO_DATE, UP_TO_DATE) if attempt is not None else (MISSING, "not started")
        counts[count] += 1
        runs.append({**told, "state": state, "attempt": attempt})
    experiments = [experiment for experiment in plan.experiments if any(run.selected for run in experiment.runs)]
    return {
        "exit_code": exit_code,
        "batches": {experiment.name: session.batch(experiment).timestamp for experiment in experiments},
        "counts": counts,
        "runs": runs,
        "failures": failures_data(ledger.failures()),
        "tasks": [{"task": name, "state": state} for name, state in reporter.own.items()],
        "other_failures": reporter.other_failures,
    }
