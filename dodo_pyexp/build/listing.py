"""What is told without executing anything: states, reasons, batches and the graph, as text.

Implements: pyexp guide, "CLI Usage" (``--list``, ``--graph``); DESIGN section 12.
"""

from __future__ import annotations

from ..errors import DamagedFile
from ..results.reading import batch_results
from ..store.manifest import Manifest
from ..store.paths import ExperimentFolder
from .build import DONE, WORK_TO_DO
from .decision import Decision
from .plan import Plan, PlannedRun


def batches_text(name: str, folder: ExperimentFolder) -> str:
    """List the batches of an experiment, oldest first, with what became of their runs."""
    lines = [f"Batches of {name}:"]
    for timestamp in folder.batch_names():
        try:
            manifest = Manifest.read(folder, timestamp)
        except DamagedFile:
            lines.append(f"  {timestamp}  damaged")
            continue
        lines.append(f"  {timestamp}  {batch_line(folder, manifest)}")
    return "\n".join(lines) if len(lines) > 1 else f"{name} has no batches yet."


def batch_line(folder: ExperimentFolder, manifest: Manifest) -> str:
    """Count what became of the runs of one batch."""
    counts = {"finished": 0, "failed": 0, "skipped": 0, "unfinished": 0}
    for result in batch_results(folder, manifest):
        if result.skipped:
            counts["skipped"] += 1
        elif result.error is not None:
            counts["failed"] += 1
        else:
            counts["finished" if result.finished else "unfinished"] += 1
    total = len(manifest.runs)
    rest = ", ".join(f"{count} {state}" for state, count in counts.items() if count and state != "finished")
    host = manifest.about.get("host", "?")
    return f"[{host}] ({counts['finished']}/{total} runs)" + (f"  {rest}" if rest else "")


def dry_run_text(plan: Plan, decisions: dict[PlannedRun, Decision]) -> tuple[str, int]:
    """Say which selected runs would be executed, and why; and the exit status that goes with it."""
    wanted = [(run, decision) for run, decision in decisions.items() if run.selected]
    todo = [(run, decision) for run, decision in wanted if not decision.up_to_date]
    width = max((len(run.full_name) for run, _ in todo), default=0)
    lines = [f"{run.full_name:<{width}}  {decision.state}: {decision.reason}" for run, decision in todo]
    lines.append(f"{len(todo)} of {len(wanted)} runs would be executed")
    return "\n".join(lines), WORK_TO_DO if todo else DONE


def graph_text(plan: Plan) -> str:
    """Draw what depends on what, upstreams first."""
    lines = []
    for experiment in plan.experiments:
        lines.append(f"{experiment.name}")
        for run in experiment.runs:
            names = ", ".join(
                upstream.name if upstream.experiment is experiment else upstream.full_name for upstream in run.upstream
            )
            lines.append(f"  {run.name}" + (f" <- {names}" if names else ""))
    return "\n".join(lines)
