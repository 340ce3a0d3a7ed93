"""``pyexp clean``."""

from __future__ import annotations

import argparse
import re
import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from ..arguments import Parser
from ..errors import UsageError
from ..interchange import json_text
from ..printable import printable

if TYPE_CHECKING:
    from ..cleaning.clean import Cleaning, Scope
    from ..cleaning.removable import Piece
    from ..planning.plan import PlannedExperiment
    from ..results.stored import StoredExperiment
    from ..store.paths import OutputFolder

SHOWN = 20
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def add_arguments(parser: Parser) -> None:
    """Say which arguments the command takes."""
    from .experiments import add_output_dir

    parser.add_argument(
        "targets", metavar="FILE|RUN|EXPERIMENT", nargs="*",
        help="of what: an experiment, experiment:run, a run, or a pattern such as train:svm*; a file means its "
        "experiments. Without any of the flags below it is removed as a whole",
    )  # fmt: skip
    parser.add_argument("--all", action="store_true", help="of all experiments")
    parser.add_argument("--filter", metavar="REGEX", help="only of runs whose name matches")
    parser.add_argument(
        "--orphans", action="store_true", help="runs that no config of the files (default: dodo.py) asks for any more"
    )
    parser.add_argument("--failed", action="store_true", help="attempts that failed or were interrupted")
    parser.add_argument("--old", action="store_true", help="finished attempts that newer ones have replaced")
    parser.add_argument(
        "--older-than", metavar="AGE", type=_age,
        help="only what ended longer ago, such as 12h or 30d; alone: all such attempts that are not needed",
    )  # fmt: skip
    parser.add_argument(
        "--keep-latest", metavar="N", type=_count,
        help="only attempts beyond the newest N of their run; alone: all such attempts that are not needed",
    )  # fmt: skip
    parser.add_argument("-n", "--dry-run", action="store_true", help="only show what would be removed")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="write what is removed as JSON")
    add_output_dir(parser)


def run(arguments: Namespace) -> int:
    """Show what would go, ask, and remove it."""
    from ..cleaning.clean import Cleaning
    from ..cleaning.removable import size_of
    from ..cleaning.retention import Wish
    from ..printable import size_text

    wish = Wish(
        arguments.orphans, arguments.failed, arguments.old, older_than=arguments.older_than,
        keep_latest=arguments.keep_latest,
    )  # fmt: skip
    if arguments.targets and arguments.all:
        raise UsageError("name runs or experiments, or say --all; not both")
    if not (arguments.targets or arguments.all or wish.any):
        from .output import output_folder

        print(_survey(output_folder(arguments)))
        raise UsageError(
            "say what to remove: RUN or EXPERIMENT, --orphans, --failed, --old, --older-than, --keep-latest or --all; "
            "see pyexp clean --help"
        )
    cleaning = Cleaning(_scope(arguments), wish)
    pieces = cleaning.every
    if not arguments.json:
        _show(pieces, cleaning.size, everything=arguments.dry_run)
    _tell(cleaning, 0)
    told = len(cleaning.left)
    if pieces and not arguments.dry_run:
        if not arguments.yes and not _agreed():
            return 1
        cleaning.carry_out()
        _tell(cleaning, told)
        if not arguments.json:
            print(f"removed {size_text(size_of(cleaning.gone))}")
    if arguments.json:
        print(json_text(cleaning.to_dict(dry_run=arguments.dry_run)))
    return 1 if cleaning.left and not arguments.dry_run else 0


def _scope(arguments: Namespace) -> Scope:
    """Find out of what: nothing is imported, unless files are named or orphans are asked for."""
    from ..cleaning.clean import Scope, named
    from ..planning.orphans import orphans_of
    from ..planning.targets import matcher
    from ..results.stored import stored_experiments
    from .experiments import split_targets
    from .output import output_folder

    files, words = split_targets(arguments)
    planned = _planned(arguments, files) if files or arguments.orphans else []
    if planned:
        outputs = list({experiment.output.path: experiment.output for experiment in planned}.values())
    else:
        outputs = [output_folder(arguments)]
    mine = {experiment.files.path for experiment in planned}
    known = [
        stored for output in outputs for stored in stored_experiments(output)
        if not planned or stored.files.path in mine
    ]  # fmt: skip
    matches = matcher(arguments.filter) if arguments.filter is not None else None
    orphans = [orphan for experiment in planned for orphan in orphans_of(experiment)] if arguments.orphans else []
    experiments, runs = named(outputs[0], known, words) if words else (known, [])
    return Scope(experiments, runs, matches, planned, orphans)


def _planned(arguments: Namespace, files: list[str]) -> list[PlannedExperiment]:
    """Import files for their experiments; only for orphans their configs are made."""
    from ..planning.mistakes import user_code
    from ..planning.options import Options
    from ..planning.ownership import check
    from ..planning.plan import PlannedExperiment
    from .experiments import load_files

    said = Options(output_dir=arguments.output_dir)
    definitions = load_files(files, arguments).definitions
    planned = [PlannedExperiment(definition, definition.resolved(typed=said)) for definition in definitions]
    for experiment in planned:
        check(experiment.files, experiment.definition)
    if arguments.orphans:
        planned = [experiment for experiment in planned if experiment.definition.configs is not None]
        with user_code():
            for experiment in planned:
                experiment.fill(experiment.definition.call_configs())
        if not planned:
            raise UsageError("no experiment of these files has configs, so none can have orphans")
    return planned


def _survey(output: OutputFolder) -> str:
    """Say what could be removed."""
    from ..cleaning.attempts import is_running
    from ..cleaning.clean import runs_of
    from ..cleaning.removable import leftovers, size_of, whole_run
    from ..cleaning.retention import Needs, Wish, trimmed
    from ..cleaning.unused import unused
    from ..printable import size_text
    from ..results.stored import stored_experiments

    def attempts(experiment: StoredExperiment, wish: Wish) -> list[Piece]:
        needs = Needs(experiment)
        return [piece for run in runs_of(experiment) if not is_running(run) for piece in trimmed(run, wish, needs)]

    lines = []
    for experiment in stored_experiments(output):
        runs = runs_of(experiment)
        parts = [
            ("run{s}", [whole_run(run) for run in runs]),
            ("failed or interrupted attempt{s} (--failed)", attempts(experiment, Wish(failed=True))),
            ("older attempt{s} (--old)", attempts(experiment, Wish(old=True))),
            ("leftover file{s} (--failed or --old)", [piece for run in runs for piece in leftovers(run)]),
            ("state{s} of the code that no attempt refers to (any flag)", unused(experiment)),
        ]
        lines.append(f"{printable(experiment.name)}:")
        lines += [
            f"  {len(pieces)} {what.format(s='s' * (len(pieces) > 1))}, {size_text(size_of(pieces))}"
            for what, pieces in parts
            if pieces
        ]
    return "\n".join(lines) or "There is nothing to remove."


def _show(pieces: list[Piece], size: int, *, everything: bool) -> None:
    from ..colour import column
    from ..printable import size_text

    shown = pieces if everything else pieces[:SHOWN]
    labels = column((piece.label for piece in shown), sys.stdout)
    for label, piece in zip(labels, shown, strict=True):
        print(f"{label}  {piece.kind}, {size_text(piece.size)}")
    if len(pieces) > len(shown):
        print(f"... and {len(pieces) - len(shown)} more")
    print(f"{len(pieces)} to remove, {size_text(size)}" if pieces else "nothing to remove", flush=True)


def _tell(cleaning: Cleaning, told: int) -> None:
    for _, why in cleaning.left[told:]:
        print(printable(why), file=sys.stderr)


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


def _age(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", text.strip())
    if match is None:
        raise argparse.ArgumentTypeError(f'an age is a number with a unit (s, m, h, d, w), such as 30d, not "{text}"')
    return float(match[1]) * UNITS[match[2]]


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f'a number of attempts is 0 or more, not "{text}"')
    return int(text)
