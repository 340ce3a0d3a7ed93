"""Accepting runs: their records say from now on that today's code made them, from today's files; nothing is executed.

Implements: docs/how-to.md, "Change the code" and "Data as input".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ..errors import UsageError
from ..planning.decision import RUNNING, Decision, decide, digest_on_record, several
from ..planning.files_read import as_today
from ..planning.plan import PlannedExperiment, PlannedRun
from ..printable import printable
from ..store.locks import RunLock


@dataclass
class Acceptance:
    """What became of the runs that were to be accepted.

    Parameters
    ----------
    accepted
        Runs that count as made by today's code and files now, with what had changed since.
    left
        Runs that are out of date for another reason, or are being executed, with that reason.
    """

    accepted: dict[PlannedRun, Decision] = field(default_factory=dict)
    left: dict[PlannedRun, Decision] = field(default_factory=dict)

    def text(self, *, dry_run: bool = False) -> str:
        """Say it in a few lines."""
        by_experiment: dict[PlannedExperiment, list[Decision]] = {}
        for run, decision in self.accepted.items():
            by_experiment.setdefault(run.experiment, []).append(decision)
        lines = []
        for experiment, told in by_experiment.items():
            data = [decision.data for decision in told]
            changes = list(dict.fromkeys(change for one in data for change in one.get("changed", ())))
            read = {path: what for one in data for path, what in one.get("read", {}).items()}
            changes += [f"{path} {what.partition(' (')[0]}" for path, what in read.items()]
            what = f": {several(changes)}" if changes else ""
            verb = "would accept" if dry_run else "accepted"
            lines.append(f"{verb} {_runs(len(told))} of {printable(experiment.name)}{printable(what)}")
        if not lines:
            lines.append(
                "there is nothing to accept: no run that is up to date was made by other code or read other files"
            )
        if self.left:
            first, decision = next(iter(self.left.items()))
            rest = f" and {len(self.left) - 1} more" if len(self.left) > 1 else ""
            left = printable(f"{first.full_name} ({decision!r})")
            lines.append(f"left alone, because not up to date: {left}{rest}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return {
            "accepted": [{"run": run.full_name, **said.to_dict()} for run, said in self.accepted.items()],
            "left": [{"run": run.full_name, **said.to_dict()} for run, said in self.left.items()],
        }


def accept(decisions: dict[PlannedRun, Decision], *, dry_run: bool = False) -> Acceptance:
    """Accept the chosen runs that are up to date but for their code, and for files that they have read.

    Parameters
    ----------
    decisions
        What `foresee` says of all runs of the plan, under the policy ``warn``.
    dry_run
        Only tell.

    Raises
    ------
    UsageError
        A record cannot be written.
    """
    done = Acceptance()
    digest_of = cache(digest_on_record)  # of an upstream of many runs it is read once
    for run, decision in decisions.items():
        if not run.chosen:
            continue
        if not decision.up_to_date:
            done.left[run] = decision
        elif decision.kind in ("code", "read"):
            changed = decision if dry_run else _accept(run, digest_of)
            if changed.up_to_date:
                done.accepted[run] = decision
            else:
                done.left[run] = changed
    return done


def _accept(run: PlannedRun, digest_of: Callable[[PlannedRun], str | None]) -> Decision:
    """Rewrite the record of one run, if it is still what it was; say what it is otherwise."""
    try:
        lock = RunLock.take(run.files.path)
        if lock is None:
            return Decision(RUNNING, "running", "somebody is executing it")
        try:
            decision, record = decide(run, digest_of)
            if record is not None:
                if decision.kind == "code":
                    record.code = run.experiment.code.keep()
                if "read" in decision.data:
                    record.found = as_today(run, record)
                record.write(run.files)
        finally:
            lock.release()
    except OSError as error:
        raise UsageError(f"cannot write to {run.files.path}: {error.strerror}; nothing of it was changed") from None
    return decision


def _runs(count: int) -> str:
    return f"{count} run{'' if count == 1 else 's'}"
