"""``pyexp build``."""

from __future__ import annotations

import json
from argparse import Namespace

from ..arguments import Parser, add_build_flags
from ..build import listing
from ..build.loader import user_code
from ..build.request import Request
from ..errors import UsageError
from .experiments import add_targets, request, states


def add_arguments(parser: Parser) -> None:
    """Say which arguments the command takes."""
    add_targets(parser)
    add_build_flags(parser)
    parser.add_argument("-n", "--dry-run", action="store_true", help="say what would be executed, and why")
    parser.add_argument("--json", action="store_true", help="print what was done as JSON")


def run(arguments: Namespace) -> int:
    """Build, and give the exit status."""
    wanted = request(arguments, other_tasks=True)
    return _dry_run(wanted) if arguments.dry_run else _build(wanted)


def _build(wanted: Request) -> int:
    from doit.exceptions import InvalidCommand, InvalidDodoFile, InvalidTask

    try:
        with user_code("the configs cannot be made"):
            build = wanted.build()
    except (InvalidCommand, InvalidDodoFile, InvalidTask) as error:
        raise UsageError(" ".join(str(error).split())) from None
    if wanted.arguments.json:
        print(json.dumps({"exit_code": 0, "runs": []} if build is None else listing.build_data(build), indent=2))
    return wanted.exit_code


def _dry_run(wanted: Request) -> int:
    plan, decisions = states(wanted)
    text, code = listing.dry_run_text(plan, decisions)
    print(json.dumps(listing.states_data(plan, decisions), indent=2) if wanted.arguments.json else text)
    return code
