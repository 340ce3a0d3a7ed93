"""Every path below the output folder is made here and nowhere else.

Implements: DESIGN section 6. Paths are plain strings, because a build of 100,000 runs makes a great many of them.
"""

from __future__ import annotations

import os

from . import timestamps


class OutputFolder:
    """The folder that holds everything pyexp writes: ``out/``."""

    __slots__ = ("path",)

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.path.abspath(path)

    def experiment(self, folder: str) -> ExperimentFolder:
        """Give the folder of the experiment whose folder name is `folder`."""
        return ExperimentFolder(f"{self.path}/{folder}")

    @property
    def doit_db(self) -> str:
        """doit's database: a cache, which may be deleted at any time."""
        return f"{self.path}/.doit.db"


class ExperimentFolder:
    """``out/<experiment>/``: its runs, batches, snapshots and reports."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

    def run(self, folder: str, *, flat: bool = False) -> RunFolder:
        """Give the folder of one run; `flat` as for ``timestamp=False``."""
        return RunFolder(f"{self.path}/{folder}", flat=flat)

    @property
    def batches(self) -> str:
        """The folder of the manifests."""
        return f"{self.path}/.batches"

    def manifest(self, timestamp: str) -> str:
        """The manifest of one batch."""
        return f"{self.path}/.batches/{timestamp}.json"

    def batch_names(self) -> list[str]:
        """Name all batches, oldest first."""
        try:
            entries = os.listdir(self.batches)
        except OSError:
            return []
        names = [name[:-5] for name in entries if name.endswith(".json") and timestamps.is_timestamp(name[:-5])]
        return sorted(names, key=timestamps.order)

    @property
    def snapshots(self) -> str:
        """The folder of the code as it was."""
        return f"{self.path}/.snapshots"

    def snapshot(self, commit: str) -> str:
        """The code of one snapshot."""
        return f"{self.path}/.snapshots/{commit}"

    @property
    def reports(self) -> RunFolder:
        """The reports, laid out like the attempts of a run."""
        return RunFolder(f"{self.path}/report")


class RunFolder:
    """``out/<experiment>/<run>/``: the record and the attempts; with `flat`, the one attempt itself."""

    __slots__ = ("flat", "path")

    def __init__(self, path: str, *, flat: bool = False) -> None:
        self.path = path
        self.flat = flat

    @property
    def finished(self) -> str:
        """The record, which is the target of the doit task."""
        return f"{self.path}/.finished"

    def attempt(self, timestamp: str) -> AttemptFolder:
        """Give one attempt; in the flat layout there is only one, whatever its name."""
        return AttemptFolder(self.path if self.flat else f"{self.path}/{timestamp}")

    def attempt_names(self) -> list[str]:
        """Name the attempts, oldest first; in the flat layout the one attempt is called ``.``."""
        if self.flat:
            return ["."] if os.path.exists(f"{self.path}/status.json") else []
        try:
            names = [name for name in os.listdir(self.path) if timestamps.is_timestamp(name)]
        except OSError:
            return []
        return sorted(names, key=timestamps.order)

    def newest(self) -> AttemptFolder | None:
        """Give the newest attempt, if there is any."""
        names = self.attempt_names()
        return self.attempt(names[-1]) if names else None


class AttemptFolder:
    """One attempt: the files that pyexp writes beside what the function saves."""

    __slots__ = ("path",)

    OWN = frozenset(
        ["config.json", "config.yml", "experiment.pkl", "result.json", "log.out", "status.json", ".finished", ".commit"]
    )

    def __init__(self, path: str) -> None:
        self.path = path

    @property
    def name(self) -> str:
        """The timestamp of the attempt."""
        return os.path.basename(self.path)

    @property
    def config_json(self) -> str:
        """The config, types kept."""
        return f"{self.path}/config.json"

    @property
    def config_yml(self) -> str:
        """The config for people."""
        return f"{self.path}/config.yml"

    @property
    def pickle(self) -> str:
        """The Result, pickled."""
        return f"{self.path}/experiment.pkl"

    @property
    def result_json(self) -> str:
        """The return value, as far as JSON can hold it."""
        return f"{self.path}/result.json"

    @property
    def log(self) -> str:
        """What the run printed."""
        return f"{self.path}/log.out"

    @property
    def status(self) -> str:
        """State, executor, owner, start, end, tries and cause of failure."""
        return f"{self.path}/status.json"

    @property
    def finished(self) -> str:
        """The mark that the attempt ended, well or badly."""
        return f"{self.path}/.finished"

    @property
    def commit(self) -> str:
        """The commit of the snapshot."""
        return f"{self.path}/.commit"


def is_attempt(entry: os.DirEntry[str]) -> bool:
    """Tell whether a folder in a run's folder is one of its attempts."""
    return timestamps.is_timestamp(entry.name) and os.path.isfile(f"{entry.path}/status.json")
