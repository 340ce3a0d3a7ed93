"""Values that hold no others, and values that count as plain ones."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ATOMS = frozenset({str, int, float, bool, type(None)})


class Counted:
    """A value that is written for people, and compared, as `plain`."""

    __slots__ = ("plain",)

    plain: Any
