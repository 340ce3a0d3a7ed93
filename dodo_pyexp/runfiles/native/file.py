"""The native dialect: a function, a config, and how to vary it, in YAML.

Implements: docs/run-files.md, "What can be in one".
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from ...collection.tensor import Tensor
from ...config.compose import Style, Watch, named_files, overlay
from ...config.config import Config
from ...config.interpolation import Resolver, has_parts
from ...config.load import load_imports
from ...config.origins import Origins
from ...config.spread import spread
from ...config.yaml import Located
from ...errors import ConfigError, nearest, warn
from ...planning.options import Options
from ...provenance.roots import project_of
from ...store.names import refusal
from ...store.paths import shown
from ..document import Document, Reader, known_keys
from ..entry import Entry
from ..schema.classes import schema_of
from ..schema.configuration import ConfigurationBase, plain
from ..schema.schema import Schema
from ..schema.source import schema_in
from ..schema.validating import validated
from ..search import search_folders
from ..variables import refused_variable
from ..wanted import Wanted
from .sweeps import expand, is_list_of_runs

ABOUT = ("title", "subtitle", "description", "paper")
OPTIONS = tuple(name for name in Options.__slots__ if name != "output_dir")
NEW_KEYS = ("raise", "warn", "pass")
# Keys of a config that mean something to pyexp, so that a schema need not have them.
RESERVED = ("name", "depends_on", "resources")
KEYS = (
    "entry", "experiment", "config", "sweep", "depends_on", "output_dir", "imports", "new_keys", "report", "upstreams",
    "jobs", "resources", "env", "pythonpath", "pre_experiment", "dirty_git", "add_timestamp", *ABOUT, *OPTIONS,
)  # fmt: skip


class _NewKeys(Watch):
    """Refuses, or tells of, keys of the config that no imported file has."""

    def __init__(self, policy: str) -> None:
        self._policy = policy

    def new(self, keys: tuple[Any, ...], place: tuple[str, int], known: Iterable[Any]) -> None:
        """Act as the policy says."""
        if keys[0] != "config" or len(keys) == 1:
            return
        name = ".".join(map(str, keys[1:]))
        hint = nearest(str(keys[-1]), map(str, known))
        said = f'{place[0]}:{place[1]}: the key "{name}" is in none of the imported files{hint}'
        if self._policy == "raise":
            raise ConfigError(f"{said}, and new_keys: raise forbids new ones")
        warn(said)


class NativeStyle(Style):
    """Files import others, each once; the ``config`` section may import plain config files besides."""

    once = True

    def parents(self, located: Located, path: Path) -> list[tuple[Path, str]]:
        """Take ``imports`` out."""
        return list(named_files(located.tree.pop("imports", None), located, "imports", path.parent))

    def watch(self, located: Located, path: Path) -> Watch:
        """Take ``new_keys`` out."""
        policy = located.tree.pop("new_keys", "pass")
        if policy not in NEW_KEYS:
            where = located.where("new_keys")
            raise ConfigError(f"{where}: new_keys must be one of {', '.join(NEW_KEYS)}, not {policy!r}")
        return Watch() if policy == "pass" else _NewKeys(policy)

    def spread(self, located: Located) -> Located:
        """Merge what the ``config`` section imports below it, and take dotted keys in it apart."""
        config = located.tree.get("config")
        if not isinstance(config, dict):
            return located
        inner = {keys[1:]: place for keys, place in located.positions.items() if keys[:1] == ("config",)}
        folder = Path(located.positions.get((), ("", 1))[0]).parent
        own = Located(dict(config), inner)
        imported = list(named_files(own.tree.pop("imports", None), own, "imports", folder))
        own = spread(own, refuse=True)
        if imported:
            loaded = load_imports(imported)
            origins = Origins(loaded.positions)
            overlay(loaded.tree, origins, own.tree, own.positions)
            own = Located(loaded.tree, origins)
        positions = {keys: place for keys, place in located.positions.items() if keys[:1] != ("config",)}
        positions.update((("config", *keys), place) for keys, place in own.positions.items())
        return Located({**located.tree, "config": own.tree}, positions)


class NativeFile:
    """A run file of the native dialect.

    Parameters
    ----------
    document
        What is in it, overrides included.
    wanted
        What the command line says.
    """

    def __init__(self, document: Document, wanted: Wanted) -> None:
        self.document = document
        self.wanted = wanted
        known_keys(document, KEYS, '; what the function is given belongs under "config"')
        for key in ("imports", "new_keys"):  # which the files have been asked for by now
            if document.tree.get(key) is not None:
                raise document.refuse(f"{key} cannot be set here; use --pre-yaml, or write it into the file", key)
        config = document.tree.setdefault("config", {})
        if config is None:
            config = document.tree["config"] = {}
        if not isinstance(config, dict):
            raise document.refuse("config must hold keys and values", "config")
        self._raw = document.tree
        head = {key: value for key, value in document.tree.items() if key not in ("config", "sweep")}
        self.environment = self._environment()
        resolver = self._resolver(document.tree)
        self.head = {key: resolver.resolve((key,)) for key in head}
        self.resolved = Document(document.path, self.head, document.origins, document.files)

    # -- what the file says -------------------------------------------------------------------------------------

    @cached_property
    def entry(self) -> Entry:
        """The entry point.

        Raises
        ------
        ConfigError
            There is none, or it makes no sense.
        """
        text = self.resolved.text("entry")
        if text is None:
            if self.wanted.file or self.wanted.module:
                return Entry("command line").elsewhere(self.wanted.file, self.wanted.module, self._folder)
            raise self.document.refuse(
                'it names no entry point; write "entry: file.py:function", or "entry: package.module:function"'
            )
        entry = Entry.parse(text, self.document.where("entry"), self.document.folder("entry"))
        return entry.elsewhere(self.wanted.file, self.wanted.module, self._folder)

    @property
    def _folder(self) -> Path:
        return self.document.path.parent

    @cached_property
    def options(self) -> Options:
        """The options that the file sets.

        Raises
        ------
        ConfigError, ExecutorError
            One has a wrong value.
        """
        options = Options()
        for name in Options.__slots__:
            value = self.head.get(name)
            if value is not None:
                options = Options(**{name: value}).checked(self.document.where(name)).over(options)
        directory = os.path.abspath(self.wanted.workdir) if self.wanted.workdir else options.output_dir
        if self.wanted.debug:
            options = Options(executor="inline", stash=False).over(options)
            directory = os.path.join(directory or "out", "DEBUG")
        options.output_dir = directory
        return options

    def configs(self, schema: Schema | None = None) -> Tensor[Config]:
        """Give the config of each run, variables and references resolved.

        Parameters
        ----------
        schema
            What a config may hold, if the function says so: values are given its types, and defaults filled in.

        Raises
        ------
        ConfigError
            The config or the sweep makes no sense.
        """
        document = self.document
        base = {"name": "" if is_list_of_runs(document) else document.path.stem, **self._raw["config"]}
        for key in ("depends_on", "resources"):
            if key in self._raw and key not in OPTIONS:
                base.setdefault(key, self._raw[key])
        configs = expand(document, base)
        if has_parts(base) or has_parts(self._raw.get("sweep")):
            configs = Tensor([self._resolve(config) for config in configs], configs.shape)
        if schema is None:
            for error in document.unknown:
                raise error
            return configs
        origins = document.origins.below("config")
        return Tensor([self._typed(config, schema, origins) for config in configs], configs.shape)

    def _typed(self, config: Config, schema: Schema, origins: Origins) -> Config:
        """Give a config the types and defaults of a schema."""
        kept = {key: config[key] for key in RESERVED if key in config and key not in schema.fields}
        return Config({**kept, **plain(validated(schema, config, origins, RESERVED))})

    def _resolve(self, config: Config) -> Config:
        """Resolve what stands in the config of one run; references see what its variation set."""
        return Config(self._resolver({**self._raw, "config": config}).resolve(("config",)))

    def _resolver(self, tree: dict[Any, Any]) -> Resolver:
        variables = {**os.environ, **self.environment}
        return Resolver(tree, self.document.origins, within=(("config",),), environment=variables)

    def _environment(self) -> dict[str, str]:
        """Give the variables that the file sets, and the command line over it."""
        env = self._raw.get("env")
        if env is not None and not isinstance(env, dict):
            raise self.document.refuse("env must hold names and values", "env")
        resolver = Resolver({"env": env or {}}, self.document.origins)
        for name, value in (env or {}).items():
            if not isinstance(name, str) or isinstance(value, (dict, list)) or not name:
                raise self.document.refuse(f'env: "{name}" must be text', "env", name)
        said = dict(getattr(self.wanted.arguments, "env", ()))  # other commands take none
        found = {name: str(value) for name, value in resolver.resolve(("env",)).items()}
        for name, value in found.items():
            if wrong := refused_variable(name, value):
                raise self.document.refuse(f"env: {wrong}", "env", name)
        return found | said

    @property
    def jobs(self) -> int | None:
        """How many runs at once, if the file says so.

        Raises
        ------
        ConfigError
            It is no number.
        """
        jobs = self.head.get("jobs")
        if jobs is not None and (isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 0):
            raise self.document.refuse(f"jobs must be a number, 0 or more, not {jobs!r}", "jobs")
        return jobs

    def name(self, fallback: str) -> str:
        """Give the name of the experiment."""
        name = self.resolved.text("experiment") or fallback
        refused = refusal(name)
        if refused is not None:
            raise self.document.refuse(f"an experiment {refused}", "experiment")
        if self.resolved.flag("add_timestamp"):
            name += time.strftime("-%Y%m%d-%H%M")
        return name

    @property
    def about(self) -> dict[str, Any]:
        """What manifests are to say about the file."""
        said = {key: self.resolved.text(key) for key in ABOUT}
        return {"run_file": {"path": shown(os.fspath(self.document.path)), **{k: v for k, v in said.items() if v}}}

    # -- what becomes of it -------------------------------------------------------------------------------------

    def show(self) -> tuple[dict[str, Any], dict[str, str]]:
        """Give the whole as data, with defaults, and the place of each value."""
        from ...planning.options import DEFAULTS, resolve

        source = self.entry.source(search_folders(self.resolved, self.entry))
        resolved = resolve(self.options, project=project_of(os.fspath(source)) if source else None)
        data: dict[str, Any] = {"experiment": self.name(self.entry.function or self.document.path.stem)}
        data["entry"] = self.entry.shown
        data.update({name: getattr(resolved, name) for name in DEFAULTS.__slots__})
        data.update({key: value for key, value in self.head.items() if key not in data and value is not None})
        configs = self.configs(self._schema_in_source())
        if self._raw.get("sweep") is not None:
            data["runs"] = [dict(config) for config in configs]
        else:
            data["config"] = dict(configs[0])
        return data, self.document.origins.table(self._raw)

    def _schema_in_source(self) -> Schema | None:
        """Find out what the function's config may hold, without importing it."""
        folders = search_folders(self.resolved, self.entry)
        source = self.entry.source(folders)
        if source is None or not os.path.isfile(source) or not self.entry.function:
            return None
        return own_part(schema_in(source, self.entry.function, 0, folders))


def own_part(schema: Schema | None) -> Schema | None:
    """Give the part of a schema that is the config's: not what run files of another dialect hold besides."""
    if schema is None:
        return None
    base = schema_of(ConfigurationBase).fields
    if not all(key in schema.fields for key in base):
        return schema
    fields = {key: wanted for key, wanted in schema.fields.items() if key not in base}
    return Schema(schema.name, schema.place, fields)


def read(reader: Reader, wanted: Wanted) -> NativeFile:
    """Read a run file of the native dialect, with the overrides of the command line."""
    document = reader.read(NativeStyle())
    document.tree.setdefault("config", {})
    document.override(wanted.overrides(KEYS, "config", later=True, free=("config.name",)))
    return NativeFile(document, wanted)
