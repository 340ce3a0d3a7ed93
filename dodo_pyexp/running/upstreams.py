"""What a run is given of its upstreams: their results, and what is noted about them in its record.

`deps` holds a result for every upstream, always: a run is skipped when an upstream failed, and where `depends_on` says
that the upstream is optional, its result stands there with `error`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..collection.runs import Runs
from ..config.config import Config
from ..config.merge import copied
from ..errors import DamagedResult, UsageError
from ..planning.decision import SKIPPED
from ..results.result import Result
from ..store.locks import RunLock
from ..store.record import FAILED_UPSTREAM
from ..store.status import FINISHED

#: Each holds a file open; of the upstreams beyond, `changed_meanwhile` tells what became.
MOST_LOCKS = 100

if TYPE_CHECKING:
    from ..planning.plan import PlannedRun
    from ..store.paths import AttemptFolder
    from .ledger import Ledger


def look_up_all(run: PlannedRun, ledger: Ledger) -> None:
    """Find out what other processes may have made of the upstreams."""
    for upstream in run.upstream:
        ledger.digest_of(upstream)


def noted(run: PlannedRun, ledger: Ledger) -> dict[str, str]:
    """Give what the record says of the upstreams: the digest of each one's outputs, or that it had failed."""
    return {
        upstream.task: ledger.of(upstream).digest or (FAILED_UPSTREAM if ledger.does_without(run, upstream) else "")
        for upstream in run.upstream
    }


def attempts_of(run: PlannedRun, ledger: Ledger) -> dict[str, dict[str, Any]]:
    """Give what the status says of the upstreams: which attempt of each it was, and the digest of its outputs.

    Attempts are named by their paths in the output folder.
    """
    told: dict[str, dict[str, Any]] = {}
    output = run.experiment.output.path
    for upstream in run.upstream:
        entry = ledger.of(upstream)
        name = entry.attempt or entry.tried
        place = None if name is None else _place(upstream.files.attempt(name).path, output)
        told[upstream.task] = {"attempt": place, "digest": entry.digest}
    return told


def _place(path: str, output: str) -> str:
    """Name a path as it is seen from the output folder; most are in there, which is cheaper to see than `relpath`."""
    return path[len(output) + 1 :] if path.startswith(f"{output}/") else os.path.relpath(path, output)


def results_of(run: PlannedRun, ledger: Ledger) -> Runs[Result]:
    """Give the results of the upstreams, in the order of `depends_on`, to be read when asked for."""
    return Runs(result_of(upstream, ledger) for upstream in run.upstream)


def result_of(run: PlannedRun, ledger: Ledger) -> Result:
    """Give the result of a run in this build: of the attempt that satisfied it, or that failed."""

    def locate() -> tuple[AttemptFolder | None, str | None]:
        entry = ledger.of(run)
        name = entry.attempt or entry.tried
        if name is None and not entry.failed and ledger.digest_of(run) is not None:
            name = ledger.of(run).attempt
        if name is None:
            return None, entry.cause if entry.failed else None
        return run.files.attempt(name), entry.cause if entry.ended == SKIPPED else None

    def recorded() -> dict[str, Any] | None:
        entry = ledger.of(run)
        if entry.digest is None:
            return None
        record = ledger.record_of(run)
        if record is None or record.attempt != entry.attempt:
            return {}
        return {"state": FINISHED, "experiment": run.experiment.name, "sums": record.sums}

    return Result.at(run.name, lambda: copied(run.config, Config), locate, watched=True, recorded=recorded)


def check_whole(run: PlannedRun, ledger: Ledger) -> None:
    """Make sure that the results of the upstreams are still what was found, or that whole new ones are there instead.

    Between the moment when an upstream was found up to date and the one when a run reads it, somebody may have removed
    it, or executed it again.

    Raises
    ------
    DamagedResult
        One is not whole.
    """
    for upstream in run.upstream:
        if ledger.does_without(run, upstream):
            continue
        record, known = ledger.record_of(upstream), ledger.of(upstream).digest
        if record is None or known is None:
            damage: str | None = "its record is gone"
        elif record.digest != known and ledger.look_up(upstream) is None:
            damage = "it was executed again with another config"
        else:
            damage = record.missing_part(upstream.files)
        if damage is not None:
            name = upstream.full_name
            path = upstream.files.attempt(ledger.of(upstream).attempt or ".").path
            raise DamagedResult(
                f"the result of its upstream {name} is not whole ({damage}); the next build executes {name} again", path
            )


def read_locks(run: PlannedRun, ledger: Ledger) -> list[RunLock] | None:
    """Keep others from executing upstreams again while the run reads them; None if somebody does so just now.

    Only where attempts have no folder of their own: there a new one overwrites what the run may be reading.
    """
    locks: list[RunLock] = []
    for upstream in run.upstream:
        if not upstream.files.flat or ledger.of(upstream).digest is None:
            continue
        if len(locks) == MOST_LOCKS:
            break
        try:
            lock = RunLock.take(upstream.files.path, shared=True)
        except UsageError:  # the folder may only be read, say
            continue
        if lock is None:
            for taken in locks:
                taken.release()
            return None
        locks.append(lock)
    return locks


def changed_meanwhile(run: PlannedRun, ledger: Ledger, noted: dict[str, str]) -> str | None:
    """Say which upstream was overwritten while the run may have read it, where no lock could prevent that."""
    for upstream in run.upstream:
        if not upstream.files.flat or ledger.of(upstream).digest is None:
            continue
        record = ledger.record_of(upstream)
        if record is None or record.digest != noted[upstream.task]:
            return f"its upstream {upstream.full_name} was executed again while it read it"
    return None
