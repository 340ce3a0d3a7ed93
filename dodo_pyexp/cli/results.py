"""``pyexp results``."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..arguments import Parser
from ..errors import DamagedFile, UsageError, suggest, warn
from ..interchange import json_text
from ..printable import printable

if TYPE_CHECKING:
    from ..results.table import Table


def add_arguments(parser: Parser) -> None:
    """Say which arguments the command takes."""
    from .experiments import add_output_dir

    parser.add_argument("experiments", metavar="EXPERIMENT", nargs="*", help="which experiments (default: all)")
    parser.add_argument("--at", metavar="TS", help="of this batch: its name or a prefix, such as a date")
    parser.add_argument("--filter", metavar="REGEX", help="only runs whose name matches")
    parser.add_argument("--sort", metavar="KEY[,desc]", help="sort by a config key or by a returned value")
    parser.add_argument(
        "--over", metavar="KEY",
        help="one row for the runs that differ only in KEY, such as seed: mean, 95 %% confidence interval, n",
    )  # fmt: skip
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--format", metavar="FMT", default="simple", help="a format of tabulate: github, latex, html...")
    forms.add_argument("--csv", action="store_true", help="write CSV, in full precision")
    forms.add_argument("--json", action="store_true", help="write JSON: whole configs and return values")
    add_output_dir(parser)


def run(arguments: Namespace) -> int:
    """Print one table for each experiment; nobody's code is imported."""
    from ..colour import name_limit, terminal_columns
    from ..results.formats import csv_lines, json_rows, table_text

    tables, batches, mixed = _tables(arguments)
    tables = _sorted(tables if arguments.over is None else _over(tables, arguments.over), arguments.sort)
    if arguments.over is not None and (arguments.csv or arguments.json):
        from ..results.replicated import precise

        tables = {name: precise(table) for name, table in tables.items()}
    if arguments.json:
        rows = "runs" if arguments.over is None else "groups"
        told = [
            {"experiment": name, "batch": batches[name], "mixed": mixed[name], rows: json_rows(table)}
            for name, table in tables.items()
        ]
        print(json_text(told))
    elif arguments.csv:
        import csv

        csv.writer(sys.stdout, lineterminator="\n").writerows(csv_lines(tables))
    else:
        limit, columns = name_limit(sys.stdout), terminal_columns(sys.stdout)
        texts = {name: table_text(table, arguments.format, limit, columns) for name, table in tables.items()}
        headed = [f"{printable(name)}  {batches[name]}\n\n{text}" for name, text in texts.items()]
        print("\n\n".join(headed if len(headed) > 1 else texts.values()) or "There are no results yet.", flush=True)
    for name, line in mixed.items():
        if line is not None:
            warn(f"{printable(name)}: {printable(line)}")
    return 0


def _over(tables: dict[str, Table], key: str) -> dict[str, Table]:
    """Group the runs of every table whose configs have the key; at least one must."""
    from ..errors import LookupFailed
    from ..results.replicated import replicated

    grouped: dict[str, Table] = {}
    refused: LookupFailed | None = None
    for name, table in tables.items():
        try:
            grouped[name] = replicated(table, key)
        except LookupFailed as error:
            refused = error
    if refused is not None and not grouped:
        raise UsageError(f"--over: {refused}")
    return grouped


def _tables(arguments: Namespace) -> tuple[dict[str, Table], dict[str, str], dict[str, str | None]]:
    """Read what was asked for; name the batch of each experiment, and say if not all was made alike."""
    from ..reporting.mixed_versions import Made, mixed_line
    from ..results.reading import batch_results
    from ..results.stored import stored_experiments
    from ..results.table import Table
    from ..store import manifest as manifests
    from ..store.locks import at_work
    from .output import output_folder

    keep = _name_filter(arguments.filter)
    tables: dict[str, Table] = {}
    batches: dict[str, str] = {}
    mixed: dict[str, str | None] = {}
    unreadable: dict[str, DamagedFile | None] = {}
    unfit: UsageError | None = None
    for experiment in stored_experiments(output_folder(arguments), arguments.experiments):
        if arguments.at is None:
            manifest = manifests.whole(experiment.files)
            if manifest is None:
                if arguments.experiments:
                    manifests.find(experiment.files, "latest")  # raises: it says why
                if experiment.files.batch_names():
                    unreadable[experiment.name] = None
                continue
        else:
            try:
                manifest = manifests.find(experiment.files, arguments.at)
            except UsageError as error:
                if arguments.experiments:
                    raise
                unfit = error  # a batch need not hold every experiment
                continue
            except DamagedFile as damaged:
                if arguments.experiments:
                    raise
                unreadable[experiment.name] = damaged
                continue
        table = tables[experiment.name] = Table.of(batch_results(experiment.files, manifest), at_work, keep)
        mixed[experiment.name] = mixed_line(experiment.files, (Made(row.name, *row.made) for row in table.finished()))
        batches[experiment.name] = manifest.timestamp
    if unfit is not None and not tables and not unreadable:
        raise unfit
    if unreadable and not tables:
        first = next(iter(unreadable.values()))
        names = ", ".join(unreadable)
        raise first or DamagedFile(f"no manifest of {names} can be read; the next build writes new ones")
    for name in unreadable:
        warn(f"{printable(name)}: no manifest can be read; the next build writes a new one")
    return tables, batches, mixed


def _name_filter(pattern: str | None) -> Callable[[str], Any] | None:
    if pattern is None:
        return None
    from ..collection.patterns import Pattern

    return Pattern(pattern, "--filter").found_in


def _sorted(tables: dict[str, Table], wanted: str | None) -> dict[str, Table]:
    """Sort every table that has the key; at least one must."""
    if wanted is None:
        return tables
    key, _, direction = wanted.rpartition(",")
    if direction not in ("asc", "desc"):
        key, direction = wanted, "asc"
    done: dict[str, Table] = {}
    for name, table in tables.items():
        try:
            done[name] = table.sorted(key, descending=direction == "desc")
        except UsageError:
            if len(tables) == 1:
                raise
    if tables and not done:
        keys = dict.fromkeys(known for table in tables.values() for known in table.sortable())
        raise UsageError(f'no table can be sorted by "{key}"{suggest(key, keys, 12)}')
    return {name: done.get(name, table) for name, table in tables.items()}
