"""`Document`: a run file as it is after merging, whatever its dialect.

Implements: docs/run-files.md, "Files that build on others".
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..config.compose import Composition, Style, tidy
from ..config.origins import COMMAND_LINE, Origins
from ..config.overrides import said
from ..config.setting import Setting, short
from ..config.typed import TypedSetting
from ..config.yaml import Located, load_yaml, near_files
from ..errors import ConfigError, MissingFile, nearest


@dataclass
class Document:
    """A run file, merged with everything that it builds on.

    Parameters
    ----------
    path
        The file that was named.
    tree
        What is in it.
    origins
        Where that was written down.
    files
        Every file that was read.
    unknown
        What there is to say about overrides of keys that are not in the files, if nobody else knows these keys.
    """

    path: Path
    tree: dict[Any, Any]
    origins: Origins
    files: list[Path] = field(default_factory=list)
    unknown: list[ConfigError] = field(default_factory=list)

    def where(self, *keys: Any) -> str:
        """Say ``file:line`` of a value."""
        return self.origins.where(*keys)

    def folder(self, *keys: Any) -> Path:
        """Give the folder of the file that a value was written in; the current one for the command line."""
        place = self.origins.place(*keys)
        return Path.cwd() if place == COMMAND_LINE else Path(place[0]).parent

    def refuse(self, message: str, *keys: Any) -> ConfigError:
        """Make the error about a value."""
        return ConfigError(f"{self.where(*keys)}: {message}")

    def text(self, *keys: str) -> str | None:
        """Give a value that has to be text; None if it is not there.

        Raises
        ------
        ConfigError
            It is something else.
        """
        value: Any = self.tree
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return str(value)
        raise self.refuse(f"{'.'.join(keys)} must be text, not {_kind(value)}", *keys)

    def flag(self, key: str) -> bool:
        """Give a value that has to be true or false; False if it is not there.

        Raises
        ------
        ConfigError
            It is something else.
        """
        value = self.tree.get(key)
        if value is not None and not isinstance(value, bool):
            raise self.refuse(f"{key} must be true or false, not {value!r}", key)
        return bool(value)

    def texts(self, key: str) -> list[tuple[str, str]]:
        """Give a value that has to be text or a list of texts: each with its place.

        Raises
        ------
        ConfigError
            It is something else.
        """
        value = self.tree.get(key)
        found = value if isinstance(value, list) else [] if value is None else [value]
        for index, item in enumerate(found):
            if not isinstance(item, str) or not item:
                raise self.refuse(f"{key} holds {item!r}; it takes text, or a list of texts", key, index)
        return [(item, self.where(key, index)) for index, item in enumerate(found)]

    def override(self, overrides: Overrides, *, create: bool = False) -> None:
        """Set single values as the command line says.

        Parameters
        ----------
        overrides
            What it says.
        create
            Keys that are not there are made.

        Raises
        ------
        ConfigError
            A key or a value makes no sense.
        """
        for text in overrides.conf:
            key, equals, value = text.partition("=")
            if not key.strip():
                raise ConfigError(f'-c takes KEY=VALUE, such as -c model.width=64, not "{short(text)}"')
            tree = said(value, f'override "{short(text)}"') if equals else None
            self._set(Setting, text, key.strip(), tree, overrides, create)
        for name, value in overrides.pairs:
            self._set(TypedSetting, f"--{name} {value}", name, value, overrides, create)

    def _set(self, kind: type[Setting], text: str, key: str, value: Any, overrides: Overrides, create: bool) -> None:
        head, *rest = key.replace("[", ".").split(".")
        if head in overrides.own and head != overrides.section:
            there = self.tree.get(head)
            # What the command line has made, it may add to: two `-c sweep.K=[...]` go together.
            made_here = isinstance(there, dict) and all(self.origins.get((head, k)) == COMMAND_LINE for k in there)
            create = create or not rest or not isinstance(there, dict) or made_here
        elif overrides.section and head not in self.tree:
            key = f"{overrides.section}.{key}"
        setting = kind(text, key, value, create or key in overrides.free)
        if head == "sweep" and rest and create and isinstance(value, list):
            setting.parts = (head, ".".join(rest))  # an axis: the values of a key, which may be dotted
        try:
            setting.put_into(self.tree)
        except ConfigError as error:
            section = self.tree.get(overrides.section)
            keys = [*map(str, section)] if isinstance(section, dict) else []
            # What the config holds goes before an option that is called much the same.
            is_there = head in self.tree or head in keys or nearest(head, keys)
            near = "" if is_there else nearest(head, dict.fromkeys([*overrides.own, *overrides.flags]))
            told = ConfigError(f'override "{short(text)}": there is no key "{head}"{near}') if near else error
            if not overrides.later or head in overrides.own:
                raise told from None
            self.unknown.append(told)
            setting = kind(text, key, value, True)
            setting.put_into(self.tree)
        self.origins.put(setting.path, COMMAND_LINE)


@dataclass(frozen=True)
class Overrides:
    """What the command line sets.

    Parameters
    ----------
    conf
        Texts ``KEY=VALUE``, with values in YAML.
    pairs
        Keys and texts that take the type of what they replace.
    own
        The keys at the top that mean something, and may be set even if they are not there.
    section
        The section in which all others are looked for; "" for the whole.
    later
        Keys that are not there are made, and noted in `Document.unknown`: somebody else knows which there may be.
    flags
        Options of the command line, for hints.
    free
        Other keys that may be set even if they are not there, in full.
    """

    conf: Sequence[str] = ()
    pairs: Sequence[tuple[str, str]] = ()
    own: Sequence[str] = ()
    section: str = ""
    later: bool = False
    flags: Sequence[str] = ()
    free: Sequence[str] = ()


def _kind(value: Any) -> str:
    return "a section" if isinstance(value, dict) else "a list" if isinstance(value, list) else repr(value)


def find_file(name: str) -> Path:
    """Find the run file that is meant: ``.yaml`` or ``.yml`` may be left out.

    Raises
    ------
    MissingFile
        There is none.
    """
    path = Path(name).expanduser()
    if os.path.exists(path):
        return path
    for suffix in (".yaml", ".yml"):
        if not path.suffix and os.path.isfile(path.with_name(path.name + suffix)):
            return path.with_name(path.name + suffix)
    raise MissingFile(f"there is no run file {name}{near_files(os.fspath(path)) or '; check the path'}")


class Reader:
    """Reads run files; each YAML file once.

    Parameters
    ----------
    path
        The run file.
    pre, post
        Files that are merged before and after it.
    """

    def __init__(self, path: Path, pre: Iterable[Path] = (), post: Iterable[Path] = ()) -> None:
        self.path = path
        self._paths = [*pre, path, *post]
        self._read: dict[str, Located] = {}

    def keys_in_order(self) -> Iterator[Mapping[Any, Any]]:
        """Give what stands at the top of each file: the run file and what it imports, then what it is merged with.

        Raises
        ------
        MissingFile, ConfigError
            A file does not exist, or is no config file.
        """
        for path in [self.path, *self._paths]:
            yield from self._keys_from(path, set())

    def _keys_from(self, path: Path, seen: set[str]) -> Iterator[Mapping[Any, Any]]:
        real = os.path.realpath(path)
        if real in seen:
            return
        seen.add(real)
        keys = self._keys(path)
        yield keys
        imports = keys.get("imports")
        for name in imports if isinstance(imports, list) else [imports]:
            target = tidy(path.parent / Path(name).expanduser()) if isinstance(name, str) and name else None
            if target is not None and os.path.isfile(target):
                yield from self._keys_from(target, seen)

    def _keys(self, path: Path) -> dict[Any, Any]:
        real = os.path.realpath(path)
        if real not in self._read:
            self._read[real] = load_yaml(path)
        tree: dict[Any, Any] = self._read[real].tree
        return tree

    def read(self, style: Style) -> Document:
        """Merge the files.

        Raises
        ------
        MissingFile, ConfigError
            A file is missing or wrong.
        """
        composition = Composition(style, self._read)
        for path in self._paths:
            composition.add(path)
        composition.origins.setdefault((), (os.fspath(self.path), 1))
        return Document(self.path, composition.tree, composition.origins, composition.files)


def known_keys(document: Document, known: Iterable[str], hint: str = "") -> None:
    """Refuse keys at the top of a document that mean nothing.

    Raises
    ------
    ConfigError
        There is one.
    """
    choices = list(known)
    for key in document.tree:
        if key not in choices:
            near = nearest(str(key), choices) or hint
            raise document.refuse(f'unknown key "{key}"{near}', key)
