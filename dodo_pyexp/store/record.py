"""The record of a finished run: the file `.finished`, target of the doit task and the only truth (P1).

Implements: DESIGN section 6. It is written last, only after success, and names the attempt it speaks of,
the config it was made from, what each upstream had put out then, and the size of every file that must be whole.
"""

from __future__ import annotations

import json
import os

from ..errors import DamagedFile
from . import atomic
from .paths import AttemptFolder, RunFolder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FORMAT = 1
_decode = json.JSONDecoder().decode  # what json.loads does, without looking at its options for every run


class Record:
    """What `.finished` says.

    Parameters
    ----------
    name
        The real name of the run.
    config_hash
        Hash of the config, without `name` and `depends_on`.
    upstream
        ``{task name of the upstream: digest of its outputs}``.
    digest
        Digest of this run's outputs: return value and saved files, by content.
    attempt
        Name of the attempt's folder (``.`` in the flat layout).
    files
        Size in bytes of each file of pyexp's own that must be whole.
    saved
        Size in bytes of each file the function saved; one that is gone or shorter is damage, one that has grown is not.
    """

    __slots__ = ("attempt", "config_hash", "digest", "files", "name", "saved", "upstream")

    def __init__(
        self,
        name: str,
        config_hash: str,
        upstream: dict[str, str],
        digest: str,
        attempt: str,
        files: dict[str, int],
        saved: dict[str, int] | None = None,
    ) -> None:
        self.name = name
        self.config_hash = config_hash
        self.upstream = upstream
        self.digest = digest
        self.attempt = attempt
        self.files = files
        self.saved = saved or {}

    def write(self, run: RunFolder) -> None:
        """Put the record in place: from here on the run is finished."""
        values: dict[str, Any] = {"format": FORMAT, **{key: getattr(self, key) for key in self.__slots__}}
        atomic.write_json(run.finished, values, indent=None)

    @classmethod
    def read(cls, run: RunFolder) -> Record | None:
        """Read the record of `run`; None when there is none.

        Raises
        ------
        DamagedFile
            The file is there, but it is not a whole record.
        """
        path = run.finished
        try:
            values = _decode(atomic.read_bytes(path).decode())
            if values["format"] != FORMAT:
                raise DamagedFile(f"{path} has format {values['format']}; this version of pyexp reads format {FORMAT}")
            record = cls(
                values["name"],
                values["config_hash"],
                values["upstream"],
                values["digest"],
                values["attempt"],
                values["files"],
                values["saved"],
            )
        except FileNotFoundError:
            return None
        except DamagedFile:
            raise
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            raise DamagedFile(f"{path} is not a whole record") from None
        tables = record.upstream, record.files, record.saved
        if not (all(isinstance(table, dict) for table in tables) and _plain(record.attempt)):
            raise DamagedFile(f"{path} is not a whole record")
        return record

    def missing_part(self, run: RunFolder) -> str | None:
        """Name the first file of the attempt that is not whole, with what is wrong with it."""
        folder = run.attempt(self.attempt).path
        for name, size in self.files.items():
            try:
                found = os.stat(f"{folder}/{name}").st_size
            except (OSError, ValueError):  # a damaged record may hold names that cannot be
                return f"{name} is gone"
            if found != size:
                return f"{name} has {found} bytes instead of {size}"
        for name, size in self.saved.items():
            try:
                found = os.stat(f"{folder}/{name}").st_size
            except (OSError, ValueError):
                return f"{name}, which the run saved, is gone"
            if found < size:
                return f"{name}, which the run saved, has {found} bytes instead of {size}"
        return None


def vouches_for(attempt: AttemptFolder) -> bool:
    """Tell whether the run's record names this attempt: then it finished, even if its status was lost."""
    parent = RunFolder(os.path.dirname(attempt.path))
    for run, name in ((parent, attempt.name), (RunFolder(attempt.path, flat=True), ".")):
        try:
            record = Record.read(run)
        except DamagedFile:
            continue
        if record is not None and record.attempt == name:
            return True
    return False


def _plain(attempt: object) -> bool:
    """Tell whether a record's attempt is a mere folder name, so that it cannot point outside the run."""
    return isinstance(attempt, str) and bool(attempt) and "/" not in attempt and attempt != ".."
