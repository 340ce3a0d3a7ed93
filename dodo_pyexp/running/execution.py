"""One run on its way: lock, decide again, attempt, tries, record.

Implements: docs/how-it-works.md, "Who does what": the action is "make sure this run is finished". Whatever doit
remembered or forgot, the record is looked at again under the run's lock, and only what is still needed is executed.
"""

from __future__ import annotations

import os
from contextlib import suppress

from ..errors import PyexpError, UsageError
from ..executors.handle import Ended, Handle
from ..executors.logs.own_log import OVERWRITTEN, log_text
from ..planning.decision import FAILED, FORCED, INTERRUPTED, UP_TO_DATE, Found, decide, failure_cause
from ..planning.plan import PlannedRun
from ..printable import from_here
from ..store import atomic
from ..store import status as statuses
from ..store.locks import RunLock
from . import attempt as attempts
from . import upstreams
from .attempt import Attempt, config_texts, described_for
from .damage import distrust
from .ledger import EXECUTED
from .one_try import Try
from .open_files import Shortage, is_shortage
from .session import Session
from .settlement import put_on_record

MOST_LOSSES = 3  # times that a run is executed again because its node was lost


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
        self._attempt: Attempt | None = None
        self._trying: Try | None = None
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

    # -- starting -----------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Do what can be done before it is this run's turn; nothing is written."""
        try:
            self._texts = config_texts(self.run)
        except Exception:  # told when it is this run's turn
            return
        batch, executor = self._session.batch(self.run.experiment), self._session.executor(self.run)
        self.prompt = batch.is_open and not executor.blocking

    def warm(self) -> None:
        """Have the executor get ready for this run, which may be started soon."""
        if self.prompt:
            self._session.warm(self.run)

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
            self._try(self._begin())
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
        if self._trying is not None:
            with suppress(Exception):  # a bug of the executor's own, which changes nothing any more
                self._trying.handle.kill()
        described = described_for(self.run, error)
        if self._attempt is not None:
            atomic.remove(self.run.files.finished)
            self._attempt.fail(described)
            with suppress(OSError):
                self._attempt.mark_ended()
        self._end(failure_cause({"error": described}))

    def _wait_for_more(self, error: BaseException) -> None:
        """Undo the start if it failed only because so much is on its way."""
        if not self.may_wait or not is_shortage(error):
            return
        self._release()
        if self._attempt is not None:
            self._attempt.take_back()
        self._ledger.put_back(self.run)
        self._attempt, self._tries = None, 0
        raise Shortage(str(error)) from None

    def _begin(self) -> Attempt:
        """Make the attempt's folder, with everything that is known before the run starts."""
        batch = self._session.start_batch(self.run.experiment)
        self._attempt = attempt = Attempt(self.run, batch)
        self._ledger.tried(self.run, attempt.name)
        self._write_config(attempt)
        if batch.commit:
            atomic.write_text(attempt.folder.commit, batch.commit)
        return attempt

    def _write_config(self, attempt: Attempt) -> None:
        if self._texts is None:
            self._texts = config_texts(self.run)
        attempt.write_config(self._texts)

    def _try(self, attempt: Attempt) -> None:
        """Start the run once."""
        self._tries += 1
        after, self.after = self.after, None
        self._trying = Try(
            self._session, attempt, self._lock,
            number=self._tries, losses=self._losses, after=after, may_wait=self.may_wait and self._tries == 1,
        )  # fmt: skip

    @property
    def handle(self) -> Handle | None:
        """What there is to wait for, once it is started."""
        return None if self._trying is None else self._trying.handle

    @property
    def interrupted(self) -> bool:
        """The build was told to stop while this run was on its way."""
        return self._trying is not None and self._trying.interrupted

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
        return self._trying is not None and self._trying.timed

    def overdue(self, now: float) -> bool:
        """Tell whether the run has taken too long, or has been idle for too long."""
        return self._trying is not None and self._trying.overdue(now)

    # -- ending -------------------------------------------------------------------------------------------------

    def poll(self) -> bool:
        """Tell whether the run has ended, and if so write what came of it. Never blocks."""
        if self._lock is None:
            return True
        trying, attempt = self._trying, self._attempt
        assert trying is not None and attempt is not None
        ended = trying.poll()
        if ended is None:
            if trying.handle.leaving and not self._recorded:
                self._foresee(trying, attempt)
            trying.enforce_limits()
            return False
        try:
            if self._settle(trying, attempt, ended):
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
        self.stopping = self.stopping or kind == attempts.INTERRUPTED
        if self._trying is not None:
            self._trying.kill(kind, message)

    def abandon(self) -> None:
        """Leave a run alone that was killed and does not end; the lock stays with its process."""
        if self._trying is not None:
            self._trying.abandon()
        self.poll()

    @property
    def leaving(self) -> bool:
        """The run is finished, and on record; only its process has not ended yet."""
        return self._recorded

    def _foresee(self, trying: Try, attempt: Attempt) -> None:
        """Write the record while the process ends; whatever else came of the run can wait for that."""
        status = statuses.read(attempt.folder)
        try:
            self._recorded = put_on_record(self._session, attempt, trying, status)
        except OSError:  # told when it is tried again
            pass

    def _settle(self, trying: Try, attempt: Attempt, ended: Ended) -> bool:
        """Write the record or the failure; True if the run was started once more."""
        if ended.overwritten:
            self._session.note_once(f"{self.run.experiment.name}: {log_text(OVERWRITTEN)}")
        status = {} if self._recorded else statuses.read(attempt.folder)
        if self._recorded or put_on_record(self._session, attempt, trying, status):
            self._cause = None
            return False
        if ended.lost and not self.stopping and trying.killed is None and len(self._losses) < MOST_LOSSES:
            self._losses.append(f"{ended.cause}")
            self._tell_of_loss(attempt)
            self._try_again(attempt)
            return True
        if status.get("state") != statuses.FAILED:
            status = attempt.die(*trying.cause(ended))
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
        attempt.mark_ended()
        return False

    def _try_again(self, attempt: Attempt) -> None:
        if self.run.experiment.options.resume:
            attempt.mark_ended()
            attempt = self._begin()  # an attempt of its own, so that it can go on from this one
        else:
            attempt.clear()
            self._write_config(attempt)
        self._try(attempt)

    def _tell_of_loss(self, attempt: Attempt) -> None:
        """Say why a run is executed once more, in its log too; it does not count as a try, nor is it done for ever."""
        why = self._losses[-1]
        attempt.add_to_log(f"--- lost: {why}; executed again ---\n")
        self._session.note(f"{self.run.full_name}: lost: {why}; executed again")
        self._tries -= 1

    def _tell_of_next_try(self, attempt: Attempt) -> None:
        """Say that the run is tried again, in its log too."""
        left = (self.run.experiment.options.retry or 0) - self._tries + 1
        attempt.add_to_log(f"--- try {self._tries} failed ({self._cause}); trying again, {left} left ---\n")
        cause = from_here(self._cause or "")
        self._session.note(f"{self.run.full_name}: try {self._tries} failed: {cause}; trying again, {left} left")

    def _release(self) -> None:
        for lock in filter(None, [*(self._reading or ()), self._lock]):
            lock.release()
        self._reading = self._lock = None
