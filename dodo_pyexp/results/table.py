"""Results as a table: what differs between the configs, and the scalars that came back. Nothing is unpickled.

Implements: docs/reference.md, "Command line" (``results``); pyexp README, "Result Filtering" (the config keys that a
table may show).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..collection.estimate import Estimate
from ..collection.match import plain
from ..errors import DamagedFile, UsageError, nearest, suggest
from ..interchange import as_json
from ..printable import printable, shorten, width
from ..store import status as statuses
from ..store.digest import sum_of_bytes
from ..store.opening import read_bytes
from ..store.paths import AttemptFolder
from ..store.record import Record, missing_part, record_of, sized
from ..store.status import FAILED, FINISHED, INTERRUPTED, RUNNING
from .result import Result
from .tally import SKIPPED, Alive

RUN, STATE = "run", "state"
MISSING, DAMAGED = "missing", "damaged"
DEPTH = 2
SIMPLE = "simple"
GAP = "  "  # between the columns of that format, and what it adds to headings
_SCALARS = (str, int, float, bool)
_ABSENT: Any = object()


class Row:
    """One run of the table.

    Parameters
    ----------
    name
        The name of the run.
    config
        Its config, flattened: dotted keys.
    returned
        The scalars that it returned, dotted.
    state
        ``finished``, ``failed``, ``skipped``, ``running``, ``interrupted``, ``missing`` or ``damaged``.
    cause
        Why it is not finished, in a line.
    value
        What it returned, as far as JSON holds it.
    attempt
        Name of the attempt that satisfies the run.
    made
        Hashes of the code and of the packages that it was made by; None where nobody knows.
    """

    __slots__ = ("attempt", "cause", "config", "made", "name", "returned", "state", "value")

    def __init__(
        self,
        name: str,
        config: dict[str, Any],
        returned: dict[str, Any],
        state: str = FINISHED,
        cause: str = "",
        value: Any = None,
        attempt: str | None = None,
        made: tuple[str | None, str | None] = (None, None),
    ) -> None:
        self.name = name
        self.config = config
        self.returned = returned
        self.state = state
        self.cause = cause
        self.value = value
        self.attempt = attempt
        self.made = made

    @classmethod
    def of(cls, result: Result, alive: Alive) -> Row:
        """Read what a table needs of one result."""
        try:
            config = flatten(dict(result.cfg))
        except DamagedFile as error:
            return cls(result.name, {}, {}, DAMAGED, str(error))
        config.pop("name", None)
        if result.skipped:
            return cls(result.name, config, {}, SKIPPED, _headline(result.error).removeprefix("Skipped: "))
        attempt = result._attempt()[0]
        if attempt is None:
            return cls(result.name, config, {}, MISSING)
        status = statuses.read(attempt)
        made = status.get("code"), status.get("requirements")
        try:
            record = record_of(attempt)
        except DamagedFile:
            return cls(result.name, config, {}, DAMAGED, ".finished cannot be read", None, attempt.name, made)
        if record is not None:
            made = record.code, record.packages
        other = statuses.of_another(status, result.name, attempt)
        if other is None and record is not None:
            other = record.of_another(result.name, attempt.run)
        if other is not None:
            return cls(
                result.name, config, {}, DAMAGED, f"it is that of {other}, copied here", None, attempt.name, made
            )
        state, cause, value = _read(attempt, status, record, alive)
        returned = scalars(value) if state == FINISHED else {}
        return cls(result.name, config, returned, state, cause, value, attempt.name, made)


def _read(attempt: AttemptFolder, status: dict[str, Any], record: Record | None, alive: Alive) -> tuple[str, str, Any]:
    """Tell the state of an attempt, the cause if it did not finish, and what it returned."""
    state = FINISHED if record is not None else status.get("state")
    if state == FAILED:
        return FAILED, _headline(statuses.error_text(status)), None
    if state == INTERRUPTED:
        return INTERRUPTED, "", None
    if state == RUNNING:
        return (RUNNING if alive(status.get("owner"), attempt.run.path) else INTERRUPTED), "", None
    if record is not None:
        parts: tuple[Any, ...] = record.files, record.saved, record.sums, record.written
    elif state == FINISHED:
        parts = status.get("files"), status.get("saved", {}), status.get("sums", {}), status.get("written")
    else:
        return DAMAGED, "status.json cannot be read", None
    files, saved, sums, written = parts
    if not sized(*parts):
        return DAMAGED, "status.json is not whole", None
    damage = missing_part(attempt.path, files, saved, sums, written)
    if damage is not None:
        return DAMAGED, damage, None
    name = f"result.json{AttemptFolder.BESIDE}"  # where the function saved a file of its own under that name
    name = name if name in files else "result.json"
    if name not in files:  # JSON could not hold it
        return FINISHED, "", None
    return _read_value(f"{attempt.path}/{name}", sums.get(name))


def _read_value(path: str, expected: str | None) -> tuple[str, str, Any]:
    import json

    try:
        data = read_bytes(path)
        if expected is not None and sum_of_bytes(data) != expected:
            return DAMAGED, "result.json is not what was written", None
        return FINISHED, "", json.loads(data)
    except (OSError, ValueError, RecursionError):
        return DAMAGED, "result.json cannot be read", None


def _headline(error: str | None) -> str:
    return (error or "").lstrip().partition("\n")[0].removesuffix(": ").rstrip()  # it may have no message


def flatten(config: Any, prefix: str = "") -> dict[str, Any]:
    """Give nested dicts as one, with dotted keys.

    Examples
    --------
    >>> flatten({"lr": 0.1, "model": {"width": 64}})
    {'lr': 0.1, 'model.width': 64}
    """
    flat: dict[str, Any] = {}
    for key, value in config.items():
        path = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(value, dict) and value:
            flat.update(flatten(value, path))
        else:
            flat[path] = plain(value)
    return flat


def scalars(value: Any, depth: int = DEPTH) -> dict[str, Any]:
    """Give the numbers, texts and booleans in a return value, with dotted keys.

    Examples
    --------
    >>> scalars({"loss": 0.5, "by": {"seed": 1}, "curve": [1, 2]})
    {'loss': 0.5, 'by.seed': 1}
    >>> scalars(0.5)
    {'value': 0.5}
    """
    if isinstance(value, _SCALARS):
        return {"value": value}
    found: dict[str, Any] = {}
    if isinstance(value, dict) and "__pickled__" not in value:
        for key, item in value.items():
            if isinstance(item, _SCALARS):
                found[key] = item
            elif isinstance(item, dict) and depth > 1:
                found.update({f"{key}.{below}": deep for below, deep in scalars(item, depth - 1).items()})
    return found


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


# -- writing it -------------------------------------------------------------------------------------------------


def pretty(value: Any) -> str:
    """Write a returned value for people: floats with four significant digits.

    Examples
    --------
    >>> pretty(0.987654), pretty(12345.678), pretty(2), pretty(None)
    ('0.9877', '12346', '2', '')
    """
    if value is None:
        return ""
    if isinstance(value, Estimate):
        half = f" ± {value.half:.2g}" if value.half == value.half else ""
        return f"{pretty(value.mean)}{half}"
    if isinstance(value, float):
        return f"{value:.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"
    return _short(value)


def pretty_config(value: Any) -> str:
    """Write a config's value for people, as it was written if that is short."""
    if isinstance(value, float):
        text = repr(value)
        return text if len(text) <= 10 else f"{value:.6g}"
    return "" if value is None else _short(value)


def _short(value: Any, limit: int = 40) -> str:
    text = printable(" ".join(str(value).split()))
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def table_text(table: Table, style: str = SIMPLE, limit: int | None = None, columns: int | None = None) -> str:
    """Write a table in one of tabulate's formats.

    Parameters
    ----------
    table
        The table.
    style
        Name of the format.
    limit
        Of names that are wider, the middle is cut out.
    columns
        How wide the terminal is: config keys that have no room on it are left out, and named below. Names of runs
        tell what they are about; lines that are broken in two tell nothing.

    Raises
    ------
    UsageError
        There is no such format.
    """
    from tabulate import tabulate, tabulate_formats

    if style not in tabulate_formats:
        raise UsageError(
            f'there is no table format "{style}"{nearest(style, tabulate_formats)}; '
            f"choose one of {', '.join(tabulate_formats)}"
        )
    cells, headers = table.cells(), [printable(header) for header in table.headers()]
    config_end = 1 + len(table.config_keys)
    returned_end = config_end + len(table.returned_keys)
    rows = [[_cell(value, index, config_end, returned_end) for index, value in enumerate(line)] for line in cells]
    for row in rows:
        row[0] = shorten(row[0], limit)
    if not rows:
        return tabulate([], headers, tablefmt=style)
    align = ["right" if _numeric(line[index] for line in cells) else "left" for index in range(len(headers))]
    left_out = 0
    if columns is not None and style == SIMPLE:
        left_out = _too_much([[header + GAP for header in headers], *rows], config_end, columns)
    hidden = headers[config_end - left_out : config_end]
    for line in (headers, align, *rows):
        del line[config_end - left_out : config_end]
    text = tabulate(rows, headers, tablefmt=style, disable_numparse=True, colalign=align)
    return f"{text}\n\nno room here for {', '.join(hidden)}; `| less -S` or --csv shows all" if hidden else text


def _too_much(lines: list[list[str]], config_end: int, columns: int) -> int:
    """Tell how many config keys, the last ones first, have no room beside what the runs returned."""
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
    excess = sum(widths) + len(GAP) * (len(widths) - 1) - columns
    count = 0
    while excess > 0 and count < config_end - 1:
        count += 1
        excess -= widths[config_end - count] + len(GAP)
    return count


def _cell(value: Any, index: int, config_end: int, returned_end: int) -> str:
    if index == 0:
        return printable(str(value))
    if index < config_end:
        return pretty_config(value)
    return pretty(value) if index < returned_end else _short(value, 100)


def _numeric(column: Iterable[Any]) -> bool:
    present = [value for value in column if value is not None]
    return bool(present) and all(
        isinstance(value, (int, float, Estimate)) and not isinstance(value, bool) for value in present
    )


def csv_lines(tables: dict[str, Table]) -> list[list[Any]]:
    """Give tables as one for CSV: numbers in full precision, texts without control characters, headings first.

    Several tables are told apart by a first column with the experiment.
    """
    headers = list(dict.fromkeys(header for table in tables.values() for header in table.headers()))
    several = len(tables) > 1
    lines: list[list[Any]] = [["experiment", *headers] if several else headers]
    for name, table in tables.items():
        own = table.headers()
        for cells in table.cells():
            known = dict(zip(own, cells, strict=True))
            line = ["" if known.get(header) is None else known[header] for header in headers]
            lines.append([name, *line] if several else line)
    return [[cell if type(cell) in (int, float, bool) else printable(str(cell)) for cell in line] for line in lines]


def json_rows(table: Table) -> list[dict[str, Any]]:
    """Give a table for programs: the whole config and return value of each run."""
    return [
        {
            "name": row.name,
            "state": row.state,
            **({"cause": row.cause} if row.cause else {}),
            "attempt": row.attempt,
            "config": as_json(row.config),
            "result": as_json(row.value),
        }
        for row in table.rows
    ]
