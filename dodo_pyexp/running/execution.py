"""One run on its way: lock, decide again, attempt, tries, record.

Implements: docs/how-it-works.md, "Who does what": the action is "make sure this run is finished". Whatever doit
remembered or forgot, the record is looked at again under the run's lock, and only what is still needed is executed.
"""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from typing import Any

from ..config.config import Config
from ..config.encode import dumps_config
from ..errors import PyexpError, UsageError
from ..executors.base import Ended, Executor, Handle
from ..executors.job import Job, describe, taken_text
from ..executors.process import describe_end
from ..executors.reference import UnsendableFunction
from ..planning import resume
from ..planning.decision import FAILED, FORCED, INTERRUPTED, UP_TO_DATE, Found, decide, failure_cause
from ..planning.plan import PlannedRun
from ..planning.resources import resources_of
from ..printable import from_here
from ..store import atomic, timestamps
from ..store import status as statuses
from ..store.locks import RunLock, hand_on
from ..store.owner import Owner
from ..store.paths import AttemptFolder
from ..store.record import Record
from . import upstreams
from .attempt import add_to_log, clear, described_for, log_of, new_attempt, record_failure
from .damage import distrust, make_way
from .ledger import EXECUTED
from .limits import Limits
from .open_files import Shortage, is_shortage
from .session import Session

MOST_LOSSES = 3
"""So often is a run executed again because its node was lost."""


class Execution:
    """Makes sure that one run is finished; what becomes of it stands in the ledger of the build.

    Parameters
    ----------
    session
        The build it belongs to.
    run
        The run.
    forced
        Execute it even if its record is fine.
    """

    def __init__(self, session: Session, run: PlannedRun, *, forced: bool = False) -> None:
        self._session = session
        self._ledger = session.ledger
        self.run = run
        self._forced = forced
        self._lock: RunLock | None = None
        self._reading: list[RunLock] | None = None
        self._tries = 0
        self._cause: str | None = None  # of the last try that failed
        self._losses: list[str] = []
        self.handle: Handle | None = None
        self.attempt: AttemptFolder | None = None
        self._limits: Limits | None = None
        self._broken: tuple[str, str] | None = None
        self._killed: tuple[str, str] | None = None
        self._gone: Ended | None = None
        #: Others are on their way: what is short now may be had when one of them has ended.
        self.may_wait = False
        #: The build was told to stop: a failed try is the last.
        self.stopping = False
        #: To start it takes no time worth mentioning.
        self.prompt = False
        #: A process that has to end before this run begins.
        self.after: int | None = None
        #: The next run is on its way already, and waits for that.
        self.overtaken = False
        #: The run whose end this one was told to wait for.
        self.overtook: Execution | None = None
        self._recorded = False
        self._texts: tuple[str, str] | None = None
        self._state: dict[str, Any] = {}

    # -- starting -----------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Do what can be done before it is this run's turn; nothing is written."""
        try:
            self._write_texts()
        except Exception:  # told when it is this run's turn
            return
        batch, executor = self._session.batch(self.run.experiment), self._session.executor(self.run)
        self.prompt = batch.is_open and not executor.blocking

    def warm(self) -> None:
        """Have the executor get ready for this run, which may be started soon."""
        if self.prompt:
            self._session.warm(self.run)

    def _write_texts(self) -> None:
        config = self.run.experiment.masker.config(self.run.config)
        self._texts = dumps_config(config, where=self.run.full_name) + "\n", f"{config!s}\n"

    def start(self) -> bool:
        """Lock the run and start it; False if somebody else is executing it just now.

        When the record turns out to be fine nothing is started, and `poll` is true at once.

        Raises
        ------
        Shortage
            It has to wait for another run's end; nothing is left of the attempt.
        """
        try:
            self._lock = RunLock.take(self.run.files.path, self.run.experiment.output.path)
        except UsageError as error:
            self._wait_for_more(error)
            if not os.access(self.run.experiment.files.path, os.W_OK):
                raise  # nothing at all can be written here
            self._end(str(error))
            return True
        if self._lock is None:
            return False
        try:
            found = decide(self.run, self._ledger.output_of)
            upstreams.look_up_all(self.run, self._ledger)
            if self._forced:
                found = Found(FORCED)  # what it was before must not be taken for its outcome
            self._ledger.decided(self.run, found)
            if found.decision.up_to_date:
                self._ledger.settled(self.run, UP_TO_DATE)
                self._release()
                return True
            self._reading = upstreams.read_locks(self.run, self._ledger)
            if self._reading is None:
                self._release()
                return False
            self._ledger.started(self.run)
            self._begin()
            self._try()
        except BaseException as error:
            self._wait_for_more(error)
            self._fail(error)
        return True

    def _fail(self, error: BaseException) -> None:
        """Record that the run failed because something was raised where it was prepared, started or settled.

        Whoever raised it, the user's code or ours, that is this run's failure, and no other's. An interrupt goes on up,
        and so does what keeps the whole experiment from beginning.
        """
        everybodys = isinstance(error, PyexpError) and not self._session.batch(self.run.experiment).is_open
        if everybodys or isinstance(error, KeyboardInterrupt):
            self._release()
            raise error
        if self.handle is not None:
            try:
                self.handle.kill()
            except Exception as bug:
                self._gone = self._fault(bug)
        described = described_for(self.run, error)
        if self.attempt is not None:
            atomic.remove(self.run.files.finished)
            record_failure(self.attempt, self._state, self._kept_config, described)
            with suppress(OSError):
                self._mark_ended(self.attempt)
        self._end(failure_cause({"error": described}))

    def _wait_for_more(self, error: BaseException) -> None:
        """Undo the start if it failed only because so much is on its way."""
        if not self.may_wait or not is_shortage(error):
            return
        self._release()
        if self.attempt is not None and not self.run.files.flat:
            shutil.rmtree(self.attempt.path, ignore_errors=True)
        self._ledger.put_back(self.run)
        self.attempt, self._tries = None, 0
        raise Shortage(str(error)) from None

    def _begin(self) -> None:
        """Make the attempt's folder, with everything that is known before the run starts."""
        run, files = self.run, self.run.files
        batch = self._session.start_batch(run.experiment)
        config = Config(run.config)
        config.pop("depends_on", None)
        self._config, self._kept_config = config, run.experiment.masker.config(config)
        make_way(files.finished)
        self.attempt = new_attempt(run, batch)
        self._ledger.tried(run, self.attempt.name if not files.flat else ".")
        self._write_config(self.attempt)
        if batch.commit:
            atomic.write_text(self.attempt.commit, batch.commit)

    def _write_config(self, attempt: AttemptFolder) -> None:
        if self._texts is None:
            self._write_texts()
        assert self._texts is not None
        for_programs, for_people = self._texts
        atomic.write_text(attempt.config_json, for_programs)
        atomic.write_mark(attempt.config_yml, for_people)

    def _try(self) -> None:
        """Start the run once."""
        run, attempt = self.run, self.attempt
        assert attempt is not None
        self._tries += 1
        upstreams.check_whole(run, self._ledger)
        self._upstream = upstreams.noted(run, self._ledger)
        self._executor = self._session.executor(run)
        batch = self._session.batch(run.experiment)
        seconds = time.time()
        self._state = {
            "state": statuses.RUNNING,
            "experiment": run.experiment.name,
            "run": run.name,
            "batch": batch.timestamp,
            "executor": self._executor.name,
            "host": Owner.current().host,
            "owner": Owner.current().to_dict(),
            "start": timestamps.to_iso(seconds),
            "start_seconds": seconds,
            "tries": self._tries,
            "code": batch.code or run.experiment.code.starting(imported_anew=self._executor.imports_anew),
            "requirements": batch.surroundings.get("requirements"),
            "why": decision.reason if (decision := self._ledger.of(run).decision) else "",
        }
        if self._losses:
            self._state["lost"] = self._losses
        if run.upstream:
            self._state["deps"] = upstreams.attempts_of(run, self._ledger)
        given = self._resume(attempt) if run.experiment.options.resume is not None else None
        statuses.write(attempt, self._state)
        definition = run.experiment.definition
        job = Job(
            run.name, definition.fn, definition.arity, self._config,
            upstreams.results_of(run, self._ledger), attempt, self._state, given,
        )  # fmt: skip
        job.lock_fd = -1 if self._lock is None else self._lock.fd
        job.kept_config = self._kept_config
        job.relocation = None if batch.kept is None else batch.kept.relocation
        job.timeout, job.idle_timeout = run.experiment.options.timeout, run.experiment.options.idle_timeout
        job.resources = resources_of(run)
        job.after, self.after = self.after, None
        job.live = self._session.wishes.live
        self._killed = self._broken = None
        self._oom_kills = self._session.oom_kills.recent()
        self.handle = self._start(self._executor, job, attempt)
        self._limits = Limits(run.experiment.options, self.handle, attempt.log, self._session.processes)

    def _resume(self, attempt: AttemptFolder) -> dict[str, str | None]:
        """Find the attempt that this one can go on from; give what its function is told about it."""
        self._state |= resume.made_of(self.run, self._upstream)
        wanted = self.run.experiment.options.resume
        found = resume.find(self.run, attempt, self._state) if wanted else resume.NOTHING
        self._state[resume.KEY] = None if found.attempt is None else found.attempt.name
        if found.note:
            self._session.note(found.note)
        return {resume.KEY: None if found.attempt is None else found.attempt.path}

    def _start(self, executor: Executor, job: Job, attempt: AttemptFolder) -> Handle | None:
        """Hand the job to the executor; whatever goes wrong there is this run's failure, and no other's."""
        log = None
        try:
            log = log_of(job, executor, self.run.experiment.masker.known, self._session.scribe)
            if not executor.blocking:
                self._session.guardian.start()
                hand_on(self._lock)
            return executor.start(job, log, self._session.guardian)
        except KeyboardInterrupt:
            if log is not None:
                log.close()
            self._interrupted()
            raise
        except Exception as error:
            if log is not None:
                log.close()
            if self.may_wait and self._tries == 1 and is_shortage(error):
                raise
            described = describe(error)
            if isinstance(error, (PyexpError, UnsendableFunction)):
                described["traceback"] = ""
            job.fail(described)
            return Handle()
        finally:
            hand_on(None)
            if executor.blocking:
                self._session.cool()

    @property
    def interrupted(self) -> bool:
        """The build was told to stop while this run was on its way."""
        return self._killed is not None and self._killed[0] == "Interrupted"

    @property
    def due(self) -> bool:
        """It is worth a call of `poll`."""
        return self.handle is None or self.handle.due

    @property
    def queued(self) -> bool:
        """It was handed over, and has not begun."""
        return self.handle is not None and self.handle.queued

    @property
    def timed(self) -> bool:
        """The run has to be looked at from time to time: it has a timeout."""
        return self._limits is not None and self._limits.any

    def overdue(self, now: float) -> bool:
        """Tell whether the run has taken too long, or has been idle for too long."""
        if self._limits is None or self._killed is not None:
            return False
        self._broken = self._broken or self._limits.broken(now)
        return self._broken is not None

    # -- ending -------------------------------------------------------------------------------------------------

    def poll(self) -> bool:
        """Tell whether the run has ended, and if so write what came of it. Never blocks."""
        if self._lock is None:
            return True
        assert self.handle is not None
        try:
            ended = self._gone or self.handle.poll()
        except Exception as error:
            ended = self._fault(error)
        if ended is None:
            if self.handle.leaving and not self._recorded:
                self._foresee()
            if self.overdue(time.monotonic()) and self._broken is not None:
                self.kill(*self._broken)
            return False
        try:
            if self._settle(ended):
                return False
        except OSError as error:  # a full disk: what the run itself has written stays as it is
            self._end(self._cause or f"{type(error).__name__}: {error}")
        except BaseException as error:
            self._fail(error)
        else:
            self._end(self._cause)
        return True

    def _end(self, cause: str | None) -> None:
        """Note how the run ended, and let others have it."""
        how = INTERRUPTED if self.interrupted else EXECUTED if cause is None else FAILED
        self._ledger.settled(self.run, how, cause)
        self._release()

    def kill(self, kind: str, message: str) -> None:
        """End the run now; `kind` and `message` are recorded as the cause."""
        self.stopping = self.stopping or kind == "Interrupted"
        if self.handle is not None and self._killed is None:
            self._killed = (kind, message)
            try:
                self.handle.kill()
            except Exception as error:
                self._gone = self._fault(error)

    def abandon(self) -> None:
        """Leave a run alone that was killed and does not end; the lock stays with its process."""
        self._gone = Ended()
        self.poll()

    def _fault(self, error: Exception) -> Ended:
        """A bug of the executor's own: this run is lost with it, and no other."""
        name = type(self._executor).__name__
        return Ended(cause=f"{name} itself failed: {type(error).__name__}: {error}")

    @property
    def leaving(self) -> bool:
        """The run is finished, and on record; only its process has not ended yet."""
        return self._recorded

    def _foresee(self) -> None:
        """Write the record while the process ends; whatever else came of the run can wait for that."""
        assert self.attempt is not None
        status = statuses.read(self.attempt)
        try:
            self._recorded = status.get("state") == statuses.FINISHED and self._record(self.attempt, status)
        except OSError:  # told when it is tried again
            pass

    def _settle(self, ended: Ended) -> bool:
        """Write the record or the failure; True if the run was started once more."""
        if self._recorded:
            return False
        attempt = self.attempt
        assert attempt is not None
        status = statuses.read(attempt)
        if status.get("state") == statuses.FINISHED and self._record(attempt, status):
            return False
        if ended.lost and self._may_be_lost_again():
            self._losses.append(f"{ended.cause}")
            self._tell_of_loss(attempt)
            self._try_again(attempt)
            return True
        if status.get("state") != statuses.FAILED:
            status = self._record_death(attempt, ended)
        self._cause = failure_cause(status)
        if status.get("state") == statuses.INTERRUPTED:
            return False
        damaged = (status.get("error") or {}).get("damaged")
        if damaged is not None:
            distrust(self.run.upstream, self._ledger, damaged, self._session.note)
        if not self.stopping and self._tries <= (self.run.experiment.options.retry or 0):
            self._tell_of_next_try(attempt)
            self._try_again(attempt)
            return True
        atomic.remove(self.run.files.finished)
        self._mark_ended(attempt)
        return False

    def _try_again(self, attempt: AttemptFolder) -> None:
        if self.run.experiment.options.resume:
            self._mark_ended(attempt)
            self._begin()  # an attempt of its own, so that it can go on from this one
        else:
            self._clear_for_next_try(attempt)
        self._try()

    def _may_be_lost_again(self) -> bool:
        """Tell whether a run that was lost is tried once more: that is no failure, but it is not done for ever."""
        return not self.stopping and self._killed is None and len(self._losses) < MOST_LOSSES

    def _tell_of_loss(self, attempt: AttemptFolder) -> None:
        """Say why a run is executed once more, in its log too; it does not count as a try."""
        why = self._losses[-1]
        add_to_log(attempt, f"--- lost: {why}; executed again ---\n")
        self._session.note(f"{self.run.full_name}: lost: {why}; executed again")
        self._tries -= 1

    def _record(self, attempt: AttemptFolder, status: dict[str, Any]) -> bool:
        """Write the record of a run that succeeded."""
        run = self.run
        changed = upstreams.changed_meanwhile(run, self._ledger, self._upstream)
        if changed is not None:
            self._killed = "UpstreamChanged", changed
            return False
        name = "." if run.files.flat else attempt.name
        try:
            outputs = status["digest"], name, status["files"], status["saved"]
            seal = status["sums"], status["written"]
            made = self._state["code"], *seal, self._state["requirements"]
            record = Record(run.name, run.hash, self._upstream, *outputs, *made, run.experiment.name)
        except KeyError:  # the status was damaged by the run itself
            return False
        self._mark_ended(attempt)
        record.write(run.files)
        self._ledger.recorded(run, record)
        self._cause = None
        if said := taken_text(status):
            self._session.note_once(f"{run.experiment.name}: {said}")
        return True

    def _record_death(self, attempt: AttemptFolder, ended: Ended) -> dict[str, Any]:
        """Write the failure of a process that died without a word, or was killed by us."""
        oom_kills = self._session.oom_kills
        kind, message = self._killed or oom_kills.explain(ended, self._oom_kills, attempt.log) or describe_end(ended)
        error = {"type": kind, "message": message, "where": None, "traceback": ""}
        known = statuses.read(attempt)
        if isinstance(known.get("node"), dict) and isinstance(known.get("start_seconds"), float):
            self._state |= {key: known[key] for key in ("node", "start", "start_seconds") if key in known}
        if kind == "Interrupted":
            return statuses.end(attempt, self._state, statuses.INTERRUPTED, error=error)
        record_failure(attempt, self._state, self._kept_config, error)
        return {**self._state, "state": statuses.FAILED, "error": error}

    def _clear_for_next_try(self, attempt: AttemptFolder) -> None:
        """Give the next try a clean folder; the log goes on."""
        clear(attempt)
        self._write_config(attempt)

    def _tell_of_next_try(self, attempt: AttemptFolder) -> None:
        """Say that the run is tried again, in its log too."""
        left = (self.run.experiment.options.retry or 0) - self._tries + 1
        add_to_log(attempt, f"--- try {self._tries} failed ({self._cause}); trying again, {left} left ---\n")
        cause = from_here(self._cause or "")
        self._session.note(f"{self.run.full_name}: try {self._tries} failed: {cause}; trying again, {left} left")

    def _mark_ended(self, attempt: AttemptFolder) -> None:
        if not self.run.files.flat:  # there, .finished is the record
            atomic.mark(attempt.finished, attempt.status)

    def _interrupted(self) -> None:
        if self.attempt is not None:
            statuses.end(self.attempt, self._state, statuses.INTERRUPTED)

    def _release(self) -> None:
        for lock in filter(None, [*(self._reading or ()), self._lock]):
            lock.release()
        self._reading = self._lock = None
