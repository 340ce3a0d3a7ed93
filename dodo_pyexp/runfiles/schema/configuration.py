"""`configuration`: classes that say what a config holds, with types and defaults.

Implements: Experimaestro guide, "Experiment configuration". A process that executes a run imports this module, too, so
it imports next to nothing itself.
"""

from __future__ import annotations

import sys

from ...errors import ArgumentError, ConfigTypeError, nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar, dataclass_transform

    C = TypeVar("C")
else:

    def dataclass_transform(**_: object) -> Callable[[Any], Any]:
        """Give a decorator that does nothing; type checkers see the one of `typing`."""
        return lambda function: function


FIELDS = "__configuration_fields__"


class _Required:
    """In place of a default: there is none."""

    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED = _Required()


class Factory:
    """A default that is made anew for each object.

    Parameters
    ----------
    make
        Makes it.
    """

    __slots__ = ("make",)

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


@dataclass_transform(kw_only_default=True)
def configuration(cls: Any = None, **options: Any) -> Any:
    """Turn a class with annotated attributes into a configuration; with or without arguments.

    Objects are made from keywords, one for each attribute that has no default, and have all attributes. In a run file
    every key must be one of them, and have its type; attributes may be configurations themselves.

    Parameters
    ----------
    cls
        The class.
    **options
        Taken and left alone: those of other libraries' decorators.

    Examples
    --------
    >>> @configuration
    ... class Optimizer:
    ...     lr: float = 1e-3
    ...     betas: tuple[float, float] = (0.9, 0.999)
    >>> Optimizer(lr=0.1)
    Optimizer(lr=0.1, betas=(0.9, 0.999))
    """
    return _made if cls is None else _made(cls)


def _made(cls: type[C]) -> type[C]:
    """Give a class its fields, and the methods that go with them."""
    if not isinstance(cls, type):
        raise ArgumentError(f"@configuration decorates a class, not {type(cls).__name__}")
    fields: dict[str, Any] = {}
    for base in reversed(cls.__mro__[1:]):
        fields.update(vars(base).get(FIELDS, {}))
    for name, annotation in _annotations(cls).items():
        text = annotation if isinstance(annotation, str) else str(annotation)
        if text.replace("typing.", "").startswith("ClassVar"):
            continue
        fields[name] = _default(cls, name)
    setattr(cls, FIELDS, fields)
    for method in (_init, _repr, _eq, _hash):
        name = f"__{method.__name__[1:]}__"
        if name not in vars(cls):
            setattr(cls, name, method)
    return cls


def _annotations(cls: type) -> dict[str, Any]:
    found = vars(cls).get("__annotations__")
    if found is None and sys.version_info >= (3, 14):  # they are made when somebody asks
        import annotationlib

        found = annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF)
    return found or {}


def _default(cls: type, name: str) -> Any:
    """Read the default of an attribute: a value, or what `field` of dataclasses or attrs gives."""
    value = vars(cls).get(name, REQUIRED)
    kind = type(value)
    if kind.__module__ == "dataclasses" and kind.__name__ == "Field":
        missing = sys.modules["dataclasses"].MISSING
        if value.default_factory is not missing:
            return Factory(value.default_factory)
        value = REQUIRED if value.default is missing else value.default
    elif kind.__module__.startswith("attr") and kind.__name__ == "_CountingAttr":
        value = value._default
        if type(value).__name__ == "Factory":
            return Factory(value.factory)
        if type(value).__name__ in ("_Nothing", "NOTHING"):
            value = REQUIRED
    else:
        return value
    if value is REQUIRED:
        delattr(cls, name)
    else:
        setattr(cls, name, value)
    return value


def default_of(default: Any) -> Any:
    """Make the value of a default: one that can be changed is a new one each time."""
    if isinstance(default, Factory):
        return default.make()
    if isinstance(default, (list, dict, set)) or hasattr(default, FIELDS):
        from copy import deepcopy

        return deepcopy(default)
    return default


def _init(self: Any, /, **values: Any) -> None:
    fields = getattr(type(self), FIELDS)
    name = type(self).__name__
    for key in values:
        if key not in fields:
            raise ArgumentError(f'{name} has no attribute "{key}"{nearest(key, fields)}')
    for key, default in fields.items():
        if key in values:
            setattr(self, key, values[key])
        elif default is REQUIRED:
            raise ArgumentError(f'{name} needs a value for "{key}"')
        else:
            setattr(self, key, default_of(default))
    for hook in ("__post_init__", "__attrs_post_init__"):
        if hasattr(self, hook):
            getattr(self, hook)()


def _repr(self: Any) -> str:
    inside = ", ".join(f"{key}={getattr(self, key, None)!r}" for key in getattr(type(self), FIELDS))
    return f"{type(self).__qualname__}({inside})"


def _eq(self: Any, other: object) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    return all(getattr(self, key) == getattr(other, key) for key in getattr(type(self), FIELDS))


def _hash(self: Any) -> int:
    return hash((type(self), *(_hashable(getattr(self, key)) for key in getattr(type(self), FIELDS))))


def _hashable(value: Any) -> Any:
    if isinstance(value, dict):
        return frozenset((key, _hashable(item)) for key, item in value.items())
    return tuple(map(_hashable, value)) if isinstance(value, (list, tuple, set)) else value


def is_configuration(value: object) -> bool:
    """Tell whether a value is an object or a class made by `configuration`."""
    return hasattr(value, FIELDS)


def plain(value: Any, where: str = "") -> Any:
    """Give a config in which configurations, dataclasses and attrs objects are sections, at every depth.

    Raises
    ------
    ConfigTypeError
        A configuration contains itself.

    Examples
    --------
    >>> plain({"optimizer": configuration(type("O", (), {"__annotations__": {"lr": float}}))(lr=0.1)})
    {'optimizer': {'lr': 0.1}}
    """
    try:
        return _plain(value)
    except RecursionError:
        raise ConfigTypeError(f"{where or 'the config'} is nested too deeply, or contains itself; flatten it") from None


def _plain(value: Any) -> Any:
    if not isinstance(value, type):
        for names in (FIELDS, "__dataclass_fields__"):
            if hasattr(value, names):
                return {key: _plain(getattr(value, key)) for key in getattr(type(value), names)}
        if hasattr(value, "__attrs_attrs__"):
            return {one.name: _plain(getattr(value, one.name)) for one in value.__attrs_attrs__}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if type(value) is tuple:
        return tuple(_plain(item) for item in value)
    return value


@configuration
class ConfigurationBase:
    """What every configuration of a run file holds besides its own: derive from it.

    Attributes
    ----------
    id
        Name of the experiment, and of its folder.
    file, module
        The Python file, or the module, with the function ``run``.
    pythonpath
        Folders with code.
    imports, parent
        Files that this one builds on.
    pre_experiment
        A Python file or a module that is executed before the code is imported.
    title, subtitle, description, paper
        About the experiment, for people.
    add_timestamp
        The time of the launch is added to the `id`.
    dirty_git
        What uncommitted changes mean: ``"ignore"``, ``"warn"`` or ``"error"``.
    """

    id: str
    file: str = "experiment"
    module: str | None = None
    pythonpath: list[str] | None = None
    imports: list[str] | None = None
    parent: str | None = None
    pre_experiment: str | None = None
    title: str = ""
    subtitle: str = ""
    description: str = ""
    paper: str = ""
    add_timestamp: bool = False
    dirty_git: str = "warn"
