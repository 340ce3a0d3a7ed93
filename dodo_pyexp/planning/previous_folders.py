"""Folders of finished runs that are none of the plan's: of other configs of a run, and of runs that nobody asks for.

Implements: docs/reference.md, "Options" (`hash_configs`); docs/how-to.md, "I renamed my runs".
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection
from functools import cached_property
from typing import NamedTuple

from ..config.config import Config
from ..config.encode import loads_config
from ..errors import DamagedFile
from ..store.opening import read_bytes
from ..store.paths import CONFIG, ExperimentFolder, RunFolder, is_folder
from ..store.record import Record
from ..store.renames import Renames

HASH_LENGTH = 12
_split = re.compile(rf"(.+)-[0-9a-f]{{{HASH_LENGTH}}}").fullmatch


class Siblings:
    """The run folders of one experiment, by what stands before the hash; listed once, and not before it is asked.

    Parameters
    ----------
    files
        The folder of the experiment.
    flat
        A run's folder is its only attempt.
    """

    def __init__(self, files: ExperimentFolder, *, flat: bool) -> None:
        self._files = files
        self._flat = flat
        self._folders: dict[str, list[str]] | None = None

    def newest(self, folder: str) -> tuple[RunFolder, Record] | None:
        """Give the newest finished sibling of a run folder, with its record; None when there is none."""
        stem = _split(folder)
        if stem is None:
            return None
        finished: list[tuple[float, RunFolder]] = []
        for name in self._list().get(stem[1], ()):
            files = self._files.run(name, flat=self._flat)
            try:
                if name != folder:
                    finished.append((os.stat(files.finished).st_mtime, files))
            except OSError:
                continue
        for _, files in sorted(finished, key=lambda pair: pair[0], reverse=True):
            try:
                record = Record.read(files)
            except DamagedFile:
                continue
            if record is not None:
                return files, record
        return None

    def _list(self) -> dict[str, list[str]]:
        if self._folders is None:
            self._folders = {}
            try:
                names = os.listdir(self._files.path)
            except OSError:  # nothing has been built yet
                names = []
            for name in names:
                found = _split(name)
                if found is not None:
                    self._folders.setdefault(found[1], []).append(name)
        return self._folders


class Twin(NamedTuple):
    """A finished run that no config asks for, with its folder and its record."""

    folder: str
    record: Record


class FinishedOrphans:
    """The finished orphans of one experiment; read once, and not before somebody asks.

    Parameters
    ----------
    files
        The folder of the experiment.
    flat
        A run's folder is its only attempt.
    asked_for
        Gives the folders of all runs that there are configs for; None if each run is a new one, and none was renamed.
    hash_anew
        Gives the hash that the config of an orphan has today, if defaults count that were declared since.

    Attributes
    ----------
    alike
        Those that were found to be the same as a run, by the folder of that; for `renames.twins`.
    assumed
        The digests that runs would have if they were taken over, by their folders; None where they would not be.
    """

    def __init__(
        self,
        files: ExperimentFolder,
        *,
        flat: bool,
        asked_for: Callable[[], Collection[str]] | None,
        hash_anew: Callable[[RunFolder, Record], str | None],
    ) -> None:
        self._files = files
        self._flat = flat
        self._asked_for = asked_for
        self._hash_anew = hash_anew
        self.alike: dict[str, list[Twin]] = {}
        self.assumed: dict[str, str | None] = {}

    @cached_property
    def by_config(self) -> dict[str, list[Twin]]:
        """The orphans, by the hashes of their configs."""
        found: dict[str, list[Twin]] = {}
        if self._asked_for is None:
            return found
        try:
            with os.scandir(self._files.path) as entries:
                folders = [
                    entry.name for entry in entries
                    if not entry.name.startswith(".") and entry.name != "report" and is_folder(entry)
                ]  # fmt: skip
        except OSError:  # nothing has been built yet
            return found
        asked_for = self._asked_for()
        for folder in sorted(folders):
            if folder not in asked_for and (record := self._record(folder)) is not None:
                anew = self._hash_anew(self._files.run(folder, flat=self._flat), record)
                for digest in {record.config_hash, anew} - {None}:
                    found.setdefault(str(digest), []).append(Twin(folder, record))
        return found

    def _record(self, folder: str) -> Record | None:
        files = self._files.run(folder, flat=self._flat)
        try:
            record = Record.read(files)
        except DamagedFile:
            return None
        if record is None or record.of_another(record.name, self._files.path) is not None:
            return None
        return None if record.missing_part(files) is not None else record

    @cached_property
    def earlier(self) -> dict[str, list[str]]:
        """The folders that runs had before they were taken over, by those that they have."""
        return Renames.read(self._files).earlier()


def config_before(files: RunFolder, record: Record) -> Config | None:
    """Read the config that a record speaks of; None if that cannot be told any more."""
    own = files.attempt(record.attempt).own(CONFIG)
    if os.path.basename(own) not in record.files:
        return None
    try:
        return loads_config(read_bytes(own).decode())
    except (OSError, DamagedFile, UnicodeDecodeError):
        return None
