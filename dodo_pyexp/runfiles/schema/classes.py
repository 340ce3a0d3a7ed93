"""The schema of a class that was imported: of a `configuration`, of a dataclass, or of an attrs class.

Implements: Experimaestro guide, "Experiment configuration". Annotations that are text (``from __future__ import
annotations``) are read in the module of their class.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import sys
import types
import typing
from pathlib import Path, PurePath
from typing import Any

from ...config.inputs import File, Folder
from ...errors import ConfigError
from ...planning.definition import place
from ..mocks import Fake
from .configuration import FIELDS, REQUIRED, default_of, is_configuration
from .paths import InputType, PathType
from .schema import ANY, Atom, Choice, Either, Field, Fixed, Items, Schema, Table, Type

_SEQUENCES = (list, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)
_SETS = (set, collections.abc.Set, collections.abc.MutableSet)
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


def schema_of(kind: type, *, sections: bool = False) -> Schema:
    """Give the schema of a class.

    Parameters
    ----------
    kind
        The class.
    sections
        Sections stay dicts, and are not made objects of their classes.

    Raises
    ------
    ConfigError
        An annotation cannot be read.
    """
    return _Reading(sections=sections).schema(kind)


def annotated_parameter(function: Any, index: int) -> Any:
    """Give what a parameter of a function is annotated with; None if it is not."""
    import inspect

    function = inspect.unwrap(function)
    code = getattr(function, "__code__", None)
    if code is None:
        return None
    names = code.co_varnames[: code.co_argcount]
    if isinstance(function, types.MethodType):
        names = names[1:]
    if index >= len(names):
        return None
    annotation = getattr(function, "__annotations__", {}).get(names[index])
    if isinstance(annotation, str):
        spaces = getattr(function, "__globals__", {}), _closure(function)
        annotation = _evaluated(annotation, *spaces, f"{place(function)}: the annotation of {names[index]}")
    return annotation


def _closure(function: Any) -> dict[str, Any]:
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=False)
    return {name: cell.cell_contents for name, cell in cells}


class _Reading:
    """Reads classes that may refer to each other."""

    def __init__(self, *, sections: bool) -> None:
        self._sections = sections
        self._known: dict[type, Schema] = {}

    def schema(self, kind: type) -> Schema:
        if kind in self._known:
            return self._known[kind]
        schema = self._known[kind] = Schema(kind.__name__, _place(kind), kind=kind)
        if not self._sections:
            schema.make = lambda values: kind(**values)
        annotations = _annotations(kind)
        for name, (required, default) in _defaults(kind).items():
            read = annotations[name].read(self) if name in annotations else ANY
            schema.fields[name] = Field(read, required, default)
        return schema

    def class_type(self, kind: type) -> Type:
        """Give the type that a class means."""
        if kind in (str, int, float, bool, type(None)):
            return Atom(kind)
        if issubclass(kind, enum.Enum):
            return _choice(kind)
        if kind is File or kind is Folder:
            return InputType(kind)
        if issubclass(kind, PurePath):
            return PathType(Path if kind is PurePath else kind)
        if has_fields(kind):
            return self.schema(kind)
        for kinds, made in ((_SEQUENCES, list), (_SETS, set), ((frozenset,), frozenset), ((tuple,), tuple)):
            if kind in kinds:
                return Items(ANY, made)
        return Table() if kind in _MAPPINGS else ANY if kind is object else _Instance(kind)


@dataclasses.dataclass(frozen=True)
class _Annotation:
    """An annotation, which may be text or hold text, and where it stands.

    Parameters
    ----------
    value
        The annotation.
    space, inner
        The names that it may use.
    where
        Its place, for messages.
    """

    value: Any
    space: dict[str, Any]
    inner: dict[str, Any]
    where: str

    def read(self, reading: _Reading) -> Type:
        """Give the type that it means."""
        annotation = self.value
        if isinstance(annotation, typing.ForwardRef):
            annotation = annotation.__forward_arg__
        if isinstance(annotation, str):
            found = _evaluated(annotation, self.space, self.inner, self.where)
            return self._part(found).read(reading)
        origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
        if origin is not None:
            return self._generic(origin, arguments, reading)
        if annotation is Any or isinstance(annotation, (typing.TypeVar, Fake)):
            return ANY
        if annotation is None:
            return Atom(type(None))
        if isinstance(annotation, typing.NewType):
            return self._part(annotation.__supertype__).read(reading)
        return reading.class_type(annotation) if isinstance(annotation, type) else ANY

    def _part(self, value: Any) -> _Annotation:
        return dataclasses.replace(self, value=value)

    def _generic(self, origin: Any, arguments: tuple[Any, ...], reading: _Reading) -> Type:
        def part(index: int) -> Type:
            return self._part(arguments[index]).read(reading)

        if origin in (typing.Union, types.UnionType):
            return Either(tuple(part(index) for index in range(len(arguments))))
        if origin is typing.Literal:
            return Choice(tuple((value, value) for value in arguments))
        if origin in (typing.Annotated, typing.Final, typing.Required, typing.NotRequired):
            return part(0)
        if origin is tuple:
            if len(arguments) == 2 and arguments[1] is Ellipsis:
                return Items(part(0), tuple)
            return Fixed(tuple(part(index) for index in range(len(arguments))))
        for kinds, made in ((_SEQUENCES, list), (_SETS, set), ((frozenset,), frozenset)):
            if origin in kinds:
                return Items(part(0), made)
        if origin in _MAPPINGS:
            return Table(part(0), part(1))
        return reading.class_type(origin) if isinstance(origin, type) else ANY


@dataclasses.dataclass(frozen=True)
class _Instance(Type):
    """An object that no file can hold: only a default gives it."""

    kind: type

    def __str__(self) -> str:
        return f"a {self.kind.__name__}, which no YAML can hold"

    def exact(self, value: Any) -> bool:
        """Only an object made by code is."""
        return isinstance(value, self.kind)

    def convert(self, value: Any) -> Any:
        """Only an object made by code is let through."""
        if not self.exact(value):
            raise self.refuse(value)
        return value


def _choice(kind: type[enum.Enum]) -> Choice:
    """An enum is written by the values of its members, or by their names."""
    values = [(member.value, member) for member in kind]
    taken = [written for written, _ in values]
    names = [(name, member) for name, member in kind.__members__.items() if name not in taken]
    return Choice(tuple([*values, *names, *((member, member) for member in kind)]))


def has_fields(kind: Any) -> bool:
    """Tell whether a class says what it holds."""
    return isinstance(kind, type) and (
        is_configuration(kind) or dataclasses.is_dataclass(kind) or hasattr(kind, "__attrs_attrs__")
    )


def _defaults(kind: Any) -> dict[str, tuple[bool, Any]]:
    """Give for each key whether it is required, and what makes its default."""
    found: dict[str, tuple[bool, Any]] = {}
    if is_configuration(kind):
        for name, default in getattr(kind, FIELDS).items():
            found[name] = default is REQUIRED, lambda default=default: default_of(default)
    elif dataclasses.is_dataclass(kind):
        for one in dataclasses.fields(kind):
            if not one.init:
                continue
            if one.default_factory is not dataclasses.MISSING:
                found[one.name] = False, one.default_factory
            else:
                found[one.name] = one.default is dataclasses.MISSING, lambda default=one.default: default
    else:
        for one in kind.__attrs_attrs__:
            if not one.init:
                continue
            name, default = one.alias if hasattr(one, "alias") else one.name, one.default
            if type(default).__name__ == "Factory":
                found[name] = False, default.factory
            else:
                missing = type(default).__name__ in ("_Nothing", "NOTHING")
                found[name] = missing, lambda default=default: default
    return found


def _annotations(kind: type) -> dict[str, _Annotation]:
    """Give the annotations of a class and of those it derives from."""
    found: dict[str, _Annotation] = {}
    for base in reversed(kind.__mro__):
        space = vars(sys.modules[base.__module__]) if base.__module__ in sys.modules else {}
        inner = {**vars(base), base.__name__: base}
        annotations = vars(base).get("__annotations__")
        if annotations is None:
            annotations = getattr(base, "__annotations__", {}) if sys.version_info >= (3, 14) else {}
        for name, annotation in annotations.items():
            where = f"{_place(base)}: the annotation of {name} in {base.__name__}"
            found[name] = _Annotation(annotation, space, inner, where)
    return found


def _evaluated(annotation: str, space: dict[str, Any], inner: dict[str, Any], where: str) -> Any:
    try:
        return eval(annotation, space, inner)
    except Exception as error:
        raise ConfigError(f"{where} ({annotation}) cannot be read: {type(error).__name__}: {error}") from None


def _place(kind: type) -> str:
    """Tell where a class is defined."""
    import inspect

    from ...store.paths import shown

    try:
        return f"{shown(inspect.getsourcefile(kind) or kind.__module__)}:{inspect.getsourcelines(kind)[1]}"
    except (OSError, TypeError):
        return kind.__module__
