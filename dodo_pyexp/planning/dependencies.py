"""What `depends_on` means: patterns become edges between runs.

Implements: docs/reference.md, "Experiments" (`depends_on`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import compress
from typing import TYPE_CHECKING, Any

from ..collection.match import unusable
from ..collection.patterns import Pattern, PatternError
from ..collection.runs import Runs
from ..errors import ConfigError, ConfigTypeError, DependencyError, LookupFailed, nearest, suggest
from ..store.paths import shown
from .definition import place

if TYPE_CHECKING:
    from .plan import PlannedExperiment, PlannedRun

_EXACT = re.compile(r"\^([\w:@,=-]+)\$").fullmatch


class Resolver:
    """Finds the runs that `depends_on` means.

    Parameters
    ----------
    planned
        The experiments of the build, with their runs.
    others
        Gives the experiments that may be reached besides, and what makes their configs.

    Attributes
    ----------
    extra
        Those of the others that were asked for.
    """

    def __init__(
        self,
        planned: list[PlannedExperiment],
        others: Callable[[], Iterable[tuple[PlannedExperiment, Callable[[], Any]]]],
    ) -> None:
        self.planned = planned
        self.extra: list[PlannedExperiment] = []
        self._new: list[PlannedExperiment] = []
        self._others = others
        self._own: dict[int, Runs[Any]] = {}
        self._by_name: dict[tuple[int, bool], dict[str, PlannedRun]] = {}
        self._memo: dict[tuple[int, bool, str], list[PlannedRun]] = {}

    def take_new(self) -> list[PlannedExperiment]:
        """Give those of the others that nobody has been given yet."""
        new, self._new = self._new, []
        return new

    def resolve(self, run: PlannedRun, wanted: Any) -> tuple[tuple[PlannedRun, ...], frozenset[str]]:
        """Give the upstreams of a run, and the tasks of those that are optional."""
        found: dict[int, PlannedRun] = {}
        optional: dict[str, bool] = {}
        for key in _listed(wanted):
            may_fail = is_optional(key)
            for one in _listed(key["optional"]) if may_fail else [key]:
                for upstream in self._find(run, one):
                    if upstream is not run:
                        found.setdefault(id(upstream), upstream)
                        optional[upstream.task] = may_fail and optional.get(upstream.task, True)
        return tuple(found.values()), frozenset(task for task, may_fail in optional.items() if may_fail)

    def _find(self, run: PlannedRun, key: Any) -> list[PlannedRun]:
        if isinstance(key, bool) or not isinstance(key, (str, dict)):
            raise ConfigTypeError(
                f"{_where(run)}: depends_on must be a text, a dict or a list of them, not {type(key).__name__}"
            )
        far = [e for e in self.planned + self.extra if e is not run.experiment]
        if isinstance(key, str):  # an exact name, before anything that a regular expression would find besides
            exact = [item for item in self._called(key, [run.experiment], full=False) if item is not run]
            if exact := exact or self._called(key, far, full=True):
                return exact
        own = self._search([run.experiment], key, run, full=False)
        nearer = [item for item in own if item is not run]
        if nearer:
            return nearer
        found = self._search(far, key, run, full=True)
        if not found and self._load_others():
            found = self._called(key, self.extra, full=True) or self._search(self.extra, key, run, full=True)
        if found:
            return found
        if own:
            raise DependencyError(
                f"{_where(run)} depends on itself: depends_on {_said(key)} matches this run and no other; correct it"
            )
        others = [item for e in self.planned + self.extra for item in e.runs if item is not run]
        names = dict.fromkeys(item.full_name if ":" in str(key) else item.name for item in others)
        hint = nearest(key.strip("^$"), names) if isinstance(key, str) else ""
        hint = hint or suggest("", (item.full_name for item in others)) or "; there is no other"
        why = unusable(key) if isinstance(key, str) else ""
        raise DependencyError(f"{_where(run)}: depends_on {_said(key)} matches no other run{why}{hint}")

    def _called(self, key: Any, experiments: list[PlannedExperiment], *, full: bool) -> list[PlannedRun]:
        """Give the runs of exactly that name."""
        if not isinstance(key, str):
            return []
        return [names[key] for e in experiments if key in (names := self._names(e, full=full))]

    def _search(
        self, experiments: list[PlannedExperiment], key: Any, run: PlannedRun, *, full: bool
    ) -> list[PlannedRun]:
        found: list[PlannedRun] = []
        for experiment in experiments:
            memo_key = (id(experiment), full, repr(key))
            hits = self._memo.get(memo_key)
            if hits is None:
                hits = self._memo[memo_key] = self._match(experiment, key, run, full=full)
            found += hits
        return found

    def _match(self, experiment: PlannedExperiment, key: Any, run: PlannedRun, *, full: bool) -> list[PlannedRun]:
        if isinstance(key, dict):
            runs = self._own.setdefault(id(experiment), Runs(experiment.runs))
            try:
                return list(runs.filter(key))
            except LookupFailed:
                return []
        exact = _EXACT(key)
        if exact is not None:  # `^train:a$` in each of 10,000 configs must not be searched in 10,000 names each time
            names = self._names(experiment, full=full)
            return [names[exact[1]]] if exact[1] in names else []
        pattern = _pattern(key, run)
        found = pattern.found_among([item.name for item in experiment.runs])
        if full:
            named = pattern.found_among([item.full_name for item in experiment.runs])
            found = [one or other for one, other in zip(found, named, strict=True)]
        return list(compress(experiment.runs, found))

    def _names(self, experiment: PlannedExperiment, *, full: bool) -> dict[str, PlannedRun]:
        names = self._by_name.get((id(experiment), full))
        if names is None:
            names = {item.full_name: item for item in experiment.runs} if full else {}
            names |= {item.name: item for item in experiment.runs}
            self._by_name[id(experiment), full] = names
        return names

    def _load_others(self) -> bool:
        """Expand the experiments in reach, once."""
        others, self._others = self._others, tuple
        known = {e.files.path.casefold(): e for e in self.planned}
        for experiment, configs in others():
            other = known.setdefault(experiment.files.path.casefold(), experiment)
            if other is experiment:
                experiment.fill(configs())
                self.extra.append(experiment)
                self._new.append(experiment)
            else:
                refuse_namesake(other, experiment)
        return bool(self.extra)


def is_optional(key: Any) -> bool:
    """Tell whether a part of `depends_on` is ``{"optional": <text, dict or list>}``: these upstreams may fail."""
    return isinstance(key, dict) and len(key) == 1 and isinstance(key.get("optional"), (str, dict, list, tuple))


def _listed(wanted: Any) -> list[Any]:
    return list(wanted) if isinstance(wanted, (list, tuple)) else [wanted]


def _where(run: PlannedRun) -> str:
    return f"{run.experiment.place}: {run.full_name}"


def _said(key: Any) -> str:
    """Write a pattern in one line, as the user did."""
    return " ".join(repr(dict(key) if isinstance(key, dict) else key).split())


def _pattern(key: str, run: PlannedRun) -> Pattern:
    """Compile a pattern; a glob such as ``*_a`` is no regular expression, and is one all the same."""
    try:
        return Pattern(key, f"{_where(run)}: depends_on")
    except PatternError as error:
        if any(sign in key for sign in "*?["):
            return Pattern(key, f"{_where(run)}: depends_on", glob=True)
        raise DependencyError(f"{error}; correct it, or escape what is meant as text") from None


def refuse_namesake(one: PlannedExperiment, other: PlannedExperiment) -> None:
    """Make sure that two experiments which would share a folder are one: a script's, which is also imported.

    Raises
    ------
    ConfigError
        They are two.
    """
    fns = one.definition.fn, other.definition.fn
    if fns[0] is fns[1]:  # one experiment, that can be reached on two ways
        return
    first, second = map(place, fns)
    if first != second or fns[0].__module__ == fns[1].__module__:
        raise ConfigError(
            f'two experiments are called "{other.name}" ({first} and {second}) and would share the folder '
            f"{shown(one.files.path)}; give one of them another name"
        )
