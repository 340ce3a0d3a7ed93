"""``pyexp reproduce``."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentTypeError, Namespace
from typing import TYPE_CHECKING

from ..arguments import Parser
from ..printable import printable, printable_lines

if TYPE_CHECKING:
    from pathlib import Path

    from ..config.config import Config


def add_arguments(parser: Parser) -> None:
    """Say which arguments the command takes."""
    from .experiments import add_output_dir

    parser.add_argument("run", metavar="RUN", help="experiment:run, or the name of a run alone")
    parser.add_argument("--at", metavar="TS", help="this attempt, or that of this batch (default: the run's result)")
    parser.add_argument(
        "--tolerance", metavar="X", type=_tolerance, default=1e-6,
        help="how much numbers may differ, relatively (default: 1e-6)",
    )  # fmt: skip
    parser.add_argument(
        "--set", dest="settings", metavar="KEY=VALUE", action="append", default=[],
        help="change the config on the way, such as model.width=64",
    )  # fmt: skip
    parser.add_argument("-s", "--capture=no", dest="live", action="store_true", help="show what the run prints")
    parser.add_argument("--json", action="store_true", help="write the verdict as JSON")
    add_output_dir(parser)


def run(arguments: Namespace) -> int:
    """Execute the attempt again, and print the verdict."""
    from ..build.reproduce import reproduce
    from .output import output_folder

    made = reproduce(
        output_folder(arguments),
        arguments.run,
        arguments.at,
        tolerance=arguments.tolerance,
        settings=arguments.settings,
        fit=_fit,
        note=lambda text: print(printable(text), file=sys.stderr, flush=True),
        live=arguments.live,
    )
    print(json.dumps(made.to_dict(), indent=2) if arguments.json else printable_lines(made.text()))
    return 0 if made.ok else 1


def _fit(source: Path, function: str, folders: list[str], before: Config, after: Config) -> Config:
    from ..runfiles.refitting import refitted

    return refitted(source, function, folders, before, after)


def _tolerance(text: str) -> float:
    try:
        tolerance = float(text)
    except ValueError:
        tolerance = -1.0
    if not 0 <= tolerance < float("inf"):
        raise ArgumentTypeError(f'a tolerance is a number, 0 or more, not "{text}"')
    return tolerance
