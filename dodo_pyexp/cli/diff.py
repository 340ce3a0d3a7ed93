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
    add_unpickle(parser)
    parser.add_argument("--json", action="store_true", help="write it as JSON")
    add_output_dir(parser)


def add_unpickle(parser: Parser) -> None:
    """Add the option to load results."""
    what = "load results to compare what JSON cannot hold; unpickling executes what a file says"
    parser.add_argument("--unpickle", action="store_true", help=what)


def run(arguments: Namespace) -> int:
    """Compare, and print what differs."""
    from ..history.comparison import compare
    from ..history.operands import find_side
    from .output import output_folder

    output = output_folder(arguments)
    sides = [find_side(output, word) for word in (arguments.before, arguments.after)]
    made = compare(output, *sides, unpickle=arguments.unpickle)
    print(json_text(made.to_dict()) if arguments.json else printable_lines(made.text()))
    return 0
