"""What a word on the command line names: an experiment, runs, the path of a target, or another doit task; and a filter.

Implements: docs/reference.md, "Command line" (TARGET); docs/how-to.md, "Select runs" (``--filter``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple, Protocol

from ..collection.patterns import Pattern
from ..errors import UsageError, ambiguous, nearest, suggest
from ..store.paths import FINISHED, REPORT
from .plan import Plan, PlannedExperiment, PlannedRun

GLOB_SIGNS = frozenset("*?[")


class Needs(NamedTuple):
    """What has to be done before a task that is no run: tasks of some names, all that patterns fit, makers of files."""

    names: Sequence[str] = ()
    patterns: Sequence[str] = ()
    paths: Sequence[str] = ()


class OtherTasks(Protocol):
    """Tasks that are no runs: the user's own, which doit knows."""

    def names(self) -> list[str]:
        """Give their names."""

    def makers(self) -> dict[str, str]:
        """Give which of them makes a file, by its path."""

    def needs(self, name: str, /) -> Needs:
        """Give what has to be done before one of them."""


class Targets:
    """What the words of a command line mean in a plan.

    Parameters
    ----------
    plan
        The plan.
    other_tasks
        Tasks that are no runs; none by default.

    Attributes
    ----------
    runs
        The runs that were named, directly or as all of an experiment.
    others
        The other tasks that are needed.
    """

    def __init__(self, plan: Plan, other_tasks: OtherTasks | None = None) -> None:
        self._plan = plan
        self._other_tasks = other_tasks
        self._tasks = dict.fromkeys(other_tasks.names() if other_tasks is not None else ())
        self._by_target = other_tasks.makers() if other_tasks is not None else {}
        self.runs: dict[PlannedRun, None] = {}
        self.others: dict[str, None] = {}
        self._names: dict[str, None] = {}  # of whole groups, reports and other tasks, for doit
        self._single: dict[PlannedRun, None] = {}

    def names(self, kept: Sequence[PlannedRun]) -> list[str]:
        """Give the names of the doit tasks to execute, when only the runs in `kept` are left of `runs`."""
        left = set(kept)
        partial = {f"{run.experiment.task}:report" for run in self.runs if run not in left}
        whole = [name for name in self._names if name not in partial]
        return [*whole, *(run.task for run in self._single if run in left)]

    def add(self, word: str) -> None:
        """Take what `word` names.

        Raises
        ------
        UsageError
            It names nothing, or it is not clear what.
        """
        if not (self._add_known(word) or self._add_path(word) or self._add_run(word) or self._add_glob(word)):
            raise UsageError(f'there is no experiment, run, target or task "{word}"{self._hint(word)}')

    def _hint(self, word: str) -> str:
        """Give the nearest names, or else some that there are."""
        names = [*(experiment.name for experiment in self._plan.experiments), *self._tasks]
        full = [run.full_name for run in self._plan.runs()]
        return nearest(word, [*names, *(run.name for run in self._plan.runs()), *full]) or suggest(word, names + full)

    # -- the ways to name something -----------------------------------------------------------------------------

    def _add_known(self, word: str) -> bool:
        """Take an experiment, its report, ``experiment:run``, or another task."""
        for experiment in self._plan.experiments:
            names = (experiment.name, experiment.task)
            if word in names:
                self._take_experiment(experiment, experiment.task)
                return True
            for name in names:
                if not word.startswith(f"{name}:"):
                    continue
                rest = word[len(name) + 1 :]
                run = next((run for run in experiment.runs if rest in (run.name, run.folder)), None)
                if run is not None:
                    self._take_runs([run])
                    return True
                if rest == "report" and experiment.definition.report is not None:
                    self._take_experiment(experiment, f"{experiment.task}:report")
                    return True
        if word in self._tasks:
            self._take_other(word)
            self._names[word] = None
            return True
        return False

    def _add_path(self, word: str) -> bool:
        """Take the path of a target, or the folder that it stands in."""
        path = os.path.abspath(word)
        if path in self._by_target:
            return self._add_known(self._by_target[path])
        folder = path.removesuffix(f"/{FINISHED}")
        if os.sep not in word:
            return False
        for experiment in self._plan.experiments:
            if folder == experiment.files.path:
                return self._add_known(experiment.task)
            if folder == f"{experiment.files.path}/{REPORT}":
                return self._add_known(f"{experiment.task}:report")
            if folder.startswith(f"{experiment.files.path}/"):
                below = folder[len(experiment.files.path) + 1 :]
                # Also a file of an attempt, as the shell completes it.
                run = next((run for run in experiment.runs if below.split("/")[0] == run.folder), None)
                if run is not None:
                    self._take_runs([run])
                    return True
        return False

    def _add_run(self, word: str) -> bool:
        """Take the one run that has this name."""
        found = [run for run in self._plan.runs() if word in (run.name, run.folder)]
        if len(found) > 1:
            raise ambiguous(word, [run.full_name for run in found])
        self._take_runs(found)
        return bool(found)

    def _add_glob(self, word: str) -> bool:
        """Take all experiments, runs and tasks that a pattern fits; with a colon it is for ``experiment:run``."""
        if GLOB_SIGNS.isdisjoint(word):
            return False
        whole = [experiment for experiment in self._plan.experiments if fnmatchcase(experiment.name, word)]
        found = [
            run for run in self._plan.runs()
            if fnmatchcase(run.name, word)
            or (":" in word and (fnmatchcase(run.full_name, word) or fnmatchcase(run.task, word)))
        ]  # fmt: skip
        tasks = [name for name in self._tasks if fnmatchcase(name, word)]
        for experiment in whole:
            self._take_experiment(experiment, experiment.task)
        self._take_runs(found)
        for name in tasks:
            self._add_known(name)
        return bool(whole or found or tasks)

    # -- taking it ----------------------------------------------------------------------------------------------

    def _take_runs(self, runs: list[PlannedRun]) -> None:
        for run in runs:
            self.runs[run] = self._single[run] = None

    def _take_experiment(self, experiment: PlannedExperiment, task: str) -> None:
        self.runs.update(dict.fromkeys(experiment.runs))
        self._names[task] = None

    def _take_other(self, name: str) -> None:
        """Take a task and whatever it needs, runs included."""
        if name in self.others:
            return
        self.others[name] = None
        needs = self._other_tasks.needs(name) if self._other_tasks is not None else Needs()
        for needed in needs.names:
            self._take_needed(needed)
        for pattern in needs.patterns:
            for other in [other for other in self._tasks if fnmatchcase(other, pattern)]:
                self._take_other(other)
            self.runs.update(dict.fromkeys(run for run in self._plan.runs() if fnmatchcase(run.task, pattern)))
        for path in needs.paths:
            if path in self._by_target:
                self._take_other(self._by_target[path])
            elif path.endswith(f"/{FINISHED}"):
                folder = path.removesuffix(f"/{FINISHED}")
                self.runs.update(dict.fromkeys(run for run in self._plan.runs() if run.files.path == folder))

    def _take_needed(self, name: str) -> None:
        if name in self._tasks:
            self._take_other(name)
            return
        for experiment in self._plan.experiments:
            if name in (experiment.task, f"{experiment.task}:report"):
                self.runs.update(dict.fromkeys(experiment.runs))
            elif name.startswith(f"{experiment.task}:"):
                self.runs.update(dict.fromkeys(run for run in experiment.runs if run.task == name))


def is_full(pattern: str) -> bool:
    """Tell whether a pattern is for full names: ``train:a`` means a run of `train`; ``a`` must not mean all of it."""
    return ":" in pattern.replace("(?:", "")


def matcher(pattern: str) -> Callable[[Any], bool]:
    """Give the test for what has a `name` and a `full_name`.

    Raises
    ------
    PatternError
        It is no regular expression; or, when it is tried, takes too long.
    """
    found_in = Pattern(pattern, "--filter").found_in
    full = is_full(pattern)
    return lambda run: found_in(run.name) or (full and found_in(run.full_name))
