"""The options of an experiment, and where they may come from.

Implements: pyexp guide, "`@pyexp.experiment` Parameters"; docs/reference.md, "Options": command line, then `run()`,
then the decorator, then ``[tool.pyexp]`` in pyproject.toml, then the default.
"""

from __future__ import annotations

import functools
import os

from ..config.inputs import as_input
from ..errors import ConfigError, current_folder, nearest, suggest
from ..executors.names import check_name
from ..executors.ray.demand import check_resources
from ..provenance.roots import project_around

TYPE_CHECKING = False  # no dataclasses either: a worker process imports this module
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

#: A run that was made by other code is up to date, and that is told; it is executed again; nobody looks.
CODE_POLICIES = ("warn", "rerun", "ignore")
#: A run that has read a file which changed is up to date, and that is told; it is executed again; nobody looks.
READ_POLICIES = ("warn", "rerun", "ignore")
#: Uncommitted changes are told; nothing is executed with them; nobody looks.
DIRTY_GIT = ("warn", "error", "ignore")


class Options:
    """How an experiment is run; None means "not said here".

    Parameters
    ----------
    output_dir
        Folder that everything is written to; relative to the project, see `resolve`.
    executor
        Name of an executor, or an instance.
    retry
        How many more times a failed run is tried.
    stash
        Take a snapshot of the code.
    hash_configs
        Run folders are called ``<run>-<hash>``.
    timestamp
        False: one folder a run, overwritten in place.
    timeout
        Seconds after which a run is killed.
    code
        What a change of the code means for a finished run: one of `CODE_POLICIES`.
    read_files
        What a change of a file that a finished run was seen to read means for it: one of `READ_POLICIES`.
    idle_timeout
        Seconds after which a run that neither prints nor computes is killed.
    dirty_git
        What uncommitted changes mean: one of `DIRTY_GIT`.
    resume
        A run that was interrupted or failed is given the folder of the attempt that it can go on from. False: it is
        told that there is none. None: it is told nothing.
    resources
        What a run asks of the machine that executes it: a table, or a function that is given the config.
    inputs
        Files and folders that every run reads, or a function that is given the config and names those of its run.
    secret, not_secret
        Keys of configs that are those of secrets, or are not, whatever they look like; see `SecretKeys`.
    """

    __slots__ = (
        "code", "dirty_git", "executor", "hash_configs", "idle_timeout", "inputs", "not_secret", "output_dir",
        "read_files", "resources", "resume", "retry", "secret", "stash", "timeout", "timestamp",
    )  # fmt: skip

    def __init__(
        self,
        output_dir: str | os.PathLike[str] | None = None,
        executor: Any = None,
        retry: int | None = None,
        stash: bool | None = None,
        hash_configs: bool | None = None,
        timestamp: bool | None = None,
        timeout: float | None = None,
        code: str | None = None,
        idle_timeout: float | None = None,
        resume: bool | None = None,
        dirty_git: str | None = None,
        resources: Any = None,
        secret: Sequence[str] | None = None,
        not_secret: Sequence[str] | None = None,
        read_files: str | None = None,
        inputs: Any = None,
    ) -> None:
        self.output_dir = output_dir
        self.executor = executor
        self.retry = retry
        self.stash = stash
        self.hash_configs = hash_configs
        self.timestamp = timestamp
        self.timeout = timeout
        self.code = code
        self.idle_timeout = idle_timeout
        self.resume = resume
        self.dirty_git = dirty_git
        self.resources = resources
        self.secret = secret
        self.not_secret = not_secret
        self.inputs = inputs
        self.read_files = read_files

    def __repr__(self) -> str:
        said = (f"{name}={getattr(self, name)!r}" for name in self.__slots__ if getattr(self, name) is not None)
        return f"Options({', '.join(said)})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Options):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]  # it can be changed

    def over(self, lower: Options) -> Options:
        """Fill what is not said here from `lower`."""
        said = {name: getattr(self, name) for name in self.__slots__}
        return Options(**{name: getattr(lower, name) if value is None else value for name, value in said.items()})

    def checked(self, where: str) -> Options:
        """Make sure that every value makes sense.

        Raises
        ------
        ConfigError, ExecutorError
            A value has the wrong type or range, or names nothing.
        """
        for name, kinds, what in _KINDS:
            value = getattr(self, name)
            if value is not None and (not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)):
                raise ConfigError(f"{where}: {name} must be {what}, not {value!r}")
        for name in ("secret", "not_secret"):
            keys = getattr(self, name)
            if keys is not None and not all(isinstance(key, str) and key for key in keys):
                raise ConfigError(f'{where}: {name} must be a list of keys, such as ["model.token"], not {keys!r}')
        check_inputs(self.inputs, where)
        check_name(self.executor, where)
        if not callable(self.resources):
            check_resources(self.resources, where)
        if self.retry is not None and self.retry < 0:
            raise ConfigError(f"{where}: retry must be 0 or more, not {self.retry}")
        for name in ("timeout", "idle_timeout"):
            seconds = getattr(self, name)
            if seconds is not None and not seconds > 0:
                raise ConfigError(f"{where}: {name} must be more than 0 seconds, not {seconds}")
        self.dirty_git = None if self.dirty_git is None else str(self.dirty_git).lower()
        for name, words in (("code", CODE_POLICIES), ("read_files", READ_POLICIES), ("dirty_git", DIRTY_GIT)):
            word = getattr(self, name)
            if word is not None and word not in words:
                choices = ", ".join(f'"{choice}"' for choice in words)
                raise ConfigError(f'{where}: {name} must be one of {choices}, not "{word}"{nearest(word, words)}')
        return self


_KINDS: tuple[tuple[str, tuple[type, ...], str], ...] = (
    ("output_dir", (str, os.PathLike), "a path"),
    ("retry", (int,), "a whole number"),
    ("stash", (bool,), "true or false"),
    ("hash_configs", (bool,), "true or false"),
    ("timestamp", (bool,), "true or false"),
    ("timeout", (int, float), "a number of seconds"),
    ("code", (str,), "a text"),
    ("read_files", (str,), "a text"),
    ("idle_timeout", (int, float), "a number of seconds"),
    ("resume", (bool,), "true or false"),
    ("dirty_git", (str,), "a text"),
    ("secret", (list, tuple), 'a list of keys, such as ["model.token"]'),
    ("not_secret", (list, tuple), 'a list of keys, such as ["model.token"]'),
)

DEFAULTS = Options(
    output_dir="out", executor="subprocess", retry=0, stash=True, hash_configs=False, timestamp=True, code="warn",
    dirty_git="warn", read_files="warn",
)  # fmt: skip


def resolve(*layers: Options, typed: Options | None = None, project: str | None = None) -> Options:
    """Combine layers, the strongest first; ``[tool.pyexp]`` and the defaults come below them all.

    Parameters
    ----------
    layers
        What code and run files say; a relative `output_dir` of theirs is relative to the project.
    typed
        What the command line says, which wins; its `output_dir` is relative to where it is typed.
    project
        The project's folder; by default that of the current folder.

    Returns
    -------
    Options
        With an `output_dir` that holds from the current folder.
    """
    here = current_folder()
    project = project or project_around(here) or here
    result = typed or Options()
    for layer in layers:
        result = result.over(_within(project, layer))
    return result.over(project_options(project)).over(_within(project, DEFAULTS))


def check_inputs(said: Any, where: str) -> None:
    """Make sure that `inputs` names files and folders, or is a function.

    Raises
    ------
    ConfigError
        It does not.
    """
    if said is None or callable(said):
        return
    if not isinstance(said, (list, tuple)):
        raise ConfigError(f'{where}: inputs must be a list of paths, such as ["data/train.csv"], not {said!r}')
    for item in said:
        as_input(item, where)


def _within(folder: str, options: Options) -> Options:
    """Give options with a relative `output_dir` read from `folder`, and written from the current folder."""
    return options if options.output_dir is None else Options(placed(options.output_dir, folder)).over(options)


def placed(path: str | os.PathLike[str], folder: str) -> str:
    """Give a path that is relative to `folder` as it is to be written from the current folder."""
    if os.path.isabs(path):
        return os.fspath(path)
    path, here = os.path.normpath(os.path.join(folder, path)), current_folder()
    return os.path.relpath(path, here) if os.path.commonpath([path, here]) != os.sep else path


@functools.lru_cache(maxsize=64)
def project_table(folder: str) -> tuple[str, dict[str, Any]]:
    """Find the nearest pyproject.toml from `folder` upwards: its path and its ``[tool.pyexp]``.

    Raises
    ------
    ConfigError
        The file is no TOML, or the table is none.
    """
    while True:
        path = os.path.join(folder, "pyproject.toml")
        if os.path.isfile(path):
            import tomllib

            try:
                with open(path, "rb") as file:
                    tools = tomllib.load(file).get("tool", {})
            except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
                raise ConfigError(f"{path} is no valid TOML: {error}; correct it") from None
            except OSError as error:
                raise ConfigError(f"{path} cannot be read: {error.strerror}; check its permissions") from None
            table = tools.get("pyexp", {}) if isinstance(tools, dict) else None
            if not isinstance(table, dict):
                raise ConfigError(f"{path}: tool.pyexp must be a table; write [tool.pyexp] above its keys")
            named = table.get("experiments", [])
            if not isinstance(named, (str, list)) or not all(isinstance(name, str) for name in named):
                raise ConfigError(f'{path}: tool.pyexp: experiments must be a list of files, such as ["train.py"]')
            return path, table
        parent = os.path.dirname(folder)
        if parent == folder:
            return "", {}
        folder = parent


def project_options(folder: str) -> Options:
    """Give the options that ``[tool.pyexp]`` sets.

    Raises
    ------
    ConfigError
        The table has an unknown key or a value of the wrong type.
    """
    path, table = project_table(folder)
    known = set(Options.__slots__)
    for key in table:
        if key not in known and key != "experiments":
            choices = sorted([*known, "experiments"])
            raise ConfigError(f'{path}: tool.pyexp has no key "{key}"{suggest(key, choices, len(choices))}')
    if not isinstance(table.get("executor", ""), str):
        raise ConfigError(f"{path}: tool.pyexp: executor must be a name, not {table['executor']!r}")
    options = Options(**{key: value for key, value in table.items() if key in known}).checked(f"{path}: tool.pyexp")
    return _within(os.path.dirname(path), options)  # like `experiments`, it is relative to the file that says so
