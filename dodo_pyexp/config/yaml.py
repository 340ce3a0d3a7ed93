"""YAML, read safely by the rules of YAML 1.2, with the place of every value."""

from __future__ import annotations

import os
import re
from base64 import b64decode
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import yaml

from ..errors import ConfigError, ConfigTypeError, MissingFile, nearest
from .inputs import File, Folder
from .numbers import floating, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    Path = tuple[Any, ...]
    Place = tuple[str, int]

# Values that may come from aliases in one file; a few lines of nested aliases could ask for billions.
EXPANDED_LIMIT = 200_000

# Levels that a file may nest: the C parser recurses without looking, and would take the whole process down.
DEPTH_LIMIT = 200

PREFIX = "tag:yaml.org,2002:"
_TRUE, _FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")
SCALARS = (  # the core schema of YAML 1.2, and the merge key
    ("null", r"~|null|Null|NULL|", ("~", "n", "N", "")),
    ("bool", "|".join(_TRUE + _FALSE), "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
    ("merge", "<<", "<"),
)


class Located(NamedTuple):
    """What a YAML text holds, and where: `positions` maps each path of keys to its file and line."""

    tree: Any
    positions: dict[Path, Place]

    def where(self, *path: Any) -> str:
        """Say ``file:line`` of a value, or of the nearest section around it that was written down."""
        for end in range(len(path), -1, -1):
            place = self.positions.get(path[:end])
            if place:
                return f"{place[0]}:{place[1]}"
        return "the config"


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the C parser where it is there
    """Composes the nodes of a text; what they mean is decided here, by `_Reader`."""

    yaml_implicit_resolvers: ClassVar[dict[str | None, list[Any]]] = {}


for _kind, _pattern, _first in SCALARS:
    _Loader.add_implicit_resolver(PREFIX + _kind, re.compile(f"^(?:{_pattern})$"), list(_first))


def load_yaml(path: str | os.PathLike[str]) -> Located:
    """Read a YAML file that holds keys and values.

    Numbers are those of YAML 1.2 (``1e-4`` is a float, ``0o17`` is 15); ``on``, ``yes`` and dates are text.
    Each value is built anew, also where an alias repeats it.

    Implements: pyexp guide, "load_config(paths)".

    Raises
    ------
    MissingFile
        When there is no such file.
    ConfigError
        When it cannot be read, is empty, no text, no valid YAML, or a list or a single value; names file and line.
    """
    name = os.fspath(path)
    try:
        with open(name, "rb") as file:
            content = file.read()
    except FileNotFoundError:
        raise MissingFile(f"{name}: there is no such file{near_files(name) or '; check the path'}") from None
    except IsADirectoryError:
        raise ConfigError(f"{name}: is a folder; name the YAML file inside it") from None
    except OSError as error:
        raise ConfigError(f"{name}: cannot be read ({error.strerror}); check its permissions") from None
    except ValueError as error:  # a path that cannot be
        raise ConfigError(f"{name!r} is no path ({error}); name a YAML file") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{name}: is not a text file in UTF-8; name a YAML file") from None
    located = parse_yaml(text, name)
    if located.tree is None:
        raise ConfigError(f"{name}: the file is empty; write keys and values, or {{}} if it is to hold none")
    if not isinstance(located.tree, dict):
        kind = "a list" if isinstance(located.tree, list) else "a single value"
        raise ConfigError(f"{located.where()}: the file holds {kind}; a config file holds keys and values")
    return located


def near_files(path: str) -> str:
    """Give the files beside a missing one that may be meant."""
    folder, name = os.path.split(path)
    try:
        return nearest(name, sorted(os.listdir(folder or ".")))
    except OSError:
        return ""


def parse_yaml(text: str, where: str) -> Located:
    """Read a YAML text of any kind; `where` names it in positions and messages.

    Raises
    ------
    ConfigError
        When it is no valid YAML, has a key twice, a tag that is not plain YAML, or aliases without measure.
    """
    try:
        _check_depth(text, where)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
        if node is None:
            return Located(None, {(): (where, 1)})
        reader = _Reader(where)
        return Located(reader.value(node, (), node.start_mark.line + 1), reader.positions)
    except yaml.YAMLError as error:
        raise ConfigError(_sentence(error, text, where)) from None
    except RecursionError:
        raise ConfigError(f"{where}: is nested too deeply; flatten it") from None


class _Reader:
    """Builds the values of one text, counting what aliases repeat and noting where everything stands."""

    def __init__(self, where: str) -> None:
        self.name = where
        self.positions: dict[Path, Place] = {}
        self._seen: set[int] = set()
        self._open: set[int] = set()
        self._repeated = 0

    def value(self, node: Any, path: Path, line: int) -> Any:
        """Build the value of a node that stands at a path, on a line."""
        self.positions[path] = (self.name, line)
        if id(node) in self._seen:
            self._repeated += 1
            if self._repeated > EXPANDED_LIMIT:
                raise self._error(node, f"aliases (*name) repeat more than {EXPANDED_LIMIT:,} values; use fewer")
        self._seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if id(node) in self._open:
            raise self._error(node, "an alias (*name) stands inside its own anchor (&name); take it out")
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                self._check_tag(node, "seq")
                return [
                    self.value(item, (*path, index), item.start_mark.line + 1) for index, item in enumerate(node.value)
                ]
            if node.tag == PREFIX + "set":
                return {self._key(key, {}) for key, _ in node.value}
            self._check_tag(node, "map")
            return self._mapping(node, path)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: Any, path: Path) -> dict[Any, Any]:
        """Build a dict; what `<<` brings in only fills up."""
        result: dict[Any, Any] = {}
        merged = [value for key, value in node.value if key.tag == PREFIX + "merge"]
        for key_node, value_node in node.value:
            if key_node.tag != PREFIX + "merge":
                key = self._key(key_node, result)
                result[key] = self.value(value_node, (*path, key), key_node.start_mark.line + 1)
        if not merged:
            return result
        filled: dict[Any, Any] = {}
        for source in self._sources(merged):
            positions = self.positions
            self.positions = {}
            inherited, inner = self.value(source, path, source.start_mark.line + 1), self.positions
            self.positions = positions
            fresh = {key for key in inherited if key not in result and key not in filled}
            filled.update((key, inherited[key]) for key in inherited if key in fresh)
            depth = len(path)
            positions.update((at, place) for at, place in inner.items() if len(at) > depth and at[depth] in fresh)
        return {**filled, **result}

    def _sources(self, nodes: list[Any]) -> Iterator[Any]:
        """Give the mappings that merge keys name, the strongest first."""
        for node in nodes:
            for source in node.value if isinstance(node, yaml.SequenceNode) else [node]:
                if not isinstance(source, yaml.MappingNode):
                    raise self._error(source, "<< takes a section or a list of sections; name one with *name")
                yield source

    def _key(self, node: Any, taken: dict[Any, Any]) -> Any:
        """Build a key, and refuse one that is there already."""
        if not isinstance(node, yaml.ScalarNode):
            raise self._error(node, "a list or a section cannot be a key; quote it if it is meant as text")
        key = self._scalar(node)
        if key in taken:
            raise self._error(node, f'the key "{key}" is there twice; remove one of them')
        return key

    def _scalar(self, node: Any) -> Any:
        """Build a single value by its tag."""
        text: str = node.value
        kind = node.tag.removeprefix(PREFIX)
        try:
            if kind == "str" or kind == "merge":
                return text
            if kind == "int":
                return whole(text)
            if kind == "float":
                return floating(text)
            if kind == "bool":
                return {**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}[text]
            if kind == "null":
                return None
            if kind in ("!file", "!folder"):
                return (File if kind == "!file" else Folder)(text)
            if kind == "binary":
                return b64decode(text)
            if kind == "timestamp":
                return yaml.constructor.SafeConstructor().construct_yaml_timestamp(node)
        except ConfigError as error:
            raise self._error(node, f"{text[:20]}... {error}") from None
        except ConfigTypeError:
            raise self._error(node, f"{kind} takes a path, such as {kind} data/train.csv") from None
        except (ValueError, KeyError, AttributeError):
            raise self._error(node, f"{text[:40]!r} is no valid {kind}; correct or quote it") from None
        raise self._unknown_tag(node)

    def _check_tag(self, node: Any, expected: str) -> None:
        if node.tag != PREFIX + expected:
            raise self._unknown_tag(node)

    def _unknown_tag(self, node: Any) -> ConfigError:
        tag = node.tag.replace(PREFIX, "!!")
        return self._error(node, f'the tag "{tag}" is not allowed; use plain values')

    def _error(self, node: Any, message: str) -> ConfigError:
        return ConfigError(f"{self.name}:{node.start_mark.line + 1}: {message}")


def _check_depth(text: str, where: str) -> None:
    """Refuse a text that nests too deeply, before anything recurses over it."""
    # A level takes a bracket, or another column (that may hold two, a key and its list): few need a look.
    longest = max(map(len, text.split("\n")))
    if text.count("[") + text.count("{") + 2 * longest <= DEPTH_LIMIT:
        return
    try:
        deep = _first_too_deep(_Loader(text))
    except yaml.YAMLError:  # newer C parsers look ahead, and refuse what is far too deep in words of their own
        deep = _first_too_deep(yaml.SafeLoader(text))
    if deep:
        raise ConfigError(f"{where}:{deep}: nests over {DEPTH_LIMIT} levels deep; flatten it")


def _first_too_deep(loader: Any) -> int | None:
    """Give the line where a text begins to nest too deeply."""
    depth = 0
    try:
        while loader.check_event():
            event = loader.get_event()
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > DEPTH_LIMIT:
                    return event.start_mark.line + 1 if event.start_mark else 1
            if isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    finally:
        loader.dispose()
    return None


def _sentence(error: yaml.YAMLError, text: str, where: str) -> str:
    """Tell a syntax error of the parser in one sentence with its line."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    place = f"{where}:{mark.line + 1}" if mark else where
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be parsed")
    line = "".join(text.split("\n")[mark.line : mark.line + 1]) if mark else ""
    if mark and line[mark.column : mark.column + 1] == "\t":
        return f"{place}: a tab cannot indent YAML; use spaces"
    if "single document" in str(getattr(error, "context", "")):
        return f'{place}: a second document starts here ("---"); keep one document a file'
    return f"{place}: is not valid YAML, {problem}; check the syntax there, and quote text with special signs"
