"""Experiments named on the command line: ``[FILE ...] [TARGET ...]`` becomes a request."""

from __future__ import annotations

import sys
from argparse import Namespace

from ..arguments import Parser
from ..building.loader import RUN_FILES, Loaded, default_files, file_of, is_file, load
from ..building.request import Request
from ..experiment import family
from ..planning.decision import Foreseen, foresee
from ..planning.definition import Definition
from ..planning.mistakes import user_code
from ..planning.options import Options
from ..planning.plan import Plan
from ..printable import printable


def add_targets(parser: Parser) -> None:
    """Take files and targets."""
    parser.add_argument(
        "targets", metavar="FILE|TARGET", nargs="*",
        help="files that define experiments (default: dodo.py), Python or YAML, or modules, and what of them: an "
        "experiment, experiment:run, a run, the path of a target, or another task; a pattern such as train:svm* names "
        "several",
    )  # fmt: skip


def add_selection(parser: Parser, *, with_upstreams: bool = True) -> None:
    """Take files, targets and the flags of commands that execute nothing."""
    add_targets(parser)
    needed = ", and what they depend on" if with_upstreams else ""
    parser.add_argument("--filter", metavar="REGEX", help=f"only runs whose name matches{needed}")
    add_output_dir(parser)
    parser.set_defaults(
        executor=None, jobs=None, rerun=False, continued=None, timestamp=None, retry=None, live=False, stash=None,
        keep_going=True, timeout=None, idle_timeout=None, resume=None,
        code=None, read_files=None, dirty_git=None,
    )  # fmt: skip


def add_output_dir(parser: Parser) -> None:
    """Take the folder that everything is read from."""
    parser.add_argument("--output-dir", metavar="DIR", help="where everything was written (default: out)")


def split_targets(arguments: Namespace) -> tuple[list[str], list[str]]:
    """Tell files from targets; the name of a module stands for its file."""
    arguments.targets = [file_of(word) for word in arguments.targets]
    files = [word for word in arguments.targets if is_file(word)]
    return files, [word for word in arguments.targets if not is_file(word)]


def load_files(files: list[str], arguments: Namespace, *, other_tasks: bool = False) -> Loaded:
    """Collect the experiments of files, run files among them; without any, of those that are meant then.

    Raises
    ------
    PyexpError
        A file is missing or wrong, or defines no experiment.
    """
    files = files or default_files()
    run_files = [name for name in files if name.endswith(RUN_FILES)]
    python = [name for name in files if name not in run_files]
    loaded = load(python, other_tasks=other_tasks) if python else Loaded()
    for name in run_files:
        from ..runfiles.launch import declared

        experiment, upstreams = declared(name, arguments)
        loaded.experiments.append(experiment)
        loaded.upstreams += upstreams
    loaded.files = files
    return loaded


def request(arguments: Namespace, *, other_tasks: bool = False) -> Request:
    """Import the files that were named and ask for what was named.

    Raises
    ------
    PyexpError
        A file or a name is wrong.
    """
    files, targets = split_targets(arguments)
    loaded = load_files(files, arguments, other_tasks=other_tasks)

    def reach() -> list[Definition]:
        own = [definition for experiment in loaded.experiments for definition in family(experiment)]
        return [*loaded.upstreams, *own]

    return Request(loaded.definitions, Options(), arguments, reach, loaded.own, targets)


def selected_plan(wanted: Request) -> Plan:
    """Expand the experiments and select what was asked for.

    Raises
    ------
    PyexpError
        A config, a dependency, a target or the filter is wrong.
    """
    with user_code():
        plan = wanted.plan()
    select(wanted, plan)
    return plan


def select(wanted: Request, plan: Plan) -> None:
    """Select what was asked for, and say on stderr what the filter made of it.

    Raises
    ------
    PyexpError
        A target or the filter is wrong.
    """
    wanted.select(plan, lambda text: print(printable(text), file=sys.stderr))


def own_tasks(wanted: Request, plan: Plan, decisions: Foreseen) -> dict[str, str | None]:
    """Give the user's own tasks, each with the reason for which a build would execute it; None if it would not."""
    if not wanted.own:
        return {}
    from ..tasks.foretold import foretell
    from ..tasks.user_tasks import refused_tasks

    with refused_tasks():
        return foretell(wanted.own, decisions, plan.experiments[0].output.doit_db)


def states(wanted: Request) -> tuple[Plan, Foreseen]:
    """Give the selected plan, and the state of each run of it."""
    plan = selected_plan(wanted)
    return plan, foresee(plan, rerun=wanted.arguments.rerun)
