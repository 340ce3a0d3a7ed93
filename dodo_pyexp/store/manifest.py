"""The manifest of a batch: every config of one build, written before its first run starts.

Implements: docs/files-on-disk.md (a manifest): a run that had not started when the build was interrupted is in the
manifest all the same, so nothing is ever lost.
"""

from __future__ import annotations

import os
import re
from copy import copy

from ..errors import ConfigError, DamagedFile, UsageError, nearest, warn
from . import atomic, timestamps
from .opening import open_file
from .paths import shown
from .renames import Renames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .paths import ExperimentFolder

FORMAT = 1
# Bytes of a manifest: with 20 keys a config it has 40 MB for 100,000 runs. Of something else that begins and ends like
# one, 100 MB take up to 10 s and 2.5 GB of memory to read (empty lists are worst).
LARGEST = 256 << 20
FULL = 192 << 20  # the same when it is begun: how the batch ended is still to be written into it
LARGE = 1 << 20  # one of more bytes is looked at before it is read, and what it says is kept for whoever asks again
KEPT = 4  # large ones that are kept
HASHES = "hashes"  # key of `about`: hashes of configs that are not those of what is written down of them, by folder
# Key of `about`: what was masked in configs: its dotted keys, each with the name of the type that it was of.
MASKED = "masked"
RENAMES = "renames"  # key of `about`: how many folders of runs had been renamed
LAUNCHES = "launches"  # key of `about`: every batch is one launch with one run, so that only all of them are the whole


class Manifest:
    """One batch of one experiment, as its file tells it.

    Attributes
    ----------
    timestamp
        The name of the batch.
    runs
        Folder names of all runs, in the order of the configs.
    configs
        ``{folder: config, as JSON holds it}``.
    shape
        Shape of the sweep.
    flat
        The runs have no attempts (``timestamp=False``).
    upstream
        ``{folder: tasks of the upstreams that it cannot do without}``, of runs that have any.
    attempts
        ``{folder: attempt that satisfied the run}``, filled in when the batch ends.
    skipped
        ``{folder: why it was not tried}``, filled in when the batch ends.
    about
        Everything else: commit, host, command line, environment, start and end; and, when the batch has ended,
        `counts` of what became of its runs.
    """

    def __init__(
        self,
        timestamp: str,
        runs: list[str],
        configs: dict[str, Any],
        shape: tuple[int, ...],
        *,
        flat: bool = False,
        upstream: dict[str, list[str]] | None = None,
        attempts: dict[str, str] | None = None,
        skipped: dict[str, str] | None = None,
        about: dict[str, Any] | None = None,
    ) -> None:
        self.timestamp = timestamp
        self.runs = runs
        self.configs = configs
        self.shape = shape
        self.flat = flat
        self.upstream = upstream or {}
        self.attempts = attempts or {}
        self.skipped = skipped or {}
        self.about = about or {}
        self._renamed: dict[str, str | None] | None = None

    def folder_today(self, folder: ExperimentFolder, run: str) -> str | None:
        """Give the folder that a run of the batch has by now, as runs can be renamed; None if it is gone."""
        if self._renamed is None:
            count = self.about.get(RENAMES, 0)
            self._renamed = Renames.read(folder).since(count if isinstance(count, int) else 0)
        return self._renamed.get(run, run)

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        # `counts` stands near the beginning, where `is_closed` looks for it without reading the rest.
        ended = {"counts": self.about["counts"]} if "counts" in self.about else {}
        return {
            "format": FORMAT,
            "timestamp": self.timestamp,
            **ended,
            **self.about,
            "flat": self.flat,
            "shape": list(self.shape),
            "runs": self.runs,
            "attempts": self.attempts,
            "skipped": self.skipped,
            "upstream": self.upstream,
            "configs": self.configs,
        }

    def create(self, folder: ExperimentFolder) -> Manifest:
        """Write the manifest under a name that no other build has; give it, or the one this build wrote before.

        Processes of one build (``doit -n 2``) share a batch: they know each other by ``about["build"]``.

        Raises
        ------
        ConfigError
            Its configs are so large that it would not be read back.
        """
        os.makedirs(folder.batches, exist_ok=True)
        build = self.about.get("build")
        for name in timestamps.candidates(self.timestamp):
            self.timestamp = name
            try:
                atomic.create_json(folder.manifest(name), self.to_dict(), FULL)
            except atomic.TooLarge as error:
                name, size, most = os.path.basename(folder.path), error.size >> 20, FULL >> 20
                raise ConfigError(
                    f"all configs of {name} together have {size} MB, and a batch holds up to {most} MB; keep large "
                    "values in files, and the paths of these in configs"
                ) from None
            except FileExistsError:
                existing = atomic.read_json(folder.manifest(name), LARGEST) or {}
                if build is not None and existing.get("build") == build:
                    return Manifest.read(folder, name)
                continue
            break
        return self

    def write(self, folder: ExperimentFolder) -> None:
        """Write the manifest again, in one step."""
        atomic.write_json(folder.manifest(self.timestamp), self.to_dict(), indent=None)

    @classmethod
    def read(cls, folder: ExperimentFolder, timestamp: str) -> Manifest:
        """Read one manifest.

        Raises
        ------
        DamagedFile
            The manifest cannot be read back whole.
        """
        path = folder.manifest(timestamp)
        try:
            values = _values(path)
            if values is None or values.pop("format") != FORMAT:
                raise ValueError("no manifest")
            known = {key: values.pop(key) for key in ("runs", "configs", "flat", "upstream", "attempts", "skipped")}
            shape = tuple(values.pop("shape"))
            values.pop("timestamp")
            tables = [known[key] for key in ("configs", "upstream", "attempts", "skipped")]
            if not all(isinstance(table, dict) for table in tables) or not isinstance(known["runs"], list):
                raise ValueError("no tables")
            if not all(isinstance(known["configs"][run], dict) for run in known["runs"]):
                raise ValueError("no configs")
            known = {key: copy(value) for key, value in known.items()}  # what is kept for others stays as it is
            chosen = values.get("selected") or []
            if not (isinstance(chosen, list) and {*map(type, chosen)} <= {str} and {*map(type, shape)} <= {int}):
                raise ValueError("no names, or no shape")
        except (OSError, KeyError, TypeError, ValueError, AttributeError):
            raise DamagedFile(f"{shown(path)} is damaged; the next build writes a new manifest") from None
        return cls(timestamp, shape=shape, about=values, **known)


_kept: dict[tuple[str, int, int, int], dict[str, Any] | None] = {}
_BEGINNING = re.compile(rb'\s*\{\s*"format"\s*:\s*\d+\s*,\s*"timestamp"\s*:\s*"')


def _values(path: str) -> dict[str, Any] | None:
    """Read what a manifest says; a large one once a process, and only if its beginning and end are those of one.

    A command asks for the newest batch at several places, and 100 MB of JSON take seconds.
    """
    stat = os.stat(path)
    if stat.st_size <= LARGE:
        return atomic.read_json(path)
    key = path, stat.st_ino, stat.st_size, stat.st_mtime_ns
    if key not in _kept:
        while len(_kept) >= KEPT:
            del _kept[next(iter(_kept))]
        _kept[key] = atomic.read_json(path, LARGEST) if _looks_like_one(path) else None
    values = _kept[key]
    return None if values is None else values.copy()


def _looks_like_one(path: str) -> bool:
    with open_file(path) as file:
        beginning = file.read(200)
        file.seek(-100, os.SEEK_END)
        return _BEGINNING.match(beginning) is not None and file.read().rstrip().endswith(b"}")


def is_closed(folder: ExperimentFolder, timestamp: str) -> bool:
    """Tell whether a batch says how it ended; of a large manifest only the beginning is read."""
    try:
        with open_file(folder.manifest(timestamp)) as file:
            return b'"counts":' in file.read(200)
    except OSError:
        return True


def readable(folder: ExperimentFolder) -> Iterator[Manifest]:
    """Yield the batches whose manifests are whole, newest first; say so where an older one stands in for the newest.

    Raises
    ------
    DamagedFile
        There are batches, and the manifest of none is whole.
    """
    damaged: DamagedFile | None = None
    found = False
    names = folder.batch_names()
    for name in reversed(names):
        try:
            manifest = Manifest.read(folder, name)
        except DamagedFile as error:
            damaged = damaged or error
            continue
        if damaged is not None and not found:
            warn(f"{shown(folder.manifest(names[-1]))} is damaged; the batch {name} is used instead")
        found = True
        yield manifest
    if damaged is not None and not found:
        many = f", and so are the {len(names) - 1} older ones"
        older = {1: "", 2: ", and so is the older one"}.get(len(names), many)
        path = shown(folder.manifest(names[-1]))
        raise DamagedFile(f"{path} is damaged{older}; the next build writes a new manifest")


def newest(folder: ExperimentFolder) -> Manifest | None:
    """Give the newest batch whose manifest is whole; None when there is none."""
    try:
        return next(readable(folder), None)
    except DamagedFile:
        return None


def whole(folder: ExperimentFolder) -> Manifest | None:
    """Give the newest batch; of an experiment that is launched run by run, all that there are, as one batch."""
    manifest = newest(folder)
    if manifest is None or not manifest.about.get(LAUNCHES):
        return manifest
    hashes: dict[str, str] = {}
    masked: dict[str, str] = {}
    for one in reversed(list(readable(folder))):  # a number that was free again is another run now
        runs = [run for run in one.runs if os.path.isdir(folder.run(run).path)]
        manifest.configs.update({run: one.configs[run] for run in runs})
        manifest.attempts.update({run: one.attempts[run] for run in runs if run in one.attempts})
        hashes.update(one.about.get(HASHES) or {})
        masked.update(one.about.get(MASKED) or {})
    manifest.runs = sorted(manifest.configs, key=lambda run: (len(run), run))
    manifest.shape = (len(manifest.runs),)
    if hashes:
        manifest.about[HASHES] = hashes
    if masked:
        manifest.about[MASKED] = masked
    return manifest


def find(folder: ExperimentFolder, timestamp: str) -> Manifest:
    """Give the batch called `timestamp`; ``latest``, a date or any other unambiguous prefix will do.

    Raises
    ------
    UsageError
        No batch, or more than one, goes by that name.
    DamagedFile
        Its manifest cannot be read back.
    """
    if timestamp == "latest":
        manifest = next(readable(folder), None)
        if manifest is None:
            raise UsageError(f"there is no batch in {shown(folder.batches)} yet; run the experiment first")
        return manifest
    names = folder.batch_names()
    if timestamp in names:
        return Manifest.read(folder, timestamp)
    matching = [name for name in names if name.startswith(timestamp)] if timestamp else []
    if len(matching) == 1:
        return Manifest.read(folder, matching[0])
    if matching:
        listing = ", ".join(matching[:5]) + (", ..." if len(matching) > 5 else "")
        place = shown(folder.batches)
        raise UsageError(f'"{timestamp}" fits {len(matching)} batches in {place}: {listing}; write more of it')
    raise UsageError(f'there is no batch "{timestamp}" in {shown(folder.batches)}{_batches_hint(timestamp, names)}')


def _batches_hint(timestamp: str, names: list[str]) -> str:
    return nearest(timestamp, names) or (f"; the newest is {names[-1]}" if names else "; run the experiment first")
