"""`Replicates`: runs that differ in one key only, such as the seed, and what they say together."""

from __future__ import annotations

from numbers import Real

from ..errors import ConfigTypeError, LookupFailed, nearest, suggest
from .estimate import Estimate
from .match import MISSING, name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

DEPTH = 2


class Replicates:
    """Runs with one config but for one key.

    Attributes
    ----------
    name
        What the names of the runs have in common.
    cfg
        The config that they share.
    key
        The key in which they differ.
    runs
        The runs.
    values
        The values of the key for which there is a result.
    failed, missing
        The values whose run failed, was skipped or has not ended; and those whose run has never begun, or that only
        other groups have a run for.
    scalars
        An `Estimate` of every number that was returned, with dotted keys.
    """

    def __init__(self, name: str, cfg: Any, key: str) -> None:
        self.name = name
        self.cfg = cfg
        self.key = key
        self.runs: list[Any] = []
        self.values: list[Any] = []
        self.failed: list[Any] = []
        self.missing: list[Any] = []
        self.scalars: dict[str, Estimate] = {}

    def keys(self) -> list[str]:
        """Name the numbers that were returned."""
        return list(self.scalars)

    def __getitem__(self, name: str) -> Estimate:
        try:
            return self.scalars[name]
        except KeyError:
            raise LookupFailed(f'no run of {self.name} returned "{name}"{nearest(str(name), self.scalars)}') from None

    def __contains__(self, name: object) -> bool:
        return name in self.scalars

    def note(self) -> str:
        """Say which values have no result; empty if all have one."""
        parts = [f"{self.key} {_listed(self.failed)} failed"] if self.failed else []
        parts += [f"{self.key} {_listed(self.missing)} missing"] if self.missing else []
        return ", ".join(parts)

    def __str__(self) -> str:
        said = ", ".join(f"{name} {estimate}" for name, estimate in self.scalars.items()) or "no results"
        note = self.note()
        return f"{self.name}: {said}" + (f" ({note})" if note else "")

    def __repr__(self) -> str:
        return f"Replicates({self.name!r}, n={len(self.values)})"


class Observation:
    """One run as `group` sees it: its name, its config, whether it finished, and the numbers it returned.

    `begun` tells a run that failed or goes on from one that was never executed.
    """

    __slots__ = ("begun", "cfg", "finished", "item", "name", "numbers")

    def __init__(
        self, name: str, cfg: Any, finished: bool, numbers: dict[str, float], item: Any, *, begun: bool = True
    ) -> None:
        self.name = name
        self.cfg = cfg
        self.finished = finished
        self.numbers = numbers
        self.item = item
        self.begun = begun


def observe(item: Any) -> Observation:
    """Look at a result.

    Raises
    ------
    ConfigTypeError
        It is none.
    """
    if isinstance(item, dict) or not hasattr(item, "result"):
        raise ConfigTypeError(f"over() is for results, and this collection holds {type(item).__name__}")
    cfg = item.cfg.copy()
    cfg.pop("depends_on", None)
    finished = item.error is None and item.finished
    begun = item.finished or item.error is not None or item.out is not None
    return Observation(name_of(item), cfg, finished, numbers(item.result) if finished else {}, item, begun=begun)


def numbers(value: Any, depth: int = DEPTH) -> dict[str, float]:
    """Give the numbers in a return value, with dotted keys; truth values are none.

    Examples
    --------
    >>> numbers({"loss": 0.5, "converged": True, "by": {"class": 1}, "curve": [1, 2]})
    {'loss': 0.5, 'by.class': 1.0}
    >>> numbers(0.5)
    {'value': 0.5}
    """
    alone = _number(value)
    if alone is not None:
        return {"value": alone}
    found: dict[str, float] = {}
    if isinstance(value, dict):
        for key, item in value.items():
            number = _number(item)
            if number is not None:
                found[str(key)] = number
            elif isinstance(item, dict) and depth > 1:
                found.update({f"{key}.{below}": deep for below, deep in numbers(item, depth - 1).items()})
    return found


def group(observations: Iterable[Observation], key: str) -> list[Replicates]:
    """Group runs that differ in one key only, in the order in which they first come.

    Raises
    ------
    LookupFailed
        No config has the key.
    """
    seen = list(observations)
    groups: dict[str, tuple[Replicates, dict[str, list[float]], list[str]]] = {}
    everything: dict[str, Any] = {}
    for run in seen:
        value, rest = _without(run.cfg, key)
        identity = _text(rest) if value is not MISSING else f"without {_text(rest)}"
        replicates, collected, names = groups.setdefault(identity, (Replicates("", rest, key), {}, []))
        replicates.runs.append(run.item)
        names.append(run.name)
        if value is not MISSING:
            everything.setdefault(_text(value), value)
        (replicates.values if run.finished else replicates.failed if run.begun else replicates.missing).append(value)
        for name, number in run.numbers.items():
            collected.setdefault(name, []).append(number)
    if seen and not everything:
        known = dict.fromkeys(word for run in seen for word in _paths(run.cfg) if word != "name")
        raise LookupFailed(f'no config has the key "{key}"{suggest(key, known)}')
    names_of = _common_names([names for _, _, names in groups.values()])
    for (replicates, collected, _), name in zip(groups.values(), names_of, strict=True):
        replicates.name = name
        replicates.scalars = {word: Estimate(values) for word, values in collected.items()}
        there = {_text(value) for value in [*replicates.values, *replicates.failed]}
        if _text(MISSING) in {*there, *map(_text, replicates.missing)}:  # it has no such key at all
            replicates.values = [None for _ in replicates.values]
            replicates.failed = [None for _ in replicates.failed]
            replicates.missing = [None for _ in replicates.missing]
        else:
            replicates.missing = [value for text, value in everything.items() if text not in there]
    return [replicates for replicates, _, _ in groups.values()]


def axis_of(groups: Sequence[Replicates], items: Sequence[Any], shape: Sequence[int]) -> int | None:
    """Find the axis of a shape along which the runs of every group differ, and nothing else does; None if none is."""
    if not items:
        return None
    place = {id(item): index for index, item in enumerate(items)}
    step = 1
    for axis in range(len(shape) - 1, -1, -1):
        size = shape[axis]
        starts = [index for index in range(len(items)) if (index // step) % size == 0]
        if len(groups) == len(starts) and all(
            [place[id(run)] for run in replicates.runs] == [start + step * number for number in range(size)]
            for replicates, start in zip(groups, starts, strict=True)
        ):
            return axis
        step *= size
    return None


def _number(value: Any) -> float | None:
    """Give a number as a float: Python's, NumPy's, or that in an array or tensor without dimensions."""
    if isinstance(value, bool) or value is None:
        return None
    if not isinstance(value, Real):
        if getattr(value, "ndim", None) != 0 or not hasattr(value, "item"):
            return None
        value = value.item()
        if isinstance(value, bool) or not isinstance(value, Real):
            return None
    try:
        return float(value)
    except OverflowError:
        return None


def _without(config: Any, key: str) -> tuple[Any, Any]:
    """Take a dotted key out of a copy of a config, and the name; give its value and the copy."""
    rest = config.copy()
    rest.pop("name", None)
    if key in rest:
        return rest.pop(key), rest
    parts = key.split(".")
    place = rest
    for part in parts[:-1]:
        inner = place.get(part)
        if not isinstance(inner, dict):
            return MISSING, rest
        place[part] = inner.copy()
        place = place[part]
    return place.pop(parts[-1], MISSING), rest


def _text(value: Any) -> str:
    """Write a config so that equal ones are written alike, whatever the order of their keys."""
    if isinstance(value, dict):
        return "{" + ",".join(sorted(f"{key!r}:{_text(item)}" for key, item in value.items())) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(_text, value)) + "]"
    if isinstance(value, (set, frozenset)):
        return "{" + ",".join(sorted(map(_text, value))) + "}"
    return f"{type(value).__name__} {value!r}"


def _paths(config: Any, prefix: str = "") -> Iterable[str]:
    for key, value in config.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _paths(value, f"{prefix}{key}.")


def _common_names(groups: list[list[str]]) -> list[str]:
    """Name groups by the parts that all names in them share; by their first run where that tells them not apart."""
    found = [_common(names) for names in groups]
    return [name if name and found.count(name) == 1 else names[0] for name, names in zip(found, groups, strict=True)]


def _common(names: list[str]) -> str:
    """Give the parts between underscores that names have in common.

    Examples
    --------
    >>> _common(["mlp_w8_s0", "mlp_w8_s1"])
    'mlp_w8'
    """
    split = [name.split("_") for name in names]
    if len({len(parts) for parts in split}) > 1:
        return ""
    return "_".join(parts[0] for parts in zip(*split, strict=True) if len(set(parts)) == 1)


def _listed(values: list[Any]) -> str:
    shown = ", ".join(map(str, values[:5]))
    return shown if len(values) <= 5 else f"{shown} and {len(values) - 5} more"
