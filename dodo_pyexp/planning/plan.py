"""What is planned: experiments with their runs, and the `Plan` of a build. `make_plan` makes it.

Implements: docs/how-it-works.md, "The words"; docs/reference.md, "Experiments" (`depends_on`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import Any, Final

from ..collection.tensor import Tensor
from ..config.config import Config
from ..config.defaults import Defaults
from ..config.hashing import hash_config
from ..config.secret_keys import SecretKeys
from ..config.sweep import MOST_CONFIGS
from ..errors import ConfigError, ConfigTypeError, ReservedKeyError, warn
from ..executors.watching import folders_of
from ..provenance.inputs.contents import Contents
from ..provenance.inputs.declared import Declared
from ..provenance.secrets.holes import differing_secrets
from ..provenance.secrets.masking import Masker
from ..store.manifest import LAUNCHES
from ..store.names import folder_name, folder_names, refusal
from ..store.paths import FINISHED, ExperimentFolder, OutputFolder, RunFolder
from ..store.record import Record
from . import defaults
from .code import Code
from .definition import Definition, place
from .options import Options
from .order import topological
from .previous_folders import HASH_LENGTH, FinishedOrphans, Siblings, config_before
from .source import project

#: Under this key a function with ``resume=True`` finds the folder it may go on from; never saved, never hashed.
RESUME_KEY: Final = "previous"

#: doit refuses these as names of tasks, because they are its commands.
DOIT_COMMANDS = frozenset(
    ["clean", "dumpdb", "forget", "help", "ignore", "info", "list", "reset-dep", "run", "strace", "tabcompletion"]
)


class PlannedRun:
    """One run of the plan: a config, and all that follows from it.

    It does not change once the plan is made: `running.ledger` knows what becomes of it.
    """

    __slots__ = (
        "chosen", "config", "experiment", "files", "folder", "hash", "inputs", "name", "optional", "selected",
        "task", "upstream",
    )  # fmt: skip

    def __init__(self, experiment: PlannedExperiment, config: Config, folder: str, config_hash: str) -> None:
        self.experiment: Final = experiment
        self.config: Final = config
        self.name: Final[str] = config["name"]
        self.folder: Final = folder
        self.hash: Final = config_hash
        self.files: Final = RunFolder(f"{experiment.files.path}/{folder}", flat=experiment.flat)
        self.task: Final = f"{experiment.task}:{folder}"
        self.upstream: tuple[PlannedRun, ...] = ()
        #: What it is declared to read.
        self.inputs: tuple[Declared, ...] = ()
        #: Tasks of the upstreams that may fail without this run being skipped.
        self.optional: frozenset[str] = frozenset()
        #: Brought up to date by this build; and asked for, not only needed by one that is.
        self.selected = self.chosen = True

    def needed(self) -> list[str]:
        """Name the tasks of the upstreams that the run cannot do without."""
        return [upstream.task for upstream in self.upstream if upstream.task not in self.optional]

    @property
    def target(self) -> str:
        """The file that doit takes for the run's target, as users write its path."""
        return f"{self.experiment.target_prefix}{self.folder}/{FINISHED}"

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
        self.code = Code(definition.fn, self.files)
        self.keys = SecretKeys(options.secret or (), options.not_secret or ())
        self.masker = Masker(keys=self.keys)
        #: What was left out of the snapshot of its code, where nothing is left that could be one.
        self.left_out: dict[str, Any] | None = None
        self.target_prefix = f"{output_dir.rstrip('/')}/{folder}/"
        self.task = f"{folder}~" if folder in DOIT_COMMANDS else folder
        self.flat = options.timestamp is False
        if self.flat and options.resume:
            raise ConfigError(
                f"{place(definition.fn)}: experiment {definition.name}: resume=True needs a folder for each attempt, "
                "and timestamp=False gives a run only one; leave one of them out"
            )
        self.hashed = bool(options.hash_configs) or self.flat
        self.siblings = Siblings(self.files, flat=self.flat)
        self.orphans = FinishedOrphans(
            self.files,
            flat=self.flat,
            asked_for=None if definition.about.get(LAUNCHES) else self.asked_for,
            hash_anew=self._hash_anew,
        )
        self.shape: tuple[int, ...] = ()
        self.runs: list[PlannedRun] = []
        #: What files are like that runs have read; the experiments of a plan share it.
        self.contents = Contents()
        #: Tables of files that were read, by their digests; for `decide`, which is asked for every run.
        self.read_before: dict[str, Any] = {}
        #: The manifest that the configs were read from, if they were.
        self.source: str | None = None
        #: What keys of the configs have where nobody gives them; known when it is filled.
        self.defaults: Defaults | None = None

    @cached_property
    def project(self) -> str:
        """The folder of the project that its file belongs to."""
        return project(self.definition.fn)

    @cached_property
    def watched(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What whoever executes a run is to know of folders, to note which files it reads."""
        return folders_of(self.project, self.output.path)

    def inside(self, path: str) -> str:
        """Give the path of what is written relative to the project."""
        return path if path.startswith("/") else f"{self.project}/{path}"

    def asked_for(self) -> set[str]:
        """Name the folders that the runs have, or would have in another layout."""
        length = HASH_LENGTH + 1
        bases = [(run.folder[:-length] if self.hashed else run.folder, run.hash) for run in self.runs]
        return {name for base, digest in bases for name in (base, f"{base}-{digest[:HASH_LENGTH]}")}

    @property
    def place(self) -> str:
        """Where the configs come from, for messages."""
        return self.source or self.definition.configs_place

    def hash(self, config: Config) -> str:
        """Hash a config of which secrets were masked; what is filled in where nobody gives it does not count."""
        return hash_config(config) if self.defaults is None else self.defaults.hash(config)

    def _hash_anew(self, files: RunFolder, record: Record) -> str | None:
        """Hash the config of a record as that of a run of today, where declared defaults make a difference."""
        before = None if self.defaults is None else config_before(files, record)
        return None if before is None else self.hash(before)

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
        definition = self.definition
        self.defaults = defaults.load(
            self.files, definition.defaults, f"{place(definition.fn)}: experiment {self.name}", self.masker
        )
        folders = folder_names(names)
        twins: dict[str, Config] = {}
        for config, name, folder in zip(configs, names, folders, strict=True):
            try:
                config = config if type(config) is Config else Config(config)
            except ConfigError as error:  # it contains itself
                raise ConfigError(f'{self.place}: config "{name}" of {self.name}: {error}') from None
            if "out" in config:
                raise ReservedKeyError(
                    f'{self.place}: config "{name}" of {self.name} has the key "out", which pyexp fills in with the '
                    "folder of the run; rename it"
                )
            if self.options.resume and RESUME_KEY in config:
                raise ReservedKeyError(
                    f'{self.place}: config "{name}" of {self.name} has the key "{RESUME_KEY}", under which '
                    "resume=True tells the function which attempt it can go on from; rename it"
                )
            config["name"] = name
            try:
                if self.defaults is not None:
                    config = self.defaults.filled(config)
                hidden = self.keys.hidden(config)
                digest = self.hash(hidden)
                if hidden is not config:
                    self._tell_twins(twins.setdefault(digest, config), config, hidden)
            except ConfigTypeError as error:
                raise ConfigTypeError(f"{self.place}: experiment {self.name}: {error}") from None
            if self.hashed:
                folder = f"{folder}-{digest[:HASH_LENGTH]}"
            self.runs.append(PlannedRun(self, config, folder, digest))

    def _tell_twins(self, other: Config, config: Config, hidden: Config) -> None:
        """Tell if two configs differ only in what counts as secrets: they count as the same, which may be an error."""
        keys = [] if other is config else differing_secrets(hidden, other, config)
        if keys:
            warn(
                f'{self.place}: the configs "{other["name"]}" and "{config["name"]}" of {self.name} differ only in '
                f"{', '.join(keys)}, which counts as a secret: another value makes no run stale; if it is none, say "
                f"not_secret={keys!r}"
            )

    def _as_list(self, configs: Any) -> list[Any]:
        if isinstance(configs, Mapping):
            configs = [configs]
        try:
            listed = list(islice(configs, MOST_CONFIGS + 1))
        except TypeError:
            raise ConfigTypeError(
                f"{self.place}: experiment {self.name}: configs must give a list of configs, not "
                f"{type(configs).__name__}"
            ) from None
        if len(listed) > MOST_CONFIGS:
            raise ConfigError(
                f"{self.place}: experiment {self.name}: configs gives more than {MOST_CONFIGS:,} configs, and no more "
                "can be built; vary less"
            )
        self.shape = configs.shape if isinstance(configs, Tensor) else (len(listed),)
        return listed


def _name(config: Any, index: int, experiment: PlannedExperiment) -> str:
    name = config.get("name") if isinstance(config, Mapping) else None
    if isinstance(name, str) and name:
        refused = refusal(name)
        if refused is not None:
            raise ConfigError(f"{experiment.place}: a run of {experiment.name} {refused}")
        return name if type(name) is str else str.__str__(name)  # of an enum, or of numpy
    where = f"{experiment.place}: experiment {experiment.name}: config {index}"
    if not isinstance(config, Mapping):
        raise ConfigTypeError(f"{where} is {type(config).__name__}; make it a dict")
    if name is None or name == "":
        raise ConfigError(f'{where}{_short(config)} has no "name"; give every config a name of its own')
    if isinstance(name, bool) or not isinstance(name, (int, float)):
        raise ConfigTypeError(f"{where} has the name {name!r}, which is no text; give it one")
    return str(name)


def _short(config: Mapping[str, Any]) -> str:
    text = ", ".join(f"{key}={value!r}" for key, value in list(config.items())[:3])
    return f" ({text if len(text) <= 80 else text[:77] + '...'})" if text else ""


def _check_unique(names: list[str], experiment: PlannedExperiment) -> None:
    if len(set(names)) == len(names):
        return
    seen: dict[str, int] = {}
    for index, name in enumerate(names):
        if name in seen:
            raise ConfigError(
                f'{experiment.place}: experiment {experiment.name}: two configs are called "{name}" (number '
                f"{seen[name]} and number {index}); give every config a name of its own"
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
        #: What files are like that runs have read: each is asked once a build, whoever asks.
        self.contents = Contents(self.experiments[0].output.digests if self.experiments else None)
        for experiment in self.experiments:
            experiment.contents = self.contents

    def runs(self) -> Iterator[PlannedRun]:
        """Yield every run, experiment by experiment."""
        for experiment in self.experiments:
            yield from experiment.runs

    def ordered(self) -> list[PlannedRun]:
        """List every run, each behind its upstreams."""
        return topological(list(self.runs()))

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
