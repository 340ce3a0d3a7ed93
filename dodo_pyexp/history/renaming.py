"""Taking renamed runs over: their folders get the new names, their records follow, and nothing is executed.

Implements: docs/how-to.md, "I renamed my runs".
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ..errors import DamagedFile, UsageError
from ..planning.decision import Decision, decide, digest_on_record
from ..planning.plan import PlannedExperiment, PlannedRun
from ..printable import printable
from ..store import renames
from ..store import status as statuses
from ..store.locks import RunLock
from ..store.paths import AttemptFolder, shown
from ..store.record import Record

MOST_NAMED = 5
RENAMED = "renamed"  # key of `Decision.data`, and of a status: the name that the run had


@dataclass
class Renaming:
    """What became of the runs that look renamed.

    Attributes
    ----------
    taken
        Runs that were taken over, each with the folder that it had.
    left
        Runs that were not, each with the reason.
    """

    taken: dict[PlannedRun, str] = field(default_factory=dict)
    left: dict[PlannedRun, str] = field(default_factory=dict)

    def text(self, *, dry_run: bool = False) -> str:
        """Say it in a few lines."""
        by_experiment: dict[PlannedExperiment, list[PlannedRun]] = {}
        for run in self.taken:
            by_experiment.setdefault(run.experiment, []).append(run)
        verb = "would take over" if dry_run else "took over"
        lines = []
        for experiment, runs in by_experiment.items():
            named = ", ".join(f"{self.taken[run]} -> {run.folder}" for run in runs[:MOST_NAMED])
            more = f" and {len(runs) - MOST_NAMED} more" if len(runs) > MOST_NAMED else ""
            count = f"{len(runs)} run{'' if len(runs) == 1 else 's'}"
            lines.append(printable(f"{verb} {count} of {experiment.name}: {named}{more}"))
        lines += [printable(f"{run.full_name} is left alone: {why}") for run, why in self.left.items()]
        return "\n".join(lines or ["there is nothing to take over: no run that was never executed looks renamed"])

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return {
            "taken": [{"run": run.full_name, "before": folder} for run, folder in self.taken.items()],
            "left": [{"run": run.full_name, "reason": why} for run, why in self.left.items()],
        }


def take_over(decisions: dict[PlannedRun, Decision], *, dry_run: bool = False) -> Renaming:
    """Take over what the chosen runs were called before; upstreams first, as what lies behind them is known then.

    A run is taken over if exactly one orphan fits it, and it is the only one that this orphan fits. Whatever ends this
    between two steps, the next call goes on: a folder has either its old name or its new one, with a whole record.

    Parameters
    ----------
    decisions
        What `foresee` says of all runs of the plan, upstreams first.
    dry_run
        Only tell.

    Raises
    ------
    UsageError
        The output folder cannot be written to.
    """
    done = Renaming()
    wanted = Counter(
        (id(run.experiment), folder) for run, said in decisions.items() for folder in said.data.get(RENAMED, ())
    )
    for run, decision in decisions.items():
        if not run.chosen or RENAMED not in decision.data:
            continue
        now = decision if dry_run else decide(run, digest_on_record).decision
        folders = now.data.get(RENAMED, ())
        if len(folders) != 1:
            done.left[run] = now.reason
        elif wanted[id(run.experiment), folders[0]] > 1:
            done.left[run] = f"several runs have the config of {run.experiment.name}:{folders[0]}"
        elif dry_run:
            done.taken[run] = folders[0]
        else:
            try:
                why = _rename(run, folders[0])
            except OSError as error:
                raise UsageError(
                    f"cannot rename {shown(error.filename or run.files.path)}: {error.strerror}; "
                    f"{len(done.taken)} runs were taken over before"
                ) from None
            if why:
                done.left[run] = why
            else:
                done.taken[run] = folders[0]
    return done


def _rename(run: PlannedRun, folder: str) -> str:
    """Give a run the folder of an orphan; say why that is not done, if it is not."""
    experiment = run.experiment
    old = experiment.files.run(folder, flat=experiment.flat)
    if os.path.lexists(run.files.path):
        return f"{shown(run.files.path)} is there already"
    lock = RunLock.take(old.path, experiment.output.path)
    if lock is None:
        return "somebody is executing it"
    try:
        try:
            record = Record.read(old)
        except DamagedFile:
            record = None
        if record is None or record.config_hash != run.hash:
            return "its record is not what it was any more"
        renames.add(experiment.files, folder, run.folder)
        for name in old.attempt_names():
            _tell(old.attempt(name), run.name)
        record.name = run.name
        record.write(old)
        os.rename(old.path, run.files.path)
    finally:
        lock.release()
    experiment.orphans.forget(folder)
    experiment.orphans.__dict__.pop("earlier", None)
    return ""


def _tell(attempt: AttemptFolder, name: str) -> None:
    """Let an attempt say whose it is by now; what cannot be read says nothing, as before."""
    status = statuses.read(attempt)
    if status and status.get("run") != name:
        statuses.write(attempt, {**status, "run": name, RENAMED: status.get("run")})
