"""`Defaults`: the values that keys of a config have where nobody gives them, and that its hash does not count.

Two configs are the same if they are equal once the missing keys of both are filled in with what was declared *first*
for them. That never changes, so a run that was made before there was such a key stays what it was, also when another
default is declared later.
"""

from __future__ import annotations

from ..errors import ConfigError, ConfigTypeError, DamagedFile
from .config import Config
from .encode import decode
from .hashing import hash_config, hash_value, same_value
from .merge import copied

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

RESERVED = ("name", "depends_on", "out", "resources")


class Defaults:
    """The declared defaults of one experiment.

    Parameters
    ----------
    declared
        ``{dotted key: value}``, as `flat` gives it: what is filled in today.
    first
        What each key counted as when it was declared first; keys of `declared` that are new join it.

    Examples
    --------
    >>> defaults = Defaults({"momentum": 0.9}, {"momentum": 0.0})
    >>> defaults.filled(Config(lr=0.1))
    lr: 0.1
    momentum: 0.9
    >>> defaults.hash(Config(lr=0.1, momentum=0.0)) == hash_config({"lr": 0.1})
    True
    >>> defaults.hash(Config(lr=0.1, momentum=0.9)) == hash_config({"lr": 0.1})
    False
    """

    __slots__ = ("declared", "first")

    def __init__(self, declared: dict[str, Any], first: dict[str, Any] | None = None) -> None:
        self.declared = declared
        self.first = dict(first or {})
        for key, value in declared.items():
            # What once was a value and is a section now (or the other way round) is filled in, and always counts.
            if not any(_overlap(key, other) for other in self.first):
                self.first[key] = value

    def filled(self, config: Config) -> Config:
        """Give the config with its missing keys; the one that was given stays as it is."""
        return _filled(config, self.declared)

    def as_at_first(self, config: Config) -> Config:
        """Give the config with what was declared first in the place of missing keys: what its hash says it is."""
        return _filled(config, self.first)

    def hash(self, config: Mapping[str, Any]) -> str:
        """Hash a config as `hash_config` does, without the keys that have the value that was declared first.

        Raises
        ------
        ConfigTypeError
            See `hash_config`.
        """
        content = dict(config)
        for key, value in self.first.items():
            _leave_out(content, key, value)
        return hash_config(content)


def flat(values: Any, where: str) -> dict[str, Any]:
    """Give ``{dotted key: value}`` of what a user declared; a dict in it is a section.

    Parameters
    ----------
    values
        Such as ``{"momentum": 0.0, "model.depth": 2}`` or ``{"model": {"depth": 2}}``.
    where
        Starts the message of an error.

    Raises
    ------
    ConfigError, ConfigTypeError
        They are no dict, a key is none, or a value has no defined form.

    Examples
    --------
    >>> flat({"momentum": 0.0, "model": {"depth": 2}}, "train.py:3")
    {'momentum': 0.0, 'model.depth': 2}
    """
    if not isinstance(values, dict):
        raise ConfigTypeError(f'{where}: defaults must be a dict, such as {{"momentum": 0.0}}, not {values!r}')
    found: dict[str, Any] = {}
    for key, value in _leaves(values, "", where):
        if "" in key.split("."):
            raise ConfigError(f'{where}: defaults: "{key}" has an empty part; join names by single dots')
        if key.partition(".")[0] in RESERVED:
            raise ConfigError(f'{where}: defaults: "{key}" cannot have a default, because pyexp gives it a meaning')
        twin = next((other for other in found if _overlap(key, other)), None)
        if twin is not None:
            said = "is declared twice" if twin == key else f'and "{twin}" exclude each other'
            raise ConfigError(f'{where}: defaults: "{key}" {said}; keep one of them')
        hash_value(value, f"{where}: defaults: {key}")
        found[key] = value
    return found


def read_first(values: Any) -> dict[str, Any] | None:
    """Read what a file says was declared first, as `encode` wrote it; None when it is not that."""
    try:
        found = decode(values)
    except DamagedFile:
        return None
    return found if isinstance(found, dict) and all(isinstance(key, str) for key in found) else None


def _leaves(values: dict[Any, Any], above: str, where: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if not isinstance(key, str):
            raise ConfigTypeError(f"{where}: defaults: the key {key!r} is no text; only such keys can have a default")
        path = f"{above}.{key}" if above else key
        if isinstance(value, dict) and value:
            yield from _leaves(value, path, where)
        else:
            yield path, value


def _overlap(one: str, other: str) -> bool:
    """Tell whether two dotted keys are the same, or one lies inside the other."""
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")


def _filled(config: Config, values: dict[str, Any]) -> Config:
    missing = [key for key in values if not _has(config, key)]
    if not missing:
        return config
    new = Config(config)
    for key in missing:
        _put(new, key, values[key])
    return new


def _has(section: dict[Any, Any], key: str) -> bool:
    """Tell whether a section has the key, or something in its way that is no section."""
    if key in section:
        return True
    head, dot, rest = key.partition(".")
    if not dot or head not in section:
        return False
    inner = section[head]
    return not isinstance(inner, dict) or _has(inner, rest)


def _put(section: Config, key: str, value: Any) -> None:
    """Set a key that is missing; sections on the way are copied, because configs may share them."""
    head, dot, rest = key.partition(".")
    if not dot:
        section[key] = copied(value, Config)
        return
    inner = Config(section.get(head, ()))
    section[head] = inner
    _put(inner, rest, value)


def _leave_out(section: dict[Any, Any], key: str, value: Any) -> None:
    """Take a key out if it has that value, and the sections that are empty without it."""
    if key in section:
        if same_value(section[key], value):
            del section[key]
        return
    head, dot, rest = key.partition(".")
    inner = section.get(head) if dot else None
    if isinstance(inner, dict):
        inner = dict(inner)
        _leave_out(inner, rest, value)
        if inner:
            section[head] = inner
        else:
            del section[head]
