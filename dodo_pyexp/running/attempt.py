"""What a build does in the folder of an attempt: empties it, adds to its log, writes what the run itself could not."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..errors import PyexpError
from ..executors.capture import Log
from ..executors.job import describe
from ..provenance.holes import secrets_of
from ..provenance.repeats import masked_text, printed_forms
from ..results.outcome import save_failure
from ..store import atomic, opening, timestamps
from ..store.paths import AttemptFolder, is_attempt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..config.config import Config
    from ..executors.base import Executor
    from ..executors.job import Job
    from ..executors.scribes import Scribe
    from ..planning.plan import PlannedRun
    from .batch import Batch


def new_attempt(run: PlannedRun, batch: Batch) -> AttemptFolder:
    """Make the folder of the next attempt; what the last one left is gone where there is one folder for all."""
    files, stamp = run.files, batch.timestamp
    if files.flat:
        empty(files.path, keep=())
        return files.attempt(".")
    newest = files.newest() if run.experiment.options.resume else None
    taken = batch.continued and os.path.exists(files.attempt(stamp).path)
    if taken or (newest is not None and timestamps.order(newest.name)[0] > timestamps.order(stamp)[0]):
        # The newest attempt must have the newest name.
        stamp = (newest is not None and timestamps.set_back(newest.name)) or timestamps.now()
    return files.attempt(timestamps.claim_folder(files.path, stamp))


def empty(folder: str, keep: tuple[str, ...]) -> None:
    """Delete what is in a folder, the record first; attempts that another layout made there are left alone."""
    atomic.remove(f"{folder}/.finished")
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name in keep or is_attempt(entry):
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                atomic.remove(entry.path)


def clear(attempt: AttemptFolder) -> None:
    """Delete what a try has left, but for the log, which goes on."""
    with suppress(OSError):  # where the function has put one of its own in the place of the log
        os.replace(attempt.log, f"{attempt.path}/{attempt.LOG}")
    empty(attempt.path, keep=(attempt.LOG, ".commit", "status.json"))


def described_for(run: PlannedRun, error: BaseException) -> dict[str, Any]:
    """Put what was raised where a run was prepared or started into the form in which a status keeps it."""
    described = describe(error)
    if isinstance(error, (PyexpError, OSError)):  # told in a sentence
        described |= {"traceback": "", "where": None}
    secrets = secrets_of(run.config, run.experiment.masker.config(run.config))
    return {key: masked_text(text, secrets) if isinstance(text, str) else text for key, text in described.items()}


def record_failure(attempt: AttemptFolder, state: dict[str, Any], config: Config, error: dict[str, Any]) -> None:
    """Write a failure that the run itself could not write, in its log too; on a full disk it is told, if not kept.

    Parameters
    ----------
    attempt, state, config
        The attempt, what its status says so far, and the config of the run as it may be written down.
    error
        As `executors.job.describe` gives it.
    """
    try:
        os.makedirs(attempt.path, exist_ok=True)  # the run may have deleted its folder
        add_to_log(attempt, error["traceback"] or f"{error['type']}: {error['message']}\n")
        atomic.remove(attempt.pickle)
        save_failure(attempt, state, config, error)
    except OSError:
        pass


def add_to_log(attempt: AttemptFolder, text: str) -> None:
    """Write what there is to say beside what the run prints."""
    opening.add(attempt.log, text.encode("utf-8", "backslashreplace"))


def log_of(job: Job, executor: Executor, known: Sequence[str], scribe: Scribe) -> Log:
    """Open the log of a job, in which the secrets of its config, and others that are known, are masked.

    An executor that shows logs by itself writes them elsewhere, too.
    """
    secrets = printed_forms(job.config, job.kept_config, known)
    if executor.shows_logs:
        log = Log(job.attempt)
        log.secrets = secrets
        return log
    return Log(job.attempt, scribe, live=job.live, secrets=secrets)
