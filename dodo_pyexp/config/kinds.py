"""The one list of what a config may hold beside JSON's own types: how each is saved, hashed and read back.

A value comes back with the very type it had, or it is refused: of a subclass, only what its base holds could be saved.
Enums and named tuples are found again by the names of their classes.
"""

from __future__ import annotations

import sys
from datetime import date, datetime
from enum import Enum, Flag
from pathlib import Path, PurePath

from .classes import find_class, name_of
from .inputs import File, Folder, Input

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Inner = Callable[[Any], Any]

ALLOWED = "numbers, text, booleans, None, paths, dates, bytes, enums, or lists, tuples, sets and dicts of them"
MISSING: Any = object()
NAMED = ("enum", "namedtuple", "numpy")  # tags of values that need a class to be there
_NUMPY = frozenset(
    ["bool", "str", "bytes", "float16", "float32", "float64"]
    + [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
)
_PLAIN = (str, int, float, bytes, list, tuple, set, frozenset)


class Unsaved(Exception):
    """Says why a value cannot be saved and hashed, as the end of a sentence."""


def form(value: Any, inner: Inner, *, exact: bool) -> tuple[str | None, Any]:
    """Give the tag and the form of a value that JSON does not know; without a tag, the form says it all.

    Parameters
    ----------
    value
        Anything but numbers, text, booleans, None, dicts, lists, tuples and sets of just these types.
    inner
        Gives the form of what is inside.
    exact
        The form that is saved; else the one that is hashed, in which an enum counts as its value, a named tuple as a
        list, and numpy's scalars as Python's.

    Raises
    ------
    Unsaved
        It has none.
    """
    if isinstance(value, Enum):
        name, held = _named(value), inner(value.value)
        return ("enum", [*name, value.name, held]) if exact else (None, held)
    numpy = sys.modules.get("numpy")  # a numpy scalar exists only where numpy was imported
    if numpy is not None and isinstance(value, numpy.generic):
        scalar = {"U": "str", "S": "bytes"}.get(value.dtype.kind, value.dtype.name)
        if scalar in _NUMPY:
            held = inner(_plain(value))
            return ("numpy", [scalar, held]) if exact else (None, held)
    elif isinstance(value, tuple) and hasattr(type(value), "_fields"):
        name, held = _named(value), [inner(item) for item in value]
        return ("namedtuple", [*name, held]) if exact else (None, held)
    kind = type(value)
    if kind is type(Path()):
        return "path", str(value)
    if kind is File or kind is Folder:
        return value.kind, value.path
    if kind is bytes:
        return "bytes", value.hex()
    if kind is datetime:
        return "datetime", _datetime(value)
    if kind is date:
        return "date", value.isoformat()
    base = next((base for base in (*_PLAIN, datetime, date, PurePath, Input) if isinstance(value, base)), None)
    if base is None:
        raise Unsaved(f"holds {describe(value)}, which cannot be saved and hashed; use {ALLOWED}")
    plain = {PurePath: "pathlib.Path", Input: "pyexp.File"}.get(base, base.__name__)
    raise Unsaved(f"holds {describe(value)}, which would come back as a plain {plain}; make it one")


def _plain(scalar: Any) -> Any:
    """Give numpy's scalar as Python's; numpy itself would drop the NULs at the end of a text."""
    if isinstance(scalar, str):
        return str.__str__(scalar)
    return bytes(scalar) if isinstance(scalar, bytes) else scalar.item()


def _named(value: Any) -> list[str]:
    """Name the class of a value, and make sure that the name leads back to it."""
    kind = type(value)
    if "<locals>" in kind.__qualname__:
        raise Unsaved(
            f"holds a value of {kind.__qualname__}, a class inside a function, which cannot be found again; define it "
            "at the top level of a module"
        )
    name = name_of(kind)
    if find_class(*name) is None:
        raise Unsaved(
            f"holds {describe(value)}, but {'.'.join(name)} is no class, so that it cannot be found again; give it the "
            "name that it was made with"
        )
    return name


def _datetime(value: datetime) -> Any:
    """Write a moment; what its text leaves out, the name of a time zone and which of two equal hours, stands beside."""
    from zoneinfo import ZoneInfo

    zone = value.tzinfo
    if type(zone) is ZoneInfo and zone.key is not None:
        return [value.replace(tzinfo=None, fold=0).isoformat(), zone.key, value.fold]
    text = value.isoformat()
    if zone is not None and repr(datetime.fromisoformat(text).tzinfo) != repr(zone):
        raise Unsaved(f"holds a time with {describe(zone)}, which would come back as another; use zoneinfo.ZoneInfo")
    return [text, None, 1] if value.fold else text


def value_of(kind: str, held: Any, decode: Inner, *, importing: bool = False) -> Any:
    """Give the value of a saved form, `MISSING` if its class is not there; an error means that it is no form of ours.

    Parameters
    ----------
    kind, held
        The tag and the form.
    decode
        Gives the value of what is inside.
    importing
        The module of its class may be imported.
    """
    if kind == "path":
        return Path(held)
    if kind in (File.kind, Folder.kind):
        return (File if kind == File.kind else Folder)(held)
    if kind == "bytes":
        return bytes.fromhex(held)
    if kind == "date":
        return date.fromisoformat(held)
    if kind == "datetime":
        return _moment(held)
    if kind == "numpy":
        return _scalar(held[0], decode(held[1]))
    if kind not in NAMED:
        raise ValueError(kind)
    module, qualname, *rest = held
    found = find_class(module, qualname, importing=importing)
    if found is None:
        return MISSING
    if kind == "enum":
        return _member(found, rest[0], decode(rest[1])) if issubclass(found, Enum) else MISSING
    items = decode(rest[0])
    fits = issubclass(found, tuple) and len(getattr(found, "_fields", ())) == len(items)
    return found._make(items) if fits else MISSING  # type: ignore[attr-defined]  # just seen


def _moment(held: Any) -> datetime:
    if isinstance(held, str):
        return datetime.fromisoformat(held)
    from zoneinfo import ZoneInfo

    text, zone, fold = held
    moment = datetime.fromisoformat(text).replace(fold=fold)
    return moment if zone is None else moment.replace(tzinfo=ZoneInfo(zone))


def _scalar(name: str, item: Any) -> Any:
    if name not in _NUMPY:
        raise ValueError(name)
    try:
        import numpy

        kind = numpy.dtype(name).type
    except (Exception, SystemExit):  # it is not there, or damaged: then it may raise anything
        return MISSING
    return kind(item)


def _member(kind: type[Enum], name: Any, held: Any) -> Any:
    member = kind.__members__.get(name)
    if member is None and issubclass(kind, Flag) and isinstance(held, int):
        try:
            return kind(held)
        except ValueError:
            pass
    return MISSING if member is None else member


def describe(value: Any) -> str:
    """Say what kind of thing a value is, for a message."""
    kind = type(value)
    if kind.__name__ in ("function", "builtin_function_or_method", "method"):
        return f"a function ({getattr(value, '__name__', '?')})"
    if isinstance(value, type):
        return f"a class ({value.__qualname__})"
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
