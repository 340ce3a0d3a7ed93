"""What the fresh interpreter of the subprocess executor does: read the job, execute it, write how it went."""

from __future__ import annotations

import faulthandler
import os
import sys

from ..importing import definitions_only
from ..results.pickling import load, loads
from .guardian import report_in
from .leaving import leave
from .logs.capture import renew_streams
from .run_lock import keep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any


def main(stdin: IO[bytes]) -> None:
    """Execute the job that `stdin` describes, and end with the status that says how it went."""
    payload: dict[str, Any] = load(stdin)
    report_in(payload["guardian"])
    if payload["lock"] >= 0:
        keep(payload["lock"])
    stdin.close()
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    renew_streams()
    faulthandler.enable(2)  # the log of a segmentation fault says where it was
    sys.argv = payload["argv"]
    leave(_perform(payload))


def _perform(payload: dict[str, Any]) -> int:
    from ..collection.runs import Runs
    from ..config.config import Config
    from ..results.result import Result
    from ..store.paths import AttemptFolder
    from .imports.reference import resolve_as_main
    from .job import Job, describe

    job = Job(
        payload["name"],
        _missing,
        payload["arity"],
        Config(),
        Runs(Result.referred(reference) for reference in payload["deps"]),
        AttemptFolder(payload["attempt"]),
        payload["state"],
        payload["given"],
    )
    job.log_fd = os.dup(2)
    job.watched = payload["watched"]
    if "relocation" in payload:
        from .imports.relocation import Relocation
        from .imports.rerouting import Rerouting

        job.relocation = Relocation(*payload["relocation"])
        Rerouting.by(job.relocation).install()
    job.watch()
    try:
        job.fn = resolve_as_main(payload["fn"])
        with definitions_only():
            job.config = loads(payload["config"])
            job.kept_config = loads(payload["kept_config"]) if "kept_config" in payload else job.config
    except BaseException as error:  # importing the user's code runs it
        return job.fail(describe(error))
    return job.perform()


def _missing(*_: object) -> None:
    raise RuntimeError("the function was not loaded")
