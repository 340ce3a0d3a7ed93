"""``pyexp results``."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..arguments import Parser
from ..errors import ConfigError, UsageError, nearest

if TYPE_CHECKING:
    from ..results.table import Table


def add_arguments(parser: Parser) -> None:
    """Say which arguments the command takes."""
    from .experiments import add_output_dir

    parser.add_argument("experiments", metavar="EXPERIMENT", nargs="*", help="which experiments (default: all)")
    parser.add_argument("--at", metavar="TS", help="of this batch: its name or a prefix, such as a date")
    parser.add_argument("--filter", metavar="REGEX", help="only runs whose name matches")
    parser.add_argument("--sort", metavar="KEY[,desc]", help="sort by a config key or by a returned value")
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--format", metavar="FMT", default="simple", help="a format of tabulate: github, latex, html...")
    forms.add_argument("--csv", action="store_true", help="write CSV, in full precision")
    forms.add_argument("--json", action="store_true", help="write JSON: whole configs and return values")
    add_output_dir(parser)


def run(arguments: Namespace) -> int:
    """Print one table for each experiment; nobody's code is imported."""
    from ..results.table import csv_lines, json_rows, table_text

    tables, batches = _tables(arguments)
    if arguments.json:
        told = [
            {"experiment": name, "batch": batches[name], "runs": json_rows(table)} for name, table in tables.items()
        ]
        print(json.dumps(told, indent=2))
    elif arguments.csv:
        import csv

        csv.writer(sys.stdout, lineterminator="\n").writerows(csv_lines(tables))
    else:
        texts = {name: table_text(table, arguments.format) for name, table in tables.items()}
        headed = [f"{name}  {batches[name]}\n\n{text}" for name, text in texts.items()]
        print("\n\n".join(headed if len(headed) > 1 else texts.values()) or "There are no results yet.")
    return 0


def _tables(arguments: Namespace) -> tuple[dict[str, Table], dict[str, str]]:
    """Read what was asked for, sorted; and name the batch of each experiment."""
    from ..provenance.host import Owner
    from ..results.reading import batch_results
    from ..results.stored import stored_experiments
    from ..results.table import Table
    from ..store import manifest as manifests
    from .output import output_folder

    def alive(owner: Any) -> bool:
        return Owner.from_dict(owner).alive() is not False

    keep = _name_filter(arguments.filter)
    tables: dict[str, Table] = {}
    batches: dict[str, str] = {}
    unfit: UsageError | None = None
    for experiment in stored_experiments(output_folder(arguments), arguments.experiments):
        if arguments.at is None:
            manifest = experiment.newest
            if manifest is None:
                if arguments.experiments:
                    raise UsageError(f"no batch of {experiment.name} can be read; build it again")
                print(f"{experiment.name}: no batch can be read", file=sys.stderr)
                continue
        else:
            try:
                manifest = manifests.find(experiment.files, arguments.at)
            except UsageError as error:
                if arguments.experiments:
                    raise
                unfit = error  # a batch need not hold every experiment
                continue
        tables[experiment.name] = Table.of(batch_results(experiment.files, manifest), alive, keep)
        batches[experiment.name] = manifest.timestamp
    if unfit is not None and not tables:
        raise unfit
    return _sorted(tables, arguments.sort), batches


def _name_filter(pattern: str | None) -> Callable[[str], Any] | None:
    if pattern is None:
        return None
    import re

    try:
        return re.compile(pattern).search
    except re.error as error:
        raise ConfigError(f"--filter {pattern!r} is no regular expression: {error}") from None


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
        raise UsageError(f'no table can be sorted by "{key}"{nearest(key, keys)}')
    return {name: done.get(name, table) for name, table in tables.items()}
