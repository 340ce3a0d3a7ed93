"""One run on its way: lock, decide again, attempt, tries, record.

Implements: DESIGN section 7: the action is "make sure this run is finished". Whatever doit remembered or forgot, the
record is looked at again under the run's lock, and only what is still needed is executed (P1, P2, P4).
"""

from __future__ import annotations

import os
import shutil
import time
from typing import Any

from ..collection.runs import Runs
from ..config.config import Config
from ..config.encode import dumps_config
from ..errors import PyexpError, UsageError
from ..executors.base import Ended, Executor, Handle
from ..executors.capture import Log
from ..executors.job import Job, describe
from ..executors.process import describe_end
from ..executors.reference import UnsendableFunction
from ..provenance.host import Owner
from ..results.outcome import save_failure
from ..results.result import Result
from ..store import atomic, timestamps
from ..store import status as statuses
from ..store.paths import AttemptFolder, is_attempt
from ..store.record import Record
from .decision import FORCED, Decision, decide, failure_cause, look_up
from .digest import local
from .locks import RunLock
from .plan import PlannedRun
from .session import Session


class Execution:
    """Makes sure that one run is finished.

    Parameters
    ----------
    session
        The build it belongs to.
    run
        The run.
    forced
        Execute it even if its record is fine.

    Attributes
    ----------
    failure
        Why the run failed, in a line; None when it is finished.
    executed
        Whether anything was executed, or the record turned out to be fine.
    """

    def __init__(self, session: Session, run: PlannedRun, *, forced: bool = False) -> None:
        self._session = session
        self.run = run
        self._forced = forced
        self._lock: RunLock | None = None
        self._tries = 0
        self.handle: Handle | None = None
        self.failure: str | None = None
        self.executed = False
        self.attempt: AttemptFolder | None = None
        self.decision: Decision | None = None
        self._deadline: float | None = None
        self._killed: tuple[str, str] | None = None
        #: The build was told to stop: a failed try is the last.
        self.stopping = False
        self.started = time.monotonic()

    # -- starting -----------------------------------------------------------------------------------------------

    def start(self) -> bool:
        """Lock the run and start it; False if somebody else is executing it just now.

        When the record turns out to be fine nothing is started, and `poll` is true at once.
        """
        try:
            self._lock = RunLock.take(self.run.files.path)
        except UsageError as error:
            if not os.path.isdir(self.run.experiment.files.path):
                raise  # nothing at all can be written here
            self.executed, self.failure = True, str(error)
            return True
        if self._lock is None:
            return False
        try:
            self.decision = decide(self.run)
            for upstream in self.run.upstream:
                if upstream.digest is None:
                    look_up(upstream)
            if self._forced:
                self.decision = FORCED
                self.run.attempt = self.run.digest = None  # what it was before must not be taken for its outcome
            if self.decision.up_to_date:
                self._release()
                return True
            self.executed = True
            self._begin()
            self._try()
        except OSError as error:  # a full disk, or a folder that cannot be written: this run's failure alone
            self.failure = f"{type(error).__name__}: {error}"
            self._release()
        except BaseException:
            self._release()
            raise
        return True

    def _begin(self) -> None:
        """Make the attempt's folder, with everything that is known before the run starts."""
        run, files = self.run, self.run.files
        batch = self._session.start_batch(run.experiment)
        stamp = batch.timestamp
        if files.flat:
            _empty(files.path, keep=())
            self.attempt = files.attempt(".")
        else:
            if batch.continued and os.path.exists(files.attempt(stamp).path):
                stamp = timestamps.now()  # the newest attempt must have the newest name
            self.attempt = files.attempt(timestamps.claim_folder(files.path, stamp))
        config = Config(run.config)
        config.pop("depends_on", None)
        self._config = config
        self._write_config(self.attempt)
        if batch.commit:
            atomic.write_text(self.attempt.commit, batch.commit)
        self._upstream = {upstream.task: upstream.digest or "" for upstream in run.upstream}
        batch.tried(run, self.attempt.name if not files.flat else ".")

    def _write_config(self, attempt: AttemptFolder) -> None:
        config = self.run.config
        atomic.write_text(attempt.config_json, dumps_config(config, where=self.run.full_name) + "\n")
        atomic.write_mark(attempt.config_yml, f"{config!s}\n")

    def _try(self) -> None:
        """Start the run once."""
        run, attempt = self.run, self.attempt
        assert attempt is not None
        self._tries += 1
        self._executor = self._session.executor(run)
        seconds = time.time()
        self._state: dict[str, Any] = {
            "state": statuses.RUNNING,
            "experiment": run.experiment.name,
            "run": run.name,
            "batch": self._session.batch(run.experiment).timestamp,
            "executor": self._executor.name,
            "host": Owner.current().host,
            "owner": Owner.current().to_dict(),
            "start": timestamps.to_iso(seconds),
            "start_seconds": seconds,
            "tries": self._tries,
            "why": self.decision.reason if self.decision else "",
        }
        statuses.write(attempt, self._state)
        definition = run.experiment.definition
        job = Job(
            run.name, definition.fn, definition.arity, self._config, upstream_results(run), attempt, self._state
        )
        self._killed = None
        timeout = run.experiment.options.timeout
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self.handle = self._start(self._executor, job, attempt)

    def _start(self, executor: Executor, job: Job, attempt: AttemptFolder) -> Handle | None:
        """Hand the job to the executor; whatever goes wrong there is this run's failure, and no other's."""
        log = None
        try:
            log = Log(attempt, live=self._session.wishes.live)
            if not executor.blocking:
                self._session.guardian.start()
            return executor.start(job, log, self._session.guardian)
        except KeyboardInterrupt:
            if log is not None:
                log.close()
            self._interrupted()
            raise
        except Exception as error:
            if log is not None:
                log.close()
            described = describe(error)
            if isinstance(error, (PyexpError, UnsendableFunction)):
                described["traceback"] = ""
            job.fail(described)
            return Handle()

    @property
    def interrupted(self) -> bool:
        """The build was told to stop while this run was on its way."""
        return self._killed is not None and self._killed[0] == "Interrupted"

    @property
    def timed(self) -> bool:
        """The run may not take longer than its timeout."""
        return self._deadline is not None

    def overdue(self, now: float) -> bool:
        """Tell whether the run has taken longer than its timeout."""
        return self._deadline is not None and now > self._deadline and self._killed is None

    # -- ending -------------------------------------------------------------------------------------------------

    def poll(self) -> bool:
        """Tell whether the run has ended, and if so write what came of it. Never blocks."""
        if self._lock is None:
            return True
        assert self.handle is not None
        ended = self.handle.poll()
        if ended is None:
            if self.overdue(time.monotonic()):
                timeout = self.run.experiment.options.timeout
                self.kill("Timeout", f"the run took longer than {timeout} s and was killed with its children")
            return False
        try:
            again = self._settle(ended)
        except OSError as error:  # as above
            again = False
            self.failure = self.failure or f"{type(error).__name__}: {error}"
        except BaseException:
            self._release()
            raise
        if again:
            return False
        self._release()
        return True

    def kill(self, kind: str, message: str) -> None:
        """End the run now; `kind` and `message` are recorded as the cause."""
        self.stopping = self.stopping or kind == "Interrupted"
        if self.handle is not None and self._killed is None:
            self._killed = (kind, message)
            self.handle.kill()

    def _settle(self, ended: Ended) -> bool:
        """Write the record or the failure; True if the run was started once more."""
        attempt = self.attempt
        assert attempt is not None
        status = statuses.read(attempt)
        if status.get("state") == statuses.FINISHED and self._record(attempt, status):
            return False
        if status.get("state") != statuses.FAILED:
            status = self._record_death(attempt, ended)
        self.failure = failure_cause(status)
        if status.get("state") == statuses.INTERRUPTED:
            return False
        if not self.stopping and self._tries <= (self.run.experiment.options.retry or 0):
            self._clear_for_next_try(attempt)
            self._try()
            return True
        _unlink(self.run.files.finished)
        self._mark_ended(attempt)
        return False

    def _record(self, attempt: AttemptFolder, status: dict[str, Any]) -> bool:
        """Write the record of a run that succeeded."""
        run = self.run
        name = "." if run.files.flat else attempt.name
        try:
            outputs = status["digest"], name, status["files"], status["saved"]
            record = Record(run.name, run.hash, self._upstream, *outputs)
        except KeyError:  # the status was damaged by the run itself
            return False
        self._mark_ended(attempt)
        record.write(run.files)
        run.attempt, run.digest = record.attempt, record.digest
        self.failure = None
        return True

    def _record_death(self, attempt: AttemptFolder, ended: Ended) -> dict[str, Any]:
        """Write the failure of a process that died without a word, or was killed by us."""
        kind, message = self._killed or describe_end(ended)
        error = {"type": kind, "message": message, "where": None, "traceback": ""}
        if kind == "Interrupted":
            return statuses.end(attempt, self._state, statuses.INTERRUPTED, error=error)
        try:
            os.makedirs(attempt.path, exist_ok=True)  # the run may have deleted its folder
            with open(attempt.log, "a", encoding="utf-8") as log:
                log.write(f"{kind}: {message}\n")
            _unlink(attempt.pickle)
            save_failure(attempt, self._state, self._config, error)
        except OSError:  # a full disk: the cause is told, if not kept
            pass
        return {**self._state, "state": statuses.FAILED, "error": error}

    def _clear_for_next_try(self, attempt: AttemptFolder) -> None:
        """Give the next try a clean folder; the log goes on."""
        _empty(attempt.path, keep=("log.out", ".commit", "status.json"))
        self._write_config(attempt)
        left = (self.run.experiment.options.retry or 0) - self._tries + 1
        with open(attempt.log, "a", encoding="utf-8") as log:
            log.write(f"--- try {self._tries} failed ({self.failure}); trying again, {left} left ---\n")
        cause = local(self.failure or "")
        self._session.note(f"{self.run.full_name}: try {self._tries} failed: {cause}; trying again, {left} left")

    def _mark_ended(self, attempt: AttemptFolder) -> None:
        if not self.run.files.flat:  # there, .finished is the record
            atomic.mark(attempt.finished, attempt.status)

    def _interrupted(self) -> None:
        if self.attempt is not None:
            statuses.end(self.attempt, self._state, statuses.INTERRUPTED)

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None


def upstream_results(run: PlannedRun) -> Runs[Result]:
    """Give the results of the upstreams, in the order of `depends_on`, to be read when asked for."""
    return Runs(_result(upstream) for upstream in run.upstream)


def _result(upstream: PlannedRun) -> Result:
    attempt = None if upstream.attempt is None else upstream.files.attempt(upstream.attempt)
    return Result.at(upstream.name, lambda: Config(upstream.config), lambda: (attempt, None))


def _empty(folder: str, keep: tuple[str, ...]) -> None:
    """Delete what is in a folder, the record first; attempts that another layout made there are left alone."""
    _unlink(f"{folder}/.finished")
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name in keep or is_attempt(entry):
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                _unlink(entry.path)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass
