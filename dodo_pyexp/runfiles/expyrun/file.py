"""Expyrun's dialect: ``__run__``, ``__default__``, ``__new_key_policy__``; a folder ``exp.{i}`` for each launch.

Implements: Expyrun readme.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ...config.compose import Style, Watch, tidy
from ...config.interpolation import Resolver, escaped
from ...config.origins import Origins
from ...config.spread import spread
from ...config.yaml import Located
from ...errors import ConfigError, nearest, warn
from ...store.names import refusal
from ..document import Document, Reader
from ..entry import Entry
from ..wanted import Wanted
from .secrets import Masked

RUN, DEFAULT, POLICY = "__run__", "__default__", "__new_key_policy__"
MAIN, OUTPUT, NAME, CODE = "__main__", "__output_dir__", "__name__", "__code__"
REQUIRED = (MAIN, OUTPUT, NAME)
POLICIES = ("raise", "warn", "pass")


class _Policy(Watch):
    """What a file says about keys that none of its defaults has."""

    def __init__(self, policy: str) -> None:
        self._policy = policy

    def new(self, keys: tuple[Any, ...], place: tuple[str, int], known: Iterable[Any]) -> None:
        """Refuse the key, tell of it, or let it be; keys that begin with ``__`` are always let be."""
        if self._policy == "pass" or any(str(key).startswith("__") for key in keys):
            return
        name = ".".join(map(str, keys))
        said = f'{place[0]}:{place[1]}: unknown key "{name}"{nearest(str(keys[-1]), map(str, known))}'
        if self._policy == "raise":
            raise ConfigError(f"{said}; no default file has it, and {POLICY}: raise forbids new ones")
        warn(f"{said}; no default file has it, and it is added to the config")

    def retyped(self, keys: tuple[Any, ...], old: Any, new: Any, place: tuple[str, int]) -> None:
        """Tell of a value of another type."""
        name = ".".join(map(str, keys))
        kinds = f"{_kind(old)} -> {_kind(new)}"
        warn(f'{place[0]}:{place[1]}: the key "{name}" is overloaded with a different type: {kinds}')


def _kind(value: Any) -> str:
    return "null" if value is None else type(value).__name__


class ExpyrunStyle(Style):
    """A file builds on those in ``__default__``, the last of which wins, and over all of which it wins itself."""

    def parents(self, located: Located, path: Path) -> list[tuple[Path, str]]:
        """Take ``__default__`` out: absolute, relative to the file (``./``), or relative to the current folder."""
        named = located.tree.pop(DEFAULT, None)
        found = []
        for index, name in enumerate(named if isinstance(named, list) else [] if named is None else [named]):
            where = located.where(DEFAULT, index)
            if not isinstance(name, str) or not name:
                raise ConfigError(f"{where}: {DEFAULT} holds {name!r}; it takes a path, or a list of paths")
            target = Resolver({DEFAULT: name}, Origins({(): located.positions[()]})).resolve()[DEFAULT]
            given = Path(str(target)).expanduser()
            beside = tidy(path.parent / given)
            if given.is_absolute() or str(target).startswith("."):
                found.append((beside, where))
            elif not os.path.exists(given) and os.path.isfile(beside):
                raise ConfigError(
                    f'{where}: there is no file "{name}" in the current folder; write "./{name}" for the one beside '
                    f"{path.name}"
                )
            else:
                found.append((tidy(given), where))
        return found

    def watch(self, located: Located, path: Path) -> Watch:
        """Take ``__new_key_policy__`` out."""
        where = located.where(POLICY)
        policy = located.tree.pop(POLICY, "warn")
        if policy not in POLICIES:
            hint = nearest(str(policy), POLICIES)
            raise ConfigError(f"{where}: {POLICY} must be one of {', '.join(POLICIES)}, not {policy!r}{hint}")
        return _Policy(policy)

    def spread(self, located: Located) -> Located:
        """Take dotted keys apart."""
        return spread(located, refuse=True)


class ExpyrunFile:
    """A run file of Expyrun's dialect.

    Parameters
    ----------
    document
        What is in it, overrides included.
    wanted
        What the command line says.

    Attributes
    ----------
    config
        All of it, variables and references resolved.
    raw
        All of it as it was written.
    name
        The name of the experiment.
    output_dir
        The folder below which it is kept.
    code
        The folder that holds the code.

    Raises
    ------
    ConfigError
        Something in ``__run__`` is missing or makes no sense.
    """

    def __init__(self, document: Document, wanted: Wanted) -> None:
        self._document = document
        self._wanted = wanted
        self.raw = document.tree
        section = self._section()
        strict = Resolver(self.raw, document.origins)
        run = {key: None if section[key] is None else str(strict.resolve((RUN, key))) for key in section}
        if wanted.workdir is not None:
            run[OUTPUT] = wanted.workdir
        for key in REQUIRED:
            if not run.get(key):
                raise document.refuse(f"{RUN} has no {key}; write it", RUN, key)
        self.name = str(run[NAME])
        refused = refusal(self.name) or ("cannot be a dot" if self.name.strip("./") == "" else None)
        if refused is not None:
            raise document.refuse(f"{NAME}: an experiment {refused}", RUN, NAME)
        self.output_dir = os.path.abspath(os.path.expanduser(str(run[OUTPUT])))
        self.code = os.path.abspath(os.path.expanduser(run.get(CODE) or "."))
        self.entry = self._entry(str(run[MAIN]))
        self.config = self._resolve()
        found = {OUTPUT: self.output_dir, MAIN: self._main()}
        self.raw = {**self.raw, RUN: {**section, **escaped(found)}}
        self.config[RUN] = {**run, **found}

    def _section(self) -> dict[str, Any]:
        """Give ``__run__`` as it was written."""
        section = self.raw.get(RUN)
        if not isinstance(section, dict):
            what = "must hold keys and values" if RUN in self.raw else "is missing"
            raise self._document.refuse(f"{RUN} {what}: {', '.join(REQUIRED)} and, if need be, {CODE}", RUN)
        for key, value in section.items():
            if key not in (*REQUIRED, CODE):
                hint = nearest(str(key), (*REQUIRED, CODE)) or f"; there are {', '.join((*REQUIRED, CODE))}"
                raise self._document.refuse(f'{RUN} has no key "{key}"{hint}', RUN, key)
            if isinstance(value, (dict, list)):
                raise self._document.refuse(f"{key} must be text", RUN, key)
        if section.get(CODE) is None:
            section.pop(CODE, None)
        return section

    def _entry(self, text: str) -> Entry:
        where = self._document.where(RUN, MAIN)
        entry = Entry.parse(text, where, Path(self.code))
        return entry.elsewhere(self._wanted.file, self._wanted.module, self._document.path.parent)

    def _main(self) -> str:
        """Write the entry point as it is to be found again."""
        entry = self.entry
        if entry.file is None:
            return entry.shown
        file = os.path.abspath(entry.file)
        inside = os.path.relpath(file, self.code)
        return f"{file if inside.startswith('..') else inside}:{entry.function}"

    def _resolve(self) -> dict[Any, Any]:
        """Resolve everything but ``__run__``; what leads nowhere is told, and counts as empty text."""
        resolver = Resolver(self.raw, self._document.origins, lenient=warn)
        return {key: resolver.resolve((key,)) for key in self.raw if key != RUN}

    @property
    def own(self) -> dict[Any, Any]:
        """The config that the function is given."""
        return {key: value for key, value in self.config.items() if key != RUN}

    @property
    def files(self) -> list[Path]:
        """The files that it was read from."""
        return self._document.files

    @property
    def path(self) -> Path:
        """The file that was named."""
        return self._document.path

    def where(self, *keys: Any) -> str:
        """Say where a value was written down."""
        return self._document.where(*keys)

    def show(self) -> tuple[dict[Any, Any], dict[str, str]]:
        """Give the whole as data, and the place of each value."""
        return self.config, self._document.origins.table(self.config)


def read(reader: Reader, wanted: Wanted, check: Callable[[Masked], None] = lambda masked: None) -> ExpyrunFile:
    """Read a run file of Expyrun's dialect, with the overrides of the command line.

    Parameters
    ----------
    reader, wanted
        The file, and what the command line says.
    check
        Told which secrets are missing in it, if it was written down by a launch.

    Raises
    ------
    PyexpError
        The file or an override is wrong.
    """
    set_cwd()
    document = reader.read(ExpyrunStyle())
    masked = Masked(document, RUN)
    run = document.tree.get(RUN)
    if isinstance(run, dict):  # these may be set even where the file does not
        for key in (*REQUIRED, CODE):
            run.setdefault(key, None)
    document.override(masked.heard(wanted.overrides()))
    masked.fill()
    check(masked)
    return ExpyrunFile(document, wanted)


def set_cwd() -> None:
    """Tell the configs, and the runs, from where they were started: in `PYEXP_CWD`, and as Expyrun calls it."""
    os.environ["PYEXP_CWD"] = os.environ["EXPYRUN_CWD"] = os.getcwd()


def is_key(reader: Reader, name: str) -> bool:
    """Tell whether the config has a key, so that an option of that name means the key."""
    tree: Any = reader.read(ExpyrunStyle()).tree
    for part in name.split("."):
        if not isinstance(tree, dict) or part not in tree:
            return False
        tree = tree[part]
    return True
