"""What a build does about damage that was found by reading: it sees to it that the next one looks again.

Implements: docs/how-it-works.md, "Recovery". A result whose file changed without becoming shorter or newer is only
noticed when it is read; reading never writes, so whoever reads for a build says what was wrong with it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from ..errors import DamagedFile, UsageError
from ..planning.plan import PlannedRun
from ..store.locks import RunLock
from ..store.record import Record
from .ledger import Ledger

SUSPECT = -1  # in place of the time in a record: look at the files themselves, however old they are


def distrust(runs: Iterable[PlannedRun], ledger: Ledger, damaged: object, note: Callable[[str], None]) -> None:
    """Let the next build execute the run again whose damaged result was found at the path `damaged`."""
    for run in runs:
        attempt = ledger.of(run).attempt
        if attempt is not None and run.files.attempt(attempt).path == damaged and _mark(run, attempt):
            note(f"{run.full_name}: its result is damaged; the next build executes it again")


def _mark(run: PlannedRun, attempt: str) -> bool:
    """Note in the record that its files are not to be trusted; False if they can be, or somebody is at work on them."""
    try:
        lock = RunLock.take(run.files.path, shared=True)  # who marks it too writes the same
    except UsageError:
        return False
    if lock is None:
        return False
    try:
        record = Record.read(run.files)
        if record is None or record.attempt != attempt:
            return False
        record.written = SUSPECT
        if record.missing_part(run.files) is None:
            return False
        record.write(run.files)
        return True
    except (DamagedFile, OSError):
        return False
    finally:
        lock.release()


def make_way(path: str) -> None:
    """Move a folder that stands where a file has to be out of the way; it stays beside it."""
    if not os.path.isdir(path) or os.path.islink(path):
        return
    try:
        os.rmdir(path)
    except OSError:  # something is in it
        number = 1
        while os.path.lexists(aside := f"{path}.damaged{'' if number == 1 else f'-{number}'}"):
            number += 1
        os.rename(path, aside)
