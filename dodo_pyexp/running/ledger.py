"""The ledger of a build: what became of each run. It is kept here, and nowhere else.

What was planned never changes, and a decision is a function of plan and store; whatever a build finds out or does is an
entry here. One method writes each kind of event; whoever tells of the build, or ends it, reads.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..errors import DamagedFile
from ..planning.decision import FAILED, INTERRUPTED, SKIPPED, UP_TO_DATE, look_up
from ..store.record import FAILED_UPSTREAM, Record

if TYPE_CHECKING:
    from ..planning.decision import Decision, Found
    from ..planning.plan import PlannedRun
    from ..store.paths import AttemptFolder


EXECUTED = "executed"
# How a run, or a task of the user's own, may end. A run that another build has made is up to date.
ENDS = (EXECUTED, UP_TO_DATE, FAILED, SKIPPED, INTERRUPTED)


class Entry:
    """What became of one run, so far; only the ledger writes it."""

    __slots__ = ("attempt", "cause", "code", "decision", "digest", "ended", "packages", "started", "tried")

    def __init__(self) -> None:
        #: What was decided last, if anything was.
        self.decision: Decision | None = None
        #: The attempt that satisfies the run, and the digest of its outputs: as its record says.
        self.attempt: str | None = None
        self.digest: str | None = None
        #: Hashes of the code and the packages that it was made by.
        self.code: str | None = None
        self.packages: str | None = None
        #: This build has begun to execute it; and the last attempt that it made of it, well or badly.
        self.started = False
        self.tried: str | None = None
        #: How it ended; and why it failed, was skipped or was interrupted, in a line.
        self.ended: str | None = None
        self.cause: str | None = None

    @property
    def failed(self) -> bool:
        """In this build it has failed, or was skipped: there is nothing of it that another run could be made from."""
        return self.ended in (FAILED, SKIPPED)


class Failure(NamedTuple):
    """A run that failed, why, and the attempt that it failed in, if it came as far as that."""

    run: PlannedRun
    cause: str | None
    attempt: AttemptFolder | None


_NOTHING = Entry()  # of a run that nothing is known of; never written to


class Ledger:
    """What became of each run of one build.

    Attributes
    ----------
    running
        The runs that are being executed, in the order in which they were started.
    """

    def __init__(self) -> None:
        self._entries: dict[PlannedRun, Entry] = {}
        self._records: dict[PlannedRun, tuple[tuple[int, ...], Record | None]] = {}
        self._ended: dict[str, list[PlannedRun]] = {how: [] for how in ENDS}
        self.running: dict[PlannedRun, None] = {}

    # -- what is read -------------------------------------------------------------------------------------------

    def of(self, run: PlannedRun) -> Entry:
        """Give what is known of a run."""
        return self._entries.get(run, _NOTHING)

    def record_of(self, run: PlannedRun) -> Record | None:
        """Read the record of a run as it is now; None if it has none that is whole.

        Thousands of runs may have one upstream: what was read of it stands for as long as its file does.
        """
        try:
            stat = os.stat(run.files.finished)
            state = stat.st_ino, stat.st_size, stat.st_mtime_ns
            known = self._records.get(run)
            if known is None or known[0] != state:
                known = self._records[run] = state, Record.read(run.files)
        except (OSError, DamagedFile):
            return None
        return known[1]

    def runs(self, ended: str) -> Sequence[PlannedRun]:
        """List the runs that have ended in one way, in the order in which they did."""
        return self._ended[ended]

    def count(self) -> int:
        """Tell how many runs have ended, one way or another."""
        return sum(map(len, self._ended.values()))

    def does_without(self, run: PlannedRun, upstream: PlannedRun) -> bool:
        """Tell whether an upstream has failed that the run can do without."""
        return upstream.task in run.optional and self.of(upstream).failed

    def folder(self, run: PlannedRun) -> AttemptFolder | None:
        """Give the folder of the attempt that this build made of a run last, well or badly."""
        tried = self.of(run).tried
        return None if tried is None else run.files.attempt(tried)

    def failures(self) -> list[Failure]:
        """List the runs that failed, the first failure first."""
        return [Failure(run, self.of(run).cause, self.folder(run)) for run in self._ended[FAILED]]

    def skipped(self) -> dict[PlannedRun, str]:
        """Give the runs that were skipped, each with the reason."""
        return {run: self.of(run).cause or "" for run in self._ended[SKIPPED]}

    def remarks(self) -> dict[PlannedRun, Decision]:
        """Give the decisions on runs that are up to date of which there is something to say all the same."""
        entries = self._entries
        return {run: said for run in self._ended[UP_TO_DATE] if (said := entries[run].decision) and said.reason}

    # -- what is written ----------------------------------------------------------------------------------------

    def decided(self, run: PlannedRun, found: Found) -> None:
        """Note whether a run is up to date; if so, its record as well."""
        entry = self._entry(run)
        entry.decision = found.decision
        self._note(entry, found.record)

    def started(self, run: PlannedRun) -> None:
        """Note that a run is executed from here on."""
        self._entry(run).started = True
        self.running[run] = None

    def tried(self, run: PlannedRun, attempt: str) -> None:
        """Note which attempt this build made of a run."""
        self._entry(run).tried = attempt

    def put_back(self, run: PlannedRun) -> None:
        """Note that a run could not be started yet, and that nothing is left of the attempt."""
        entry = self._entry(run)
        entry.started, entry.tried = False, None
        self.running.pop(run, None)

    def settled(self, run: PlannedRun, how: str, cause: str | None = None) -> None:
        """Note how a run ended: one of `ENDS`; and why."""
        entry = self._entry(run)
        entry.ended, entry.cause = how, cause
        self.running.pop(run, None)
        self._ended[how].append(run)

    def recorded(self, run: PlannedRun, record: Record) -> None:
        """Note the record that was written of a run."""
        self._note(self._entry(run), record)

    def digest_of(self, run: PlannedRun) -> str | None:
        """Give the digest of a run's outputs; what is not known may be what another process has put on record."""
        return self.of(run).digest or self.look_up(run)

    def look_up(self, run: PlannedRun) -> str | None:
        """Note what the record of a run says now; give the digest of its outputs, None if it has no such record."""
        record = look_up(run)
        if record is None:
            return None
        self.recorded(run, record)
        return record.digest

    def output_of(self, upstream: PlannedRun) -> str | None:
        """Give what a record says of an upstream: the digest of its outputs, or that it failed; None if it waits."""
        return self.digest_of(upstream) or (FAILED_UPSTREAM if self.of(upstream).failed else None)

    def _entry(self, run: PlannedRun) -> Entry:
        entry = self._entries.get(run)
        if entry is None:
            entry = self._entries[run] = Entry()
        return entry

    @staticmethod
    def _note(entry: Entry, record: Record | None) -> None:
        if record is None:
            entry.attempt = entry.digest = entry.code = entry.packages = None
            return
        entry.digest = record.digest
        # Most of 100,000 runs have these in common: one text for all, and not one each.
        entry.attempt = sys.intern(record.attempt)
        entry.code = record.code and sys.intern(record.code)
        entry.packages = record.packages and sys.intern(record.packages)
