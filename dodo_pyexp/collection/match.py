"""Matching: which items of a collection a name or a query means."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from .patterns import Pattern

MISSING: Any = object()
GLOB_SIGNS = frozenset("*?[")
REGEX_SIGNS = frozenset("^$+|(){}\\.")

# What a result has by itself; any other word of a query means the run's config first, which is cheap to read.
OWN_WORDS = frozenset({"cfg", "config", "name", "out", "result", "error", "log", "finished", "skipped"})


def name_of(item: Any) -> str:
    """Give an item's name; ``""`` when it has none."""
    if isinstance(item, dict):
        name = item.get("name", "")
    else:
        name = getattr(item, "name", MISSING)
        if name is MISSING:
            name = _get(item, "name")
            if name is MISSING:
                name = ""
    return name if type(name) is str else str(name)


def patterns_of(text: str, *, glob: bool) -> list[Pattern]:
    """Give the patterns to try one after the other for a text that is nobody's exact name.

    With `glob` (tensors) a text with ``*``, ``?`` or ``[`` is tried as a glob over the whole name first.
    Then it is a regular expression searched in the name; what is no valid one is a glob again. A glob
    without any sign of a regular expression stays one: ``"P*"`` that fits no name must not become "P or
    nothing", which fits all.
    """
    from .patterns import Pattern, PatternError

    found: list[Pattern] = []
    if glob and not GLOB_SIGNS.isdisjoint(text):
        found.append(Pattern(text, glob=True))
        if REGEX_SIGNS.isdisjoint(text):
            return found
    try:
        found.append(Pattern(text))
    except PatternError:
        if not found and not GLOB_SIGNS.isdisjoint(text):
            found.append(Pattern(text, glob=True))
    return found


def unusable(pattern: str) -> str:
    """Say, behind a pattern that nothing matches, why it is no regular expression, if it is none."""
    from .patterns import Pattern, PatternError

    try:
        Pattern(pattern)
    except PatternError as error:
        return f": {error}"
    return ""


def matching_names(names: Sequence[str], text: str, *, glob: bool) -> list[int]:
    """Give the positions of the names that a text means: exact names first, then as `patterns_of` tells."""
    found = [index for index, name in enumerate(names) if name == text]
    if found:
        return found
    for pattern in patterns_of(text, glob=glob):
        found = [index for index, hit in enumerate(pattern.found_among(names)) if hit]
        if found:
            return found
    return []


def matches(item: Any, query: Mapping[Any, Any]) -> bool:
    """Tell whether an item fulfils every pair of a query.

    A key is looked up by `lookup`; a dict as expected value is a query in its turn for the value found.
    """
    for key, expected in query.items():
        value = lookup(item, key)
        if value is MISSING:
            return False
        if isinstance(expected, dict):
            if not (hasattr(value, "keys") or hasattr(value, "cfg")) or not matches(value, expected):
                return False
        elif not same(value, expected):
            return False
    return True


def lookup(item: Any, key: Any) -> Any:
    """Find what a key of a query means on an item; `MISSING` when it means nothing.

    In a dict the path is walked (``"model.layers.0"``), and a key that itself has dots is found too. On a
    result, its own words are attributes (`config` is `cfg`); anything else is looked for in its config, then
    among its attributes, then in what the run returned. The order matters: a query touches no more of a
    result than it names.
    """
    if isinstance(item, dict) or not isinstance(key, str):
        return _walk(item, key)
    head, _, rest = key.partition(".")
    has_cfg = hasattr(type(item), "cfg") or hasattr(item, "cfg")
    found = MISSING
    if head in OWN_WORDS or not has_cfg:
        found = _attribute(item, "cfg" if head == "config" and has_cfg else head, getattr)
    if found is MISSING and has_cfg:
        in_config = _walk(item.cfg, key)
        if in_config is not MISSING:
            return in_config
        found = _attribute(item, head, object.__getattribute__)
    if found is MISSING:
        found = _get(item, head)
        if found is MISSING:
            return _get(item, key) if rest else MISSING
    return _walk(found, rest) if rest else found


def same(value: Any, expected: Any) -> bool:
    """Compare as configs do: ``1 == 1.0``, but ``True`` is not ``1``; arrays by content; never raises."""
    kind, other = type(value), type(expected)
    if kind is str and other is str:
        return bool(value == expected)
    if isinstance(value, dict) and isinstance(expected, dict):
        return len(value) == len(expected) and all(key in value and same(value[key], expected[key]) for key in expected)
    value, expected = plain(value), plain(expected)
    if isinstance(value, (list, tuple)) and isinstance(expected, (list, tuple)):
        return len(value) == len(expected) and all(map(same, value, expected))
    if isinstance(value, bool) is not isinstance(expected, bool):
        return False
    return _equal(value, expected)


def _equal(value: Any, expected: Any) -> bool:
    """Compare values of any type; what cannot be compared is not equal, and not-a-number equals itself."""
    try:
        return bool(value == expected or (value != value and expected != expected))
    except Exception:  # a foreign type's own comparison may do anything
        return False


def plain(value: Any) -> Any:
    """Give what a value counts as: of an enum its value, of an array a list, of its scalars Python's own."""
    enum = sys.modules.get("enum")
    if enum is not None and isinstance(value, enum.Enum):
        value = value.value
    if not hasattr(value, "__array__"):
        return value
    try:
        return value.tolist()
    except Exception:  # an array type of its own kind: compared as it is
        return value


def _walk(value: Any, key: Any) -> Any:
    """Follow a dotted path through dicts, lists and objects."""
    if isinstance(value, dict):
        if key in value:
            return value[key]
        if not isinstance(key, str):
            return MISSING
        if _is_position(key) and int(key) in value:
            return value[int(key)]
        end = key.find(".")
        while end >= 0:  # the shortest head first; longer ones find keys that have dots themselves
            head: Any = key[:end]
            if head not in value and _is_position(head):
                head = int(head)
            if head in value:
                found = _walk(value[head], key[end + 1 :])
                if found is not MISSING:
                    return found
            end = key.find(".", end + 1)
        return MISSING
    if not isinstance(key, str):
        return _get(value, key)
    head, _, rest = key.partition(".")
    if isinstance(value, (list, tuple)) and _is_position(head):
        found = value[int(head)] if -len(value) <= int(head) < len(value) else MISSING
    else:
        found = getattr(value, head, MISSING) if head.isidentifier() else MISSING
        if found is MISSING:
            found = _get(value, head)
    return _walk(found, rest) if rest and found is not MISSING else found


def _is_position(text: str) -> bool:
    """Tell whether a part of a path can be a number: a list position or an int key."""
    return text.isdecimal() or (text[:1] == "-" and text[1:].isdecimal())


def _attribute(item: Any, word: str, read: Callable[[Any, str], Any]) -> Any:
    """Read an attribute that is data; methods are none."""
    if callable(getattr(type(item), word, None)):
        return MISSING
    try:
        return read(item, word)
    except AttributeError:
        return MISSING


def _get(item: Any, key: Any) -> Any:
    """Read a key of something that reads as a mapping."""
    if not hasattr(item, "keys"):
        return MISSING
    try:
        return item[key]
    except (KeyError, IndexError, TypeError):
        return MISSING
