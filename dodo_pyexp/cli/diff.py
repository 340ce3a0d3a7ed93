"""``pyexp diff``."""

from __future__ import annotations

from argparse import Namespace

from ..arguments import Parser
from ..interchange import json_text
from ..printable import printable_lines


def add_arguments(parser: Parser) -> None:
    """Say which arguments the command takes."""
    from .experiments import add_output_dir

    what = "a run (its result), RUN@TS (an attempt), EXPERIMENT (its newest batch), EXPERIMENT@TS or TS (a batch)"
    parser.add_argument("before", metavar="A", help=what)
    parser.add_argument("after", metavar="B", help="what to compare it with, named the same way")
    parser.add_argument("--json", action="store_true", help="write it as JSON")
    add_output_dir(parser)


def run(arguments: Namespace) -> int:
    """Compare, and print what differs."""
    from ..build.differing import compare
    from ..build.sides import find_side
    from .output import output_folder

    output = output_folder(arguments)
    made = compare(output, find_side(output, arguments.before), find_side(output, arguments.after))
    print(json_text(made.to_dict()) if arguments.json else printable_lines(made.text()))
    return 0
