"""``pyexp build``."""

from __future__ import annotations

from argparse import Namespace
from typing import IO

from ..arguments import Parser, add_build_flags
from ..building.request import Request
from ..errors import MissingFile, UsageError
from ..interchange import json_text
from ..reporting import listing
from ..store.timestamps import now
from ..tasks.user_tasks import refused_tasks
from .experiments import add_targets, own_tasks, request, states
from .output import kept


def add_arguments(parser: Parser) -> None:
    """Say which arguments the command takes."""
    add_targets(parser)
    add_build_flags(parser)
    parser.add_argument("-n", "--dry-run", action="store_true", help="say what would be executed, and why")
    parser.add_argument("--json", action="store_true", help="print what was done as JSON")


def run(arguments: Namespace) -> int:
    """Build, and give the exit status."""
    moved = _no_batch(arguments)
    try:
        with kept(arguments.json) as stdout:
            wanted = request(arguments, other_tasks=True)
            return _dry_run(wanted, stdout) if arguments.dry_run else _build(wanted, stdout)
    except (UsageError, MissingFile) as error:
        if moved is None or moved not in str(error):
            raise
        raise UsageError(f"{error}; it is no batch to continue either, as these are called like {now()}") from None


def _no_batch(arguments: Namespace) -> str | None:
    """Take for a file or a target what follows ``--continue`` and cannot be the name of a batch; give it."""
    word: str | None = arguments.continued
    if word is None or word == "latest" or word[:1].isdigit():
        return None
    arguments.targets.insert(0, word)
    arguments.continued = "latest"
    return word


def _build(wanted: Request, stdout: IO[str]) -> int:
    with refused_tasks():
        build = wanted.build()
    if wanted.arguments.json:
        told = wanted.data(build)
        print(json_text(told), file=stdout)
    return wanted.exit_code


def _dry_run(wanted: Request, stdout: IO[str]) -> int:
    plan, decisions = states(wanted)
    wanted.forbid(plan, decisions)
    own = own_tasks(wanted, plan, decisions)
    text, code = listing.dry_run_text(decisions, own=own)
    told = listing.states_data(plan, decisions)
    told["tasks"] = listing.tasks_data(own)
    print(json_text(told) if wanted.arguments.json else text, file=stdout)
    wanted.tell_code(decisions)
    return code
