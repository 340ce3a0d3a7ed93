"""Orphans: runs in the output folder that no config asks for any more.

Implements: docs/how-to.md, "Grow and shrink a sweep". A run of a sweep that shrank keeps its results on disk. It has no
part in builds, results, reports and dependencies, because all of these start from configs; here it is found again.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from ..errors import DamagedFile, UsageError
from ..results.stored import StoredExperiment, stored_experiments
from ..store import timestamps
from ..store.paths import FINISHED, STATUS, RunFolder, is_folder
from ..store.record import Record
from .decision import ORPHAN, Decision
from .plan import Plan, PlannedExperiment
from .previous_folders import HASH_LENGTH
from .targets import Targets, matcher

_HASHED = re.compile(f"(.+)-[0-9a-f]{{{HASH_LENGTH}}}").fullmatch


class Orphan:
    """One run that no config asks for any more.

    Attributes
    ----------
    experiment
        Whose run it was.
    folder
        Its folder's name.
    name
        Its name; in a layout with hashes that of its folder, because several may share the name of the run.
    decision
        State and reason, as runs have them.
    """

    __slots__ = ("attempt", "decision", "experiment", "folder", "name")

    def __init__(self, experiment: PlannedExperiment, folder: str, name: str, reason: str) -> None:
        self.experiment = experiment
        self.folder = folder
        self.name = name
        self.attempt: str | None = None
        self.decision = Decision(ORPHAN, ORPHAN, reason)

    @property
    def full_name(self) -> str:
        """``experiment:run``, as people write it."""
        return f"{self.experiment.name}:{self.name}"

    @property
    def path(self) -> str:
        """Its folder."""
        return f"{self.experiment.files.path}/{self.folder}"

    def is_named(self, word: str) -> bool:
        """Tell whether a word on the command line means it: by its name or folder, or as one of its experiment."""
        if word in (self.experiment.name, self.experiment.task, self.name, self.folder, self.full_name):
            return True
        if os.sep in word:
            return os.path.abspath(word).removesuffix(f"/{FINISHED}") in (self.path, self.experiment.files.path)
        names = (self.name, self.full_name, f"{self.experiment.task}:{self.folder}")
        return any(fnmatchcase(name, word) for name in names) or fnmatchcase(self.experiment.name, word)

    def __repr__(self) -> str:
        return f"Orphan({self.full_name})"


def orphans_of(experiment: PlannedExperiment) -> list[Orphan]:
    """Find the orphans of an experiment whose configs are known.

    One listing of its folder, whatever its size, and one look at each folder that no config asks for. What is in the
    folder of a config in another layout (``hash_configs``, ``timestamp``) is none: its config is there.
    """
    try:
        with os.scandir(experiment.files.path) as entries:
            folders = [
                entry.name for entry in entries
                if not entry.name.startswith(".") and entry.name != "report" and is_folder(entry)
            ]  # fmt: skip
    except OSError:
        return []
    known, plain = _folders(experiment)
    unknown = sorted(folder for folder in folders if folder not in known)
    spellings = {_spelling(folder): folder for folder in known} if unknown else {}
    found = []
    for folder in unknown:
        if _is_same(experiment.files.path, folder, spellings.get(_spelling(folder))):
            continue
        ended = os.path.exists(f"{experiment.files.path}/{folder}/{FINISHED}")
        if not ended and not _is_run(f"{experiment.files.path}/{folder}"):
            continue
        hashed = _HASHED(folder)
        if hashed is not None and hashed[1] in plain:
            reason = f"another config of {plain[hashed[1]]}"
        else:
            reason = "no config asks for it any more"
        name = _name(experiment.files.run(folder))
        found.append(Orphan(experiment, folder, name, reason if ended else f"{reason}; never finished"))
    return found


def chosen(plan: Plan, words: Sequence[str], pattern: str | None) -> tuple[list[Orphan], list[str]]:
    """Find the orphans that a command line means, and the words of it that mean anything else.

    Parameters
    ----------
    plan
        The plan; of its roots, the experiments that were asked for, orphans are looked for.
    words
        Experiments, runs and patterns; nothing for everything.
    pattern
        What ``--filter`` says.

    Raises
    ------
    ConfigError
        The filter is no regular expression.
    """
    found = [orphan for experiment in plan.roots for orphan in orphans_of(experiment)]
    rest = []
    if words:
        meant: dict[Orphan, None] = {}
        for word in words:
            named = [orphan for orphan in found if orphan.is_named(word)]
            meant.update(dict.fromkeys(named))
            if not named or _is_target(plan, word):
                rest.append(word)
        found = list(meant)
    matches = matcher(pattern) if pattern is not None else None
    return [orphan for orphan in found if matches is None or matches(orphan)], rest


def _is_target(plan: Plan, word: str) -> bool:
    try:
        Targets(plan).add(word)
    except UsageError:
        return False
    return True


def other_experiments(planned: Iterable[PlannedExperiment]) -> list[tuple[str, int]]:
    """Name the experiments that lie beside the planned ones, each with the number of its runs.

    They are no orphans: another file may define them.
    """
    return [(stored.name, len(stored.run_folders())) for stored in _beside(planned)]


def used_elsewhere(planned: Iterable[PlannedExperiment]) -> dict[str, str]:
    """Tell which tasks runs of experiments beside the planned ones were made from, each with one of these runs.

    A run of a planned experiment that was made from an orphan is out of date: no `depends_on` leads there any more.
    """
    used: dict[str, str] = {}
    for stored in _beside(planned):
        names = stored.real_names()
        for folder in stored.run_folders():
            try:
                record = Record.read(stored.files.run(folder))
            except DamagedFile:
                continue
            for task in record.upstream if record is not None else ():
                used.setdefault(task, f"{stored.name}:{names.get(folder, folder)}")
    return used


def _beside(planned: Iterable[PlannedExperiment]) -> list[StoredExperiment]:
    planned = list(planned)
    mine = {experiment.files.path for experiment in planned}
    outputs = {experiment.output.path: experiment.output for experiment in planned}
    every = [stored for output in outputs.values() for stored in stored_experiments(output)]
    return [stored for stored in every if stored.files.path not in mine]


def _folders(experiment: PlannedExperiment) -> tuple[set[str], dict[str, str]]:
    """Give the folders that the runs have, or would have in another layout; and whose those without a hash are."""
    length = HASH_LENGTH + 1
    plain = {run.folder[:-length] if experiment.hashed else run.folder: run.full_name for run in experiment.runs}
    return experiment.asked_for(), plain


def _spelling(folder: str) -> str:
    return (folder if folder.isascii() else unicodedata.normalize("NFC", folder)).casefold()


def _is_same(parent: str, folder: str, known: str | None) -> bool:
    """Tell whether a folder is a known one, on a file system that sees no difference between the two names."""
    try:
        return known is not None and os.path.samefile(f"{parent}/{folder}", f"{parent}/{known}")
    except OSError:
        return False


def _is_run(path: str) -> bool:
    """Tell the folder of a run that never finished from one that somebody else put there."""
    try:
        return any(name == STATUS or timestamps.is_timestamp(name) for name in os.listdir(path))
    except OSError:
        return False


def _name(run: RunFolder) -> str:
    """Give the name that a folder's name stands for."""
    folder = os.path.basename(run.path)
    if "+" not in folder:
        return folder.replace("~", "=")
    try:
        record = Record.read(run)
    except DamagedFile:
        record = None
    return folder if record is None or not isinstance(record.name, str) or _HASHED(folder) else record.name
