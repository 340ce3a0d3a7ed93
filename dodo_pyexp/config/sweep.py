"""The Cartesian product of configs and variations."""

from __future__ import annotations

import gc

from ..collection.tensor import Tensor
from ..errors import ConfigError, ConfigTypeError, nearest, warn
from .atoms import ATOMS
from .config import Config
from .merge import apply, copied, number_of, steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    from .merge import Step

# Configs of a sweep: more are a mistake, and would take all the memory before anybody could tell.
MOST_CONFIGS = 1_000_000


def sweep(configs: Iterable[Mapping[Any, Any]], variations: Iterable[Mapping[Any, Any]]) -> Tensor[Config]:
    """Merge every variation into every config, names joined by ``_``.

    The result has one axis more than the configs: a list has the shape ``(len,)``, a `Tensor` keeps its own.
    Each of its configs stands alone: no two share a dict, a list or a set. Dotted and ``**`` keys work as in
    `merge`.

    Implements: pyexp guide, "sweep(configs, variations)"; pyexp README, "Parameter Sweeps".

    Raises
    ------
    ConfigTypeError
        When either argument is no iterable of dicts.
    ConfigError
        When a variation has a key that `merge` refuses.

    Examples
    --------
    >>> sizes = [{"name": "small", "width": 32}, {"name": "large", "width": 128}]
    >>> configs = sweep([{"name": "base", "dropout": 0.1}], sizes)
    >>> configs.shape, configs.names
    ((1, 2), ['base_small', 'base_large'])
    """
    bases, changes = _dicts(configs, "configs"), _dicts(variations, "variations")
    return vary(
        bases, changes, configs.shape if isinstance(configs, Tensor) else None, lambda near: warn(f"sweep: {near}")
    )


def vary(
    bases: list[Any], changes: list[Any], shape: tuple[int, ...] | None, told: Callable[[str], None]
) -> Tensor[Config]:
    """Do what `sweep` does; `told` hears of new keys that are close to others."""
    check_count(len(bases) * len(changes))
    prepared = [_prepared(variation, index) for index, variation in enumerate(changes)]
    for near in new_keys(bases, (step for _, settings in prepared for step in settings)):
        told(near)
    items: list[Config] = []
    collecting = gc.isenabled()
    gc.disable()  # a third of the time it would look through what was just made, and none of that is garbage
    try:
        for base in bases:
            _vary(base, prepared, items)
    except RecursionError:
        raise ConfigError("cannot sweep over a config that is nested too deeply, or contains itself") from None
    finally:
        if collecting:
            gc.enable()
    return Tensor(items, (*(shape or (len(bases),)), len(prepared)))


def check_count(count: int) -> None:
    """Refuse so many configs before they are made.

    Raises
    ------
    ConfigError
        They are too many.
    """
    if count > MOST_CONFIGS:
        raise ConfigError(f"the sweep makes {count:,} configs, and at most {MOST_CONFIGS:,} can be built; vary less")


def new_keys(bases: list[Any], changes: Iterable[Step]) -> Iterator[str]:
    """Say of each key that variations add to the configs, and that is close to one which is there, which that is."""
    seen: set[Any] = set()
    for sections, key, _ in changes:
        path = (*sections, key)
        if path in seen:
            continue
        seen.add(path)
        section: Any = bases[0] if bases else None
        for depth, part in enumerate(path):
            if not isinstance(section, dict):
                break
            if part not in section and number_of(part) not in section:
                names = [name for name in section if isinstance(name, str)]
                near = nearest(part, names) if isinstance(part, str) and path[:depth] not in seen else ""
                if near and not any(part in base for base in bases[1:]):
                    yield f'"{part}" is new in the configs{near}'
                seen.add(path[: depth + 1])
                break
            section = section.get(part)


def _vary(base: Mapping[Any, Any], variations: list[tuple[str, list[Step]]], items: list[Config]) -> None:
    """Append one config a variation."""
    new, fill, put = Config.__new__, dict.update, dict.__setitem__  # 100,000 configs: every call counts
    containers = [(key, value) for key, value in base.items() if type(value) not in ATOMS]
    name = _text(base.get("name"))
    for variation, changes in variations:
        config = new(Config)
        fill(config, base)
        for key, value in containers:
            put(config, key, copied(value, Config))
        apply(config, changes, Config)
        joined = f"{name}_{variation}" if name and variation else name or variation
        if joined:
            put(config, "name", joined)
        items.append(config)


def _prepared(variation: Mapping[Any, Any], index: int) -> tuple[str, list[Step]]:
    """Take a variation apart once, for all configs: its name, and the other settings it makes."""
    try:
        changes = list(steps(variation))
    except ConfigError as error:
        raise ConfigError(f"variation {variation.get('name', index)!r} of the sweep: {error}") from None
    name = ""
    for sections, key, value in changes:
        if key == "name" and not sections:
            name = _text(value)
    return name, [step for step in changes if step[0] or step[1] != "name"]


def _text(name: Any) -> str:
    """Give a name as text; no name is an empty one."""
    return "" if name is None else str(name)


def _dicts(values: Iterable[Any], which: str) -> list[Any]:
    """Read an argument once, and see that it holds dicts."""
    if isinstance(values, dict) or not hasattr(values, "__iter__"):
        kind = type(values).__name__
        raise ConfigTypeError(f"sweep takes a list of {which}, not a single {kind}; write [...] around it")
    found = list(values)
    for index, value in enumerate(found):
        if not isinstance(value, dict):
            raise ConfigTypeError(f"{which}[{index}] of the sweep is of type {type(value).__name__}; use dicts")
    return found
