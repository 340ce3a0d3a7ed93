"""From definitions to runs: configs expanded, names checked, folders given, `depends_on` resolved.

Implements: DESIGN section 3 (run, task, upstream), 7 ("Own checks come before doit sees the graph") and 10
(`depends_on`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..collection.runs import Runs
from ..collection.tensor import Tensor
from ..config.config import Config
from ..config.hashing import hash_config
from ..errors import ConfigError, ConfigTypeError, DependencyError, LookupFailed, ReservedKeyError, nearest
from ..store.names import folder_name, folder_names
from ..store.paths import ExperimentFolder, OutputFolder, RunFolder
from .definition import Definition, place
from .garbage import Collector
from .options import Options

HASH_LENGTH = 12
#: doit refuses these as names of tasks, because they are its commands.
DOIT_COMMANDS = frozenset(
    ["clean", "dumpdb", "forget", "help", "ignore", "info", "list", "reset-dep", "run", "strace", "tabcompletion"]
)


class PlannedRun:
    """One run of the plan: a config, and all that follows from it."""

    __slots__ = (
        "attempt", "chosen", "config", "digest", "experiment", "files", "folder", "hash", "name", "selected", "target",
        "task", "upstream",
    )  # fmt: skip

    def __init__(self, experiment: PlannedExperiment, config: Config, folder: str, config_hash: str) -> None:
        self.experiment = experiment
        self.config = config
        self.name: str = config["name"]
        self.folder = folder
        self.hash = config_hash
        self.files = RunFolder(f"{experiment.files.path}/{folder}", flat=experiment.flat)
        self.task = f"{experiment.task}:{folder}"
        self.target = f"{experiment.target_prefix}{folder}/.finished"
        self.upstream: tuple[PlannedRun, ...] = ()
        #: Brought up to date by this build; and asked for, not only needed by one that is.
        self.selected = self.chosen = True
        #: Filled in when the run is found up to date or has been executed.
        self.attempt: str | None = None
        self.digest: str | None = None

    @property
    def cfg(self) -> Config:
        """The config, under the name that queries use."""
        return self.config

    @property
    def full_name(self) -> str:
        """``experiment:run``, as people write it."""
        return f"{self.experiment.name}:{self.name}"

    def __repr__(self) -> str:
        return f"PlannedRun({self.full_name})"


class PlannedExperiment:
    """One experiment of the plan."""

    def __init__(self, definition: Definition, options: Options) -> None:
        self.definition = definition
        self.name = definition.name
        self.options = options
        folder = folder_name(definition.name)
        output_dir = os.fspath(options.output_dir or "out")
        self.output = OutputFolder(output_dir)
        self.files: ExperimentFolder = self.output.experiment(folder)
        self.target_prefix = f"{output_dir.rstrip('/')}/{folder}/"
        self.task = f"{folder}~" if folder in DOIT_COMMANDS else folder
        self.flat = options.timestamp is False
        self.hashed = bool(options.hash_configs) or self.flat
        self.shape: tuple[int, ...] = ()
        self.runs: list[PlannedRun] = []

    def fill(self, configs: Any) -> None:
        """Make a run of each config.

        Raises
        ------
        ConfigError, ConfigTypeError, ReservedKeyError
            A config is wrong; the message names it.
        """
        configs = self._as_list(configs)
        names = [_name(config, index, self) for index, config in enumerate(configs)]
        _check_unique(names, self)
        folders = folder_names(names)
        for config, name, folder in zip(configs, names, folders, strict=True):
            config = config if type(config) is Config else Config(config)
            if "out" in config:
                raise ReservedKeyError(
                    f'config "{name}" of {self.name} has the key "out", which pyexp fills in with the folder of the '
                    "run; rename it"
                )
            config["name"] = name
            try:
                digest = hash_config(config)
            except ConfigTypeError as error:
                raise ConfigTypeError(f"experiment {self.name}: {error}") from None
            if self.hashed:
                folder = f"{folder}-{digest[:HASH_LENGTH]}"
            self.runs.append(PlannedRun(self, config, folder, digest))

    def _as_list(self, configs: Any) -> list[Any]:
        if isinstance(configs, Mapping):
            configs = [configs]
        try:
            listed = list(configs)
        except TypeError:
            raise ConfigTypeError(
                f"experiment {self.name}: configs must give a list of configs, not {type(configs).__name__}"
            ) from None
        self.shape = configs.shape if isinstance(configs, Tensor) else (len(listed),)
        return listed


def _name(config: Any, index: int, experiment: PlannedExperiment) -> str:
    where = f"experiment {experiment.name}: config {index}"
    if not isinstance(config, Mapping):
        raise ConfigTypeError(f"{where} is {type(config).__name__}, not a dict")
    name = config.get("name")
    if name is None or name == "":
        raise ConfigError(f'{where} has no "name"; give every config a name of its own: {_short(config)}')
    if not isinstance(name, str):
        if isinstance(name, bool) or not isinstance(name, (int, float)):
            raise ConfigTypeError(f"{where} has a name that is no text: {name!r}")
        return str(name)
    return name


def _short(config: Mapping[str, Any]) -> str:
    text = ", ".join(f"{key}={value!r}" for key, value in list(config.items())[:3])
    return text if len(text) <= 80 else text[:77] + "..."


def _check_unique(names: list[str], experiment: PlannedExperiment) -> None:
    if len(set(names)) == len(names):
        return
    seen: dict[str, int] = {}
    for index, name in enumerate(names):
        if name in seen:
            raise ConfigError(
                f'experiment {experiment.name}: two configs are called "{name}" (number {seen[name]} and number '
                f"{index}); every config needs a name of its own"
            )
        seen[name] = index


class Plan:
    """Every run of one build, upstreams before downstreams.

    Attributes
    ----------
    experiments
        In the order they were given; those that are only needed as upstreams come last.
    """

    def __init__(self, roots: list[PlannedExperiment], others: list[PlannedExperiment]) -> None:
        self.roots = roots
        self.experiments = roots + others

    def runs(self) -> Iterator[PlannedRun]:
        """Yield every run, experiment by experiment."""
        for experiment in self.experiments:
            yield from experiment.runs

    def ordered(self) -> list[PlannedRun]:
        """List every run, each behind its upstreams."""
        return _topological(list(self.runs()))

    def select(self, wanted: Callable[[PlannedRun], bool]) -> tuple[int, int]:
        """Keep the wanted runs and what they depend on selected; count the wanted and the added ones."""
        for run in self.runs():
            run.selected = run.chosen = False
        chosen = [run for run in self.runs() if wanted(run)]
        pending = list(chosen)
        for run in chosen:
            run.selected = run.chosen = True
        added = 0
        while pending:
            for upstream in pending.pop().upstream:
                if not upstream.selected:
                    upstream.selected = True
                    added += 1
                    pending.append(upstream)
        return len(chosen), added

    def add_upstreams(self) -> int:
        """Select what the selected runs depend on, too; count what was added."""
        before = sum(run.selected for run in self.runs())
        selected = {id(run) for run in self.runs() if run.selected}
        self.select(lambda run: id(run) in selected)
        return sum(run.selected for run in self.runs()) - before


def make_plan(
    roots: Iterable[tuple[PlannedExperiment, Any]],
    others: Callable[[], Iterable[tuple[PlannedExperiment, Callable[[], Any]]]],
) -> Plan:
    """Expand experiments and connect their runs.

    Parameters
    ----------
    roots
        The experiments to build, each with its configs.
    others
        Gives the experiments that `depends_on` may reach beside the roots; they are only asked for, and their configs
        only made, when a pattern matches nothing nearer. Their runs are selected only where they are needed.

    Raises
    ------
    ConfigError, DependencyError
        A config or a dependency is wrong; the message names it.
    """
    with Collector():
        planned = []
        for experiment, configs in roots:
            experiment.fill(configs)
            planned.append(experiment)
        _check_folders(planned)
        resolver = _Resolver(planned, others)
        pending = list(planned)
        while pending:
            for run in pending.pop(0).runs:
                wanted = run.config.get("depends_on")
                if wanted is not None and wanted != []:
                    run.upstream = resolver.resolve(run, wanted)
            pending += resolver.take_new()
        plan = Plan(planned, resolver.extra)
        _check_folders(plan.experiments)
        plan.ordered()
        if resolver.extra:
            mine = {id(experiment) for experiment in planned}
            plan.select(lambda run: id(run.experiment) in mine)
        return plan


def _check_folders(experiments: list[PlannedExperiment]) -> None:
    taken: dict[str, PlannedExperiment] = {}
    for experiment in experiments:
        other = taken.setdefault(experiment.files.path.casefold(), experiment)
        if other is not experiment:
            raise ConfigError(
                f'two experiments are called "{experiment.name}" ({place(other.definition.fn)} and '
                f"{place(experiment.definition.fn)}); give one of them another name"
            )


_EXACT = re.compile(r"\^([\w:@,=-]+)\$").fullmatch


class _Resolver:
    """Finds the runs that `depends_on` means."""

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
        new, self._new = self._new, []
        return new

    def resolve(self, run: PlannedRun, wanted: Any) -> tuple[PlannedRun, ...]:
        keys = list(wanted) if isinstance(wanted, (list, tuple)) else [wanted]
        found: dict[int, PlannedRun] = {}
        for key in keys:
            for upstream in self._find(run, key):
                if upstream is not run:
                    found.setdefault(id(upstream), upstream)
        return tuple(found.values())

    def _find(self, run: PlannedRun, key: Any) -> list[PlannedRun]:
        if isinstance(key, bool) or not isinstance(key, (str, dict)):
            raise ConfigTypeError(
                f"{run.full_name}: depends_on must be a text, a dict or a list of them, not {type(key).__name__}"
            )
        own = self._search([run.experiment], key, run, full=False)
        nearer = [item for item in own if item is not run]
        if nearer:
            return nearer
        far = [e for e in self.planned + self.extra if e is not run.experiment]
        found = self._search(far, key, run, full=True)
        if not found and self._load_others():
            found = self._search(self.extra, key, run, full=True)
        if found:
            return found
        if own:
            raise DependencyError(
                f"{run.full_name} depends on itself: depends_on {_said(key)} matches this run and no other"
            )
        names = [item.name for e in self.planned + self.extra for item in e.runs if item is not run]
        names += [item.full_name for e in self.planned + self.extra for item in e.runs]
        hint = nearest(key, names) if isinstance(key, str) else ""
        raise DependencyError(f"{run.full_name}: depends_on {_said(key)} matches no other run{hint}")

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
        search = _pattern(key, run).search
        return [item for item in experiment.runs if search(item.name) or (full and search(item.full_name))]

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
        known = {e.files.path for e in self.planned}
        for experiment, configs in others():
            if experiment.files.path not in known:
                known.add(experiment.files.path)
                experiment.fill(configs())
                self.extra.append(experiment)
                self._new.append(experiment)
        return bool(self.extra)


def _said(key: Any) -> str:
    """Write a pattern in one line, as the user did."""
    return " ".join(repr(dict(key) if isinstance(key, dict) else key).split())


def _pattern(key: str, run: PlannedRun) -> Any:
    import fnmatch

    try:
        return re.compile(key)
    except re.error as error:
        if any(sign in key for sign in "*?["):  # a glob such as "*_a" is no regular expression
            return re.compile(fnmatch.translate(key))
        raise DependencyError(
            f"{run.full_name}: depends_on {key!r} is no regular expression ({error})"
        ) from None


def _topological(runs: list[PlannedRun]) -> list[PlannedRun]:
    """Order runs behind their upstreams, keeping the given order otherwise.

    Raises
    ------
    DependencyError
        There is a circle; the message shows it.
    """
    done: set[int] = set()
    ordered: list[PlannedRun] = []
    for start in runs:
        if id(start) in done:
            continue
        if not start.upstream:
            done.add(id(start))
            ordered.append(start)
            continue
        stack = [(start, iter(start.upstream))]
        on_path = {id(start): start}
        while stack:
            run, upstreams = stack[-1]
            for upstream in upstreams:
                if id(upstream) in on_path:
                    names = [item.full_name for item in on_path.values()]
                    names = names[names.index(upstream.full_name) :]
                    circle = " -> ".join([*names, upstream.full_name])
                    raise DependencyError(f"depends_on goes in a circle: {circle}")
                if id(upstream) not in done:
                    on_path[id(upstream)] = upstream
                    stack.append((upstream, iter(upstream.upstream)))
                    break
            else:
                stack.pop()
                del on_path[id(run)]
                done.add(id(run))
                ordered.append(run)
    return ordered
