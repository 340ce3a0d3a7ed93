"""Overrides from a command line: ``a.b.0.c=value``."""

from __future__ import annotations

from ..errors import ConfigError
from .config import Config
from .merge import copied
from .setting import Setting, short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any


def apply_overrides(config: Mapping[Any, Any], overrides: Iterable[str], where: str = "") -> Config:
    """Set single values of a config from texts ``key=value``, and give the new config.

    The key is a dotted path; numbers in it are positions in lists (negative ones count from the end). The
    value is read as YAML 1.2, so that ``1e-4`` is a float, ``[1, 2]`` a list, ``null`` or nothing is None,
    and quotes make text.

    Parameters
    ----------
    config : mapping
        Stays as it is.
    overrides : iterable of str
        Applied in order; the last one wins.
    where : str
        Starts the message of an error, when given: the file or run that is overridden.

    Raises
    ------
    ConfigError
        When an override has no ``=``, its key is unknown, its position out of range, or its value no YAML.

    Examples
    --------
    >>> apply_overrides({"model": {"sizes": [1, 2]}, "lr": 0.1}, ["model.sizes.0=8", "lr=1e-4"])
    model:
      sizes:
      - 8
      - 2
    lr: 0.0001
    """
    result: Config = copied(dict(config), Config)
    for override in overrides:
        try:
            key, equals, text = override.partition("=")
            if not equals or not key.strip():
                raise ConfigError(f'override "{short(override)}" is not of the form key=value, such as model.width=64')
            value = said(text, f'override "{short(override)}"')
            Setting(override, key.strip(), value, create=False).put_into(result)
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}" if where else str(error)) from None
    return result


def said(text: str, where: str) -> Any:
    """Read a value from a command line as YAML; there are no comments there, so that ``#ff0000`` is text.

    Raises
    ------
    ConfigError
        It is no YAML; the message starts with `where`.

    Examples
    --------
    >>> said("1e-4", ""), said("#ff0000", ""), said("no #1", ""), said("[a, b]", "")
    (0.0001, '#ff0000', 'no #1', ['a', 'b'])
    """
    from .yaml import parse_yaml

    bare = text.strip()
    if bare.startswith("#"):
        return bare
    value = parse_yaml(text, where).tree
    plain = isinstance(value, str) and bare[:1] not in ("'", '"', "|", ">", "!", "&")
    return bare if plain and " #" in bare else value
