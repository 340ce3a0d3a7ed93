"""``pyexp list``."""

from __future__ import annotations

import json
from argparse import Namespace

from ..arguments import Parser


def add_arguments(parser: Parser) -> None:
    """Say which arguments the command takes."""
    from .experiments import add_selection

    add_selection(parser)
    parser.add_argument("--batches", action="store_true", help="list previous batches instead, with counts")
    parser.add_argument("--json", action="store_true", help="write it as JSON")


def run(arguments: Namespace) -> int:
    """Print the list."""
    if arguments.batches:
        return _batches(arguments)
    from ..build import listing
    from .experiments import request, states

    plan, decisions = states(request(arguments))
    if arguments.json:
        print(json.dumps(listing.states_data(plan, decisions), indent=2))
    else:
        print(listing.states_text(plan, decisions))
    return 0


def _batches(arguments: Namespace) -> int:
    """List batches; only files that were named are imported, for the names and folders of their experiments."""
    from ..build.listing import batches, batches_text
    from ..build.options import Options, resolve
    from ..build.plan import PlannedExperiment
    from ..results.stored import stored_experiments
    from .experiments import split_targets
    from .output import output_folder

    files, names = split_targets(arguments)
    if files:
        from ..build.loader import load

        said = Options(output_dir=arguments.output_dir)
        planned = [
            PlannedExperiment(definition, resolve(said, definition.options)) for definition in load(files).definitions
        ]
        found = [(one.name, one.files) for one in planned if not names or one.name in names]
    else:
        found = [(one.name, one.files) for one in stored_experiments(output_folder(arguments), names)]
    if arguments.json:
        print(json.dumps([{"experiment": name, "batches": batches(folder)} for name, folder in found], indent=2))
    else:
        print("\n\n".join(batches_text(name, folder) for name, folder in found) or "There are no batches yet.")
    return 0
