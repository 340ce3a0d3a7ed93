"""`Schema`: what a config may hold, by keys and types; made from classes, or from the source that defines them.

Implements: Experimaestro guide, "Experiment configuration" (typed, validated, defaults filled in).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ...config.typed import guess
from ...errors import nearest

WRONG, UNKNOWN, MISSING = "wrong", "unknown", "missing"


class Mismatch(Exception):
    """A value that is not what its type says.

    Attributes
    ----------
    kind
        The value is of another type (`WRONG`), its key is `UNKNOWN`, or it is `MISSING`.
    path
        Where it stands, outermost key first; for a missing one, the section.
    """

    def __init__(self, message: str, kind: str = WRONG) -> None:
        super().__init__(message)
        self.kind = kind
        self.path: tuple[Any, ...] = ()


class Type:
    """A type of values. This one takes anything."""

    def __str__(self) -> str:
        return "anything"

    def convert(self, value: Any) -> Any:
        """Give a value from a file as this type has it.

        Raises
        ------
        Mismatch
            It is none of this type.
        """
        return value

    def exact(self, value: Any) -> bool:
        """Tell whether a value is of this type as it stands."""
        return True

    def refuse(self, value: Any) -> Mismatch:
        """Make the error about a value."""
        return Mismatch(f"must be {self}, not {_shown(value)}")


ANY = Type()
_TRUE, _FALSE = ("true", "yes", "on", "1", "y", "t"), ("false", "no", "off", "0", "n", "f")


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a section"
    text = repr(value)
    return "a list" if isinstance(value, list) and len(text) > 40 else text if len(text) <= 60 else f"{text[:57]}..."


@dataclass(frozen=True)
class Atom(Type):
    """A single value: text, a number, true or false, or nothing.

    Parameters
    ----------
    kind
        `str`, `int`, `float`, `bool` or the type of None.
    """

    kind: type

    def __str__(self) -> str:
        return {str: "text", int: "a whole number", float: "a number", bool: "true or false"}.get(self.kind, "null")

    def exact(self, value: Any) -> bool:
        """As for `Type`."""
        return type(value) is self.kind

    def convert(self, value: Any) -> Any:
        """As for `Type`."""
        if type(value) is self.kind:
            return value
        read = guess(value) if isinstance(value, str) and self.kind is not str else value
        if self.kind is float and isinstance(read, (int, float)) and not isinstance(read, bool):
            return float(read)
        if self.kind is int and not isinstance(read, bool):
            if isinstance(read, int):
                return int(read)
            if isinstance(read, float) and math.isfinite(read) and read == int(read):
                return int(read)
        if self.kind is bool:
            word = str(value).strip().lower()
            if word in _TRUE or word in _FALSE:
                return word in _TRUE
        if self.kind is str and isinstance(value, str):
            return str(value)
        raise self.refuse(value)


@dataclass(frozen=True)
class Choice(Type):
    """One of several values: of an enum, or of a `Literal`.

    Parameters
    ----------
    values
        What may be written, and what it stands for.
    """

    values: tuple[tuple[Any, Any], ...]

    def __str__(self) -> str:
        plain = [value for value, _ in self.values if not isinstance(value, Enum)]  # which no file can hold
        written = [repr(value) if not isinstance(value, str) else f'"{value}"' for value in plain]
        return f"one of {', '.join(dict.fromkeys(written))}"

    def exact(self, value: Any) -> bool:
        """As for `Type`."""
        return any(type(written) is type(value) and written == value for written, _ in self.values)

    def convert(self, value: Any) -> Any:
        """As for `Type`."""
        for written, meant in self.values:
            if type(written) is type(value) and written == value:
                return meant
        hint = nearest(value, [str(written) for written, _ in self.values]) if isinstance(value, str) else ""
        raise Mismatch(f"{self.refuse(value)}{hint}")


@dataclass(frozen=True)
class Either(Type):
    """A value of one of several types.

    Parameters
    ----------
    types
        The first that has the value as it stands counts, else the first that takes it.
    """

    types: tuple[Type, ...]

    def __str__(self) -> str:
        return " or ".join(dict.fromkeys(map(str, self.types)))

    def exact(self, value: Any) -> bool:
        """As for `Type`."""
        return any(one.exact(value) for one in self.types)

    def convert(self, value: Any) -> Any:
        """As for `Type`."""
        inside: Mismatch | None = None
        for one in sorted(self.types, key=lambda one: not one.exact(value)):
            try:
                return one.convert(value)
            except Mismatch as error:
                if inside is None and (error.path or error.kind == MISSING):
                    inside = error  # it was the right kind, with something wrong in it
        raise inside or self.refuse(value)


@dataclass(frozen=True)
class Items(Type):
    """A list, a set or a tuple of any length.

    Parameters
    ----------
    item
        The type of what is in it.
    make
        Makes it from a list.
    """

    item: Type = ANY
    make: Callable[[list[Any]], Any] = list

    def __str__(self) -> str:
        return "a list" if self.item is ANY else f"a list (of {self.item})"

    def exact(self, value: Any) -> bool:
        """As for `Type`."""
        return isinstance(value, (list, tuple, set, frozenset))

    def convert(self, value: Any) -> Any:
        """As for `Type`."""
        if not self.exact(value):
            raise self.refuse(value)
        return self.make([_below(index, self.item, item) for index, item in enumerate(value)])


@dataclass(frozen=True)
class Fixed(Type):
    """A tuple of so many items, each of its own type.

    Parameters
    ----------
    items
        Their types.
    """

    items: tuple[Type, ...]

    def __str__(self) -> str:
        return f"a list of {len(self.items)} ({', '.join(map(str, self.items))})"

    def exact(self, value: Any) -> bool:
        """As for `Type`."""
        return isinstance(value, (list, tuple)) and len(value) == len(self.items)

    def convert(self, value: Any) -> Any:
        """As for `Type`."""
        if not self.exact(value):
            raise self.refuse(value)
        pairs = zip(self.items, value, strict=True)
        return tuple(_below(index, kind, item) for index, (kind, item) in enumerate(pairs))


@dataclass(frozen=True)
class Table(Type):
    """A section with any keys.

    Parameters
    ----------
    key, value
        The types of its keys and values.
    """

    key: Type = ANY
    value: Type = ANY

    def __str__(self) -> str:
        return "a section"

    def exact(self, value: Any) -> bool:
        """As for `Type`."""
        return isinstance(value, dict)

    def convert(self, value: Any) -> Any:
        """As for `Type`."""
        if not isinstance(value, dict):
            raise self.refuse(value)
        return {_below(key, self.key, key): _below(key, self.value, item) for key, item in value.items()}


def _below(key: Any, kind: Type, value: Any) -> Any:
    """Convert what stands under a key or a position."""
    try:
        return kind.convert(value)
    except Mismatch as error:
        error.path = (key, *error.path)
        raise


@dataclass(frozen=True)
class Field:
    """One key of a section.

    Parameters
    ----------
    type
        The type of its value.
    required
        It has to be there.
    default
        Gives the value that it has where it is not there.
    """

    type: Type
    required: bool = True
    default: Callable[[], Any] = lambda: None


@dataclass
class Schema(Type):
    """A section with certain keys.

    Parameters
    ----------
    name
        The name of the class.
    place
        Where it is defined: ``file:line``.
    fields
        Its keys; may be filled in later, as a section may contain others of its kind.
    make
        Makes an object of the values.
    kind
        The class, if it was imported.
    """

    name: str
    place: str
    fields: dict[str, Field] = field(default_factory=dict)
    make: Callable[[dict[str, Any]], Any] = dict
    kind: type | None = None

    def __str__(self) -> str:
        return f"a section ({self.name})"

    def exact(self, value: Any) -> bool:
        """As for `Type`."""
        return isinstance(value, dict) or (self.kind is not None and isinstance(value, self.kind))

    def convert(self, value: Any) -> Any:
        """As for `Type`."""
        if self.kind is not None and isinstance(value, self.kind):
            return value
        if not isinstance(value, Mapping):
            raise self.refuse(value)
        return self.make(self.values(value))

    def values(self, value: Mapping[Any, Any], ignored: Iterable[str] = ()) -> dict[str, Any]:
        """Give all keys of a section with their values, defaults filled in.

        Parameters
        ----------
        value
            The section.
        ignored
            Keys that it may have although the schema has not.

        Raises
        ------
        Mismatch
            A key is unknown or missing, or has a value of another type.
        """
        others = set(ignored)
        for key in value:
            if key not in self.fields and key not in others:
                hint = nearest(str(key), self.fields) or f"; {self.name} ({self.place}) has {self._listing()}"
                error = Mismatch(hint, UNKNOWN)
                error.path = (key,)
                raise error
        found = {}
        for key, wanted in self.fields.items():
            if key in value:
                found[key] = _below(key, wanted.type, value[key])
            elif wanted.required:
                said = f'the key "{key}" is missing; {self.name} ({self.place}) needs it: {wanted.type}'
                raise Mismatch(said, MISSING)
            else:
                found[key] = wanted.default()
        return found

    def _listing(self) -> str:
        return ", ".join(self.fields) or "no keys"
