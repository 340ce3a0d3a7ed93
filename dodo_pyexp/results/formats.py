"""A table as text for people, and as CSV and JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..collection.estimate import Estimate
from ..errors import UsageError, nearest
from ..interchange import as_json
from ..printable import printable, shorten, width
from .table import Table

SIMPLE = "simple"
GAP = "  "  # between the columns of that format, and what it adds to headings


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
