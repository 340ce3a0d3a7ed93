"""The dependency graph: as a tree of text, for Graphviz, for Mermaid, and as data.

Implements: pyexp guide, "CLI Usage" (``--graph``); docs/reference.md, "Command line" (``graph``).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from ..planning.plan import Plan, PlannedExperiment, PlannedRun
from ..printable import printable, shorten

#: Graphs with more runs are drawn with one line an experiment, unless asked otherwise.
LARGE = 60
MANY_UPSTREAMS = 3


def _runs(experiment: PlannedExperiment) -> list[PlannedRun]:
    return [run for run in experiment.runs if run.selected]


def graph_text(plan: Plan, *, expand: bool | None = None, limit: int | None = None) -> str:
    """Draw what depends on what: experiments as headings, each run below the one that it depends on.

    Parameters
    ----------
    plan
        The plan; only its selected runs are drawn.
    expand
        Draw every run; by default only when they are not too many.
    limit
        Cut the middle out of names wider than so many columns.
    """
    experiments = [experiment for experiment in _sorted(plan) if _runs(experiment)]
    total = sum(len(_runs(experiment)) for experiment in experiments)
    if expand is None:
        expand = total <= LARGE
    if not expand:
        lines = [_collapsed(experiment) for experiment in experiments]
        return "\n".join([*lines, f"({total} runs; --all draws each of them)"])
    return "\n\n".join("\n".join(_expanded(experiment, limit)) for experiment in experiments)


def _sorted(plan: Plan) -> list[PlannedExperiment]:
    """List experiments upstreams first, as far as they do not depend on each other."""
    order: dict[int, PlannedExperiment] = {}
    for run in plan.ordered():
        order.setdefault(id(run.experiment), run.experiment)
    return list(order.values())


def _collapsed(experiment: PlannedExperiment) -> str:
    runs = _runs(experiment)
    upstreams = {id(upstream): upstream for run in runs for upstream in run.upstream}
    names = Counter(upstream.experiment.name for upstream in upstreams.values())
    behind = [f"{'itself' if name == experiment.name else printable(name)} ({count})" for name, count in names.items()]
    text = f"{printable(experiment.name)}: {len(runs)} run{'' if len(runs) == 1 else 's'}"
    return text + (f" <- {', '.join(behind)}" if behind else "")


def _expanded(experiment: PlannedExperiment, limit: int | None) -> list[str]:
    """Draw one experiment; a run stands below its first upstream of the same experiment."""
    runs = _runs(experiment)
    below: dict[int | None, list[PlannedRun]] = {}
    for run in runs:
        parent = _parent(run)
        below.setdefault(None if parent is None else id(parent), []).append(run)
    lines = [printable(experiment.name)]
    # By hand and not recursively: a chain of runs may be longer than Python's stack.
    pending = [(run, "", run is below[None][-1]) for run in reversed(below.get(None, []))]
    while pending:
        run, indent, last = pending.pop()
        lines.append(f"{indent}{'└─ ' if last else '├─ '}{shorten(printable(run.name), limit)}{_others(run, limit)}")
        children = below.get(id(run), [])
        deeper = indent + ("   " if last else "│  ")
        pending += [(child, deeper, child is children[-1]) for child in reversed(children)]
    return lines


def _parent(run: PlannedRun) -> PlannedRun | None:
    return next((upstream for upstream in run.upstream if upstream.experiment is run.experiment), None)


def _others(run: PlannedRun, limit: int | None) -> str:
    """Name the upstreams that the lines do not show; when they are many, by their number."""
    parent = _parent(run)
    rest = [upstream for upstream in run.upstream if upstream is not parent]
    if not rest:
        return ""
    if len(rest) > MANY_UPSTREAMS:
        counts = Counter(upstream.experiment.name for upstream in rest)
        return " <- " + ", ".join(f"{printable(name)} ({count})" for name, count in counts.items())
    return " <- " + ", ".join(
        shorten(printable(upstream.name if upstream.experiment is run.experiment else upstream.full_name), limit)
        for upstream in rest
    )


def graph_data(plan: Plan) -> dict[str, Any]:
    """Give runs and edges for programs."""
    runs = [run for run in plan.runs() if run.selected]
    return {
        "runs": [{"run": run.full_name, "experiment": run.experiment.name, "name": run.name} for run in runs],
        "edges": [
            {"upstream": upstream.full_name, "downstream": run.full_name}
            | ({"optional": True} if upstream.task in run.optional else {})
            for run in runs
            for upstream in run.upstream
        ],
    }


def graph_dot(plan: Plan) -> str:
    """Write the graph in Graphviz's language."""
    lines = ["digraph runs {", "  rankdir=LR;", "  node [shape=box, style=rounded];"]
    for number, experiment in enumerate(plan.experiments):
        if not _runs(experiment):
            continue
        lines.append(f"  subgraph cluster_{number} {{")
        lines.append(f"    label={_dot(experiment.name)};")
        lines += [f"    {_dot(run.full_name)} [label={_dot(run.name)}];" for run in _runs(experiment)]
        lines.append("  }")
    lines += [
        f"  {_dot(upstream.full_name)} -> {_dot(run.full_name)}"
        + (" [style=dashed];" if upstream.task in run.optional else ";")
        for run in plan.runs() if run.selected for upstream in run.upstream
    ]  # fmt: skip
    return "\n".join([*lines, "}"])


def _dot(text: str) -> str:
    escaped = printable(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def graph_mermaid(plan: Plan) -> str:
    """Write the graph in Mermaid's language."""
    ids: dict[int, str] = {}
    lines = ["graph LR"]
    for number, experiment in enumerate(plan.experiments):
        if not _runs(experiment):
            continue
        lines.append(f"  subgraph e{number}[{_mermaid(experiment.name)}]")
        for run in _runs(experiment):
            ids[id(run)] = f"r{len(ids)}"
            lines.append(f"    {ids[id(run)]}[{_mermaid(run.name)}]")
        lines.append("  end")
    lines += [
        f"  {ids[id(upstream)]} {'-.->' if upstream.task in run.optional else '-->'} {ids[id(run)]}"
        for run in plan.runs() if run.selected for upstream in run.upstream
    ]  # fmt: skip
    return "\n".join(lines)


def _mermaid(text: str) -> str:
    escaped = printable(text).replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
    return f'"{escaped}"'
