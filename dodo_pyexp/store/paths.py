"""Every path below the output folder is made here and nowhere else.

Implements: docs/files-on-disk.md. Paths are plain strings, because a build of 100,000 runs makes a great many of them.
"""

from __future__ import annotations

import os

from ..errors import UsageError
from . import atomic, timestamps

REPRODUCES = "reproduces"  # key of the status of an attempt that executed another one again: its name

# What pyexp's files and folders are called, for whoever has only a part of a path.
FINISHED, STATUS, LOG, COMMIT = ".finished", "status.json", "log.out", ".commit"
CONFIG, CONFIG_YML, RESULT, PICKLE = "config.json", "config.yml", "result.json", "experiment.pkl"
INPUTS = "inputs.json"
REPORT, BATCHES, LOCKS, DOIT_DB, DIGESTS = "report", ".batches", ".locks", ".doit.db", ".digests.json"


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
        return f"{self.path}/{DOIT_DB}"

    @property
    def digests(self) -> str:
        """The digests of files that runs read: a cache, which may be deleted at any time."""
        return f"{self.path}/{DIGESTS}"


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
        return f"{self.path}/{BATCHES}"

    def manifest(self, timestamp: str) -> str:
        """The manifest of one batch."""
        return f"{self.path}/{BATCHES}/{timestamp}.json"

    @property
    def environments(self) -> str:
        """The folder of what the batches ran with."""
        return f"{self.path}/.environment"

    def requirements(self, timestamp: str, digest: str = "") -> str:
        """The packages that a batch ran with; with `digest` those of a part of it that ran with others."""
        return f"{self.path}/.environment/{timestamp}/frozen_requirements{digest and '.'}{digest}.txt"

    @property
    def last_environment(self) -> str:
        """What was found out about packages and machine last, so that it need not be found out each time."""
        return f"{self.path}/.environment/last.json"

    def batch_names(self) -> list[str]:
        """Name all batches, oldest first.

        Raises
        ------
        UsageError
            Theirs is no folder, or it may not be read.
        """
        try:
            entries = os.listdir(self.batches)
        except OSError as error:
            check_folder(self.batches)
            if not isinstance(error, FileNotFoundError):
                raise UsageError(f"{shown(self.batches)} cannot be read: {error.strerror}") from None
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
    def defaults(self) -> str:
        """What was declared first for keys of configs."""
        return f"{self.path}/.defaults.json"

    @property
    def renames(self) -> str:
        """Which runs were taken over under another name."""
        return f"{self.path}/.renamed.json"

    @property
    def renaming(self) -> str:
        """Which runs are being taken over just now."""
        return f"{self.path}/.renaming.json"

    @property
    def whose(self) -> str:
        """Which file the experiment is defined in."""
        return f"{self.path}/.experiment.json"

    @property
    def codes(self) -> str:
        """The folder of the fingerprints of the code that made runs."""
        return f"{self.path}/.code"

    def code(self, digest: str) -> str:
        """One of these fingerprints."""
        return f"{self.path}/.code/{digest}.json"

    def tree(self, digest: str) -> str:
        """The files that were in a folder which runs have read."""
        return f"{self.path}/.inputs/{digest}.json"

    @property
    def reports(self) -> RunFolder:
        """The reports, laid out like the attempts of a run."""
        return RunFolder(f"{self.path}/{REPORT}")


class RunFolder:
    """``out/<experiment>/<run>/``: the record and the attempts; with `flat`, the one attempt itself."""

    __slots__ = ("flat", "path")

    def __init__(self, path: str, *, flat: bool = False) -> None:
        self.path = path
        self.flat = flat

    @property
    def finished(self) -> str:
        """The record, which is the target of the doit task."""
        return f"{self.path}/{FINISHED}"

    def attempt(self, timestamp: str) -> AttemptFolder:
        """Give one attempt; in the flat layout there is only one, whatever its name: elsewhere it is called ``.``."""
        flat = self.flat or timestamp == "."
        return AttemptFolder(self.path, flat=True) if flat else AttemptFolder(f"{self.path}/{timestamp}")

    def attempt_names(self) -> list[str]:
        """Name the attempts, oldest first; in the flat layout the one attempt is called ``.``."""
        if self.flat:
            return ["."] if os.path.exists(f"{self.path}/{STATUS}") else []
        try:
            names = [name for name in os.listdir(self.path) if timestamps.is_timestamp(name)]
        except OSError:
            return []
        return sorted(names, key=timestamps.order)

    def newest(self) -> AttemptFolder | None:
        """Give the newest attempt, if there is any; reproductions of earlier ones do not count."""
        for name in reversed(self.attempt_names()):
            attempt = self.attempt(name)
            if (atomic.read_json(attempt.status) or {}).get(REPRODUCES) is None:
                return attempt
        return None


class AttemptFolder:
    """One attempt: the files that pyexp writes beside what the function saves; `flat`: its folder is the run's."""

    __slots__ = ("flat", "path")

    SHARED = (CONFIG, CONFIG_YML, RESULT, INPUTS, COMMIT)
    """Own files whose names a function may take: pyexp's then stands beside, with `BESIDE` behind its name."""
    BESIDE = ".pyexp"
    OWN = frozenset([*SHARED, LOG, PICKLE, STATUS, FINISHED, f"{LOG}.pyexp", *(f"{n}.pyexp" for n in SHARED)])

    def __init__(self, path: str, *, flat: bool = False) -> None:
        self.path = path
        self.flat = flat

    @property
    def name(self) -> str:
        """The timestamp of the attempt."""
        return os.path.basename(self.path)

    @property
    def run(self) -> RunFolder:
        """The folder of the run."""
        return RunFolder(self.path, flat=True) if self.flat else RunFolder(os.path.dirname(self.path))

    @property
    def experiment(self) -> str:
        """The folder of the experiment, also where nobody has said that the attempt is its run's folder."""
        flat = self.flat or not timestamps.is_timestamp(self.name)
        return os.path.dirname(self.path if flat else os.path.dirname(self.path))

    @property
    def config_json(self) -> str:
        """The config, types kept."""
        return f"{self.path}/{CONFIG}"

    @property
    def config_yml(self) -> str:
        """The config for people."""
        return f"{self.path}/{CONFIG_YML}"

    def own(self, name: str) -> str:
        """Where pyexp's file of that name is, also if the function has put one of its own in its place."""
        beside = f"{self.path}/{name}{self.BESIDE}"
        return beside if os.path.exists(beside) else f"{self.path}/{name}"

    @property
    def pickle(self) -> str:
        """The Result, pickled."""
        return f"{self.path}/{PICKLE}"

    @property
    def result_json(self) -> str:
        """The return value, as far as JSON can hold it."""
        return f"{self.path}/{RESULT}"

    @property
    def inputs(self) -> str:
        """Which files the run read."""
        return f"{self.path}/{INPUTS}"

    @property
    def journal(self) -> str:
        """Where processes that the run has started tell which files they read, as long as it goes on."""
        return f"{self.path}/.{INPUTS}.tmp"

    @property
    def log(self) -> str:
        """What the run printed."""
        return self.own(LOG)

    @property
    def status(self) -> str:
        """State, executor, owner, start, end, tries and cause of failure."""
        return f"{self.path}/{STATUS}"

    @property
    def finished(self) -> str:
        """The mark that the attempt ended, well or badly."""
        return f"{self.path}/{FINISHED}"

    @property
    def commit(self) -> str:
        """The commit of the snapshot."""
        return f"{self.path}/{COMMIT}"


def is_attempt(entry: os.DirEntry[str]) -> bool:
    """Tell whether a folder in a run's folder is one of its attempts."""
    return timestamps.is_timestamp(entry.name) and os.path.isfile(f"{entry.path}/status.json")


def is_folder(entry: os.DirEntry[str], *, links: bool = True) -> bool:
    """Tell whether an entry is a folder, or with `links` leads to one; a link that leads round in a circle is none."""
    try:
        return entry.is_dir(follow_symlinks=links)
    except OSError:
        return False


def shown(path: str) -> str:
    """Write a path as short as it can be written from here."""
    try:
        relative = os.path.relpath(path)
    except (OSError, ValueError):  # the working directory is gone; another drive
        return path
    return path if relative.startswith("..") else relative


def check_folder(path: str) -> None:
    """Make sure that nothing but a folder stands at `path`, or above it; it need not be there.

    Raises
    ------
    UsageError
        Something does.
    """
    part = path
    while not os.path.isdir(part):
        if os.path.lexists(part):
            if os.path.isdir(part):  # another build has made it since
                return
            what = "a link that leads nowhere" if os.path.islink(part) else "a file"
            raise UsageError(f"{shown(part)} is {what}, not a folder; move it away, or choose another --output-dir")
        parent = os.path.dirname(part)
        if parent == part:
            return
        part = parent
