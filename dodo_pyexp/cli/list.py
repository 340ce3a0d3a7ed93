"""``pyexp list``."""

from __future__ import annotations

from argparse import Namespace
from typing import IO

from ..arguments import Parser
from ..errors import UsageError
from ..interchange import json_text


def add_arguments(parser: Parser) -> None:
    """Say which arguments the command takes."""
    from .experiments import add_selection

    add_selection(parser)
    parser.add_argument(
        "--all", action="store_true", help="also what is in the output folder and no config asks for any more"
    )
    parser.add_argument("--batches", action="store_true", help="list previous batches instead, with counts")
    parser.add_argument("--inputs", action="store_true", help="with the files and folders that each run reads")
    parser.add_argument("--json", action="store_true", help="write it as JSON")


def run(arguments: Namespace) -> int:
    """Print the list."""
    from .output import kept

    with kept(arguments.json) as stdout:
        return _list(arguments, stdout)


def _list(arguments: Namespace, stdout: IO[str]) -> int:
    """Print what was asked for to `stdout`."""
    if arguments.batches:
        if arguments.all:
            raise UsageError("--all lists runs, and --batches lists batches; say one of them")
        return _batches(arguments, stdout)
    if arguments.all:
        return _all(arguments, stdout)
    from ..reporting import listing
    from .experiments import own_tasks, request, states

    wanted = request(arguments, other_tasks=True)
    plan, decisions = states(wanted)
    own = own_tasks(wanted, plan, decisions)
    if arguments.json:
        told = listing.states_data(plan, decisions, inputs=arguments.inputs)
        print(json_text(told | {"tasks": listing.tasks_data(own)}), file=stdout)
    else:
        print(listing.states_text(plan, decisions, inputs=arguments.inputs, own=own))
    return 0


def _all(arguments: Namespace, stdout: IO[str]) -> int:
    """List the runs, what no config asks for any more, and which other experiments there are."""
    from ..building.loader import default_files
    from ..planning.decision import foresee
    from ..planning.mistakes import user_code
    from ..planning.orphans import chosen, other_experiments
    from ..printable import printable
    from ..reporting import listing
    from .experiments import request, select, split_targets

    wanted = request(arguments)
    everything = not wanted.targets and arguments.filter is None
    with user_code():
        plan = wanted.plan()
    orphans, words = chosen(plan, wanted.targets, arguments.filter)
    if wanted.targets and not words:
        plan.select(lambda run: False)
    else:
        wanted.targets = words
        select(wanted, plan)
    decisions = foresee(plan)
    others = other_experiments(plan.experiments) if everything else []
    if arguments.json:
        told = listing.states_data(plan, decisions, orphans)
        told["others"] = [{"experiment": name, "runs": count} for name, count in others]
        print(json_text(told), file=stdout)
        return 0
    print(listing.states_text(plan, decisions, orphans=orphans))
    if others:
        named = ", ".join(f"{printable(name)} ({count} run{'' if count == 1 else 's'})" for name, count in others)
        files = split_targets(arguments)[0] or default_files()
        print(f"not defined in {' and '.join(map(printable, files))}: {named}")
    return 0


def _batches(arguments: Namespace, stdout: IO[str]) -> int:
    """List batches; only files that were named are imported, for the names and folders of their experiments."""
    from ..planning.options import Options
    from ..planning.plan import PlannedExperiment
    from ..reporting.batches import batches, batches_text
    from ..results.stored import stored_experiments
    from .experiments import load_files, split_targets
    from .output import output_folder

    files, names = split_targets(arguments)
    if files:
        said = Options(output_dir=arguments.output_dir)
        definitions = load_files(files, arguments).definitions
        planned = [PlannedExperiment(definition, definition.resolved(typed=said)) for definition in definitions]
        found = [(one.name, one.files) for one in planned if not names or one.name in names]
    else:
        found = [(one.name, one.files) for one in stored_experiments(output_folder(arguments), names)]
    if arguments.json:
        told = [{"experiment": name, "batches": batches(folder)} for name, folder in found]
        print(json_text(told), file=stdout)
    else:
        print("\n\n".join(batches_text(name, folder) for name, folder in found) or "There are no batches yet.")
    return 0
