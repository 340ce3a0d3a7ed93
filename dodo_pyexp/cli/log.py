"""``pyexp log``."""

from __future__ import annotations

import os
import sys
import time
from argparse import Namespace
from typing import IO, TYPE_CHECKING

from ..arguments import Parser
from ..printable import TerminalText, printable

if TYPE_CHECKING:
    from ..results.stored import StoredRun
    from ..store.paths import AttemptFolder

POLL_SECONDS = 0.2
BLOCK = 1 << 16


def add_arguments(parser: Parser) -> None:
    """Say which arguments the command takes."""
    from .experiments import add_output_dir

    parser.add_argument("run", metavar="RUN", help="experiment:run, or the name of a run alone")
    parser.add_argument(
        "-f", "--follow", action="store_true",
        help="go on until the run has ended, and tell how: status 1 if it did not finish",
    )  # fmt: skip
    parser.add_argument("--at", metavar="TS", help="of this attempt or batch (default: the newest attempt)")
    parser.add_argument(
        "--raw", action="store_true",
        help="let a terminal obey whatever the run printed, and not only colours",
    )  # fmt: skip
    parser.add_argument("--path", action="store_true", help="print where the log lies, instead of the log")
    add_output_dir(parser)


def run(arguments: Namespace) -> int:
    """Print what a run printed; nobody's code is imported."""
    from ..errors import DamagedFile, MissingFile
    from ..results.stored import stored_run
    from ..standard import UNWRITABLE
    from ..store.opening import open_file
    from ..store.paths import shown
    from .output import output_folder

    found = stored_run(output_folder(arguments), arguments.run)
    attempt = found.attempt(arguments.at)
    if arguments.path:
        path = shown(attempt.log)
        print(printable(path) if sys.stdout.isatty() else path)
        return 0
    try:
        with open_file(attempt.log) as file:
            show = None if arguments.raw or not sys.stdout.isatty() else TerminalText()
            _copy(file, show)
            while arguments.follow and not has_ended(found, attempt):
                time.sleep(POLL_SECONDS)
                _copy(file, show)
            _copy(file, show)
            if show is not None:
                print(show.shown(b"", ended=True), end="\x1b[0m", flush=True)  # no colour goes on behind it
    except FileNotFoundError:
        raise MissingFile(f"{found.full_name} has no log: {shown(attempt.log)} is gone") from None
    except OSError as error:
        if error.errno in UNWRITABLE:
            raise
        raise DamagedFile(f"{found.full_name}: {shown(attempt.log)} cannot be read: {error.strerror}") from None
    return _tell_end(found, attempt) if arguments.follow else 0


def _copy(file: IO[bytes], show: TerminalText | None) -> None:
    """Write what there is to stdout: bytes as they are, or what a terminal may show of them."""
    while block := file.read(BLOCK):
        if show is None:
            sys.stdout.buffer.write(block)
        else:
            sys.stdout.write(show.shown(block))
    sys.stdout.flush()


def _tell_end(run: StoredRun, attempt: AttemptFolder) -> int:
    """Say on stderr how the run ended; 0 if it finished, else 1."""
    from ..planning.decision import failure_cause
    from ..printable import duration
    from ..results.tally import attempt_state
    from ..store import status as statuses
    from ..store.paths import shown

    status = statuses.read(attempt)
    state = attempt_state(attempt, lambda owner, folder: False)
    seconds = status.get("seconds")
    took = f" after {duration(seconds)}" if isinstance(seconds, (int, float)) else ""
    if state == statuses.FINISHED:
        said = f"finished{took}"
    elif state == statuses.FAILED:
        said = f"failed{took}: {failure_cause(status)}"
    elif not status and (trouble := statuses.trouble(attempt)) is not None:
        said = f"ended in a way that is not known: {shown(attempt.status)} {trouble}"
    elif status.get("state") == statuses.RUNNING:
        said = "was interrupted: the build that executed it is gone"
    else:
        said = f"was interrupted{took}"
    sys.stdout.flush()
    print(printable(f"{run.full_name} {said}"), file=sys.stderr)
    return 0 if state == statuses.FINISHED else 1


def has_ended(run: StoredRun, attempt: AttemptFolder) -> bool:
    """Tell whether nothing more will be written: the attempt is marked as ended, or nobody is at work on it."""
    from ..store import status as statuses
    from ..store.locks import at_work

    if not run.files.flat and os.path.lexists(attempt.finished):
        return True
    status = statuses.read(attempt)
    if not at_work(status.get("owner"), attempt.run.path) or status.get("state") == statuses.INTERRUPTED:
        return True
    # A failed attempt may be tried once more; in the flat layout there is no mark to tell.
    return run.files.flat and status.get("state") != statuses.RUNNING
