"""Configs as JSON and back, with every type kept.

What JSON has itself stands as it is, so that an ordinary config is saved as anybody would write it.
Everything else becomes ``{"__pyexp__": <kind>, "value": ...}``; a dict that itself has the key ``__pyexp__``
is saved as a list of pairs, hence what a user writes is never mistaken for a tag.
"""

from __future__ import annotations

import json

from ..errors import ConfigTypeError, DamagedFile, PyexpError
from .atoms import ATOMS, Counted
from .config import Config
from .inputs import File, Folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

TAG = "__pyexp__"
PLAIN_ATOMS = ATOMS - {float, int}  # a float may be infinite, a whole number too long
# Shorter whole numbers can be written as text, whatever limit Python was given for that (4,300 digits by default).
_LONG_BITS = 2_000
_INFINITE = (float("inf"), float("-inf"))


def encode(value: Any, where: str = "") -> Any:
    """Turn a config, or any value that one may hold, into what JSON can hold without losing a type.

    A value that JSON holds as it is comes back as the same object. Paths, tuples, sets, frozensets, bytes,
    dates, not-a-number, infinities, enums, named tuples, numpy scalars and keys that are no strings are tagged.

    Raises
    ------
    ConfigTypeError
        When a value of another type is inside; the message starts with `where` and names its key path.

    Examples
    --------
    >>> encode({"sizes": (1, 2)})
    {'sizes': {'__pyexp__': 'tuple', 'value': [1, 2]}}
    """
    try:
        return value if _is_json(value) else tagged(value, where, exact=True)
    except RecursionError:
        raise too_deep(where) from None


class Kept(Counted):
    """A saved value of a class that somebody defined, an enum for example: the value itself needs that class.

    Unpickled, it is the value: in the process that uses it, where code of the user's may be imported.

    Attributes
    ----------
    plain
        What it counts as.
    """

    __slots__ = ("held", "kind")

    def __init__(self, kind: str, held: Any) -> None:
        self.kind, self.held = kind, held
        plain = decode(held[-1])
        self.plain = tuple(plain) if kind == "namedtuple" else plain

    def __reduce__(self) -> tuple[Any, ...]:
        return _revived, (self.kind, self.held)

    def __repr__(self) -> str:
        return repr(self.plain)

    def value(self, *, importing: bool = False) -> Any:
        """Give the value; where its class is not there, what it counts as, or with `importing` an error."""
        from .kinds import MISSING, value_of

        value = value_of(self.kind, self.held, decode, importing=importing)
        if value is MISSING and importing:
            name = "numpy" if self.kind == "numpy" else ".".join(map(str, self.held[:2]))
            raise ImportError(f"{name}, of which the config holds a value, is not there any more, or is damaged")
        return self.plain if value is MISSING else value


def _revived(kind: str, held: Any) -> Any:
    return Kept(kind, held).value(importing=True)


def decode(value: Any, opened: Callable[[Kept], Any] = Kept.value) -> Any:
    """Turn what `encode` gave, perhaps after a trip through JSON, into the value it was.

    Parameters
    ----------
    value
        What `encode` gave.
    opened
        Gives the value of a class that somebody defined. Reading imports none of the user's code: where the class is
        not there, what it counts as stands for the value, if nothing else is said.

    Raises
    ------
    DamagedFile
        When a tag is not one that `encode` writes.
    """
    if isinstance(value, list):
        return [item if type(item) in ATOMS else decode(item, opened) for item in value]
    if not isinstance(value, dict):
        return value
    if TAG not in value:
        return {key: item if type(item) in ATOMS else decode(item, opened) for key, item in value.items()}
    try:
        return _untagged(value[TAG], value["value"], opened)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        if isinstance(error, PyexpError):
            raise
        raise DamagedFile(
            f"a saved config holds {str(value)[:80]}, which pyexp never writes; was it changed by hand?"
        ) from None


def dumps_config(config: Any, *, indent: int | None = 2, where: str = "") -> str:
    """Write a config as JSON text that `loads_config` reads back with all its types.

    Raises
    ------
    ConfigTypeError
        When a value cannot be saved; see `encode`.
    """
    return json.dumps(encode(config, where), indent=indent, allow_nan=False)


def loads_config(text: str | bytes, opened: Callable[[Kept], Any] = Kept.value) -> Config:
    """Read the config that `dumps_config` wrote; `opened` is as in `decode`.

    Raises
    ------
    DamagedFile
        When the text is not what `dumps_config` writes.
    """
    try:
        value = decode(json.loads(text), opened)
    except (ValueError, RecursionError) as error:
        if isinstance(error, DamagedFile):
            raise
        raise DamagedFile(f"a saved config is no valid JSON ({error}); was it cut off?") from None
    if not isinstance(value, dict):
        raise DamagedFile(f"a saved config holds a {type(value).__name__} and no keys; was it overwritten?")
    return Config(value)


def tagged(value: Any, where: str, *, exact: bool) -> Any:
    """Build the JSON-able form; not `exact` is the one for hashing, where order and tuples do not count."""
    try:
        return _tagged(value, exact)
    except _Refused as refused:
        place = ": ".join(part for part in (where, ".".join(reversed(refused.path))) if part) or "the config"
        raise ConfigTypeError(f"{place} {refused}") from None


def tagged_input(value: Any) -> dict[str, str]:
    """Build the form of a file or a folder: the C encoder asks for it, and hashes configs with inputs quickly."""
    if type(value) is File or type(value) is Folder:
        return {TAG: value.kind, "value": value.path}
    raise TypeError(type(value).__name__)


class _Refused(Exception):
    """A value without a form; its key path is gathered on the way up, and costs nothing when all is well."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.path: list[str] = []


def _tagged(value: Any, exact: bool) -> Any:
    """Build the form of any value."""
    kind = type(value)
    if kind in ATOMS:
        if kind is int and value.bit_length() > _LONG_BITS:
            _check_length(value)
        if exact and kind is float and (value != value or value in _INFINITE):
            return {TAG: "float", "value": repr(value)}
        return value
    if isinstance(value, dict):
        return _tagged_dict(value, exact)
    if kind is list or kind is tuple:
        items = [_tagged_under(index, item, exact) for index, item in enumerate(value)]
        return {TAG: "tuple", "value": items} if exact and kind is tuple else items
    if kind is set or kind is frozenset:
        # by their text: sets have no order, and their members need not be comparable
        members = {_text(tree): tree for tree in [_tagged(item, exact) for item in value]}
        name = "frozenset" if exact and kind is frozenset else "set"
        return {TAG: name, "value": [members[text] for text in sorted(members)]}
    if kind is File or kind is Folder:
        return tagged_input(value)
    if kind is Kept:
        return {TAG: value.kind, "value": value.held} if exact else _tagged(value.plain, exact)
    from .kinds import Unsaved, form

    try:
        tag, held = form(value, lambda item: _tagged(item, exact), exact=exact)
    except Unsaved as unsaved:
        raise _Refused(str(unsaved)) from None
    return held if tag is None else {TAG: tag, "value": held}


def _tagged_under(key: Any, value: Any, exact: bool) -> Any:
    """Build the form of a value that stands under a key or a position."""
    try:
        return _tagged(value, exact)
    except _Refused as refused:
        refused.path.append(
            str(key) if type(key) is not int or key.bit_length() <= _LONG_BITS else hex(key)[:20] + "..."
        )
        raise


def _tagged_dict(value: dict[Any, Any], exact: bool) -> Any:
    """Build the form of a dict: itself when all keys are plain strings, else its pairs."""
    if TAG not in value and all(type(key) is str for key in value):
        return {
            key: item if type(item) in PLAIN_ATOMS else _tagged_under(key, item, exact) for key, item in value.items()
        }
    pairs: dict[str, tuple[Any, Any]] = {}
    for key, item in value.items():
        plain_key = _tagged_under(key, key, exact)
        text = _text(plain_key)
        if text in pairs:
            raise _Refused(f"has two keys that are both saved as {text}; rename one of them")
        pairs[text] = (plain_key, _tagged_under(key, item, exact))
    if all(type(key) is str and key != TAG for key, _ in pairs.values()):
        return dict(pairs.values())
    order: Iterable[str] = pairs if exact else sorted(pairs)
    return {TAG: "dict", "value": [list(pairs[text]) for text in order]}


def _untagged(kind: str, held: Any, opened: Callable[[Kept], Any]) -> Any:
    """Read one tag back; any error means that it is no tag of ours."""
    if kind == "tuple":
        return tuple(decode(held, opened))
    if kind == "set":
        return set(decode(held, opened))
    if kind == "frozenset":
        return frozenset(decode(held, opened))
    if kind == "dict":
        return {decode(key, opened): decode(item, opened) for key, item in held}
    if kind == "float":
        return float(held)
    from .kinds import NAMED, value_of

    return opened(Kept(kind, held)) if kind in NAMED else value_of(kind, held, decode)


def _check_length(number: int) -> None:
    """Refuse a whole number that no program could read back from a text."""
    try:
        repr(number)
    except ValueError:
        digits = number.bit_length() * 1233 // 4096
        raise _Refused(
            f"holds a whole number of {digits:,} digits, which cannot be saved; write it as a text"
        ) from None


def _is_json(value: Any) -> bool:
    """Tell whether JSON gives the value back exactly as it is."""
    kind = type(value)
    if kind in ATOMS:
        if kind is int:
            return bool(value.bit_length() <= _LONG_BITS)
        return kind is not float or (value == value and value not in _INFINITE)
    if kind is dict or kind is Config:
        return TAG not in value and all(type(key) is str and _is_json(item) for key, item in value.items())
    return kind is list and all(_is_json(item) for item in value)


def _text(tree: Any) -> str:
    """Write the form of a key or of a set's member so that different ones differ."""
    return json.dumps(tree, sort_keys=True, ensure_ascii=False)


def too_deep(where: str) -> ConfigTypeError:
    """Make the error for a config without end."""
    return ConfigTypeError(f"{where or 'the config'} is nested too deeply, or contains itself; flatten it")
