"""The verdict on a reproduction: whether the outcome is what it was.

Implements: docs/how-to.md, "Run it again".
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import DamagedFile
from ..importing import definitions_only
from ..planning.decision import failure_cause
from ..planning.declared_inputs import named
from ..results.comparing import Difference, compare_files, compare_values
from ..results.result import load_pickle
from ..results.stored import StoredRun
from ..store import status as statuses
from ..store.opening import read_bytes
from ..store.paths import RESULT, AttemptFolder, shown
from .past import Past

IDENTICAL, WITHIN, DIFFERENT = "identical", "within tolerance", "different"
TOLERANCE = 1e-6
FAILED = "failed with "


@dataclass
class Reproduction:
    """What came of executing a past attempt again.

    Attributes
    ----------
    run
        The run, ``experiment:run``.
    original, attempt
        Folder of the attempt of the past, and that of the new one.
    verdict
        ``"identical"``, ``"within tolerance"`` or ``"different"``.
    tolerance
        How much numbers may differ, relatively; near zero, absolutely.
    values, files
        What differs of the return value and of the saved files.
    packages
        Packages whose versions differ: name, version then, version now.
    failure
        How the attempts ended, if that is what differs or if both failed.
    settings
        What was changed in the config, without secrets.
    inputs
        Files and folders that were read and are not what they were: then the verdict is never ``"identical"``.
    note
        What was not compared, and why; or empty.
    """

    run: str
    original: Path
    attempt: Path
    verdict: str
    tolerance: float
    values: list[Difference] = field(default_factory=list)
    files: list[Difference] = field(default_factory=list)
    packages: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    failure: str = ""
    settings: list[str] = field(default_factory=list)
    inputs: dict[str, str] = field(default_factory=dict)
    note: str = ""

    @property
    def ok(self) -> bool:
        """The outcome is the same, but for the tolerance."""
        return self.verdict != DIFFERENT

    def __bool__(self) -> bool:
        return self.ok

    def text(self) -> str:
        """Give the verdict for people."""
        lines = [f"{self.run}  {self.verdict}" + (f" ({self.tolerance:g})" if self.verdict == WITHIN else "")]
        if self.failure:
            lines.append(f"  {self.failure}")
        lines += [f"  {one}{'  (within the tolerance)' if one.close else ''}" for one in self.values]
        lines += [f"  file {one}{'  (within the tolerance)' if one.close else ''}" for one in self.files]
        lines += [f"  input {named(key)} {said} since then" for key, said in self.inputs.items()]
        lines += [f"  {self.note}"] if self.note else []
        return "\n".join([*lines, f"  new attempt: {shown(str(self.attempt))}"])

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return {
            "run": self.run,
            "original": self.original.name,
            "attempt": self.attempt.name,
            "verdict": self.verdict,
            "tolerance": self.tolerance,
            "settings": self.settings,
            "failure": self.failure or None,
            "note": self.note or None,
            "values": [one.to_dict() for one in self.values],
            "files": [one.to_dict() for one in self.files],
            "inputs": self.inputs,
            "packages": [{"name": name, "before": old, "after": new} for name, old, new in self.packages],
        }


@contextmanager
def importable(folders: list[str]) -> Iterator[None]:
    """Let results be unpickled here whose classes are defined in the snapshot."""
    before = list(sys.path)
    sys.path += folders
    try:
        with definitions_only():
            yield
    finally:
        sys.path[:] = before


def judge(
    made: Reproduction,
    past: Past,
    new: AttemptFolder,
    status: dict[str, Any],
    ignored: Callable[[str], bool] = lambda path: False,
    *,
    unpickle: bool = False,
) -> None:
    """Compare the outcomes; the files that are `ignored` are none. See `differing_values` for `unpickle`.

    What was made from other inputs is never identical.
    """
    _compare(made, past, new, status, ignored, unpickle=unpickle)
    if made.inputs and made.verdict == IDENTICAL:
        made.verdict = DIFFERENT


def _compare(
    made: Reproduction,
    past: Past,
    new: AttemptFolder,
    status: dict[str, Any],
    ignored: Callable[[str], bool],
    *,
    unpickle: bool,
) -> None:
    before = past.status
    if statuses.FAILED in (before.get("state"), status.get("state")):
        then, now = (_ending(one) for one in (before, status))
        made.verdict = IDENTICAL if then == now else DIFFERENT
        made.failure = f"both failed: {now.removeprefix(FAILED)}" if then == now else f"then it {then}, now it {now}"
        return
    if before.get("digest") is not None and before.get("digest") == status.get("digest"):
        made.verdict = IDENTICAL
        return
    made.values, note = differing_values(past.attempt, new, past.run, made.tolerance, unpickle=unpickle)
    made.note = note or ""
    made.files = [one for one in compare_files(past.attempt, new, made.tolerance) if not ignored(one.key)]
    found = [*made.values, *made.files]
    made.verdict = IDENTICAL if not found else WITHIN if all(one.close for one in found) else DIFFERENT


def _ending(status: dict[str, Any]) -> str:
    if status.get("state") == statuses.FAILED:
        error = status.get("error")
        told = {**error, "where": None} if isinstance(error, dict) else error
        return FAILED + failure_cause({"error": told})
    return "finished"


def differing_values(
    before: AttemptFolder, after: AttemptFolder, run: StoredRun, tolerance: float, *, unpickle: bool = False
) -> tuple[list[Difference], str | None]:
    """Compare the return values of two attempts whose digests differ; say as well what was not compared, if anything.

    Parameters
    ----------
    before, after
        The attempts.
    run
        Whose they are.
    tolerance
        How much numbers may differ.
    unpickle
        Load the values. Unpickling executes what the file says; else they are compared as far as JSON has them.
    """
    if unpickle:
        try:
            values = [load_pickle(attempt, run.full_name).__dict__.get("result") for attempt in (before, after)]
        except DamagedFile:
            reason = "it cannot be unpickled here: what it needs is not installed, or it is damaged"
        else:
            return compare_values(values[0], values[1], tolerance), None
    else:
        reason = "it is pickled; --unpickle loads it, which executes what the file says"
    try:
        texts = [read_bytes(attempt.own(RESULT)) for attempt in (before, after)]
        old, new = (json.loads(text) for text in texts)
        found = compare_values(old, new, tolerance)
    except (OSError, ValueError, RecursionError):
        return [Difference("value", "", "")], f"value: {reason}"
    if any(b'"__pickled__"' in text for text in texts):
        return [*found, Difference("other values", "", "")], f"other values: {reason}"
    return found, None
