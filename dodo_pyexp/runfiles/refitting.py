"""The config of a past run with some values changed, held against the types that its function names.

Implements: Experimaestro guide, "Experiment configuration" (typed, validated), for ``pyexp reproduce --set``.
"""

from __future__ import annotations

from pathlib import Path

from ..config.config import Config
from ..errors import ConfigError
from .native.file import RESERVED, own_part
from .schema.configuration import plain
from .schema.schema import Mismatch, Schema
from .schema.source import schema_in
from .schema.validating import described


def refitted(source: Path, function: str, folders: list[str], before: Config, after: Config) -> Config:
    """Give a changed config the types that the function's parameter is annotated with; nothing is imported.

    Where the config did not fit before, the annotation means something else, and nothing is held against it.

    Parameters
    ----------
    source, function
        The file as it was then, and the name of the function in it.
    folders
        Where modules are found that it imports.
    before, after
        The config, and what was made of it.

    Raises
    ------
    ConfigError
        It does not fit any more.
    """
    schema = own_part(schema_in(source, function, 0, folders))
    if schema is None or not _fits(schema, before):
        return after
    try:
        values = schema.values(after, RESERVED)
    except Mismatch as error:
        raise ConfigError(f"the config does not fit {function} any more: {described(error)}") from None
    return Config({**{key: value for key, value in after.items() if key not in schema.fields}, **plain(values)})


def _fits(schema: Schema, config: Config) -> bool:
    try:
        return bool(plain(schema.values(config, RESERVED)) == {key: config.get(key) for key in schema.fields})
    except Mismatch:
        return False
