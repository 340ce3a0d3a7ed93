"""The attempt of a run that is being executed: its folder, and what a build writes there."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..config.config import Config
from ..config.encode import dumps_config
from ..config.inputs import replaced, rooted
from ..config.merge import copied
from ..errors import PyexpError
from ..executors.job import describe
from ..provenance.secrets.holes import secrets_of
from ..provenance.secrets.repeats import masked_text
from ..results.outcome import save_failure
from ..store import atomic, opening, timestamps
from ..store import status as statuses
from ..store.paths import COMMIT, FINISHED, LOG, STATUS, AttemptFolder, is_attempt
from .damage import make_way

if TYPE_CHECKING:
    from ..planning.plan import PlannedRun
    from .batch import Batch


INTERRUPTED = "Interrupted"  # the kind of cause of a run that was ended because the build was told to stop


class Attempt:
    """One attempt, from the making of its folder on; a run that is tried again may stay in the same one.

    Parameters
    ----------
    run
        Whose it is.
    batch
        The batch that makes it; its manifest is written.
    """

    def __init__(self, run: PlannedRun, batch: Batch) -> None:
        self.run = run
        config = Config(run.config)
        config.pop("depends_on", None)
        if run.inputs:  # each knows where it lies
            config = replaced(copied(config, Config), lambda value: rooted(value, run.experiment.project))
        #: What the function is given; and the same as it may be written down.
        self.config, self.kept_config = config, run.experiment.masker.config(config)
        #: What its status says so far.
        self.state: dict[str, Any] = {}
        make_way(run.files.finished)
        self.folder = _new_folder(run, batch)

    @property
    def name(self) -> str:
        """How a record, or a manifest, points to it."""
        return "." if self.run.files.flat else self.folder.name

    def write_config(self, texts: tuple[str, str]) -> None:
        """Write the config down, as `config_texts` gives it."""
        for_programs, for_people = texts
        atomic.write_text(self.folder.config_json, for_programs)
        atomic.write_mark(self.folder.config_yml, for_people)

    def clear(self) -> None:
        """Delete what a try has left, but for the log, which goes on."""
        folder = self.folder
        with suppress(OSError):  # where the function has put one of its own in the place of the log
            os.replace(folder.log, f"{folder.path}/{LOG}")
        _empty(folder.path, keep=(LOG, COMMIT, STATUS))

    def add_to_log(self, text: str) -> None:
        """Write what there is to say beside what the run prints."""
        opening.add(self.folder.log, text.encode("utf-8", "backslashreplace"))

    def fail(self, error: dict[str, Any]) -> None:
        """Write a failure that the run itself could not write, in its log too; on a full disk it is told, if not kept.

        `error` is as `executors.job.describe` gives it.
        """
        try:
            os.makedirs(self.folder.path, exist_ok=True)  # the run may have deleted its folder
            self.add_to_log(error["traceback"] or f"{error['type']}: {error['message']}\n")
            atomic.remove(self.folder.pickle)
            save_failure(self.folder, self.state, self.kept_config, error)
        except OSError:
            pass

    def die(self, kind: str, message: str) -> dict[str, Any]:
        """Write the end of a process that died without a word, or was killed by the build; give the status."""
        error = {"type": kind, "message": message, "where": None, "traceback": ""}
        known = statuses.read(self.folder)
        if isinstance(known.get("node"), dict) and isinstance(known.get("start_seconds"), float):
            self.state |= {key: known[key] for key in ("node", "start", "start_seconds") if key in known}
        if kind == INTERRUPTED:
            return statuses.end(self.folder, self.state, statuses.INTERRUPTED, error=error)
        self.fail(error)
        return {**self.state, "state": statuses.FAILED, "error": error}

    def mark_ended(self) -> None:
        """Leave the mark that it ended, well or badly; without attempts, `.finished` is the record."""
        if not self.run.files.flat:
            atomic.mark(self.folder.finished, self.folder.status)

    def take_back(self) -> None:
        """Remove it: nothing was executed. What stood there before, where there is one folder for all, is gone."""
        if not self.run.files.flat:
            shutil.rmtree(self.folder.path, ignore_errors=True)


def config_texts(run: PlannedRun) -> tuple[str, str]:
    """Write the config of a run for programs and for people, without its secrets."""
    config = run.experiment.masker.config(run.config)
    return dumps_config(config, where=run.full_name) + "\n", f"{config!s}\n"


def _new_folder(run: PlannedRun, batch: Batch) -> AttemptFolder:
    """Make the folder of the next attempt; what the last one left is gone where there is one folder for all."""
    files, stamp = run.files, batch.timestamp
    if files.flat:
        _empty(files.path, keep=())
        return files.attempt(".")
    newest = files.newest() if run.experiment.options.resume else None
    taken = batch.continued and os.path.exists(files.attempt(stamp).path)
    if taken or (newest is not None and timestamps.order(newest.name)[0] > timestamps.order(stamp)[0]):
        # The newest attempt must have the newest name.
        stamp = (newest is not None and timestamps.set_back(newest.name)) or timestamps.now()
    return files.attempt(timestamps.claim_folder(files.path, stamp))


def _empty(folder: str, keep: tuple[str, ...]) -> None:
    """Delete what is in a folder, the record first; attempts that another layout made there are left alone."""
    atomic.remove(f"{folder}/{FINISHED}")
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name in keep or is_attempt(entry):
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                atomic.remove(entry.path)


def described_for(run: PlannedRun, error: BaseException) -> dict[str, Any]:
    """Put what was raised where a run was prepared or started into the form in which a status keeps it."""
    described = describe(error)
    if isinstance(error, (PyexpError, OSError)):  # told in a sentence
        described |= {"traceback": "", "where": None}
    secrets = secrets_of(run.config, run.experiment.masker.config(run.config))
    return {key: masked_text(text, secrets) if isinstance(text, str) else text for key, text in described.items()}
