"""Holding a document against a schema; what does not fit is told with file and line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...config.origins import Origins
from ...errors import ConfigError
from .schema import MISSING, UNKNOWN, Mismatch, Schema


def validated(schema: Schema, tree: Mapping[Any, Any], origins: Origins, ignored: Iterable[str] = ()) -> dict[str, Any]:
    """Give the values of a section as its schema has them, defaults filled in.

    Parameters
    ----------
    schema
        What the section may hold.
    tree
        The section.
    origins
        Where its values were written down.
    ignored
        Keys that it may have besides.

    Raises
    ------
    ConfigError
        A key is unknown or missing, or has a value of another type; names file, line and the nearest keys.
    """
    try:
        return schema.values(tree, ignored)
    except Mismatch as error:
        raise ConfigError(f"{origins.where(*error.path)}: {described(error)}") from None


def described(error: Mismatch) -> str:
    """Say what does not fit, with its dotted key."""
    message, path = str(error), ".".join(map(str, error.path))
    if error.kind == UNKNOWN:
        return f'unknown key "{path}"{message}'
    if error.kind == MISSING:
        return f"{path}: {message}" if path else message
    return f"{path} {message}"
