"""Is a run up to date, and if not, why? One value says both, so they cannot disagree.

Implements: docs/how-it-works.md, "What makes a run out of date".
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from ..config.hashing import hash_config
from ..errors import DamagedFile
from ..printable import duration
from ..provenance.secrets.holes import masked_keys
from ..store import status as statuses
from ..store.locks import at_work
from ..store.paths import RunFolder
from ..store.record import FAILED_UPSTREAM, Record
from . import declared_inputs, renames
from .config_changes import differences
from .files_read import changes
from .plan import Plan, PlannedExperiment, PlannedRun
from .previous_folders import config_before

UP_TO_DATE = "up-to-date"
STALE = "stale"
MISSING = "missing"
RUNNING = "running"
FAILED = "failed"
SKIPPED = "skipped"
INTERRUPTED = "interrupted"
ORPHAN = "orphan"

MOST_CHANGES = 4


class Decision:
    """The state of a run, with its reason.

    Parameters
    ----------
    state
        One of the states above.
    kind
        What kind of reason: ``never``, ``config``, ``upstream``, ``damaged``, ``code``, ``failed``, ``interrupted``,
        ``running``, ``forced``, ``orphan``, ``input``, ``read`` or "".
    reason
        The reason in words, such as ``config: lr 0.1 -> 0.01``. A run that is up to date has one, too, if it was made
        by other code than today's.
    data
        The reason for programs.
    """

    __slots__ = ("data", "kind", "reason", "state")

    def __init__(self, state: str, kind: str = "", reason: str = "", data: dict[str, Any] | None = None) -> None:
        self.state = state
        self.kind = kind
        self.reason = reason
        self.data = data or {}

    @property
    def up_to_date(self) -> bool:
        """Nothing is to be done."""
        return self.state == UP_TO_DATE

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        values = {"state": self.state, "kind": self.kind, "reason": self.reason}
        return {**values, "data": self.data} if self.data else values

    def __repr__(self) -> str:
        return f"{self.state}: {self.reason}" if self.reason else self.state


FINE = Decision(UP_TO_DATE)
NEVER_RUN = Decision(MISSING, "never", "never run")
FORCED = Decision(STALE, "forced", "asked to run again")


class Found(NamedTuple):
    """What a look at a run gives: the decision and, if the run is up to date, its record."""

    decision: Decision
    record: Record | None = None


def look_up(run: PlannedRun) -> Record | None:
    """Read the record of a run, if there is one that speaks of it as it is planned now."""
    try:
        record = Record.read(run.files)
    except DamagedFile:
        return None
    if record is None or _whose(record, run) is not None:
        return None
    if record.config_hash != run.hash and not _same_config(run, record):
        return None
    return record


def digest_on_record(run: PlannedRun) -> str | None:
    """Give the digest of a run's outputs as its record has it."""
    record = look_up(run)
    return None if record is None else record.digest


def decide(run: PlannedRun, digest_of: Callable[[PlannedRun], str | None] = digest_on_record) -> Found:
    """Compare the run's record with what the run is now; nothing is written, neither to disk nor to the plan.

    Parameters
    ----------
    run
        The run. Its upstreams must have been decided before, and executed if need be.
    digest_of
        Gives the digest of what an upstream has put out, `FAILED_UPSTREAM` if it has failed; None if nobody knows.
    """
    try:
        record = Record.read(run.files)
    except DamagedFile:
        return Found(Decision(STALE, "damaged", "record damaged: .finished cannot be read"))
    decision = _without_record(run, digest_of) if record is None else _compare(run, record, digest_of)
    return Found(decision, record if decision.up_to_date else None)


def _compare(run: PlannedRun, record: Record, digest_of: Callable[[PlannedRun], str | None]) -> Decision:
    """Compare a record with the run that it should speak of."""
    if (whose := _whose(record, run)) is not None:
        return Decision(STALE, "damaged", f"its record is that of {whose}: it was copied here", {"copied": whose})
    if record.config_hash != run.hash and not _same_config(run, record):
        return _config_changed(run, run.files, record)
    changed = _upstreams_changed(run, record.upstream, digest_of)
    if changed is not None and record.upstream:  # only their names, perhaps
        named = renames.as_named_today(run, record.upstream, digest_of)
        changed = changed if named is None else _upstreams_changed(run, named, digest_of)
    if changed is not None:
        return changed
    if (run.inputs or record.inputs) and (changed := _other_inputs(run, record)) is not None:
        return changed
    damage = record.missing_part(run.files)
    if damage is not None:
        return Decision(STALE, "damaged", f"result damaged: {damage}", {"attempt": record.attempt})
    experiment, decision = run.experiment, FINE
    if experiment.options.code != "ignore" and record.code != experiment.code.hash:
        decision = _other_code(experiment, record.code)
    if record.found and experiment.options.read_files != "ignore":
        return _other_files(run, record, decision)
    return decision


def _upstreams_changed(
    run: PlannedRun, expected: dict[str, str], digest_of: Callable[[PlannedRun], str | None]
) -> Decision | None:
    """Say which upstreams are not what a record expects; None if all are."""
    for upstream in run.upstream:
        digest = digest_of(upstream)
        before = expected.get(upstream.task)
        if before is None:
            return _upstream(upstream, "is new")
        if digest is None or (digest == FAILED_UPSTREAM and upstream.task not in run.optional):
            return _waits(upstream)
        if digest != before:
            return _upstream(upstream, "changed")
    if len(expected) != len(run.upstream):
        gone = sorted(set(expected) - {upstream.task for upstream in run.upstream})
        return Decision(STALE, "upstream", f"upstream {', '.join(gone)} is no longer one", {"upstream": gone})
    if expected and list(expected) != [upstream.task for upstream in run.upstream]:
        names = [upstream.full_name for upstream in run.upstream]
        return Decision(STALE, "upstream", "the order of its upstreams changed", {"upstream": names})
    return None


def _whose(record: Record, run: PlannedRun) -> str | None:
    """Name the run that a record speaks of, if it is another one."""
    if record.name == run.name and record.experiment == run.experiment.name:
        return None
    return record.of_another(run.name, run.experiment.files.path)


def _other_code(experiment: PlannedExperiment, before: str | None) -> Decision:
    """Say what it means that the code with hash `before` made a run; once for all runs that it made."""
    judged = experiment.code.judged
    decision = judged.get(before)
    if decision is None:
        changes = experiment.code.differences(before)
        if changes is None:
            decision = Decision(UP_TO_DATE, "code", "code: cannot be compared with today's")
        elif changes:
            state = STALE if experiment.options.code == "rerun" else UP_TO_DATE
            decision = Decision(state, "code", f"code: {several(changes)}", {"changed": changes})
        else:
            decision = FINE
        judged[before] = decision
    return decision


def _other_inputs(run: PlannedRun, record: Record) -> Decision | None:
    """Say which of the declared inputs are not what they were; None if all are."""
    try:
        changed = declared_inputs.changes(run, record)
    except (TypeError, ValueError, IndexError):
        return Decision(STALE, "damaged", "record damaged: what it says of the inputs makes no sense")
    if not changed:
        return None
    return Decision(STALE, "input", several(declared_inputs.in_words(changed), "; "), {"inputs": changed})


def _other_files(run: PlannedRun, record: Record, decision: Decision) -> Decision:
    """Say what it means that files which the run has read are not what they were, beside what is said of its code."""
    try:
        changed = changes(run, record)
    except (TypeError, ValueError, IndexError):
        return Decision(STALE, "damaged", "record damaged: what it says of the files that were read makes no sense")
    if not changed:
        return decision
    rerun = run.experiment.options.read_files == "rerun"
    said = several([f"{path}, which it read, {what}" for path, what in changed.items()], "; ")
    if not decision.reason:
        return Decision(STALE if rerun else UP_TO_DATE, "read", said, {"read": changed})
    worse = STALE if rerun else decision.state
    return Decision(worse, decision.kind, f"{decision.reason}; {said}", {**decision.data, "read": changed})


def several(parts: list[str], between: str = ", ") -> str:
    """Write what changed in a line that stays readable.

    Examples
    --------
    >>> several(["a changed", "b changed", "c changed", "d changed", "e added", "f added"])
    'a changed, b changed, c changed, d changed and 2 more'
    """
    if len(parts) <= MOST_CHANGES + 1:
        return between.join(parts)
    return f"{between.join(parts[:MOST_CHANGES])} and {len(parts) - MOST_CHANGES} more"


def _upstream(upstream: PlannedRun, what: str) -> Decision:
    name = upstream.full_name
    return Decision(STALE, "upstream", f"upstream {name} {what}", {"upstream": [name]})


def _waits(upstream: PlannedRun) -> Decision:
    """Say that what the run was made from is to be made again; if that comes out the same, the run is up to date."""
    name = upstream.full_name
    return Decision(STALE, "upstream", f"upstream {name} has to be built first", {"upstream": [name], "waits": True})


def _without_record(run: PlannedRun, digest_of: Callable[[PlannedRun], str | None]) -> Decision:
    """Say what became of a run that has no record: look at its newest attempt."""
    attempt = run.files.newest()
    if attempt is None:
        sibling = run.experiment.siblings.newest(run.folder) if run.experiment.hashed else None
        return _config_changed(run, *sibling) if sibling is not None else _never_run(run, digest_of)
    status = statuses.read(attempt)
    state = status.get("state")
    data = {"attempt": attempt.name}
    if state == statuses.FAILED:
        cause = failure_cause(status)
        return Decision(FAILED, "failed", f"last attempt failed: {cause}", {**data, "error": status.get("error")})
    if state == statuses.RUNNING and at_work(status.get("owner"), run.files.path):
        what = "queued" if status.get("executor") == "ray" and "node" not in status else "running"
        return Decision(RUNNING, "running", f"{what}{_so_far(status)}", data)
    if state == statuses.FINISHED:
        return Decision(MISSING, "never", "its record .finished is gone", data)
    if not status and os.path.lexists(attempt.status):
        name, trouble = os.path.basename(attempt.status), statuses.trouble(attempt)
        said = f"how the last attempt ended is not known: its {name} {trouble}"
        return Decision(INTERRUPTED, "interrupted", said, data)
    return Decision(INTERRUPTED, "interrupted", "the last attempt was interrupted", data)


def _never_run(run: PlannedRun, digest_of: Callable[[PlannedRun], str | None]) -> Decision:
    """Say that a run was never executed, or that one of the same config was, which no config asks for any more."""
    found = renames.twins(run, digest_of)
    if not found:
        return NEVER_RUN
    folders = [twin.folder for twin in found]
    return Decision(MISSING, "never", f"never run; {renames.question(run, found)}", {"renamed": folders})


def _so_far(status: dict[str, Any]) -> str:
    """Say for how long an attempt has been going on, if that is known."""
    start = status.get("start_seconds")
    if not isinstance(start, (int, float)):
        return ""
    seconds = max(0.0, time.time() - start)
    return f" for {seconds:.0f} s" if seconds < 100 else f" for {duration(seconds)}"


def failure_cause(status: dict[str, Any]) -> str:
    """Say in a line why an attempt failed: type, message and place."""
    error = status.get("error")
    if not isinstance(error, dict):
        return "no cause was recorded"
    line = failure_message(error)
    where = f" at {error['where']}" if error.get("where") else ""
    return f"{error.get('type', 'Error')}: {line}{where}" if line else f"{error.get('type', 'Error')}{where}"


def failure_message(error: dict[str, Any]) -> str:
    """Give the first line of what an exception said, if that is not too long."""
    message = str(error.get("message", "")).strip()
    line = message.splitlines()[0] if message else ""
    return line if len(line) <= 120 else line[:117] + "..."


def _same_config(run: PlannedRun, record: Record) -> bool:
    """Tell whether a record of another hash is of the same config.

    It may count what was declared a default since; and an older pyexp hashed secrets as they were.
    """
    experiment = run.experiment
    if record.config_hash in (hash_config(run.config), experiment.hash(run.config)):
        return True
    if experiment.defaults is None:
        return False
    before = config_before(run.files, record)
    if before is None:
        return False
    return experiment.hash(before) in (run.hash, experiment.hash(experiment.masker.config(run.config)))


def _config_changed(run: PlannedRun, files: RunFolder, record: Record) -> Decision:
    """Name what differs from the config that a record speaks of: the run's own, or that of a sibling."""
    before, after = config_before(files, record), run.config
    if before is None:
        return Decision(STALE, "config", "config changed")
    defaults = run.experiment.defaults
    if defaults is not None:
        before, after = defaults.as_at_first(before), defaults.as_at_first(after)
    hashed, after = run.experiment.keys.hidden(after), run.experiment.masker.config(after)
    changes = differences(before, after)
    if not changes and (keys := masked_keys(after, hashed)):
        changes = {key: f"{key} changed" for key in keys}
    unseen = "the type of a value changed" if defaults is None else "a default was declared for what it gives"
    text = ", ".join(changes.values()) or unseen
    return Decision(STALE, "config", f"config: {text}", {"changed": list(changes)})


class Foreseen(dict[PlannedRun, Decision]):
    """The decisions on all runs of a plan, upstreams first.

    Attributes
    ----------
    attempts
        The attempts that records point to, as far as these were read and are those of the runs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.attempts: dict[PlannedRun, str] = {}


def foresee(plan: Plan, *, rerun: bool = False) -> Foreseen:
    """Decide every run as it stands, without executing anything.

    A run whose own record is fine, but which lies behind one that will be executed, is stale too: whether it really
    has to be executed is known only when its upstream's outputs are.
    """
    decisions = Foreseen()
    digests: dict[PlannedRun, str] = {}

    def note(run: PlannedRun, record: Record) -> str:
        decisions.attempts[run], digests[run] = record.attempt, record.digest
        return record.digest

    def digest_of(upstream: PlannedRun) -> str | None:
        record = None if upstream in digests else look_up(upstream)
        return digests.get(upstream) if record is None else note(upstream, record)

    for run in plan.ordered():
        decision, record = decide(run, digest_of)
        if record is not None:
            note(run, record)
        if rerun and run.chosen and decision.state != RUNNING:
            decision = FORCED
        if decision.state in (MISSING, UP_TO_DATE, STALE):
            decision = _behind(run, decision, decisions)
        if not decision.up_to_date:
            digests.pop(run, None)
        decisions[run] = decision
    return decisions


def _behind(run: PlannedRun, decision: Decision, decisions: dict[PlannedRun, Decision]) -> Decision:
    for upstream in run.upstream:
        above = decisions[upstream]
        if above.state in (FAILED, SKIPPED) and decision.state == MISSING and upstream.task not in run.optional:
            name = upstream.full_name
            what = "failed" if above.state == FAILED else "was skipped"
            return Decision(SKIPPED, "upstream", f"upstream {name} {what}", {"upstream": [name]})
        # One that changed and is to be made again may turn out as it was.
        waits = decision.state == UP_TO_DATE or decision.reason == _upstream(upstream, "changed").reason
        if waits and not above.up_to_date:
            return _waits(upstream)
    return decision
