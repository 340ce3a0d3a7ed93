"""One try to execute a run: it is handed to the executor, watched, and may be killed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ..errors import PyexpError
from ..executors.base import Executor
from ..executors.handle import Ended, Handle
from ..executors.imports.reference import UnsendableFunction
from ..executors.job import Job, describe
from ..executors.logs.capture import Log
from ..executors.offspring import Offspring
from ..executors.process import describe_end
from ..planning import declared_inputs, resume
from ..planning.plan import RESUME_KEY
from ..planning.resources import resources_of
from ..provenance.secrets.repeats import printed_forms
from ..store import status as statuses
from ..store import timestamps
from ..store.locks import RunLock, hand_on
from ..store.owner import Owner
from . import upstreams
from .attempt import INTERRUPTED
from .limits import Limits
from .open_files import is_shortage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..executors.logs.scribes import Scribe
    from ..planning.plan import PlannedRun
    from .attempt import Attempt
    from .session import Session


class Try:
    """A try, which is started when it is made.

    Parameters
    ----------
    session, attempt
        The build, and the attempt that it is a part of.
    lock
        The run's lock, which its process is to hold as well.
    number
        Which try it is, from 1.
    losses
        Why earlier tries were lost, which do not count.
    after
        A process that has to end before the run begins.
    may_wait
        If it cannot be started because so much else is on its way, that is raised, and no failure of the run.

    Raises
    ------
    PyexpError
        An upstream is not whole, say; nothing was started.
    """

    def __init__(
        self,
        session: Session,
        attempt: Attempt,
        lock: RunLock | None,
        *,
        number: int,
        losses: list[str],
        after: int | None,
        may_wait: bool,
    ) -> None:
        run, ledger = attempt.run, session.ledger
        upstreams.check_whole(run, ledger)
        #: What the record will say of the upstreams.
        self.upstream = upstreams.noted(run, ledger)
        self._executor = session.executor(run)
        attempt.state = _first_state(session, run, self._executor, number, losses)
        given = self._resume(session, attempt) if run.experiment.options.resume is not None else None
        statuses.write(attempt.folder, attempt.state)
        job = _job(session, attempt, given)
        job.lock_fd = -1 if lock is None else lock.fd
        job.after = after
        #: Type and message of the cause for which it was ended by the build, or does not count.
        self.killed: tuple[str, str] | None = None
        self._broken: tuple[str, str] | None = None
        self._gone: Ended | None = None
        self._log = attempt.folder.log
        self._oom_kills = session.oom_kills
        self._oom_kills_before = session.oom_kills.recent()
        self.handle = _start(session, self._executor, job, run.experiment.masker.known, lock, may_wait=may_wait)
        self._limits = Limits(run.experiment.options, self.handle, self._log, session.processes)

    def _resume(self, session: Session, attempt: Attempt) -> dict[str, str | None]:
        """Find the attempt that this one can go on from; give what its function is told about it."""
        run, state = attempt.run, attempt.state
        state |= resume.made_of(run, self.upstream)
        found = resume.find(run, attempt.folder, state) if run.experiment.options.resume else resume.NOTHING
        state[RESUME_KEY] = None if found.attempt is None else found.attempt.name
        if found.note:
            session.note(found.note)
        return {RESUME_KEY: None if found.attempt is None else found.attempt.path}

    @property
    def interrupted(self) -> bool:
        """It was ended because the build was told to stop."""
        return self.killed is not None and self.killed[0] == INTERRUPTED

    @property
    def timed(self) -> bool:
        """It has to be looked at from time to time: it has a timeout."""
        return self._limits.any

    def overdue(self, now: float) -> bool:
        """Tell whether it has taken too long, or has been idle for too long."""
        if self.killed is not None:
            return False
        self._broken = self._broken or self._limits.broken(now)
        return self._broken is not None

    def poll(self) -> Ended | None:
        """Tell how it ended, if it has; one that is overdue is killed. Never blocks."""
        try:
            return self._gone or self.handle.poll()
        except Exception as error:
            return self._fault(error)

    def enforce_limits(self) -> None:
        """Kill it if it is overdue."""
        if self.overdue(time.monotonic()) and self._broken is not None:
            self.kill(*self._broken)

    def kill(self, kind: str, message: str) -> None:
        """End it now; `kind` and `message` are the cause."""
        if self.killed is None:
            self.killed = (kind, message)
            try:
                self.handle.kill()
            except Exception as error:
                self._gone = self._fault(error)

    def abandon(self) -> None:
        """Count it as ended, although its process is not."""
        self._gone = Ended()

    def _fault(self, error: Exception) -> Ended:
        """A bug of the executor's own: this run is lost with it, and no other."""
        name = type(self._executor).__name__
        return Ended(cause=f"{name} itself failed: {type(error).__name__}: {error}")

    def cause(self, ended: Ended) -> tuple[str, str]:
        """Say why it ended without a word of its own: type and message."""
        killed = self.killed or self._oom_kills.explain(ended, self._oom_kills_before, self._log)
        return killed or describe_end(ended)


def _first_state(
    session: Session, run: PlannedRun, executor: Executor, number: int, losses: list[str]
) -> dict[str, Any]:
    """Give what the status of the attempt says while the run is on its way."""
    batch, owner = session.batch(run.experiment), Owner.current()
    decision, seconds = session.ledger.of(run).decision, time.time()
    state = {
        "state": statuses.RUNNING,
        "experiment": run.experiment.name,
        "run": run.name,
        "batch": batch.timestamp,
        "executor": executor.name,
        "host": owner.host,
        "owner": owner.to_dict(),
        "start": timestamps.to_iso(seconds),
        "start_seconds": seconds,
        "tries": number,
        "code": batch.code or run.experiment.code.starting(imported_anew=executor.imports_anew),
        "requirements": batch.surroundings.get("requirements"),
        "why": decision.reason if decision else "",
    }
    if losses:
        state["lost"] = losses
    if run.inputs:
        state["inputs"] = declared_inputs.today(run)
    if run.upstream:
        state["deps"] = upstreams.attempts_of(run, session.ledger)
    return state


def _job(session: Session, attempt: Attempt, given: dict[str, str | None] | None) -> Job:
    """Give what the executor is handed."""
    run = attempt.run
    batch, options, definition = session.batch(run.experiment), run.experiment.options, run.experiment.definition
    results = upstreams.results_of(run, session.ledger)
    job = Job(
        run.name, definition.fn, definition.arity, attempt.config, results, attempt.folder, attempt.state, given
    )  # fmt: skip
    job.kept_config = attempt.kept_config
    job.relocation = None if batch.kept is None else batch.kept.relocation
    job.timeout, job.idle_timeout = options.timeout, options.idle_timeout
    job.resources = resources_of(run)
    job.live = session.wishes.live
    if options.read_files != "ignore":
        job.watched = run.experiment.watched
    return job


def _start(
    session: Session, executor: Executor, job: Job, known: Sequence[str], lock: RunLock | None, *, may_wait: bool
) -> Handle:
    """Hand the job to the executor; whatever goes wrong there is this run's failure, and no other's."""
    log = None
    try:
        log = _log_of(job, executor, known, session.scribe)
        if executor.blocking:  # what it executes is started by this process, which the guardian leaves alone
            with Offspring():
                return executor.start(job, log, session.guardian)
        session.guardian.start()
        hand_on(lock)
        return executor.start(job, log, session.guardian)
    except KeyboardInterrupt:
        if log is not None:
            log.close()
        statuses.end(job.attempt, job.state, statuses.INTERRUPTED)
        raise
    except Exception as error:
        if log is not None:
            log.close()
        if may_wait and is_shortage(error):
            raise
        described = describe(error)
        if isinstance(error, (PyexpError, UnsendableFunction)):
            described["traceback"] = ""
        job.fail(described)
        return Handle()
    finally:
        hand_on(None)
        if executor.blocking:
            session.cool()


def _log_of(job: Job, executor: Executor, known: Sequence[str], scribe: Scribe) -> Log:
    """Open the log of a job, in which the secrets of its config, and others that are known, are masked.

    An executor that shows logs by itself writes them elsewhere, too.
    """
    secrets = printed_forms(job.config, job.kept_config, known)
    if executor.shows_logs:
        log = Log(job.attempt)
        log.secrets = secrets
        return log
    return Log(job.attempt, scribe, live=job.live, secrets=secrets)
