"""Taking renamed runs over: their folders get the new names, their records follow, and nothing is executed.

Implements: docs/how-to.md, "I renamed my runs".
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from ..errors import DamagedFile, UsageError
from ..planning.decision import Decision, decide, digest_on_record
from ..planning.plan import PlannedExperiment, PlannedRun
from ..planning.previous_folders import Twin
from ..planning.renames import twins
from ..printable import printable
from ..store import status as statuses
from ..store.locks import RunLock
from ..store.paths import AttemptFolder, shown
from ..store.record import Record
from ..store.renames import Renames

MOST_NAMED = 5
MOST_EARLIER = 20  # names that a run had, and that its record tells
RENAMED = "renamed"  # key of `Decision.data`: the folders of the orphans that fit


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
        by_reason: dict[str, list[str]] = {}
        for run, why in self.left.items():
            by_reason.setdefault(why, []).append(run.full_name)
        for why, names in by_reason.items():
            more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
            is_left = "is left" if len(names) == 1 else "are left"
            lines.append(printable(f"{', '.join(names[:MOST_NAMED])}{more} {is_left} alone: {why}"))
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
    between two steps, the next call goes on: a folder has either its old name or its new one, with a whole record that
    is good for both.

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
    asked = {run: said.data[RENAMED] for run, said in decisions.items() if RENAMED in said.data}
    wanted = Counter((id(run.experiment), folder) for run, folders in asked.items() for folder in folders)
    single: dict[PlannedExperiment, dict[PlannedRun, str]] = {}
    for run, folders in asked.items():
        if not run.chosen:
            continue
        if len(folders) > 1:
            done.left[run] = decisions[run].reason
        elif wanted[id(run.experiment), folders[0]] > 1:
            done.left[run] = f"several runs have the config of {run.experiment.name}:{folders[0]}"
        elif dry_run:
            done.taken[run] = folders[0]
        else:
            single.setdefault(run.experiment, {})[run] = folders[0]
    try:
        with ExitStack() as stack:
            for experiment, runs in list(single.items()):
                if not stack.enter_context(_kept_from_builds(experiment, runs)):
                    del single[experiment]
                    done.left.update(dict.fromkeys(runs, f"{experiment.name} is in use by a build or another command"))
            for run in asked:
                if run in single.get(run.experiment, ()):
                    _take(run, done)
    except OSError as error:
        place = shown(error.filename2 or error.filename or "the output folder")
        raise UsageError(
            f"cannot write to {place}: {error.strerror}; {len(done.taken)} runs were taken over before"
        ) from None
    return done


@contextmanager
def _kept_from_builds(experiment: PlannedExperiment, runs: dict[PlannedRun, str]) -> Iterator[bool]:
    """Have an experiment for oneself while its runs are renamed; False if a build of it goes on.

    Which runs are renamed is written down once before and once after: for each of 10,000 that would take a minute.
    """
    lock = RunLock.take(experiment.files.path, experiment.output.path)
    if lock is None:
        yield False
        return
    try:
        renames = Renames.read(experiment.files)
        begun = renames.begin(experiment.files, {old: run.folder for run, old in runs.items()})
        try:
            yield True
        finally:
            renames.end(experiment.files, begun)
            experiment.orphans.__dict__.pop("earlier", None)
    finally:
        lock.release()


def _take(run: PlannedRun, done: Renaming) -> None:
    """Take over one run, if it was made of its upstreams as they are now; they may have been renamed just before."""
    run.experiment.orphans.alike.pop(run.folder, None)
    now = decide(run, digest_on_record).decision
    found = twins(run, digest_on_record) if RENAMED in now.data else []
    why = _rename(run, found[0]) if len(found) == 1 else now.reason
    if why:
        done.left[run] = why
    else:
        done.taken[run] = found[0].folder


def _rename(run: PlannedRun, twin: Twin) -> str:
    """Give a run the folder of an orphan; say why that is not done, if it is not."""
    files, old = run.files, run.experiment.files.run(twin.folder, flat=run.files.flat)
    there = f"{shown(files.path)} is there already"
    if not os.path.isdir(old.path):
        return f"{shown(old.path)} is gone"
    if os.path.islink(files.path) or (os.path.lexists(files.path) and not os.path.isdir(files.path)):
        return there
    with ExitStack() as stack:
        for path in (old.path, files.path):  # the new one, too: a build may have begun to look at it
            lock = RunLock.take(path)
            if lock is None:
                return "somebody is executing it"
            stack.callback(lock.release)
        stack.callback(_remove_if_empty, files.path)
        if os.listdir(files.path):
            return there
        try:
            record = Record.read(old)
        except DamagedFile:
            record = None
        if record is None or (record.config_hash, record.digest) != (twin.record.config_hash, twin.record.digest):
            return "its record is not what it was any more"
        for name in old.attempt_names():
            _tell(old.attempt(name), run.name)
        if record.name != run.name:
            record.renamed = _earlier(record.renamed, record.name, run.name)
            record.name = run.name
            record.write(old)
        os.rename(old.path, files.path)  # which takes the place of the empty folder
    return ""


def _remove_if_empty(folder: str) -> None:
    with suppress(OSError):
        os.rmdir(folder)


def _tell(attempt: AttemptFolder, name: str) -> None:
    """Let an attempt say whose it is by now; what cannot be read says nothing, as before."""
    status = statuses.read(attempt)
    before = status.get("run")
    if isinstance(before, str) and before != name:
        earlier = _earlier(status.get(statuses.RENAMED), before, name)
        statuses.write(attempt, {**status, "run": name, statuses.RENAMED: earlier})


def _earlier(names: object, before: str, name: str) -> list[str]:
    """Add a name to those that a run had, for one that gets another."""
    known = names if isinstance(names, list) else []
    return [one for one in [*known, before] if one != name][-MOST_EARLIER:]
