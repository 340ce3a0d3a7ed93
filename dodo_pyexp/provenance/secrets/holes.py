"""The holes in a config as it is written down: where ``***`` stands in place of a secret, and what stood there."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from pathlib import PurePath
from typing import Any

from ...config.secret_keys import MASKED, secret_key
from .credentials import parts

_HOLE = rf"://{re.escape(MASKED)}@|[?&](?P<key>[\w.-]+)={re.escape(MASKED)}"
Path = tuple[str | int, ...]
# Values that are masked as a whole if there is a secret in them.
WHOLE = bytes, set, frozenset, PurePath


def secrets_of(config: Mapping[str, Any], kept: Mapping[str, Any]) -> list[str]:
    """List the texts that a config holds and that were masked in what is written down of it."""
    found: dict[str, None] = {}
    for path, value in leaves(config):
        left = at(kept, path)
        if left == value or value is None or isinstance(value, bool):
            continue
        if isinstance(value, WHOLE):
            hidden = texts_of(value)
        elif isinstance(value, str):
            hidden = [*(_hidden(value, left) if isinstance(left, str) else [value]), *parts(value)]
        else:
            hidden = [str(value)]
        found.update(dict.fromkeys(hidden))
    return list(found)


def texts_of(value: Any) -> list[str]:
    """Give the texts in a value that is masked as a whole.

    Examples
    --------
    >>> texts_of(b"abc"), texts_of({"x", 1})
    (['abc'], ['x'])
    """
    if isinstance(value, bytes):
        return [value.decode("utf-8", "surrogateescape")]
    if isinstance(value, PurePath):
        return [str(value)]
    parts = [[item] if isinstance(item, str) else texts_of(item) for item in sorted(value, key=repr)
             if isinstance(item, (str, tuple, *WHOLE))]  # fmt: skip
    return [text for texts in parts for text in texts]


def _hidden(text: str, left: str) -> list[str]:
    """Give what was masked of a text; all of it, where that cannot be told."""
    found = between(text, left.split(MASKED))
    return [text] if found is None or left == MASKED or not all(found) else found


def between(text: str, pieces: list[str]) -> list[str] | None:
    """Give what stands in a text between pieces of it; None if it does not consist of these."""
    if len(pieces) == 1 or not text.startswith(pieces[0]):
        return [] if text == pieces[0] else None
    found, at = [], len(pieces[0])
    for piece in pieces[1:-1]:
        next_at = text.find(piece, at + 1)
        if next_at < 0:
            return None
        found.append(text[at:next_at])
        at = next_at + len(piece)
    end = len(text) - len(pieces[-1])
    return [*found, text[at:end]] if end >= at and text.endswith(pieces[-1]) else None


def masked_kinds(config: Mapping[str, Any], real: Mapping[str, Any]) -> dict[str, str]:
    """Name the types of the values that were masked, by their dotted keys."""
    paths = (path for path in _masked_paths(config) if at(real, path) != at(config, path))
    return {".".join(map(str, path)): type(at(real, path)).__name__ for path in paths}


def masked_keys(config: Mapping[str, Any], real: Mapping[str, Any] | None = None) -> list[str]:
    """Name the keys, dotted, of values that were masked; with the real config, only those that really were."""
    paths = (path for path in _masked_paths(config) if real is None or at(real, path) != at(config, path))
    return [".".join(map(str, path)) for path in paths]


def differing_secrets(hidden: Mapping[str, Any], one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Name the dotted keys that are hidden, and have different values in two configs."""
    paths = (path for path in _masked_paths(hidden) if at(one, path) != at(other, path))
    return [".".join(map(str, path)) for path in paths]


def stands_for_secret(path: Path, value: str) -> bool:
    """Tell whether a value can only have been masked: nobody's password is ``***``."""
    if value.strip() == MASKED:
        keys = [str(key) for key in path if not isinstance(key, int)]
        return any(secret_key(key, value, within) for within, key in pairwise(["", *keys]))
    return any(not match["key"] or secret_key(match["key"]) for match in re.finditer(_HOLE, value))


def masked_paths(config: Any, told: Collection[str] | None = None, *, everything: bool = False) -> list[Path]:
    """Find what was masked of a config as it was written down.

    Parameters
    ----------
    config
        The config.
    told
        The dotted keys of what was masked, where that is on record; else what can only have been masked counts.
    everything
        Without `told`: whatever reads like it was masked.
    """
    found = _masked_paths(config)
    if told is None:
        return [path for path in found if everything or stands_for_secret(path, at(config, path))]
    return [path for path in found if ".".join(map(str, path)) in told]


def _masked_paths(config: Any) -> Iterator[Path]:
    for path, value in leaves(config):
        if isinstance(value, str) and MASKED in value:
            yield path


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Walk to the values in dicts and lists."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path, value


def at(value: Any, path: Path) -> Any:
    """Give what stands at a path; None where there is nothing."""
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value
