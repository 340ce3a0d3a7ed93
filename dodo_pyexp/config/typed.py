"""Values from a command line that take the type of what they replace: ``--seed 3`` is a number where a number stood."""

from __future__ import annotations

import re

from ..errors import ConfigError
from .inputs import Input
from .numbers import floating, whole
from .setting import Setting, short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BOOLS = {"true": True, "1": True, "false": False, "0": False}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.?(inf|Inf|INF)|\.?(nan|NaN|NAN)")
_UNRESOLVED = re.compile(r"\$\w+|\$\{[^}]*\}|\{[A-Za-z_][\w.-]*\}")


def guess(text: str) -> Any:
    """Read a whole number, a number or a truth value as such; anything else stays text.

    Examples
    --------
    >>> [guess(text) for text in ("01", " -2", "1e-4", "FaLsE", "1_000", "hello")]
    [1, -2, 0.0001, False, '1_000', 'hello']
    """
    bare = text.strip()
    if _INT.fullmatch(bare):
        return whole(bare)
    if _FLOAT.fullmatch(bare):
        return _number(bare)
    return {"true": True, "false": False}.get(bare.lower(), text)


def typed_like(text: str, old: Any) -> Any:
    """Read a text as a value of the type of another.

    Text stays text as it is. A list may be written with commas, each item of the type of its counterpart, or as YAML
    (``[{name: a}, {name: b}]``), and so may a section (``{lr: 0.1}``). In place of nothing (None), and of text that is
    a variable or a reference as a whole, the type is guessed. ``null`` is None unless text is expected.

    Implements: Expyrun readme, "Override parameters from the CLI".

    Raises
    ------
    ConfigError
        It cannot be read as that; the message says what is expected.

    Examples
    --------
    >>> typed_like("2", 0.5), typed_like("2", "text"), typed_like("1,x", [0, ""]), typed_like("[]", [1])
    (2.0, '2', [1, 'x'], [])
    """
    bare = text.strip()
    if isinstance(old, str):
        return guess(text) if _UNRESOLVED.fullmatch(old) else text
    if bare == "null":
        return None
    if isinstance(old, bool):
        if bare.lower() not in _BOOLS:
            raise ConfigError(f"takes true or false, not {short(text)!r}")
        return _BOOLS[bare.lower()]
    if isinstance(old, int):
        if not _INT.fullmatch(bare):
            hint = "; -c KEY=VALUE changes the type" if _FLOAT.fullmatch(bare) else ""
            raise ConfigError(f"takes a whole number, not {short(text)!r}{hint}")
        return whole(bare)
    if isinstance(old, float):
        if not (_FLOAT.fullmatch(bare) or _INT.fullmatch(bare)):
            raise ConfigError(f"takes a number, not {short(text)!r}")
        return _number(bare)
    if isinstance(old, list):
        return _list(text, old)
    if isinstance(old, Input):
        return type(old)(bare)
    if isinstance(old, dict):
        value = _yaml(text)
        if not isinstance(value, dict):
            raise ConfigError("is a section; set one of its keys, or all of it as {key: value, ...}")
        return value
    return _yaml(text) if bare[:1] in ("[", "{") else guess(text)


def _list(text: str, old: list[Any]) -> list[Any]:
    """Read a list: as YAML, or its items with commas between them."""
    bare = text.strip()
    if not bare:
        return []
    if bare.startswith("["):
        value = _yaml(text)
        if not isinstance(value, list):
            raise ConfigError(f"takes a list, not {short(text)!r}")
        return value
    if any(isinstance(item, (dict, list)) for item in old):
        raise ConfigError("is a list of sections or lists; write it as [{key: value}, ...], or set one item: KEY.0")
    parts = text.split(",")
    if len(parts) == len(old):
        return [typed_like(part, item) for part, item in zip(parts, old, strict=True)]
    return [typed_like(part, old[0]) if old else guess(part) for part in parts]


def _yaml(text: str) -> Any:
    from .yaml import parse_yaml

    return parse_yaml(text, repr(text)).tree


def _number(text: str) -> float:
    if _INT.fullmatch(text):
        return _finite(text)
    return floating(text)


def _finite(text: str) -> float:
    try:
        return float(whole(text))
    except OverflowError:
        raise ConfigError(f"takes a number, and {text[:20]}... is larger than any") from None


class TypedSetting(Setting):
    """An override whose value takes the type of what it replaces."""

    def new(self, old: Any) -> Any:
        """Give the value, read as one of the old value's type."""
        try:
            return typed_like(self.value, old)
        except ConfigError as error:
            path = ".".join(map(str, self.path))
            raise ConfigError(f'override "{self.text}": "{path}" {error}') from None
