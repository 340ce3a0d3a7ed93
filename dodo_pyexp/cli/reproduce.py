"""``pyexp reproduce``."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError, Namespace
from typing import TYPE_CHECKING, Any

from ..arguments import Parser
from ..interchange import json_text
from ..printable import printable, printable_lines

if TYPE_CHECKING:
    from pathlib import Path

    from ..config.config import Config
    from ..history.verdict import Reproduction


def add_arguments(parser: Parser) -> None:
    """Say which arguments the command takes."""
    from .diff import add_unpickle
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
    add_unpickle(parser)
    parser.add_argument("--json", action="store_true", help="write the verdict as JSON")
    add_output_dir(parser)


def run(arguments: Namespace) -> int:
    """Execute the attempt again, and print the verdict."""
    made = _made(arguments)
    print(json_text(made.to_dict()) if arguments.json else printable_lines(made.text()))
    return 0 if made.ok else 1


def _made(arguments: Namespace) -> Reproduction:
    from ..history.reproduce import reproduce
    from ..results.stored import stored_run
    from ..runfiles.launch import relaunch
    from .output import output_folder

    def note(text: str) -> None:
        print(printable(text), file=sys.stderr, flush=True)

    output = output_folder(arguments)
    how: dict[str, Any] = {
        "tolerance": arguments.tolerance, "settings": arguments.settings, "note": note, "live": arguments.live,
        "unpickle": arguments.unpickle,
    }  # fmt: skip
    found = stored_run(output, arguments.run)
    if (again := relaunch(found)) is not None:
        return again(arguments.at, **how)
    return reproduce(output, arguments.run, arguments.at, fit=_fit, **how)


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
