"""A table over seeds: one row for the runs that differ only in that key.

Implements: the command ``pyexp results --over KEY``.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

from ..collection.estimate import Estimate
from ..collection.replicates import Observation, Replicates, group, numbers
from ..store.status import FINISHED
from .rows import MISSING, Row
from .table import Table


def replicated(table: Table, key: str) -> Table:
    """Give a table with a row for each group: ``mean ± half of the interval`` of every number.

    Raises
    ------
    LookupFailed
        No config has the key.
    """
    runs = (
        Observation(
            row.name,
            row.config,
            row.state == FINISHED,
            numbers(row.value) if row.returned else {},
            row,
            begun=row.state != MISSING,
        )
        for row in table.rows
    )
    return Table([_row(one, dict(one.scalars)) for one in group(runs, key)])


def precise(table: Table) -> Table:
    """Turn such a table into one for programs: a column each for mean, deviation, interval and number."""
    rows = []
    for row in table.rows:
        one: Replicates = row.value
        columns = {
            f"{name}.{what}": value for name, found in one.scalars.items() for what, value in _data(found).items()
        }
        made = _row(one, columns)
        made.value = {
            "n": len(one.values),
            "values": one.values,
            "failed": one.failed,
            "missing": one.missing,
            "runs": [run.name for run in one.runs],
            "scalars": {name: _data(found) for name, found in one.scalars.items()},
        }
        rows.append(made)
    return Table(rows)


def _row(one: Replicates, returned: dict[str, Any]) -> Row:
    count = "runs" if "n" in one.scalars else "n"
    return Row(one.name, one.cfg, {count: len(one.values), **returned}, one.note() or FINISHED, value=one)


def _data(estimate: Estimate) -> dict[str, Any]:
    """Give the numbers of an estimate; None for what there is none of."""
    told = {what: getattr(estimate, what) for what in ("mean", "sd", "low", "high")}
    return {**{what: value if isfinite(value) else None for what, value in told.items()}, "n": estimate.n}
