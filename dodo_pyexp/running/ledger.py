"""The ledger of a build: what became of each run. It is kept here, and nowhere else.

What was planned never changes, and a decision is a function of plan and store; whatever a build finds out or does is an
entry here. One method writes each kind of event; whoever tells of the build, or ends it, reads.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from ..errors import DamagedFile
from ..planning.decision import look_up
from ..store.record import FAILED_UPSTREAM, Record

if TYPE_CHECKING:
    from ..planning.decision import Decision, Found
    from ..planning.plan import PlannedRun


class Entry:
    """What became of one run, so far; only the ledger writes it."""

    __slots__ = ("attempt", "code", "decision", "digest", "packages")

    def __init__(self) -> None:
        #: What was decided last, if anything was.
        self.decision: Decision | None = None
        #: The attempt that satisfies the run, and the digest of its outputs: as its record says.
        self.attempt: str | None = None
        self.digest: str | None = None
        #: Hashes of the code and the packages that it was made by.
        self.code: str | None = None
        self.packages: str | None = None


_NOTHING = Entry()  # of a run that nothing is known of; never written to


class Ledger:
    """What became of each run of one build."""

    def __init__(self) -> None:
        self._entries: dict[PlannedRun, Entry] = {}
        self._records: dict[PlannedRun, tuple[tuple[int, ...], Record | None]] = {}

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

    # -- what is written ----------------------------------------------------------------------------------------

    def decided(self, run: PlannedRun, found: Found) -> None:
        """Note whether a run is up to date; if so, its record as well."""
        entry = self._entry(run)
        entry.decision = found.decision
        self._note(entry, found.record)

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
        return self.digest_of(upstream) or (None if upstream.failure is None else FAILED_UPSTREAM)

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
