"""What the fresh interpreter of the subprocess executor does: read the job, execute it, write how it went."""

from __future__ import annotations

import os
import pickle
import sys
from typing import IO, Any

from .guardian import report_in


def main(stdin: IO[bytes]) -> None:
    """Execute the job that `stdin` describes, and end with status 0 if it succeeded, 1 if not."""
    payload: dict[str, Any] = pickle.load(stdin)
    report_in(payload["guardian"])
    stdin.close()
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]  # both are TextIOWrappers in a fresh interpreter
    sys.argv = payload["argv"]
    code = 0 if _perform(payload) else 1
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # closed by the function
            pass
    # Threads that never end must not keep a run alive whose result is on disk.
    os._exit(code)


def _perform(payload: dict[str, Any]) -> bool:
    from ..collection.runs import Runs
    from ..config.config import Config
    from ..results.result import Result
    from ..store.paths import AttemptFolder
    from .job import Job, describe
    from .reference import resolve

    job = Job(
        payload["name"],
        _missing,
        payload["arity"],
        Config(),
        Runs(Result.referred(reference) for reference in payload["deps"]),
        AttemptFolder(payload["attempt"]),
        payload["state"],
    )
    try:
        job.fn = resolve(payload["fn"])
        job.config = pickle.loads(payload["config"])
    except BaseException as error:  # importing the user's code runs it
        return job.fail(describe(error))
    return job.perform()


def _missing(*_: object) -> None:
    raise RuntimeError("the function was not loaded")
