"""What lies in an output folder, found without importing anybody's code: experiments, runs, attempts.

Implements: docs/why.md, "What is promised, and how it is kept" (reading).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from ..errors import DamagedFile, UsageError, ambiguous, nearest, suggest, warn
from ..printable import LONGEST_QUOTED, shorten
from ..store import manifest as manifests
from ..store import status as statuses
from ..store.manifest import Manifest
from ..store.names import folder_name, refusal
from ..store.paths import REPRODUCES, STATUS, AttemptFolder, ExperimentFolder, OutputFolder, RunFolder, is_folder, shown
from .reading import find_attempt, name_today

DEEPEST = 6  # levels that are looked through: experiments of run files may lie in folders of folders
SET_ASIDE = "DEBUG"  # the folder of what was executed with ``--debug``: only found by name


class StoredExperiment:
    """One experiment of an output folder.

    Parameters
    ----------
    files
        Its folder.
    folder
        The same, seen from the output folder; by default it lies right in there.
    """

    def __init__(self, files: ExperimentFolder, folder: str | None = None) -> None:
        self.files = files
        self.folder = folder or os.path.basename(files.path)
        self._newest: Manifest | None = None

    @property
    def output(self) -> OutputFolder:
        """The output folder that it was built in."""
        return OutputFolder(os.path.dirname(self.files.path))

    @property
    def newest(self) -> Manifest | None:
        """The newest whole manifest."""
        if self._newest is None:
            self._newest = manifests.newest(self.files)
        return self._newest

    @property
    def name(self) -> str:
        """The real name; the folder's where they are the same or nobody knows better."""
        above, _, own = self.folder.rpartition("/")
        if "~" in own or "+" in own:
            name = self.newest.about.get("experiment") if self.newest is not None else None
            own = name if isinstance(name, str) else own
        return f"{above}/{own}" if above else own

    def run_folders(self) -> list[str]:
        """Name the folders of all runs, also of those that no config asks for any more."""
        with os.scandir(self.files.path) as entries:
            return sorted(
                entry.name for entry in entries
                if not entry.name.startswith(".") and entry.name != "report" and is_folder(entry)
            )  # fmt: skip

    def real_names(self) -> dict[str, str]:
        """Give the real name of each run folder of the newest batch."""
        manifest = self.newest
        if manifest is None:
            return {}
        runs = [(now, run) for run in manifest.runs if (now := manifest.folder_today(self.files, run)) is not None]
        return {now: name_today(self.files, manifest, run) for now, run in runs}

    def is_flat(self, folder: str) -> bool:
        """Tell whether a run's folder is its only attempt."""
        return os.path.exists(f"{self.files.path}/{folder}/{STATUS}")


class StoredRun:
    """One run of an output folder."""

    def __init__(self, experiment: StoredExperiment, folder: str, name: str) -> None:
        self.experiment = experiment
        self.folder = folder
        self.name = name
        self.files: RunFolder = experiment.files.run(folder, flat=experiment.is_flat(folder))

    @property
    def full_name(self) -> str:
        """``experiment:run``."""
        return f"{self.experiment.name}:{self.name}"

    def attempt(self, timestamp: str | None = None) -> AttemptFolder:
        """Give the newest attempt, or the one that `timestamp` names: an attempt, or a batch.

        Raises
        ------
        UsageError
            There is none.
        """
        if timestamp is None or timestamp == "latest":
            newest = self.files.newest()
            if newest is None:
                raise UsageError(f"{self.full_name} has not been executed yet")
            return newest
        names = self.files.attempt_names()
        if timestamp in names:
            return self.files.attempt(timestamp)
        matching = [name for name in names if timestamp and name.startswith(timestamp)]
        if len(matching) == 1:
            return self.files.attempt(matching[0])
        if matching:  # reproductions only come last: they are no results
            own = [name for name in matching if REPRODUCES not in statuses.read(self.files.attempt(name))]
            if len(own) == 1:
                return self.files.attempt(own[0])
            listing = ", ".join(matching[:5])
            raise UsageError(
                f'"{timestamp}" fits {len(matching)} attempts of {self.full_name}: {listing}; write more of it'
            )
        attempt = self._attempt_in_batch(timestamp)
        if attempt is None:
            raise UsageError(f'{self.full_name} has no attempt "{timestamp}"{nearest(timestamp, names)}')
        return attempt

    def _attempt_in_batch(self, timestamp: str) -> AttemptFolder | None:
        from ..config.config import Config
        from ..config.encode import decode

        files = self.experiment.files
        if not any(name.startswith(timestamp) for name in files.batch_names()):
            return None
        manifest = manifests.find(files, timestamp)
        run = next((run for run in manifest.runs if manifest.folder_today(files, run) == self.folder), None)
        if run is None:
            return None
        return find_attempt(files, manifest, run, lambda: Config(decode(manifest.configs[run])))[0]


def stored_experiments(output: OutputFolder, names: Sequence[str] = ()) -> list[StoredExperiment]:
    """List the experiments in an output folder, sorted by name; only those in `names`, if any are given.

    Raises
    ------
    UsageError
        One of them does not exist.
    """
    found = sorted(_below(output, "", DEEPEST), key=lambda one: one.folder)
    if not names:
        return found
    chosen: dict[str, StoredExperiment] = {}
    for name in names:
        match = next((one for one in found if name in (one.folder, one.name)), None) or _at(output, name)
        if match is None:
            raise UsageError(
                f'there is no experiment "{name}" in {shown(output.path)}{suggest(name, [one.name for one in found])}'
            )
        chosen[match.folder] = match
    return list(chosen.values())


def _below(output: OutputFolder, inside: str, depth: int) -> Iterator[StoredExperiment]:
    """Find the experiments in a folder, and in those of its folders that are none themselves."""
    try:
        with os.scandir(f"{output.path}/{inside}") as entries:
            folders = [entry.name for entry in entries if is_folder(entry, links=not inside)]
    except FileNotFoundError:
        return
    except OSError as error:
        if not inside:
            raise UsageError(f"{shown(output.path)} cannot be read: {error.strerror}") from None
        warn(f"{shown(f'{output.path}/{inside[:-1]}')} may not be read, and is left out")
        return
    for name in folders:
        folder = f"{inside}{name}"
        files = output.experiment(folder)
        if os.path.isdir(files.batches):
            yield StoredExperiment(files, folder)
        elif depth and not name.startswith(".") and folder != SET_ASIDE:
            yield from _below(output, f"{folder}/", depth - 1)


def _at(output: OutputFolder, name: str) -> StoredExperiment | None:
    """Find the experiment in the folder that a name leads to."""
    if "/" not in name or refusal(name) is not None:
        return None
    files = output.experiment(name)
    return StoredExperiment(files, name) if os.path.isdir(files.batches) else None


def stored_runs(experiments: list[StoredExperiment], word: str) -> list[StoredRun]:
    """Find the runs of some experiments that ``experiment:run``, or the name of a run alone, may mean."""
    for experiment in experiments:
        for prefix in {experiment.name, experiment.folder}:
            if word.startswith(f"{prefix}:"):
                found = _find_run(experiment, word[len(prefix) + 1 :])
                if found is not None:
                    return [found]
    return [found for experiment in experiments if (found := _find_run(experiment, word)) is not None]


def stored_run(output: OutputFolder, word: str) -> StoredRun:
    """Find the one run that ``experiment:run``, or the name of a run alone, means.

    Raises
    ------
    UsageError
        There is no such run, or more than one.
    """
    found = stored_runs(stored_experiments(output), word)
    aside = _at(output, word.rpartition(":")[0])
    if not found and aside is not None:
        found = stored_runs([aside], word)
    if len(found) == 1:
        return found[0]
    if found:
        raise ambiguous(word, [run.full_name for run in found])
    short: list[str] = []
    full: list[str] = []
    for experiment in stored_experiments(output):
        real = experiment.real_names()
        names = list(dict.fromkeys(real.get(folder, folder) for folder in [*real, *experiment.run_folders()]))
        short += names
        full += [f"{experiment.name}:{name}" for name in names]
    hint = nearest(word, [*short, *full]) or suggest(word, full)
    raise UsageError(f'there is no run "{shorten(word, LONGEST_QUOTED)}" in {shown(output.path)}{hint}')


def _find_run(experiment: StoredExperiment, name: str) -> StoredRun | None:
    if not name:
        return None
    real = experiment.real_names()
    for folder, known in real.items():
        if name in (known, folder):
            return StoredRun(experiment, folder, known)
    for folder in (name, folder_name(name)):
        if folder.startswith(".") or os.sep in folder:
            continue
        if folder != "report" and os.path.isdir(f"{experiment.files.path}/{folder}"):
            return StoredRun(experiment, folder, name)
    return _find_in_older(experiment, name)


def _find_in_older(experiment: StoredExperiment, name: str) -> StoredRun | None:
    """Look for a run that the newest batch has no longer."""
    for timestamp in reversed(experiment.files.batch_names()):
        try:
            manifest = Manifest.read(experiment.files, timestamp)
        except DamagedFile:
            continue
        for folder in manifest.runs:
            if name in (folder, manifest.configs[folder].get("name")):
                return _renamed(experiment, manifest, folder, name)
    return _find_by_status(experiment, name) if experiment.newest is None else None


def _renamed(experiment: StoredExperiment, manifest: Manifest, run: str, name: str) -> StoredRun:
    """Give a run of a batch where it is today, and say so if it has another name by now."""
    now = manifest.folder_today(experiment.files, run)
    if now is None or now == run:
        return StoredRun(experiment, run, name)
    today = name_today(experiment.files, manifest, run)
    warn(f"{experiment.name}:{name} is called {experiment.name}:{today} by now")
    return StoredRun(experiment, now, today)


def _find_by_status(experiment: StoredExperiment, name: str) -> StoredRun | None:
    """Look for a run where no manifest can be read: its attempts know its name, too."""
    for folder in experiment.run_folders():
        found = StoredRun(experiment, folder, name)
        newest = found.files.newest()
        if newest is not None and statuses.read(newest).get("run") == name:
            return found
    return None
