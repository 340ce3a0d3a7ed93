"""Results as a table: what differs between the configs, and the scalars that came back.

Implements: docs/reference.md, "Command line" (``results``); pyexp README, "Result Filtering" (the config keys that a
table may show).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..collection.estimate import Estimate
from ..errors import UsageError, suggest
from ..store.status import FINISHED
from .result import Result
from .rows import DAMAGED, Row
from .tally import Alive

RUN, STATE = "run", "state"
_ABSENT: Any = object()


class Table:
    """Rows with the columns that are worth showing.

    Parameters
    ----------
    rows
        The runs.

    Attributes
    ----------
    config_keys
        The config keys in which the runs differ.
    returned_keys
        The keys of all scalars that came back.
    all_finished
        No row needs its state told.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = list(rows)
        self.config_keys = differing_keys([row.config for row in self.rows if row.config or row.state != DAMAGED])
        self.returned_keys = list(dict.fromkeys(key for row in self.rows for key in row.returned))
        self.all_finished = all(row.state == FINISHED for row in self.rows)

    @classmethod
    def of(cls, results: Iterable[Result], alive: Alive, keep: Callable[[str], Any] | None = None) -> Table:
        """Read a table from results; `keep` chooses runs by their names."""
        return cls([Row.of(result, alive) for result in results if keep is None or keep(result.name)])

    def finished(self) -> list[Row]:
        """Give the rows of finished runs."""
        return [row for row in self.rows if row.state == FINISHED]

    def headers(self) -> list[str]:
        """Give the headings; a config key that is also a returned one is told apart as ``cfg.<key>``."""
        taken = {RUN, STATE, *self.returned_keys}
        config = [f"cfg.{key}" if key in taken else key for key in self.config_keys]
        return [RUN, *config, *self.returned_keys, *([] if self.all_finished else [STATE])]

    def cells(self) -> list[list[Any]]:
        """Give the values below the headings, None where there is none."""
        lines = []
        for row in self.rows:
            line = [row.name, *map(row.config.get, self.config_keys), *map(row.returned.get, self.returned_keys)]
            if not self.all_finished:
                line.append(row.state + (f": {row.cause}" if row.cause else ""))
            lines.append(line)
        return lines

    # -- sorting ------------------------------------------------------------------------------------------------

    def sortable(self) -> list[str]:
        """Name everything that the table can be sorted by."""
        config = dict.fromkeys(key for row in self.rows for key in row.config)
        return list(dict.fromkeys([RUN, STATE, *self.returned_keys, *config]))

    def sorted(self, key: str, *, descending: bool = False) -> Table:
        """Sort by a column: numbers by value, then texts; rows without a value come last either way.

        Raises
        ------
        UsageError
            There is no such key.
        """
        value_of = self._getter(key)
        present = [(value, row) for row in self.rows if (value := value_of(row)) is not _ABSENT and value is not None]
        missing = [row for row in self.rows if value_of(row) is _ABSENT or value_of(row) is None]
        present.sort(key=lambda pair: _rank(pair[0]), reverse=descending)
        nan = [row for value, row in present if value != value]
        rest = [row for value, row in present if value == value]
        return Table([*rest, *nan, *missing])

    def _getter(self, key: str) -> Callable[[Row], Any]:
        if key in (RUN, "name"):
            return lambda row: row.name
        if key == STATE:
            return lambda row: row.state
        head, _, rest = key.partition(".")
        if head in ("cfg", "config") and any(rest in row.config for row in self.rows):
            return lambda row: row.config.get(rest, _ABSENT)
        if head == "result" and any(rest in row.returned for row in self.rows):
            return lambda row: row.returned.get(rest, _ABSENT)
        if any(key in row.returned for row in self.rows):
            return lambda row: row.returned.get(key, _ABSENT)
        if any(key in row.config for row in self.rows):
            return lambda row: row.config.get(key, _ABSENT)
        raise UsageError(f'the table cannot be sorted by "{key}"{suggest(key, self.sortable(), 12)}')


def differing_keys(configs: Sequence[dict[str, Any]]) -> list[str]:
    """Name the keys, in their order, whose values are not the same in all configs.

    Examples
    --------
    >>> differing_keys([{"lr": 0.1, "seed": 0}, {"lr": 0.2, "seed": 0}])
    ['lr']
    """
    first: dict[str, str] = {}
    counts: dict[str, int] = {}
    differing: set[str] = set()
    for config in configs:
        for key, value in config.items():
            if key.split(".", 1)[0] in ("name", "depends_on"):
                continue
            text = f"{type(value).__name__} {value!r}"
            counts[key] = counts.get(key, 0) + 1
            if first.setdefault(key, text) != text:
                differing.add(key)
    return [key for key in first if key in differing or counts[key] != len(configs)]


def _rank(value: Any) -> tuple[int, Any]:
    """Order numbers before texts; whatever else there is, by its text."""
    if isinstance(value, Estimate):
        value = value.mean
    if isinstance(value, (bool, int, float)):
        return (0, float("-inf") if value != value else value)
    return (1, str(value))
