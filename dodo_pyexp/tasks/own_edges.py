"""What the user's own tasks depend on, and which runs read what they make: for the graph."""

from __future__ import annotations

from ..planning.plan import Plan
from .user_tasks import OwnTasks


def edges_of(own: OwnTasks, plan: Plan) -> list[tuple[str, str]]:
    """List what stands before what, by the names of tasks and the full names of runs; the tasks' own order aside.

    Parameters
    ----------
    own
        The tasks.
    plan
        The runs; only the selected ones count.
    """
    runs = [run for run in plan.runs() if run.selected]
    makers = own.makers()
    targets = {run.files.finished: run.full_name for run in runs}
    named: dict[str, list[str]] = {}
    for run in runs:
        for name in (run.task, run.experiment.task):
            named.setdefault(name, []).append(run.full_name)
    named |= {name: [name] for name in own.names()}
    found: list[tuple[str, str]] = []
    for name in own.names():
        needs = own.needs(name)
        before = [one for needed in needs.names for one in named.get(needed, ())]
        before += [one for path in needs.paths if (one := targets.get(path) or makers.get(path)) is not None]
        found += [(one, name) for one in dict.fromkeys(before)]
    for run in runs:
        found += [(makers[one.place], run.full_name) for one in run.inputs if one.place in makers]
    return found
