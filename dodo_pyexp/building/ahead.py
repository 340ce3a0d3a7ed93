"""What a call of `run` does before the build's own modules are imported: it forks the server that forks the runs.

Forks of a process take the longer, the more memory it has, and until here it has only what the user's own code needs.
"""

from __future__ import annotations

import os

from ..executors import early
from ..planning.definition import Definition, Given
from ..planning.options import Options
from ..store.names import folder_name
from ..store.paths import OutputFolder

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from .request import Request

_SMALL_BYTES = 100_000_000
"""In a larger process, what pyexp adds to it makes no difference."""


def make_request(
    definition: Definition, said: Options, arguments: argparse.Namespace, reach: Callable[[], list[Definition]]
) -> Request:
    """Make the request of a call of `run`; see `Request`. Whoever asks for it has to `drop` what is forked for it."""
    definition = _fork(definition, said, arguments)
    from .request import Request

    return Request([definition], said, arguments, reach)


def _fork(definition: Definition, said: Options, arguments: argparse.Namespace) -> Definition:
    """Fork the server if runs are likely to be forked; give the definition to go on with.

    Its configs are called before: what that changes in this process, its forks are to see.
    """
    options = definition.resolved(said, typed=Options(arguments.output_dir, arguments.executor))
    only_reads = arguments.list or arguments.graph or arguments.dry_run or arguments.report is not None
    goes_on = arguments.timestamp is not None or arguments.continued is not None
    if options.executor != "fork" or only_reads or goes_on or not _is_small():
        return definition
    folder = OutputFolder(options.output_dir or "out").experiment(folder_name(definition.name)).path
    if os.path.exists(folder) and not arguments.rerun:
        return definition  # perhaps there is nothing to be executed, and that is to take no time
    from ..executors.fork import fork_server, may_fork
    from ..executors.forkserver import POSSIBLE

    if not POSSIBLE:
        return definition
    definition = definition.replaced(configs=Given(definition.call_configs(), definition.configs_place))
    try:
        if may_fork():
            early.keep(fork_server(definition.fn), definition.fn)
    except OSError:  # there is no room for another process
        pass
    return definition


def _is_small() -> bool:
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") < _SMALL_BYTES
    except (OSError, ValueError):  # not Linux
        return False
