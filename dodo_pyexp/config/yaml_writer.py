"""Values as YAML for people to read: how a `Config` prints, and what `config.yml` holds."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import yaml

from .atoms import ATOMS, Counted
from .inputs import File, Folder, Input
from .yaml import PREFIX, SCALARS

_LONG_BITS = 2_000  # beyond, Python may refuse to write a whole number in decimal
_LINE_ENDS = re.compile("[\x85\u2028\u2029]")  # which YAML counts as such, too


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # as above
    """Quotes every text that YAML 1.1 or 1.2 would take for something else."""

    yaml_implicit_resolvers: ClassVar[dict[str | None, list[Any]]] = {
        key: list(value) for key, value in yaml.SafeDumper.yaml_implicit_resolvers.items()
    }

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: Any, text: str) -> Any:
    """Write text of several lines as such."""
    style = "|" if _in_lines(text) else '"' if "\n" in text else None
    return dumper.represent_scalar(PREFIX + "str", text, style=style)


def _in_lines(text: str) -> bool:
    """Tell whether text can stand as lines, whatever follows it: not if it ends in empty ones."""
    lines = text.removesuffix("\n")
    return "\n" in text and lines != "" and lines[-1] != "\n" and not _LINE_ENDS.search(text)


def _represent_input(dumper: Any, value: Input) -> Any:
    """Write an input as it is read: ``!file data/train.csv``."""
    return dumper.represent_scalar(f"!{value.kind}", _whole_text(value.path))


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(File, _represent_input)
_Dumper.add_representer(Folder, _represent_input)
for _kind, _pattern, _first in SCALARS:
    _Dumper.add_implicit_resolver(PREFIX + _kind, re.compile(f"^(?:{_pattern})$"), list(_first))


def dump_yaml(value: Any) -> str:
    """Write a value for people to read: block style, keys in their order.

    There is no newline at the end, unless the last value is text that is written in lines and ends in one.

    Paths, enums and numpy scalars stand as their plain value, tuples and sets as lists; anything
    unknown as its repr.
    """
    tree = _printable(value)
    text: str = yaml.dump(
        tree,
        Dumper=_Dumper,
        sort_keys=False,
        default_flow_style=False,
        allow_unicode=True,
        width=1000,
    )
    last = _last(tree)
    if isinstance(last, str) and last.endswith("\n") and _in_lines(last):
        return text
    return text.removesuffix("\n").removesuffix("\n...")


def _last(tree: Any) -> Any:
    """Give the value that is written last."""
    while tree and isinstance(tree, (dict, list)):
        tree = tree[-1] if isinstance(tree, list) else tree[next(reversed(tree))]
    return tree


def _printable(value: Any) -> Any:
    """Give a value as the YAML writer knows it, made of new containers only."""
    if type(value) is str:
        return value if value.isascii() else _whole_text(value)
    if type(value) is int and value.bit_length() > _LONG_BITS:
        return hex(value)
    if type(value) in ATOMS:
        return value
    if isinstance(value, dict):
        return {_printable_key(key): _printable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_printable(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((_printable(item) for item in value), key=lambda item: (str(type(item)), str(item)))
    return _printable_scalar(value)


def _whole_text(text: str) -> str:
    """Give a text as UTF-8 can hold it: of a file's name that is not in UTF-8, half a character stands escaped."""
    return text.encode("utf-8", "backslashreplace").decode()


def _printable_key(key: Any) -> Any:
    """Give a key as the YAML writer knows it."""
    plain = _printable(key)
    return plain if type(plain) in ATOMS else str(key)


def _printable_scalar(value: Any) -> Any:
    """Give a single value of a foreign type plainly; never fails."""
    from datetime import date, datetime
    from enum import Enum
    from pathlib import PurePath

    if isinstance(value, Enum):
        return _printable(value.value)
    if isinstance(value, Counted):
        return _printable(value.plain)
    if isinstance(value, Input):
        return value
    if isinstance(value, PurePath):
        return _printable(str(value))
    if type(value) in (date, datetime, bytes):
        return value
    for plain in (str, int, float):
        if isinstance(value, plain):
            return _printable(getattr(plain, f"__{plain.__name__}__")(value))
    try:
        if hasattr(value, "__array__") and getattr(value, "shape", None) == ():
            item = value.item()
            return item if type(item) in ATOMS else str(item)
        return str(value) if isinstance(value, date) else repr(value)
    except Exception:  # a foreign type's own code
        return object.__repr__(value)
