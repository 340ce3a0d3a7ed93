"""Variables and references in the texts of a config: ``$HOME``, ``${HOME:-/tmp}``, ``{model.width}``.

Implements: Expyrun readme, "Parsing Variables". A text is read once, from left to right: what a variable or a reference
stands for is not read again.
"""

from __future__ import annotations

import os
import re

from ..errors import ConfigError, nearest
from .atoms import ATOMS
from .inputs import Input
from .origins import Origins
from .typed import guess

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Keys = tuple[Any, ...]

# Values, and signs of a text, that may come of references; a few lines of them could ask for billions.
MOST_VALUES, MOST_TEXT = 200_000, 1_000_000

PLAIN = "!P"  # at the start of a text: what follows is meant as it stands

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_PART = re.compile(
    rf"\$(?P<bare>{_NAME})"
    rf"|\$\{{(?P<name>{_NAME})(?::-(?P<default>(?:[^{{}}]|\{{[^{{}}]*\}})*))?\}}"
    r"|\{(?P<path>[A-Za-z_][\w-]*(?:\.[\w-]+)*)\}"
)
_SCHEMES = ("", "Bearer", "Basic", "Token", "token")  # what stands before a token where it is sent


def has_parts(value: Any) -> bool:
    """Tell whether there is anything to resolve in a value."""
    if isinstance(value, str):
        return ("$" in value or "{" in value or value.startswith(PLAIN)) and (
            value.startswith(PLAIN) or _PART.search(value) is not None
        )
    if isinstance(value, Input):
        return has_parts(value.path)
    if isinstance(value, dict):
        return any(type(item) not in ATOMS - {str} and has_parts(item) for item in value.values())
    return isinstance(value, list) and any(has_parts(item) for item in value)


def only_parts(text: str) -> bool:
    """Tell whether a text holds nothing of its own but variables and references, and a word such as `Bearer` before.

    Examples
    --------
    >>> [only_parts(text) for text in ("$TOKEN", "Bearer {token}", "${TOKEN:-abc}", "a$B", "!P$TOKEN", "abc")]
    [True, True, False, False, False, False]
    """
    if text.startswith(PLAIN):
        return False
    rest = _PART.sub(lambda part: "" if only_parts(part["default"] or "") else part["default"] or "", text)
    return rest != text and rest.strip() in _SCHEMES


def variables_in(value: Any) -> set[str]:
    """Name the variables that the texts of a config refer to."""
    if isinstance(value, str):
        if value.startswith(PLAIN):
            return set()
        found = {name for part in _PART.finditer(value) if (name := part["bare"] or part["name"])}
        return found.union(*(variables_in(part["default"]) for part in _PART.finditer(value) if part["default"]))
    if isinstance(value, Input):
        return variables_in(value.path)
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {name for item in items for name in variables_in(item)}


def escaped(value: Any) -> Any:
    """Write a resolved config so that resolving it again gives the very same.

    Examples
    --------
    >>> escaped({"a": "$HOME", "b": "plain {}", "c": ["{a}"]})
    {'a': '!P$HOME', 'b': 'plain {}', 'c': ['!P{a}']}
    """
    if isinstance(value, str):
        return PLAIN + value if has_parts(value) else value
    if isinstance(value, Input):
        return type(value)(escaped(value.path))
    if isinstance(value, dict):
        return {key: escaped(item) for key, item in value.items()}
    return [escaped(item) for item in value] if isinstance(value, list) else value


class Resolver:
    """Resolves what stands in the texts of one config.

    A text that is one variable as a whole becomes a number or a truth value if it reads like one; one that is a
    reference as a whole becomes a copy of what it refers to, with its type. Elsewhere both become text.

    Parameters
    ----------
    tree
        The config; it stays as it is.
    origins
        Where its values were written down, for messages.
    lenient
        Called with a sentence about each variable or reference that leads nowhere, which then counts as empty text;
        without it, that is a mistake.
    within
        Sections in which references are looked for before the root.
    environment
        The variables.
    """

    def __init__(
        self,
        tree: dict[Any, Any],
        origins: Origins | None = None,
        lenient: Callable[[str], None] | None = None,
        within: tuple[Keys, ...] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._tree = tree
        self._origins = Origins() if origins is None else origins
        self._lenient = lenient
        self._roots = (*within, ())
        self._environment = os.environ if environment is None else environment
        self._done: dict[Keys, Any] = {}
        self._open: list[Keys] = []
        self._copied = 0

    def resolve(self, path: Keys = ()) -> Any:
        """Give the value at a path with everything in it resolved; made of new containers only.

        Raises
        ------
        ConfigError
            A variable or a reference leads nowhere, or references go in a circle; names file, line and key.
        """
        try:
            return self._value(self._found(path), path)
        except RecursionError:
            raise ConfigError(f"{self._origins.where(*path)}: references are nested too deeply; flatten them") from None

    def _found(self, path: Keys) -> Any:
        """Give the raw value at a path of keys and positions."""
        value: Any = self._tree
        for key in path:
            value = value[key]
        return value

    def _value(self, raw: Any, path: Keys) -> Any:
        """Resolve one raw value."""
        if self._open:
            self._count(path)
        if isinstance(raw, dict):
            return {key: self._value(item, (*path, key)) for key, item in raw.items()}
        if isinstance(raw, list):
            return [self._value(item, (*path, index)) for index, item in enumerate(raw)]
        if isinstance(raw, Input):
            return type(raw)(str(self._value(raw.path, path)))
        if not isinstance(raw, str) or ("$" not in raw and "{" not in raw and not raw.startswith(PLAIN)):
            return raw
        if path not in self._done:
            if path in self._open:
                circle = [*self._open[self._open.index(path) :], path]
                names = " -> ".join(".".join(map(str, keys)) for keys in circle)
                raise ConfigError(f"{self._origins.where(*path)}: references go in a circle: {names}; break it")
            self._open.append(path)
            self._done[path] = self._text(raw, path)
            self._open.pop()
        return self._anew(self._done[path], path)

    def _anew(self, value: Any, path: Keys) -> Any:
        """Copy what a reference gave: no two places share a container."""
        if isinstance(value, dict):
            self._count(path, len(value))
            return {key: self._anew(item, path) for key, item in value.items()}
        if isinstance(value, list):
            self._count(path, len(value))
            return [self._anew(item, path) for item in value]
        return value

    def _count(self, path: Keys, values: int = 1) -> None:
        """Refuse references that copy others over and over."""
        self._copied += values
        if self._copied > MOST_VALUES:
            where = self._origins.where(*path)
            raise ConfigError(f"{where}: references repeat more than {MOST_VALUES:,} values; use fewer")

    def _text(self, raw: str, path: Keys) -> Any:
        """Resolve one text."""
        if raw.startswith(PLAIN):
            return raw.removeprefix(PLAIN)
        whole = _PART.fullmatch(raw)
        if whole is not None and (whole["path"] is None or "}" not in raw[:-1]):
            return self._part(whole, path, whole=True)
        length = 0

        def part(match: re.Match[str]) -> str:
            nonlocal length
            text = str(self._part(match, path, whole=False))
            length += len(text)
            if length > MOST_TEXT:
                where = self._origins.where(*path)
                raise ConfigError(f"{where}: references make a text of more than {MOST_TEXT:,} signs; use fewer")
            return text

        return _PART.sub(part, raw)

    def _part(self, match: re.Match[str], path: Keys, *, whole: bool) -> Any:
        """Give what one variable or reference stands for."""
        if match["path"] is not None:
            return self._reference(match["path"], path, whole=whole)
        name = match["bare"] or match["name"]
        text = self._environment.get(name)
        if not text and match["default"] is not None:
            default = self._text(match["default"], path)
            return guess(default) if whole and isinstance(default, str) else default
        if text is None:
            return self._missing(
                path, f"there is no environment variable {name}",
                f"set it, or give a default: ${{{name}:-value}}",
            )  # fmt: skip
        return guess(text) if whole else text

    def _reference(self, name: str, path: Keys, *, whole: bool) -> Any:
        """Give the value that a reference names."""
        for root in self._roots:
            target = self._follow(name.split("."), root)
            if target is None:
                continue
            raw = self._found(target)
            if isinstance(raw, dict):
                if not whole:
                    return self._missing(path, f'"{{{name}}}" is a section, which no text can hold', "name a value")
                if target == path[: len(target)]:
                    raise ConfigError(
                        f'{self._origins.where(*path)}: "{{{name}}}" names the section it stands in; name a value'
                    )
            return self._value(raw, target)
        known = [".".join(map(str, keys)) for root in self._roots for keys in _paths(self._at(root))]
        hint = nearest(name, known) or f"; put {PLAIN} before a text that is meant as it stands"
        return self._missing(path, f'there is no "{name}" for "{{{name}}}" to refer to{hint}', "")

    def _at(self, root: Keys) -> Any:
        try:
            return self._found(root)
        except (KeyError, IndexError, TypeError):
            return None

    def _follow(self, parts: list[str], root: Keys) -> Keys | None:
        """Give the path that a reference means from a root; None if it leads nowhere."""
        value, path = self._at(root), root
        for part in parts:
            if isinstance(value, dict):
                key: Any = part
                if part not in value and part.isdecimal() and int(part) in value:
                    key = int(part)
                if key not in value:
                    return None
            elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
                key = int(part)
            else:
                return None
            value, path = value[key], (*path, key)
        return path

    def _missing(self, path: Keys, what: str, hint: str) -> str:
        """Refuse what leads nowhere, or tell of it and take empty text."""
        key = ".".join(map(str, path))
        said = f"{self._origins.where(*path)}: {key}: {what}" if key else f"{self._origins.where(*path)}: {what}"
        if self._lenient is None:
            raise ConfigError(f"{said}; {hint}" if hint else said)
        self._lenient(f"{said.split(f'; put {PLAIN} ')[0]}; it counts as empty text")
        return ""


def _paths(tree: Any, path: Keys = ()) -> list[Keys]:
    """Give the paths of everything with a name."""
    if not isinstance(tree, dict):
        return [path] if path else []
    return [*([path] if path else []), *(keys for key, item in tree.items() for keys in _paths(item, (*path, key)))]
