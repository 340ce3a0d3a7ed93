"""The command-line flags of a build: one parser for ``pyexp build`` and for ``python my_experiment.py``.

Implements: pyexp guide, "CLI Usage"; pyexp README, "CLI Arguments"; docs/reference.md, "Command line".
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from .errors import UsageError, nearest


class Parser(argparse.ArgumentParser):
    """A parser that raises instead of exiting, and that knows near misses."""

    def error(self, message: str) -> NoReturn:
        """Turn what argparse has to say into one sentence.

        Raises
        ------
        UsageError
            Always.
        """
        prefix = "unrecognized arguments: "
        if message.startswith(prefix):
            word = message[len(prefix) :].split()[0]
            flags = [flag for action in self._actions for flag in action.option_strings]
            message = f'unknown argument "{word}"{nearest(word, flags)}'
        raise UsageError(f"{message}; see {self.prog} --help")


def add_build_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say what to build and how."""
    parser.add_argument("--filter", metavar="REGEX", help="only runs whose name matches, and what they depend on")
    parser.add_argument("--executor", metavar="NAME", help="inline, subprocess, fork or ray")
    parser.add_argument("-j", "--jobs", metavar="N", type=_jobs, help="how many runs at once; 0: one a core")
    parser.add_argument("--rerun", action="store_true", help="execute the runs even if they are up to date")
    parser.add_argument(
        "--code", metavar="POLICY",
        help="what changed code means for a finished run: warn (tell), rerun (execute it again), ignore",
    )  # fmt: skip
    parser.add_argument(
        "--read-files", metavar="POLICY",
        help="what a changed file that a finished run has read means for it: warn, rerun, ignore",
    )  # fmt: skip
    parser.add_argument(
        "--continue", dest="continued", metavar="TS", nargs="?", const="latest",
        help="go on with a batch, from its saved configs (default: the latest)",
    )  # fmt: skip
    parser.add_argument("--timestamp", metavar="TS", help="go on with this batch, or start it under this name")
    parser.add_argument("--retry", metavar="N", type=int, help="try a failed run up to N more times")
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=_seconds, help="kill a run that takes longer, with its children"
    )
    parser.add_argument(
        "--idle-timeout", metavar="SECONDS", type=_seconds,
        help="kill a run that neither prints nor computes for so long",
    )  # fmt: skip
    parser.add_argument(
        "--no-resume", dest="resume", action="store_false", default=None,
        help="start interrupted and failed runs anew, whatever the experiment says",
    )  # fmt: skip
    parser.add_argument("-s", "--capture=no", dest="live", action="store_true", help="show what runs print, as they do")
    parser.add_argument("--output-dir", metavar="DIR", help="where everything is written (default: out)")
    parser.add_argument(
        "--dirty-git", metavar="ACTION",
        help="what uncommitted changes mean: warn (tell), error (execute nothing), ignore",
    )  # fmt: skip
    parser.add_argument("--no-stash", dest="stash", action="store_false", default=None, help="take no code snapshot")
    going = parser.add_mutually_exclusive_group()
    going.add_argument(
        "--keep-going", dest="keep_going", action="store_true", default=True,
        help="after a failure, go on with independent runs (default)",
    )  # fmt: skip
    going.add_argument(
        "--fail-fast", dest="keep_going", action="store_false", help="after a failure, start nothing more"
    )
    parser.set_defaults(given_flags=lambda arguments: given_flags(parser, arguments))


#: What says which runs, when to stop and what to show, but not what is built and how.
_PASSING = frozenset(
    [
        "continued", "dry_run", "filter", "graph", "help", "json", "keep_going", "list", "live", "report", "rerun",
        "timestamp",
    ]
)  # fmt: skip


def given_flags(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> list[str]:
    """Write again the flags that say how to build, so that somebody can build some of the runs in the same way.

    Which runs, and from which batch, is for others to say.
    """
    words: list[str] = []
    for action in parser._actions:
        value = getattr(arguments, action.dest, action.default)
        if not action.option_strings or action.dest in _PASSING or value == action.default:
            continue
        flag = next(flag for flag in action.option_strings if flag.startswith("--"))
        if action.nargs != 0:
            words += [flag, f"{value:g}" if isinstance(value, float) else str(value)]
        elif value == action.const:
            words.append(flag)
    return words


def script_parser(name: str) -> Parser:
    """Make the parser of ``python my_experiment.py``."""
    parser = Parser(prog=f"python {name}", description="Bring the experiment's runs up to date.", allow_abbrev=False)
    add_build_flags(parser)
    parser.add_argument("--name", help="another name for the experiment")
    parser.add_argument("--list", dest="list", action="store_true", help="list the previous batches")
    parser.add_argument("--graph", action="store_true", help="print the dependency graph")
    parser.add_argument("-n", "--dry-run", action="store_true", help="say what would be executed, and why")
    parser.add_argument(
        "--report", metavar="TS", nargs="?", const="latest",
        help="execute nothing, only make the report (of the latest batch, or of TS)",
    )  # fmt: skip
    return parser


def script_arguments(*, strict: bool) -> argparse.Namespace:
    """Read `sys.argv` for `Experiment.run`.

    Parameters
    ----------
    strict
        The experiment lives in a script: an argument that is not ours is an error. Elsewhere (a notebook, a test)
        the arguments only count if every one of them is ours.

    Raises
    ------
    UsageError
        An argument makes no sense.
    """
    arguments = sys.argv[1:]
    parser = script_parser(sys.argv[0] if sys.argv else "script.py")
    parsed = parser.parse_args(arguments if strict or _all_ours(parser, arguments) else [])
    given = given_flags(parser, parsed)  # before `run` adds what it was told itself
    parsed.given_flags = lambda _: given
    return parsed


def _all_ours(parser: Parser, arguments: Sequence[str]) -> bool:
    if any(argument in ("-h", "--help") for argument in arguments):
        return False
    try:
        _, unknown = parser.parse_known_args(list(arguments))
    except (UsageError, SystemExit):
        return False
    return not unknown


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f'a number of seconds is more than 0, not "{text}"')
    return seconds


def _jobs(text: str) -> int:
    try:
        jobs = int(text)
    except ValueError:
        jobs = -1
    if jobs < 0:
        raise argparse.ArgumentTypeError(f'a number of jobs is 0 or more, not "{text}"')
    return jobs
