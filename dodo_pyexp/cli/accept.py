"""``pyexp accept``."""

from __future__ import annotations

from argparse import Namespace

from ..arguments import Parser
from ..interchange import json_text


def add_arguments(parser: Parser) -> None:
    """Say which arguments the command takes."""
    from .experiments import add_selection

    add_selection(parser, with_upstreams=False)
    parser.add_argument(
        "--renamed",
        action="store_true",
        help="give runs that were never executed the results that they have by another name",
    )
    parser.add_argument("-n", "--dry-run", action="store_true", help="only say which runs would be accepted")
    parser.add_argument("--json", action="store_true", help="write it as JSON")
    parser.set_defaults(code="warn", read_files="warn")  # what it asks: which are up to date but for these


def run(arguments: Namespace) -> int:
    """Accept runs, and say how many."""
    from ..history.accepting import accept
    from ..history.renaming import take_over
    from .experiments import request, states
    from .output import kept

    with kept(arguments.json) as stdout:
        wanted = request(arguments)
        _, decisions = states(wanted)
        if wanted.exit_code:  # the filter matches nothing, and has said so
            return wanted.exit_code
        done = (take_over if arguments.renamed else accept)(decisions, dry_run=arguments.dry_run)
        text = json_text(done.to_dict()) if arguments.json else done.text(dry_run=arguments.dry_run)
        print(text, file=stdout)
    return 0
