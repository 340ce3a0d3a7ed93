"""`Runs`: a flat collection of configs or results that is searched by position, name or content."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import ConfigTypeError, LookupFailed, suggest
from .match import MISSING, lookup, matches, matching_names, name_of, unusable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any, TypeVar

    from .replicates import Replicates

    T = TypeVar("T")

HINT_AMONG = 1000  # names that are searched for near ones: a failed lookup shall not take seconds


class Runs(Sequence["T"]):
    """A flat sequence of configs or results.

    =====================  ==============================================================================
    ``runs[0]``            the item at that position; negative ones count from the end
    ``runs[2:5]``          a collection of these
    ``runs["my_run"]``     the item of that name
    ``runs["prefix.*"]``   by regular expression, searched in the name
    ``runs[{"lr": 0.1}]``  by content: all pairs must hold; ``"model.width"`` goes into nested dicts
    =====================  ==============================================================================

    A name or a query gives the item itself when exactly one matches, else a collection of the matches;
    `filter` always gives a collection. On results a query's words mean the config (``"lr"``, ``"cfg.lr"``,
    ``"config.lr"``), an attribute (``"error"``), or what the run returned (``"result.accuracy"``).

    Implements: pyexp guide, "Runs Collection".

    Raises
    ------
    LookupFailed
        An `IndexError`: when nothing matches; the message names the nearest names.
    ConfigTypeError
        A `TypeError`: when the index is none of the above.

    Examples
    --------
    >>> runs = Runs([{"name": "small", "width": 1}, {"name": "large", "width": 8}])
    >>> runs["small"]["width"], runs[{"width": 8}]["name"]
    (1, 'large')
    """

    __slots__ = ("_items", "_positions")
    __hash__ = None  # type: ignore[assignment]  # equality is by content, and the content can change

    _globs = False  # a pattern with glob signs is a glob before it is a regular expression

    def __init__(self, items: Iterable[T] = ()) -> None:
        self._items: list[T] = list(items)
        self._positions: dict[str, list[int]] | None = None

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[T]:
        return iter(self._items)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            return Runs(self._items[key])
        return self._found(key)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Runs):
            return self._items == other._items
        return self._items == other if isinstance(other, list) else NotImplemented

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._items,)

    def __repr__(self) -> str:
        return f"Runs(len={len(self)})"

    @property
    def names(self) -> list[str]:
        """The names of the items, in order; ``""`` for an item without one."""
        return [name_of(item) for item in self._items]

    def tolist(self) -> list[T]:
        """Give the items as a flat list."""
        return list(self._items)

    def filter(self, key: str | Mapping[Any, Any] | Callable[[T], object]) -> Runs[T]:
        """Give a collection of exactly the items that a name, a query or a function selects; it may be empty.

        Examples
        --------
        >>> Runs([{"name": "a", "lr": 1}, {"name": "b", "lr": 2}]).filter({"lr": 2}).names
        ['b']
        """
        return self._picked(self._selected(key))

    def over(self, key: str) -> Runs[Replicates]:
        """Group results that differ in one key only, such as the seed, and say what each group shows together.

        Parameters
        ----------
        key
            A key of the configs, dotted where it lies deeper.

        Returns
        -------
        Runs of Replicates
            One item for each group, with an `Estimate` (mean, standard deviation, 95 % confidence interval, n) of
            every number that was returned, and the values of the key whose runs failed or are missing. A `Tensor`
            loses the axis of the key.

        Raises
        ------
        LookupFailed
            An `IndexError`: no config has the key.

        Examples
        --------
        >>> from dodo_pyexp.results.result import Result
        >>> runs = Runs(Result({"name": f"s{s}", "seed": s}, result=0.5 + s / 10, finished=True) for s in range(3))
        >>> print(runs.over("seed")[0]["value"])
        0.6 ± 0.2484 (n=3)
        """
        from .replicates import group, observe

        return Runs(group(map(observe, self._items), key))

    def _found(self, key: Any) -> Any:
        """Give what an index other than a slice means."""
        if hasattr(key, "__index__"):
            return self._at(int(key))
        if not isinstance(key, str) and not hasattr(key, "keys"):
            raise ConfigTypeError(
                f"Invalid index type: {type(key).__name__}; use a position, a slice, a name or a dict"
            )
        found = self._selected(key)
        if not found:
            raise self._no_match(key)
        return self._items[found[0]] if len(found) == 1 else self._picked(found)

    def _at(self, index: int) -> T:
        """Give the item at a position in the flat order."""
        if not -len(self._items) <= index < len(self._items):
            raise LookupFailed(f"Index {index} out of range for {len(self._items)} items; count from 0")
        return self._items[index]

    def _picked(self, positions: list[int]) -> Runs[T]:
        """Make a collection of the items at some positions."""
        items = self._items
        return Runs([items[position] for position in positions])

    def _selected(self, key: Any) -> list[int]:
        """Give the positions of the items that a name, a query or a function selects."""
        if isinstance(key, str):
            return self._named(key)
        if hasattr(key, "keys"):
            return [index for index, item in enumerate(self._items) if matches(item, key)]
        if callable(key):
            return [index for index, item in enumerate(self._items) if key(item)]
        raise ConfigTypeError(
            f"cannot filter by {type(key).__name__}; use a name or pattern, a dict, or a function of one item"
        )

    def _named(self, name: str) -> list[int]:
        """Give the positions of the items with a name, or that a pattern matches."""
        if self._positions is not None:
            found = self._positions.get(name, [])
            # configs can be renamed after the index was made, so a hit is checked and a miss starts anew
            if found and all(name_of(self._items[position]) == name for position in found):
                return found
        names = self.names
        positions: dict[str, list[int]] = {}
        for index, each in enumerate(names):
            positions.setdefault(each, []).append(index)
        self._positions = positions
        return positions.get(name) or matching_names(names, name, glob=self._globs)

    def _no_match(self, key: Any) -> LookupFailed:
        """Make the error for a name or a query that nothing matches."""
        if isinstance(key, str):
            return LookupFailed(
                f"No configs match pattern {key!r}{unusable(key)}{suggest(key, self.names[:HINT_AMONG])}"
            )
        unknown = self._unknown(key)
        return LookupFailed(f"No configs match query {dict(key)!r} among the {len(self)} items{unknown}")

    def _unknown(self, query: Mapping[Any, Any]) -> str:
        """Say which key of a query no item has, if that is why nothing matched."""
        some = self._items[:HINT_AMONG]
        for key in query:
            if isinstance(key, str) and all(lookup(item, key) is MISSING for item in some):
                first: Any = self._items[0] if self._items else {}
                keys = getattr(first, "cfg", first)
                known = [word for word in keys if isinstance(word, str)] if hasattr(keys, "keys") else []
                return f'; none has "{key}"{suggest(key, known)}'
        return ""
