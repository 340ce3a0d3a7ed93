"""What is told without executing anything, and what was done, for people and for programs: states, reasons, batches.

Implements: pyexp guide, "CLI Usage" (``--list``); DESIGN section 12.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import IO, TYPE_CHECKING, Any

from ..errors import DamagedFile
from ..results.reading import batch_results
from ..store.manifest import Manifest
from ..store.paths import ExperimentFolder
from .colour import paint
from .decision import FAILED, INTERRUPTED, MISSING, RUNNING, SKIPPED, STALE, UP_TO_DATE, Decision
from .digest import local
from .graph import graph_text
from .plan import Plan, PlannedRun

if TYPE_CHECKING:
    from .build import Build

__all__ = ["batches", "batches_text", "build_data", "dry_run_text", "graph_text", "states_data", "states_text"]

DONE, WORK_TO_DO = 0, 3
STATES = {
    UP_TO_DATE: "green",
    STALE: "yellow",
    MISSING: "cyan",
    RUNNING: "blue",
    FAILED: "red",
    SKIPPED: "magenta",
    INTERRUPTED: "magenta",
}
Decisions = dict[PlannedRun, Decision]


# -- batches ----------------------------------------------------------------------------------------------------


def batches_text(name: str, folder: ExperimentFolder, stream: IO[str] | None = None) -> str:
    """List the batches of an experiment, oldest first, with what became of their runs."""
    stream = stream or sys.stdout
    lines = [f"Batches of {name}:"]
    for batch in batches(folder):
        if batch.get("damaged"):
            lines.append(f"  {batch['batch']}  {paint('damaged', 'red', stream)}")
            continue
        counts = batch["counts"]
        rest = ", ".join(f"{count} {state}" for state, count in counts.items() if count and state != "finished")
        total = sum(counts.values())
        line = f"  {batch['batch']}  [{batch['host']}] ({counts['finished']}/{total} runs)"
        lines.append(line + (f"  {paint(rest, 'red' if counts['failed'] else 'yellow', stream)}" if rest else ""))
    return "\n".join(lines) if len(lines) > 1 else f"{name} has no batches yet."


def batches(folder: ExperimentFolder) -> list[dict[str, Any]]:
    """Tell of each batch its name, host and counts, oldest first; of a damaged one that it is damaged."""
    told: list[dict[str, Any]] = []
    for timestamp in folder.batch_names():
        try:
            manifest = Manifest.read(folder, timestamp)
            counts = _batch_counts(folder, manifest)
        except DamagedFile:
            told.append({"batch": timestamp, "damaged": True})
            continue
        told.append({"batch": timestamp, "host": manifest.about.get("host", "?"), "counts": counts})
    return told


def _batch_counts(folder: ExperimentFolder, manifest: Manifest) -> dict[str, int]:
    """Count what became of the runs of one batch."""
    counts = {"finished": 0, "failed": 0, "skipped": 0, "unfinished": 0}
    for result in batch_results(folder, manifest):
        if result.skipped:
            counts["skipped"] += 1
        elif result.error is not None:
            counts["failed"] += 1
        else:
            counts["finished" if result.finished else "unfinished"] += 1
    return counts


# -- states -----------------------------------------------------------------------------------------------------


def _wanted(decisions: Decisions) -> list[tuple[PlannedRun, Decision]]:
    return [(run, decision) for run, decision in decisions.items() if run.selected]


def _in_order(plan: Plan, decisions: Decisions) -> list[tuple[PlannedRun, Decision]]:
    return [(run, decisions[run]) for run in plan.runs() if run.selected]


def counts_text(counts: dict[str, int], stream: IO[str]) -> str:
    """Write how many runs are in which state."""
    total = sum(counts.values())
    parts = [paint(f"{count} {state}", STATES[state], stream) for state, count in counts.items() if count]
    return f"{total} run{'' if total == 1 else 's'}" + (f": {', '.join(parts)}" if parts else "")


def _counts(decisions: Iterable[Decision]) -> dict[str, int]:
    counts = dict.fromkeys(STATES, 0)
    for decision in decisions:
        counts[decision.state] += 1
    return counts


def states_text(plan: Plan, decisions: Decisions, stream: IO[str] | None = None) -> str:
    """List the selected runs with state and reason, and the counts at the end."""
    stream = stream or sys.stdout
    wanted = _in_order(plan, decisions)
    name_width = max((len(run.full_name) for run, _ in wanted), default=0)
    state_width = max((len(decision.state) for _, decision in wanted), default=0)
    painted = {state: paint(f"{state:<{state_width}}", colour, stream) for state, colour in STATES.items()}
    lines = [
        f"{run.full_name:<{name_width}}  {painted[decision.state]}  {local(decision.reason)}".rstrip()
        for run, decision in wanted
    ]
    lines.append(counts_text(_counts(decision for _, decision in wanted), stream))
    return "\n".join(lines)


def states_data(plan: Plan, decisions: Decisions) -> dict[str, Any]:
    """Give what `states_text` says for programs."""
    wanted = _in_order(plan, decisions)
    return {
        "runs": [
            {**_names(run), **decision.to_dict(), "attempt": run.attempt or decision.data.get("attempt")}
            for run, decision in wanted
        ],
        "counts": _counts(decision for _, decision in wanted),
    }


def _names(run: PlannedRun) -> dict[str, Any]:
    return {"run": run.full_name, "experiment": run.experiment.name, "name": run.name}


def dry_run_text(plan: Plan, decisions: Decisions, stream: IO[str] | None = None) -> tuple[str, int]:
    """Say which selected runs would be executed, and why; and the exit status that goes with it."""
    stream = stream or sys.stdout
    wanted = _wanted(decisions)
    todo = [(run, decision) for run, decision in wanted if not decision.up_to_date]
    width = max((len(run.full_name) for run, _ in todo), default=0)
    lines = [
        f"{run.full_name:<{width}}  {paint(decision.state, STATES[decision.state], stream)}: {local(decision.reason)}"
        for run, decision in todo
    ]
    lines.append(f"{len(todo)} of {len(wanted)} runs would be executed")
    return "\n".join(lines), WORK_TO_DO if todo else DONE


# -- what a build did -------------------------------------------------------------------------------------------


def build_data(build: Build) -> dict[str, Any]:
    """Give for programs what a build did: every selected run, and the counts."""
    reporter, plan = build.reporter, build.session.plan
    executed = set(reporter.done)
    interrupted = set(reporter.interrupted)
    runs = []
    counts = dict.fromkeys(["executed", "up-to-date", "failed", "skipped", "interrupted", "not started"], 0)
    for run in plan.runs():
        if not run.selected:
            continue
        told: dict[str, Any] = {**_names(run), "executed": run in reporter.decisions and run not in reporter.skipped}
        decision = reporter.decisions.get(run)
        told["reason"] = decision.reason if decision is not None else ""
        attempt = run.attempt
        if run in reporter.failed:
            state = count = FAILED
            execution = reporter.failed[run]
            attempt = execution.attempt.name if execution.attempt is not None else None
            told["error"] = execution.failure
        elif run in reporter.skipped:
            state = count = SKIPPED
            told["reason"] = reporter.skipped[run]
        elif run in interrupted:
            state = count = INTERRUPTED
        elif run in executed:
            state, count = UP_TO_DATE, "executed"
        else:
            done = attempt is not None
            told["executed"] = False
            state, count = (UP_TO_DATE, UP_TO_DATE) if done else (MISSING, "not started")
        counts[count] += 1
        runs.append({**told, "state": state, "attempt": attempt})
    experiments = [experiment for experiment in plan.experiments if any(run.selected for run in experiment.runs)]
    return {
        "exit_code": build.exit_code,
        "batches": {experiment.name: build.session.batch(experiment).timestamp for experiment in experiments},
        "counts": counts,
        "runs": runs,
        "other_failures": reporter.other_failures,
    }
