"""The command that builds some runs again: what the end of a build offers after failures, ready to be pasted.

Implements: docs/reference.md, "Command line" (failures).
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..planning.plan import PlannedRun
from ..provenance.secrets.argv import mask_arguments
from .loader import is_file

if TYPE_CHECKING:
    import argparse

    from ..store.manifest import Manifest

LONGEST = 300


def again_line(
    arguments: argparse.Namespace, runs: Sequence[PlannedRun], continued: Mapping[str, Manifest], *, is_script: bool
) -> str | None:
    """Give the line that offers to build just these runs again; None where there is no command line.

    Parameters
    ----------
    arguments
        What the build was asked for.
    runs
        The runs.
    continued
        The batches that it went on with.
    is_script
        It was started as ``python my_experiment.py``.
    """
    flags = [*arguments.given_flags(arguments), *_batch(arguments, continued)]
    if hasattr(arguments, "targets"):
        files = [word for word in arguments.targets if is_file(word)]
        words = ["pyexp", "build", *files, *map(_target, runs), *flags]
        all_words = ["pyexp", "build", *arguments.targets, *_filter(arguments), *flags]
    elif is_script and (script := started()) and all(run.chosen for run in runs):
        words = [*script, "--filter", f"^({'|'.join(pattern_of(run.full_name) for run in runs)})$", *flags]
        all_words = [*script, *_filter(arguments), *flags]
    else:
        return None
    command = command_line(words)
    if len(command) <= LONGEST:
        return f"To build just {'it' if len(runs) == 1 else 'these'} again: {command}"
    return f"To build them again (what is finished stays as it is): {command_line(all_words)}"


def command_line(words: Sequence[str]) -> str:
    """Write a command ready to be pasted, but for its secrets: what is printed may be kept for ever.

    Examples
    --------
    >>> command_line(["pyexp", "run", "a.yml", "-c", "api_key=abc"])
    "pyexp run a.yml -c 'api_key=***'"
    """
    return shlex.join(mask_arguments(words))


def _batch(arguments: argparse.Namespace, continued: Mapping[str, Manifest]) -> list[str]:
    """Write from which batch the configs come; by its name, as by then another may be the latest."""
    if arguments.timestamp is not None:
        return ["--timestamp", arguments.timestamp]
    if arguments.continued is None:
        return []
    names = {manifest.timestamp for manifest in continued.values()}
    return ["--continue", names.pop() if len(names) == 1 else arguments.continued]


def _filter(arguments: argparse.Namespace) -> list[str]:
    return [] if arguments.filter is None else ["--filter", arguments.filter]


def _target(run: PlannedRun) -> str:
    """Name a run on a command line: by its path where the name would be taken for something else."""
    name = run.full_name
    plain = name.isprintable() and not is_file(name) and not name.startswith("-")
    return name if plain else run.target


def started() -> list[str] | None:
    """Write how the script was started; None if that is no way to start it again, as from a pipe."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None and spec.name != "__main__":
        return ["python", "-m", spec.name.removesuffix(".__main__")]
    path = sys.argv[0] if sys.argv else ""
    # A folder or an archive will do. A pipe, and a file that was redirected, are somewhere else the next time.
    again = os.path.exists(path) and not path.startswith(("-", "/dev/", "/proc/"))
    return ["python", path] if again else None


def pattern_of(name: str) -> str:
    """Write a regular expression that matches a name, without any character that a terminal would obey."""
    return "".join(re.escape(char) if char.isprintable() else f"\\U{ord(char):08x}" for char in name)
