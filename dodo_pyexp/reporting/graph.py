"""The dependency graph: as a tree of text, for Graphviz, for Mermaid, and as data.

Implements: pyexp guide, "CLI Usage" (``--graph``); docs/reference.md, "Command line" (``graph``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..planning.plan import Plan, PlannedExperiment, PlannedRun
from ..printable import printable, shorten

#: Graphs with more runs are drawn with one line an experiment, unless asked otherwise.
LARGE = 60
MANY_UPSTREAMS = 3


class TaskGraph(NamedTuple):
    """Tasks of the user's that are no runs, and what stands before what: tasks by name, runs by their full names."""

    names: Sequence[str] = ()
    edges: Sequence[tuple[str, str]] = ()

    def before(self, name: str) -> list[str]:
        """Name what stands before a task or a run."""
        return [one for one, other in self.edges if other == name]


NO_TASKS = TaskGraph()


def _runs(experiment: PlannedExperiment) -> list[PlannedRun]:
    return [run for run in experiment.runs if run.selected]


def graph_text(plan: Plan, *, expand: bool | None = None, limit: int | None = None, own: TaskGraph = NO_TASKS) -> str:
    """Draw what depends on what: experiments as headings, each run below the one that it depends on.

    Parameters
    ----------
    plan
        The plan; only its selected runs are drawn.
    expand
        Draw every run; by default only when they are not too many.
    limit
        Cut the middle out of names wider than so many columns.
    own
        Tasks that are no runs.
    """
    experiments = [experiment for experiment in _sorted(plan) if _runs(experiment)]
    total = sum(len(_runs(experiment)) for experiment in experiments)
    if expand is None:
        expand = total <= LARGE
    if not expand:
        lines = [_collapsed(experiment) for experiment in experiments]
        return "\n".join([*lines, *_tasks(own, limit), f"({total} runs; --all draws each of them)"])
    parts = ["\n".join(_expanded(experiment, limit, own)) for experiment in experiments]
    if own.names:
        parts.append("\n".join(_tasks(own, limit)))
    return "\n\n".join(parts)


def _tasks(own: TaskGraph, limit: int | None) -> list[str]:
    """Draw the user's own tasks, each with what stands before it."""
    if not own.names:
        return []
    drawn = [
        f"{'└─ ' if name == own.names[-1] else '├─ '}{shorten(printable(name), limit)}{_named(own.before(name), limit)}"
        for name in own.names
    ]
    return ["tasks", *drawn]


def _named(names: list[str], limit: int | None) -> str:
    """Name what stands before something; when it is much, by the number."""
    if len(names) > MANY_UPSTREAMS:
        counts = Counter(name.partition(":")[0] for name in names)
        return " <- " + ", ".join(f"{printable(name)} ({count})" for name, count in counts.items())
    return " <- " + ", ".join(shorten(printable(name), limit) for name in names) if names else ""


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


def _expanded(experiment: PlannedExperiment, limit: int | None, own: TaskGraph) -> list[str]:
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
        lines.append(
            f"{indent}{'└─ ' if last else '├─ '}{shorten(printable(run.name), limit)}{_others(run, limit, own)}"
        )
        children = below.get(id(run), [])
        deeper = indent + ("   " if last else "│  ")
        pending += [(child, deeper, child is children[-1]) for child in reversed(children)]
    return lines


def _parent(run: PlannedRun) -> PlannedRun | None:
    return next((upstream for upstream in run.upstream if upstream.experiment is run.experiment), None)


def _others(run: PlannedRun, limit: int | None, own: TaskGraph) -> str:
    """Name the upstreams that the lines do not show; when they are many, by their number."""
    parent = _parent(run)
    rest = [upstream for upstream in run.upstream if upstream is not parent]
    if len(rest) > MANY_UPSTREAMS:
        return _named([upstream.full_name for upstream in rest] + own.before(run.full_name), limit)
    names = [upstream.name if upstream.experiment is run.experiment else upstream.full_name for upstream in rest]
    return _named(names + own.before(run.full_name), limit)


def graph_data(plan: Plan, own: TaskGraph = NO_TASKS) -> dict[str, Any]:
    """Give runs and edges for programs."""
    runs = [run for run in plan.runs() if run.selected]
    return {
        "runs": [{"run": run.full_name, "experiment": run.experiment.name, "name": run.name} for run in runs],
        "edges": [
            {"upstream": upstream.full_name, "downstream": run.full_name}
            | ({"optional": True} if upstream.task in run.optional else {})
            for run in runs
            for upstream in run.upstream
        ]
        + [{"upstream": one, "downstream": other} for one, other in own.edges],
        "tasks": list(own.names),
    }


def graph_dot(plan: Plan, own: TaskGraph = NO_TASKS) -> str:
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
    lines += [f"  {_dot(name)} [shape=note];" for name in own.names]
    lines += [f"  {_dot(one)} -> {_dot(other)};" for one, other in own.edges]
    return "\n".join([*lines, "}"])


def _dot(text: str) -> str:
    escaped = printable(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def graph_mermaid(plan: Plan, own: TaskGraph = NO_TASKS) -> str:
    """Write the graph in Mermaid's language."""
    ids: dict[int, str] = {}
    names: dict[str, str] = {}
    lines = ["graph LR"]
    for number, experiment in enumerate(plan.experiments):
        if not _runs(experiment):
            continue
        lines.append(f"  subgraph e{number}[{_mermaid(experiment.name)}]")
        for run in _runs(experiment):
            ids[id(run)] = names[run.full_name] = f"r{len(ids)}"
            lines.append(f"    {ids[id(run)]}[{_mermaid(run.name)}]")
        lines.append("  end")
    lines += [
        f"  {ids[id(upstream)]} {'-.->' if upstream.task in run.optional else '-->'} {ids[id(run)]}"
        for run in plan.runs() if run.selected for upstream in run.upstream
    ]  # fmt: skip
    for name in own.names:
        names[name] = f"t{len(names)}"
        lines.append(f"  {names[name]}([{_mermaid(name)}])")
    lines += [f"  {names[one]} --> {names[other]}" for one, other in own.edges]
    return "\n".join(lines)


def _mermaid(text: str) -> str:
    escaped = printable(text).replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
    return f'"{escaped}"'
