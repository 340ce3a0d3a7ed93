"""``pyexp clean``."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from ..arguments import Parser
from ..errors import UsageError

if TYPE_CHECKING:
    from ..build.cleaning import Piece
    from ..store.paths import OutputFolder

SHOWN = 20


def add_arguments(parser: Parser) -> None:
    """Say which arguments the command takes."""
    from .experiments import add_output_dir

    parser.add_argument(
        "targets", metavar="RUN|EXPERIMENT", nargs="*",
        help="what to remove: an experiment, experiment:run, a run, or a pattern such as train:svm*",
    )  # fmt: skip
    parser.add_argument("--failed", action="store_true", help="only attempts that failed or were interrupted")
    parser.add_argument("--old", action="store_true", help="only finished attempts that newer ones have replaced")
    parser.add_argument("--all", action="store_true", help="of all experiments")
    parser.add_argument("-n", "--dry-run", action="store_true", help="only show what would be removed")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
    add_output_dir(parser)


def run(arguments: Namespace) -> int:
    """Show what would go, ask, and remove it."""
    from ..build.cleaning import named_runs, remove_empty, size_text
    from ..results.stored import stored_experiments
    from .output import output_folder

    output = output_folder(arguments)
    if arguments.targets and arguments.all:
        raise UsageError("name runs or experiments, or say --all; not both")
    if not (arguments.targets or arguments.all or arguments.failed or arguments.old):
        print(_survey(output))
        raise UsageError("say what to remove: RUN or EXPERIMENT, --failed, --old or --all; see pyexp clean --help")
    if arguments.targets:
        experiments, runs = named_runs(output, arguments.targets)
    else:
        experiments, runs = stored_experiments(output), []
    from ..build.cleaning import failed_attempts, history, leftovers, older_attempts, runs_of, whole_runs

    every = [*runs, *(found for experiment in experiments for found in runs_of(experiment))]
    last: list[Piece] = []
    if arguments.failed or arguments.old:
        pieces = [piece for found in every for piece in leftovers(found)]
        if arguments.failed:
            pieces += [piece for found in every for piece in failed_attempts(found)]
        if arguments.old:
            pieces += [piece for found in every for piece in older_attempts(found)]
    else:
        pieces = whole_runs(every)
        last = [piece for experiment in experiments for piece in history(experiment)]
    _show([*pieces, *last])
    if arguments.dry_run or not (pieces or last):
        return 0
    if not arguments.yes and not _agreed():
        return 1
    removed, problems = _remove(pieces, output)
    if last and not problems:  # whoever is being executed still needs its manifest and its snapshot
        more, problems = _remove(last, output)
        removed += more
        for experiment in experiments:
            remove_empty(experiment)
    print(f"removed {size_text(removed)}")
    return 1 if problems else 0


def _survey(output: OutputFolder) -> str:
    """Say what could be removed."""
    from ..build.cleaning import failed_attempts, leftovers, older_attempts, runs_of, size_text, whole_runs
    from ..results.stored import stored_experiments

    lines = []
    for experiment in stored_experiments(output):
        runs = runs_of(experiment)
        parts = [
            ("runs", whole_runs(runs)),
            ("failed or interrupted attempts (--failed)", [piece for run in runs for piece in failed_attempts(run)]),
            ("older attempts (--old)", [piece for run in runs for piece in older_attempts(run)]),
            ("leftover files (--failed or --old)", [piece for run in runs for piece in leftovers(run)]),
        ]
        lines.append(f"{experiment.name}:")
        lines += [
            f"  {len(pieces)} {what}, {size_text(sum(piece.size for piece in pieces))}"
            for what, pieces in parts if pieces
        ]  # fmt: skip
    return "\n".join(lines) or "There is nothing to remove."


def _show(pieces: list[Piece]) -> None:
    from ..build.cleaning import size_text

    width = max((len(piece.label) for piece in pieces[:SHOWN]), default=0)
    for piece in pieces[:SHOWN]:
        print(f"{piece.label:<{width}}  {piece.kind}, {size_text(piece.size)}")
    if len(pieces) > SHOWN:
        print(f"... and {len(pieces) - SHOWN} more")
    print(f"{len(pieces)} to remove, {size_text(sum(piece.size for piece in pieces))}", flush=True)


def _agreed() -> bool:
    """Ask on a terminal.

    Raises
    ------
    UsageError
        There is nobody to ask.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("nothing was removed, because there is nobody to ask; say --yes")
    print("Remove this for good? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _remove(pieces: list[Piece], output: OutputFolder) -> tuple[int, int]:
    """Remove pieces; give the bytes that went, and how many pieces did not."""
    from ..build.cleaning import LeftAlone, remove

    removed = problems = 0
    for piece in pieces:
        try:
            remove(piece, output)
        except LeftAlone as error:
            problems += 1
            print(error, file=sys.stderr)
        else:
            removed += piece.size
    return removed, problems
