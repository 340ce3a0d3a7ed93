"""The record of a finished run: the file `.finished`, target of the doit task and the only truth.

Implements: docs/files-on-disk.md (the record). It is written last, only after success, and names the attempt it speaks
of, the config it was made from, what each upstream had put out then, and the size of every file that must be whole.
"""

from __future__ import annotations

import json
import os

from ..errors import DamagedFile
from . import atomic
from .digest import sum_of
from .names import of_another
from .opening import read_bytes
from .paths import AttemptFolder, RunFolder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FORMAT = 1
# A result file of more bytes is not read before a build, only because it is newer than it should be.
READ_AGAIN = 64 << 20
FAILED_UPSTREAM = "failed"  # in place of a digest: the upstream was optional, and had failed
_TEXT_OR_NONE = {str, type(None)}
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
        ``{task name of the upstream: digest of its outputs, or FAILED_UPSTREAM}``.
    digest
        Digest of this run's outputs: return value and saved files, by content.
    attempt
        Name of the attempt's folder (``.`` in the flat layout).
    files
        Size in bytes of each file of pyexp's own that must be whole.
    saved
        Size in bytes of each file the function saved; one that is gone or shorter is damage, one that has grown is not.
    code
        Hash of the code that made it, or that it was accepted for; "" when that could not be told, None in a record
        of an older pyexp.
    sums
        Digest of each file of pyexp's own that is read back as a result.
    written
        When the newest of these files was written (nanoseconds since the epoch, as the file system has it): one that
        is newer has to be read to know whether it is whole. -1 when one of them was found damaged; None when nobody
        knows.
    packages
        Hash of the versions of the packages that it was made with; None when nobody knows.
    experiment
        The real name of the experiment; None in a record of an older pyexp.
    found
        The files that it was seen to read, each with size, digest and time; a text if these are many: the digest of
        the table in `inputs.json`; None if it read none, or nobody has looked.
    inputs
        The files and folders that it was declared to read, by their paths as they were written, those of folders with a
        slash at the end: of a file size, digest and times, of a folder number, bytes and digest of its files. None if
        there were none.
    renamed
        The names that the run had before it was taken over, the newest last; None if there were none.
    """

    __slots__ = (
        "attempt", "code", "config_hash", "digest", "experiment", "files", "found", "inputs", "name", "packages",
        "renamed", "saved", "sums", "upstream", "written",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        config_hash: str,
        upstream: dict[str, str],
        digest: str,
        attempt: str,
        files: dict[str, int],
        saved: dict[str, int] | None = None,
        code: str | None = None,
        sums: dict[str, str] | None = None,
        written: int | None = None,
        packages: str | None = None,
        experiment: str | None = None,
        found: dict[str, Any] | str | None = None,
        inputs: dict[str, Any] | None = None,
        renamed: list[str] | None = None,
    ) -> None:
        self.name = name
        self.config_hash = config_hash
        self.upstream = upstream
        self.digest = digest
        self.attempt = attempt
        self.files = files
        self.saved = saved or {}
        self.code = code
        self.sums = sums or {}
        self.written = written
        self.packages = packages
        self.experiment = experiment
        self.found = found
        self.inputs = inputs
        self.renamed = renamed

    def write(self, run: RunFolder) -> None:
        """Put the record in place: from here on the run is finished."""
        values: dict[str, Any] = {"format": FORMAT, **{key: getattr(self, key) for key in self.__slots__}}
        for name in ("found", "inputs", "renamed"):
            if values[name] is None:
                del values[name]
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
            values = _decode(read_bytes(path).decode())
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
                values.get("code"),
                values.get("sums"),
                values.get("written"),
                values.get("packages"),
                values.get("experiment"),
                values.get("found"),
                values.get("inputs"),
                values.get("renamed"),
            )
        except FileNotFoundError:
            return None
        except DamagedFile:
            raise
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            raise DamagedFile(f"{path} is not a whole record") from None
        whole = isinstance(record.upstream, dict) and sized(record.files, record.saved, record.sums, record.written)
        texts = {type(record.code), type(record.packages), type(record.experiment)}
        whole = whole and isinstance(record.found, dict | str | None) and isinstance(record.inputs, dict | None)
        whole = whole and isinstance(record.renamed, list | None)
        if not (whole and texts <= _TEXT_OR_NONE and _plain(record.attempt)):
            raise DamagedFile(f"{path} is not a whole record")
        return record

    def of_another(self, name: str, folder: str) -> str | None:
        """Name the run that it speaks of, if it is not run `name` of the experiment in a folder: then it was copied."""
        return of_another((self.experiment, self.name), name, folder, self.renamed)

    def missing_part(self, run: RunFolder) -> str | None:
        """Name the first file of the attempt that is not whole, with what is wrong with it."""
        return missing_part(run.attempt(self.attempt).path, self.files, self.saved, self.sums, self.written)


def sized(files: Any, saved: Any, sums: Any, written: Any) -> bool:
    """Tell whether `missing_part` can judge by these, which lay on disk and may be anything."""
    tables = isinstance(files, dict) and isinstance(saved, dict) and isinstance(sums, dict)
    return (
        tables and isinstance(written, int | None) and {*map(type, files.values()), *map(type, saved.values())} <= {int}
    )


def missing_part(
    folder: str, files: dict[str, int], saved: dict[str, int], sums: dict[str, str], written: int | None
) -> str | None:
    """Name the first file of an attempt that is not whole: the one judgement of damage, whoever asks.

    Parameters
    ----------
    folder
        Where the files are.
    files, saved, sums, written
        As a record or a status has them.
    """
    for name, size in files.items():
        try:
            stat = os.stat(f"{folder}/{name}")
        except (OSError, ValueError):  # a damaged record may hold names that cannot be
            return f"{name} is gone"
        if stat.st_size != size:
            if os.path.isdir(f"{folder}/{name}"):
                return f"{name} is a folder"
            return f"{name} has {stat.st_size} bytes instead of {size}"
        if written is not None and stat.st_mtime_ns > written and (size <= READ_AGAIN or written < 0):
            expected = sums.get(name)
            if expected is not None and sum_of(f"{folder}/{name}") != expected:
                return f"{name} is not what was written"
    for name, size in saved.items():
        try:
            found = os.stat(f"{folder}/{name}").st_size
        except (OSError, ValueError):
            return f"{name}, which the run saved, is gone"
        if found < size:
            return f"{name}, which the run saved, has {found} bytes instead of {size}"
    return None


def record_of(attempt: AttemptFolder) -> Record | None:
    """Read the record that names this attempt; None when the run has none, or one that names another.

    Raises
    ------
    DamagedFile
        The run's record cannot be read, and this is its newest attempt, of which it most likely spoke.
    """
    run = attempt.run
    try:
        record = Record.read(run)
    except DamagedFile:
        if attempt.flat or run.attempt_names()[-1:] == [attempt.name]:
            raise
        return None
    return record if record is not None and record.attempt == ("." if attempt.flat else attempt.name) else None


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
