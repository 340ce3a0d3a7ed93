"""`status.json`: how one attempt goes, or went.

Implements: docs/files-on-disk.md (`status.json`). The build writes it when the attempt starts, whoever executes the run
writes it once more at the end, and the build corrects it when the executing process died without a word.
"""

from __future__ import annotations

import time

from . import atomic, names, timestamps
from .opening import read_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .paths import AttemptFolder

RUNNING = "running"
FINISHED = "finished"
FAILED = "failed"
INTERRUPTED = "interrupted"
TAKEN = "taken"  # key: names of pyexp's own files that the function saved files of its own under; pyexp's stand beside
READ = "read"  # key: the files that the run read; or the name of the file that says so, if these are many
RENAMED = "renamed"  # key: the names that the run had before it was taken over
LOG = "log"  # key: what became of the log, if the function has deleted, replaced or overwritten it


def read(attempt: AttemptFolder) -> dict[str, Any]:
    """Read the status; an empty one when it is missing or damaged."""
    return atomic.read_json(attempt.status) or {}


def trouble(attempt: AttemptFolder) -> str | None:
    """Say why the status of an attempt cannot be read; None if it can be."""
    try:
        if atomic.read_json(attempt.status) is not None:
            return None
        read_bytes(attempt.status)
    except FileNotFoundError:
        return "is gone"
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    return "cannot be read: it is damaged"


def write(attempt: AttemptFolder, status: dict[str, Any]) -> None:
    """Put `status` in place."""
    atomic.write_json(attempt.status, status)


def end(attempt: AttemptFolder, status: dict[str, Any], state: str, **more: Any) -> dict[str, Any]:
    """Write that the attempt ended in `state`, and mark it as ended."""
    moment = time.time()
    status = {**status, "state": state, "end": timestamps.to_iso(moment), **more}
    if "start_seconds" in status:
        status["seconds"] = round(moment - status["start_seconds"], 3)
    write(attempt, status)
    return status


def error_text(status: dict[str, Any]) -> str | None:
    """Give the cause of failure with its traceback, as `Result.error` shows it."""
    error = status.get("error")
    if not isinstance(error, dict):
        return None
    headline = f"{error.get('type', 'Error')}: {error.get('message', '')}"
    trace = error.get("traceback")
    return f"{headline}\n{trace}" if trace else headline


def of_another(status: dict[str, Any], name: str, attempt: AttemptFolder) -> str | None:
    """Name the run that a status speaks of, if it is not run `name` here: then its attempt was copied here."""
    told = status.get("experiment"), status.get("run")
    return names.of_another(told, name, attempt.experiment, status.get(RENAMED))
