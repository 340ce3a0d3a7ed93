"""`Figure`: one measured number, beside its floor and its limit; and how figures are shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Parameters
    ----------
    name
        What was measured.
    value
        The number that the limit is about.
    unit
        ``x`` for a ratio to the floor, else the unit of an absolute number.
    limit
        The most it may be (with `at_least`: the least); None for a figure that is only told.
    ours, floor
        The two measurements behind it, with units.
    """

    name: str
    value: float
    unit: str = "x"
    limit: float | None = None
    ours: str = ""
    floor: str = ""
    at_least: bool = False

    @property
    def over(self) -> bool:
        """The limit is not kept."""
        if self.limit is None:
            return False
        return self.value < self.limit if self.at_least else self.value > self.limit

    def cells(self) -> list[str]:
        """Give the columns of the table."""
        limit = "" if self.limit is None else f"{'>=' if self.at_least else '<='} {self.limit:g} {self.unit}"
        mark = "" if self.limit is None else "OVER" if self.over else "ok"
        return [self.name, f"{self.value:.2f} {self.unit}", limit, mark, self.ours, self.floor]


HEADERS = ["figure", "value", "limit", "", "ours", "floor"]


def line(figure: Figure) -> str:
    """Give the line that is shown as soon as a figure is known."""
    name, value, limit, mark, ours, floor = figure.cells()
    beside = "; ".join(part for part in (ours, floor) if part)
    return f"  {name:<46} {value:>10}  {limit:<10} {mark:<4}  {beside}".rstrip()


def markdown(figures: Iterable[Figure]) -> str:
    """Give the figures as a Markdown table."""
    rows = [HEADERS, ["---"] * len(HEADERS), *(figure.cells() for figure in figures)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
