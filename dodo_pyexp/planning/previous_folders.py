"""Folders that a run had under other configs, where the names of folders hold a hash of the config.

Such a run has no record to compare with, but its newest sibling tells what has changed.
"""

from __future__ import annotations

import os
import re

from ..errors import DamagedFile
from ..store.paths import ExperimentFolder, RunFolder
from ..store.record import Record

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
