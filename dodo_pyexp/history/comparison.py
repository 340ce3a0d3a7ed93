"""What differs between two attempts, or two batches: config, code, packages, host, upstreams and results.

Implements: docs/how-to.md, "Run it again" (``diff``).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..config.config import Config
from ..config.encode import decode
from ..errors import UsageError
from ..planning.code import read_kept
from ..planning.decision import failure_cause, several
from ..provenance.batch_environment import find_requirements
from ..provenance.code.changes import changes
from ..provenance.packages import differences
from ..provenance.secrets.holes import masked_keys
from ..provenance.snapshots.code_diff import unified_diff
from ..results.comparing import Difference, compare_files, compare_values
from ..results.reading import find_attempt, name_today
from ..results.stored import StoredRun
from ..store import manifest as manifests
from ..store import status as statuses
from ..store import timestamps
from ..store.paths import AttemptFolder, ExperimentFolder, OutputFolder
from .inputs import differing_inputs
from .operands import BatchSide, Side
from .past import Past, checked_out
from .verdict import differing_values

_HOST = ("hostname", "user", "python", "implementation", "platform", "cpu", "gpu", "variables")


@dataclass
class Comparison:
    """Two sides, and what differs between them.

    Attributes
    ----------
    before, after
        The two, in words.
    config, host, packages, upstreams, values, files, runs
        What differs, one by one.
    functions
        The functions, classes and constants that the experiment reaches and that differ.
    diff
        A unified diff between the snapshots.
    notes
        What could not be compared, and why.
    """

    before: str
    after: str
    runs: list[Difference] = field(default_factory=list)
    config: list[Difference] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    diff: list[str] = field(default_factory=list)
    packages: list[Difference] = field(default_factory=list)
    host: list[Difference] = field(default_factory=list)
    upstreams: list[Difference] = field(default_factory=list)
    inputs: list[Difference] = field(default_factory=list)
    values: list[Difference] = field(default_factory=list)
    files: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Give it for people."""
        lines = [f"A  {self.before}", f"B  {self.after}"]
        files = [f"file {one}" for one in self.files]
        sections: dict[str, list[str]] = {
            "runs": list(map(str, self.runs)),
            "config": list(map(str, self.config)),
            "code": [*self.functions, *self.diff],
            "packages": list(map(str, self.packages)),
            "host": list(map(str, self.host)),
            "upstreams": list(map(str, self.upstreams)),
            "inputs": list(map(str, self.inputs)),
            "results": [*map(str, self.values), *files],
        }
        for name, told in sections.items():
            if told:
                lines += ["", name, *(f"  {line}" for line in told)]
        same = [name for name in ("config", "code", "packages", "host", "results") if not sections[name]]
        noted = {name for note in self.notes for name in note.partition(":")[0].split(", ")}
        same = [name for name in same if name not in noted]
        if same:
            lines += ["", f"The same: {', '.join(same)}."]
        lines += ["", *self.notes] if self.notes else []
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        lists = {name: getattr(self, name) for name in ("runs", "config", "packages", "host", "upstreams", "inputs")}
        return {
            "a": self.before,
            "b": self.after,
            **{name: [one.to_dict() for one in found] for name, found in lists.items()},
            "code": {"functions": self.functions, "diff": "\n".join(self.diff)},
            "results": {
                "values": [one.to_dict() for one in self.values],
                "files": [one.to_dict() for one in self.files],
            },
            "notes": self.notes,
        }


def compare(output: OutputFolder, before: Side, after: Side, *, unpickle: bool = False) -> Comparison:
    """Compare two attempts, or two batches; see `differing_values` for `unpickle`.

    Raises
    ------
    UsageError
        One is an attempt and the other a batch, or something of them cannot be read.
    """
    made = Comparison(before.label, after.label)
    if isinstance(before, Past) and isinstance(after, Past):
        hashes = before.masked_hash(), after.masked_hash()
        made.config = _configs(before.kept_config, after.kept_config, hashes)
        troubles = [f"{side}: {past.trouble}" for side, past in (("A", before), ("B", after)) if past.trouble]
        if troubles:
            made.notes.append(f"code, packages, host, results: they are not known; {'; '.join(troubles)}")
            return made
        made.upstreams = _upstreams(before.status.get("deps"), after.status.get("deps"))
        made.inputs = differing_inputs(before, after)
        _results(made, before, after, unpickle=unpickle)
        sides = [_Made.of_attempt(past) for past in (before, after)]
    elif isinstance(before, BatchSide) and isinstance(after, BatchSide):
        _batches(made, before, after, unpickle=unpickle)
        sides = [_Made.of_batch(side) for side in (before, after)]
    else:
        raise UsageError(f"{before.label} and {after.label} cannot be compared: one is a run, the other a batch")
    _code(made, output, *sides)
    _surroundings(made, *sides)
    return made


# -- what they were made by ---------------------------------------------------------------------------------------


@dataclass
class _Made:
    """What a side was made by."""

    files: ExperimentFolder
    code: str | None
    snapshot: str | None
    requirements: str | None
    environment: Mapping[str, Any]
    host: str | None

    @classmethod
    def of_attempt(cls, past: Past) -> _Made:
        status = past.status
        return cls(
            past.files, status.get("code"), past.snapshot_name, past.requirements,
            past.environment, status.get("host"),
        )  # fmt: skip

    @classmethod
    def of_batch(cls, side: BatchSide) -> _Made:
        about, files = side.manifest.about, side.experiment.files
        text = find_requirements(files, about.get("requirements"), side.manifest.timestamp)
        return cls(
            files, about.get("code"), about.get("commit"), text, about.get("environment") or {}, about.get("host")
        )

    def folder(self, output: OutputFolder, scratch: Path) -> Path | None:
        """Give the folder of the snapshot; one that is gone is checked out into `scratch`, if that can be done."""
        if self.snapshot is None:
            return None
        folder = Path(self.files.snapshot(self.snapshot))
        if folder.is_dir():
            return folder
        aside = scratch / self.snapshot
        return aside if checked_out(self.snapshot, aside, output) else None


def _code(made: Comparison, output: OutputFolder, before: _Made, after: _Made) -> None:
    """Compare functions first, then the files."""
    if before.code != after.code:
        old, new = (read_kept(side.files, side.code) for side in (before, after))
        if old.pieces and new.pieces:
            made.functions = changes(old.pieces, new.pieces, (old.meanings, new.meanings))
        else:
            made.notes.append("code: which functions differ is not on record")
    if before.snapshot == after.snapshot and before.snapshot is not None:
        return
    with tempfile.TemporaryDirectory(prefix="pyexp-diff-") as scratch:
        folders = [side.folder(output, Path(scratch)) for side in (before, after)]
        if folders[0] is not None and folders[1] is not None:
            made.diff = unified_diff(folders[0], folders[1])
            return
    missing = [name for name, folder in zip("AB", folders, strict=True) if folder is None]
    made.notes.append(f"code: there is no snapshot of {' and '.join(missing)} to compare")


def _surroundings(made: Comparison, before: _Made, after: _Made) -> None:
    if before.requirements is None or after.requirements is None:
        made.notes.append("packages: they are not on record")
    else:
        found = differences(before.requirements, after.requirements)
        made.packages = [Difference(name, old or "(none)", new or "(none)") for name, old, new in found]
    if not before.environment or not after.environment:
        old, new = {"hostname": before.host}, {"hostname": after.host}
    else:
        old, new = ({key: side.environment.get(key) for key in _HOST} for side in (before, after))
        old["hostname"], new["hostname"] = before.host, after.host
    made.host = compare_values(old, new)


# -- configs and results ------------------------------------------------------------------------------------------


def _configs(
    before: Mapping[str, Any], after: Mapping[str, Any], hashes: Iterable[str | None] = ()
) -> list[Difference]:
    """Compare configs; `hashes` of what they really were tell other secrets, which are not in them."""
    old, new = ({key: value for key, value in side.items() if key != "name"} for side in (before, after))
    found = compare_values(old, new)
    known = list(hashes)
    if not found and None not in known and len(set(known)) > 1:
        found = [Difference(", ".join(masked_keys(before)), "***", "*** (another)")]
    return found


def _upstreams(before: Any, after: Any) -> list[Difference]:
    old, new = (
        {task: told for task, told in said.items() if isinstance(told, dict)} if isinstance(said, dict) else {}
        for said in (before, after)
    )
    found = []
    for task in {**old, **new}:
        if task not in old or task not in new:
            found.append(_presence(task, old, new))
        elif old[task].get("digest") != new[task].get("digest"):
            found.append(Difference(task, str(old[task].get("attempt")), str(new[task].get("attempt"))))
    return found


def _results(made: Comparison, before: Past, after: Past, *, unpickle: bool) -> None:
    old, new = before.status, after.status
    states = old.get("state"), new.get("state")
    if states != (statuses.FINISHED, statuses.FINISHED):
        told = [
            f"failed: {failure_cause(one)}" if one.get("state") == statuses.FAILED else str(one.get("state", "unknown"))
            for one in (old, new)
        ]
        made.values = [Difference("state", told[0], told[1])] if told[0] != told[1] else []
        return
    if old.get("digest") != new.get("digest"):
        made.values, note = differing_values(before.attempt, after.attempt, before.run, 0.0, unpickle=unpickle)
        made.notes += [note] if note else []
        made.files = compare_files(before.attempt, after.attempt)


def _batches(made: Comparison, before: BatchSide, after: BatchSide, *, unpickle: bool) -> None:
    """Compare the configs and the results of the runs that both batches have."""
    old, new = _by_name(before), _by_name(after)
    lost: dict[str, list[str]] = {}
    for name in {**old, **new}:
        if name not in old or name not in new:
            made.runs.append(_presence(name, old, new))
            continue
        configs = [decode(side.manifest.configs[folder]) for side, folder in ((before, old[name]), (after, new[name]))]
        hashes = [_masked_hash(side, folders[name]) for side, folders in ((before, old), (after, new))]
        made.config += _prefixed(name, _configs(configs[0], configs[1], hashes))
        gone = [side for side, folders in ((before, old), (after, new)) if _is_gone(side, folders[name])]
        for side in gone:
            lost.setdefault(side.label, []).append(name)
        if gone:
            continue
        sides = [_attempt(side, folders[name]) for side, folders in ((before, old), (after, new))]
        states = [_state(attempt) for attempt in sides]
        if states[0] != states[1]:
            made.values.append(Difference(f"{name}: state", states[0], states[1]))
        elif sides[0] is not None and sides[1] is not None and sides[0].path != sides[1].path:
            digests = [statuses.read(attempt).get("digest") for attempt in sides if attempt is not None]
            if digests[0] != digests[1]:
                run = StoredRun(before.experiment, sides[0].run.path.rpartition("/")[2], name)
                found, note = differing_values(sides[0], sides[1], run, 0.0, unpickle=unpickle)
                made.values += _prefixed(name, found)
                made.notes += [note] if note and note not in made.notes else []
                made.files += _prefixed(name, compare_files(sides[0], sides[1]))
    for label, names in lost.items():
        made.notes.append(f"results: of {label}, {several(names)} {'is' if len(names) == 1 else 'are'} gone")


def _is_gone(side: BatchSide, folder: str) -> bool:
    """Tell whether the attempt that a batch had of a run was removed, or written over."""
    manifest = side.manifest
    named = manifest.attempts.get(folder)
    attempt = _attempt(side, folder)
    if named is None or attempt is None:
        return named is not None
    if not attempt.flat:
        return attempt.name != named
    made = statuses.read(attempt).get("batch")
    return isinstance(made, str) and timestamps.order(made) > timestamps.order(manifest.timestamp)


def _masked_hash(side: BatchSide, folder: str) -> str | None:
    hashes = side.manifest.about.get(manifests.HASHES)
    found = hashes.get(folder) if isinstance(hashes, dict) else None
    return found if isinstance(found, str) else None


def _presence(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Difference:
    return Difference(name, "there" if name in before else "(none)", "there" if name in after else "(none)")


def _by_name(side: BatchSide) -> dict[str, str]:
    files, manifest = side.experiment.files, side.manifest
    return {name_today(files, manifest, folder): folder for folder in manifest.runs}


def _attempt(side: BatchSide, folder: str) -> AttemptFolder | None:
    config = side.manifest.configs[folder]
    return find_attempt(side.experiment.files, side.manifest, folder, lambda: Config(decode(config)))[0]


def _state(attempt: AttemptFolder | None) -> str:
    if attempt is None:
        return "not executed"
    state = statuses.read(attempt).get("state")
    return str(state or f"{os.path.basename(attempt.status)} {statuses.trouble(attempt) or 'says nothing'}")


def _prefixed(name: str, found: Iterable[Difference]) -> list[Difference]:
    return [replace(one, key=f"{name}: {one.key}") for one in found]
