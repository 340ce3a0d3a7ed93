"""Values that hold no others, values that count as plain ones, and tuples made anew."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ATOMS = frozenset({str, int, float, bool, type(None)})


class Counted:
    """A value that is written for people, and compared, as `plain`."""

    __slots__ = ("plain",)

    plain: Any


def rebuilt(old: tuple[Any, ...], items: list[Any]) -> tuple[Any, ...]:
    """Make a tuple of the items, of the same kind as the old one when that is a named tuple."""
    make = getattr(type(old), "_make", None)
    return make(items) if make else tuple(items)
