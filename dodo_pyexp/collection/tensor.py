"""`Tensor`: a collection that keeps the shape of the sweep it came from."""

from __future__ import annotations

from math import prod

from ..errors import ConfigError, ConfigTypeError, LookupFailed
from .runs import Runs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, TypeVar

    from .replicates import Replicates

    T = TypeVar("T")


class Tensor(Runs["T"]):
    """A `Runs` with a shape; items are in row-major order (the last axis changes fastest).

    =====================  =================================================================================
    ``t[3]``               an integer is a position in the flat order, whatever the shape
    ``t[0, 1, 0]``         one position an axis: the item
    ``t[:, 0]``, ``t[1:]`` axes sliced, left out at the end, or covered by ``...``; integers drop theirs
    ``t["exp_*"]``         by name: exact, then as a glob over the whole name, then as a regular expression
    ``t[{"lr": 0.1}]``     by content, as for `Runs`
    =====================  =================================================================================

    When several items match a name or a query and they form a full grid of the shape, the result keeps the
    number of axes; else it is flat. Either way it holds the matches and nothing more.

    Implements: pyexp README, "Result Filtering" and "Tensor Indexing".

    Raises
    ------
    ConfigError
        A `ValueError`: when the shape does not fit the number of items.
    LookupFailed
        An `IndexError`: when an index is out of range, or nothing matches.

    Examples
    --------
    >>> t = Tensor("abcd", shape=(2, 2))
    >>> t[1, 0], t[:, 1].tolist()
    ('c', ['b', 'd'])
    """

    __slots__ = ("_shape",)

    _globs = True

    def __init__(self, data: Iterable[T] = (), shape: Iterable[int] | None = None) -> None:
        super().__init__(data)
        self._shape = (len(self),) if shape is None else tuple(shape)
        if prod(self._shape) != len(self) or any(size < 0 for size in self._shape):
            raise ConfigError(f"Shape {self._shape} does not match data length {len(self)}; its product must be that")

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of each axis."""
        return self._shape

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, (tuple, slice)) or key is Ellipsis:
            return self._by_axes(key if isinstance(key, tuple) else (key,))
        return self._found(key)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Tensor) and other._shape != self._shape:
            return False
        return super().__eq__(other)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._items, self._shape)

    def __repr__(self) -> str:
        return f"Tensor(shape={self._shape}, len={len(self)})"

    def over(self, key: str) -> Tensor[Replicates]:
        """Group results that differ in one key only; see `Runs.over`. The axis of that key goes, if it is one."""
        from .replicates import axis_of

        groups = super().over(key).tolist()
        axis = axis_of(groups, self._items, self._shape)
        return Tensor(groups, None if axis is None else [*self._shape[:axis], *self._shape[axis + 1 :]])

    def _by_axes(self, key: tuple[Any, ...]) -> Any:
        """Give what a tuple of integers and slices means."""
        selected = [_positions(part, size) for part, size in zip(self._full(key), self._shape, strict=True)]
        flat = [0]
        for positions, size in zip(selected, self._shape, strict=True):
            each = (positions,) if isinstance(positions, int) else positions
            flat = [start * size + position for start in flat for position in each]
        shape = tuple(len(positions) for positions in selected if not isinstance(positions, int))
        if not shape and selected:
            return self._items[flat[0]]
        return Tensor([self._items[position] for position in flat], shape)

    def _full(self, key: tuple[Any, ...]) -> list[Any]:
        """Give one part an axis: fill up at the ellipsis, or at the end."""
        parts = list(key)
        dots = [index for index, part in enumerate(parts) if part is Ellipsis]
        if len(dots) > 1:
            raise ConfigTypeError("Invalid index type: more than one ...; use it once")
        missing = len(self._shape) - (len(parts) - len(dots))
        if missing < 0:
            raise LookupFailed(
                f"Too many indices: got {len(parts) - len(dots)}, shape has {len(self._shape)} dimensions"
            )
        at = dots[0] if dots else len(parts)
        return [*parts[:at], *[slice(None)] * missing, *parts[at + 1 :]]

    def _picked(self, positions: list[int]) -> Tensor[T]:
        """Make a collection of some items: of as many axes if they form a full grid, else flat."""
        axes: list[set[int]] = [set() for _ in self._shape]
        for position in positions:
            rest = position
            for axis in range(len(axes) - 1, -1, -1):
                rest, index = divmod(rest, self._shape[axis])
                axes[axis].add(index)
        shape = tuple(map(len, axes))
        items = [self._items[position] for position in positions]
        return Tensor(items, shape if positions and prod(shape) == len(items) else None)


def _positions(part: Any, size: int) -> int | range:
    """Give what one part of an index selects on an axis of that size."""
    if isinstance(part, slice):
        return range(*part.indices(size))
    if not hasattr(part, "__index__"):
        kind = type(part).__name__
        raise ConfigTypeError(f"Invalid index type: {kind}; use integers, slices and ... on a shape")
    index = int(part)
    if not -size <= index < size:
        raise LookupFailed(f"Index {index} out of range for dimension of size {size}")
    return index % size
