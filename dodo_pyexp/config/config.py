"""`Config`: a dict whose keys also read as attributes, at every depth."""

from __future__ import annotations

from ..errors import ConfigError, nearest
from .atoms import ATOMS, rebuilt

TYPE_CHECKING = False  # what typing.TYPE_CHECKING is, without importing typing in every worker
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Self

# The exact types of values that hold nothing else and never need converting or copying.


class MissingAttribute(AttributeError):
    """A config has no such key; the key that was meant is looked for when somebody reads the message."""

    config: Config
    key: str
    # Slots stay out of pickles: the error of a failed run does not drag its config along.
    __slots__ = ("config", "key")

    def __str__(self) -> str:
        message = super().__str__()
        try:
            return message + nearest(self.key, [key for key in self.config if isinstance(key, str)])
        except AttributeError:
            return message


class Config(dict["Any", "Any"]):
    """A dict with dot access: ``cfg.optimizer.lr`` is ``cfg["optimizer"]["lr"]``.

    Dicts inside it, also inside lists and tuples, become `Config` when they are put in, whichever way that
    happens (construction, assignment, `update`, `setdefault`, ``|``). It equals a plain dict with the same
    content, and keeps its type through `copy`, `pickle` and `copy.deepcopy`. It prints as YAML.

    A key that is also the name of a dict method (`items`, `keys`, `get`, `copy`...) can be set as an
    attribute but not read as one, because ``cfg.items`` must stay the method; ``cfg["items"]`` always reads
    the key. A dict that is appended to a list which is already inside stays a plain dict.

    Implements: pyexp guide, "Config - dot-notation dict"; pyexp README, "Config Class".

    Raises
    ------
    AttributeError
        When an attribute is read or deleted that is no key; the message names the nearest keys.
    ConfigError
        When a dict contains itself.

    Examples
    --------
    >>> cfg = Config({"optimizer": {"lr": 0.1}}, seed=3)
    >>> cfg.optimizer.lr
    0.1
    >>> cfg.optimizer.lr = 0.2
    >>> cfg
    optimizer:
      lr: 0.2
    seed: 3
    """

    __slots__ = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        dict.__init__(self, *args, **kwargs)
        for key, value in self.items():
            if type(value) not in ATOMS:
                dict.__setitem__(self, key, _adopted(value))

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise self._missing(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise self._missing(name) from None

    def __setitem__(self, key: Any, value: Any) -> None:
        dict.__setitem__(self, key, value if type(value) in ATOMS else _adopted(value))

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *(key for key in self if isinstance(key, str))]

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """As `dict.setdefault`; a dict given as default becomes a `Config`."""
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *args: Any, **kwargs: Any) -> None:
        """As `dict.update`; dicts among the values become `Config`."""
        dict.update(self, Config(*args, **kwargs))

    def copy(self) -> Self:
        """Copy the top level, as `dict.copy`, but into the same type."""
        return type(self)(self)

    def __or__(self, other: Any) -> Self:
        if not isinstance(other, dict):
            return NotImplemented
        new = self.copy()
        new.update(other)
        return new

    def __ror__(self, other: Any) -> Self:
        if not isinstance(other, dict):
            return NotImplemented
        new = type(self)(other)
        new.update(self)
        return new

    def __ior__(self, other: Any) -> Self:
        self.update(other)
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)

    def __repr__(self) -> str:
        from .yaml_writer import dump_yaml

        return dump_yaml(self)

    __str__ = __repr__

    def _missing(self, name: str) -> MissingAttribute:
        """Make the error for a key that is not there."""
        error = MissingAttribute(f"Config has no attribute {name!r}")
        error.config, error.key = self, name
        return error


def _adopted(value: Any) -> Any:
    """Give the value as a config holds it: dicts as `Config`, a list or tuple anew if dicts are inside it."""
    try:
        if isinstance(value, dict):
            return value if isinstance(value, Config) else Config(value)
        if type(value) is list or isinstance(value, tuple):
            items = [item if type(item) in ATOMS else _adopted(item) for item in value]
            if all(new is old for new, old in zip(items, value, strict=True)):
                return value
            return rebuilt(value, items) if isinstance(value, tuple) else items
    except RecursionError:
        raise ConfigError("a config is nested too deeply, or contains itself; flatten it") from None
    return value


def to_dict(value: Any) -> Any:
    """Give plain dicts, lists and tuples for a config, at every depth; everything is copied.

    Examples
    --------
    >>> to_dict(Config(a={"b": [Config(c=1)]}))
    {'a': {'b': [{'c': 1}]}}
    """
    if isinstance(value, dict):
        return {key: item if type(item) in ATOMS else to_dict(item) for key, item in value.items()}
    if isinstance(value, list):
        return [to_dict(item) for item in value]
    if isinstance(value, tuple):
        return rebuilt(value, [to_dict(item) for item in value])
    return value
