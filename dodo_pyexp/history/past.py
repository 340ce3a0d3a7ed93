"""A past attempt, with all that it was made of: config, code, packages, results of its upstreams.

Nothing of the user's is imported to find that out.

Implements: docs/how-to.md, "Run it again".
"""

from __future__ import annotations

import json
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..collection.runs import Runs
from ..config.config import Config
from ..config.encode import Kept, decode, loads_config
from ..config.hashing import hash_config
from ..errors import DamagedFile, PyexpError, UsageError
from ..executors.imports.relocation import Relocation
from ..planning.withheld import given_again, kinds_of, may_repeat, withheld
from ..provenance.batch_environment import find_requirements
from ..provenance.roots import nearest_with
from ..provenance.secrets.holes import masked_paths
from ..results.comparing import compare_values
from ..results.result import Result
from ..results.stored import StoredRun
from ..store import manifest as manifests
from ..store import status as statuses
from ..store.manifest import Manifest
from ..store.opening import read_bytes
from ..store.paths import CONFIG, AttemptFolder, OutputFolder, shown
from ..store.record import FAILED_UPSTREAM, Record
from ..store.renames import places_today

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class Past:
    """One attempt of the past.

    Parameters
    ----------
    run
        The run.
    at
        Which attempt: its name, or that of a batch, or a prefix; by default the one that the record speaks of, else
        the newest.
    output
        The output folder.

    Raises
    ------
    UsageError
        There is no such attempt.
    """

    def __init__(self, run: StoredRun, at: str | None, output: OutputFolder) -> None:
        self.run = run
        self.output = output
        self.files = run.experiment.files
        self.attempt = self._recorded() if at is None else run.attempt(at)
        self.status = statuses.read(self.attempt)

    @classmethod
    def of(cls, run: StoredRun, attempt: AttemptFolder, output: OutputFolder) -> Past:
        """Give the past of an attempt that was found already."""
        past = cls.__new__(cls)
        past.run, past.output, past.files, past.attempt = run, output, run.experiment.files, attempt
        past.status = statuses.read(attempt)
        return past

    @cached_property
    def trouble(self) -> str | None:
        """Why nothing can be told of how it went; None if that is on record, or the attempt has not ended."""
        found = statuses.trouble(self.attempt) if not self.status else None
        if found is None or not (os.path.lexists(self.attempt.status) or os.path.lexists(self.attempt.finished)):
            return None
        return f"{shown(self.attempt.status)} {found}"

    def require_outcome(self, again: str) -> None:
        """Make sure that it is on record how it ended.

        Raises
        ------
        UsageError
            It is not; `again` says how a new attempt is made.
        """
        if self.trouble is not None:
            raise UsageError(f"{self.label} has no outcome to compare with: {self.trouble}; {again}")
        if self.status.get("state") not in (statuses.FINISHED, statuses.FAILED):
            raise UsageError(f"{self.label} has not ended, so there is no outcome to compare with; {again}")

    def _recorded(self) -> AttemptFolder:
        try:
            record = Record.read(self.run.files)
        except DamagedFile:
            record = None
        found = None if record is None else self.run.files.attempt(record.attempt)
        return found if found is not None and os.path.isdir(found.path) else self.run.attempt()

    @property
    def name(self) -> str:
        """The attempt's name; in the flat layout there is only one, and this is its start."""
        return str(self.status.get("start", "."))[:19] if self.attempt.flat else self.attempt.name

    @property
    def label(self) -> str:
        """The run and the attempt, as messages name them."""
        return f"{self.run.full_name} {self.name}"

    @cached_property
    def manifest(self) -> Manifest | None:
        """The manifest of its batch; None if it is gone. That of a reproduction is that of what it reproduces."""
        batch = self.status.get("batch")
        if not isinstance(batch, str) or batch not in self.files.batch_names():
            return None
        try:
            return Manifest.read(self.files, batch)
        except DamagedFile:
            return None

    @property
    def requirements(self) -> str | None:
        """The packages it ran with; None when nobody knows."""
        digest, batch = self.status.get("requirements"), self.status.get("batch")
        named = digest if isinstance(digest, str) else None
        return find_requirements(self.files, named, batch if isinstance(batch, str) else None)

    # -- the config ---------------------------------------------------------------------------------------------

    @cached_property
    def kept_config(self) -> Config:
        """The config as it was written down: without secrets.

        Raises
        ------
        UsageError
            It cannot be read, or was changed since.
        """
        manifest = self.manifest
        try:
            noted = None if manifest is None else manifest.configs.get(self.run.folder)
            own = self.attempt.own(CONFIG)
            saved = loads_config(read_bytes(own).decode(), _kept)
            if noted is not None and hash_config(saved) != hash_config(Config(decode(noted, _kept))):
                changed = compare_values(decode(noted, _kept), dict(saved))
                raise ValueError(f"it was changed since: {'; '.join(map(str, changed[:3]))}")
            return saved
        except (OSError, ValueError, KeyError, DamagedFile) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise UsageError(
                f"the saved config of {self.label} cannot be used: {shown(self.attempt.own(CONFIG))} ({reason})"
            ) from None

    def config(self, settings: Sequence[str] = ()) -> Config:
        """Give the config with its secrets, and with `settings` (``a.b=c``) applied.

        Raises
        ------
        ConfigError
            A setting names a key that there is not, or makes no sense.
        UsageError
            A secret is nowhere, or the config cannot be read.
        """
        from ..config.overrides import apply_overrides

        def applied(config: Config, settings: Sequence[str]) -> Config:
            fixed = {key: config[key] for key in ("name", "depends_on") if key in config}  # they say which run it is
            free = {key: value for key, value in config.items() if key not in fixed}
            return Config({**fixed, **apply_overrides(free, settings, where=self.run.full_name)})

        paths = withheld(self.manifest, self.run.folder, self.kept_config)
        secrets, kinds = {".".join(map(str, path)) for path in paths}, kinds_of(self.manifest)
        texts = {key for key in secrets if kinds.get(key, "str") == "str"}
        changed = applied(self.kept_config, [_as_text(text) if _key(text) in texts else text for text in settings])
        left = [path for path in masked_paths(changed, secrets) if path in paths]
        return given_again(
            changed, left, kinds=kinds, label=self.label, where="not written down", option="--set {}=...",
            repeats=may_repeat(self.manifest, self.run.folder),
        )  # fmt: skip

    def masked_hash(self) -> str | None:
        """Give the hash of the real config, if that is not the one of what was written down."""
        known = {} if self.manifest is None else self.manifest.about.get(manifests.HASHES)
        found = known.get(self.run.folder) if isinstance(known, dict) else None
        return found if isinstance(found, str) else None

    # -- the code -----------------------------------------------------------------------------------------------

    @property
    def snapshot_name(self) -> str | None:
        """The name of the snapshot; None if there was none."""
        try:
            name = read_bytes(self.attempt.commit).decode().strip()
        except (OSError, UnicodeDecodeError):
            return None
        return name if name.replace("-", "").isalnum() else None

    def snapshot(self, *near: str) -> Path:
        """Give the folder with the code; it is checked out again where it was removed.

        Parameters
        ----------
        near
            Folders that may lie in the repository.

        Raises
        ------
        UsageError
            There is none, or it is gone.
        """
        from ..provenance.snapshots.checkout import is_filled

        name = self.snapshot_name
        if name is None and (left_out := self._left_out()):
            raise UsageError(f"the code of {self.label} is in no snapshot, so it cannot be reproduced{left_out}")
        if name is None:
            raise UsageError(
                f"{self.label} was executed without a snapshot of the code, so it cannot be reproduced; only runs with "
                "stash=True can"
            )
        folder = Path(self.files.snapshot(name))
        if is_filled(folder) or checked_out(name, folder, self.output, near):
            return folder
        raise UsageError(
            f"the snapshot {name[:12]} of {self.label} is gone: {shown(str(folder))} is not there, and no git "
            "repository here has its commit"
        )

    def function(self, snapshot: Path) -> dict[str, Any]:
        """Tell where in the snapshot the function stands.

        Raises
        ------
        UsageError
            Nobody knows, or it cannot be imported from there.
        """
        about = self._noted("function") or next(self._functions(), {})
        if not about:
            raise UsageError(f"where the function of {self.label} stands is not on record: its manifest is gone")
        file = about.get("file")
        if not isinstance(file, str):
            raise UsageError(f"the file with the function of {self.label} is not in the snapshot{self._left_out()}")
        path, arity = about.get("path") or ["."], about.get("arity", 1)
        parts = isinstance(path, list) and all(isinstance(part, str) for part in path)
        if not parts or arity not in (1, 2, 3) or not isinstance(about.get("module") or "", str):
            raise UsageError(f"what is on record of the function of {self.label} is damaged: {about}")
        copy = os.path.normpath(snapshot)
        if not _inside(os.path.normpath(os.path.join(copy, file)), copy):
            raise UsageError(f"the function of {self.label} is said to be in {file}, which is outside of the snapshot")
        if not os.path.isfile(snapshot / file):
            raise UsageError(f"the snapshot of {self.label} has no {file}")
        if not isinstance(about.get("attribute"), str):
            raise UsageError(
                f"the function of {self.label} is made inside another function of {file}, so that it cannot be imported"
            )
        return about

    def _left_out(self) -> str:
        """Say which files the snapshot was made without."""
        told = self._noted("snapshot").get("left_out")
        left_out = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
        files = [f"{one.get('path')} ({one.get('reason')})" for one in left_out]
        return f"; left out of it were {', '.join(files[:3])}" if files else ""

    def _noted(self, key: str) -> dict[str, Any]:
        """Give a part of what the manifest says of the batch; nothing if that is not what it should be."""
        found = None if self.manifest is None else self.manifest.about.get(key)
        return found if isinstance(found, dict) else {}

    @property
    def environment(self) -> dict[str, Any]:
        """The machine and the Python that it ran with."""
        return self._noted("environment")

    def _functions(self) -> Iterator[dict[str, Any]]:
        for name in reversed(self.files.batch_names()):
            try:
                found = Manifest.read(self.files, name).about.get("function")
            except DamagedFile:
                continue
            if found and isinstance(found, dict):
                yield found

    def relocation(self, snapshot: Path, function: dict[str, Any]) -> Relocation:
        """Let the run import from the snapshot."""
        copy = os.path.realpath(snapshot)
        path = [os.path.normpath(os.path.join(copy, part)) for part in function.get("path") or ["."]]
        home = os.path.dirname(os.path.join(copy, function["file"]))
        live = self.live_root(function)
        first = [folder for folder in dict.fromkeys([*path, home]) if _inside(folder, copy)]
        began = self.status.get("start_seconds")
        then = function["file"], copy, float(began) if isinstance(began, int | float) else 0.0
        return Relocation([] if live is None else [(live, copy)], first, then)

    def link_data(self, snapshot: Path, function: dict[str, Any]) -> None:
        """Let code in a snapshot that was checked out again find data that is in none, as far as it is still around."""
        from ..provenance.snapshots.untracked import link_above, link_beside, looks_beside

        files = [os.fspath(path) for path in snapshot.rglob("*.py")]
        live = self.live_root(function)
        if live is not None and looks_beside(files):
            link_above(snapshot, Path(live), files, [Path(self.output.path)])
            link_beside(snapshot, Path(live), [Path(self.output.path)])

    def live_root(self, function: dict[str, Any]) -> str | None:
        """Find the project's folder, should it still be around: the nearest that has the experiment's file."""
        for start in (os.getcwd(), self.output.path):
            folder = nearest_with(os.path.realpath(start), [function["file"]])
            if folder is not None:
                return folder
        return None

    # -- the upstreams ------------------------------------------------------------------------------------------

    def deps(self) -> Runs[Result]:
        """Give the results of the upstreams that the attempt was given.

        Raises
        ------
        UsageError
            One of them is gone, damaged, or was overwritten.
        """
        told = self.status.get("deps") or {}
        try:
            return Runs([self._dep(task, about) for task, about in told.items()])
        except (AttributeError, TypeError):  # somebody has written something else there
            raise UsageError(
                f"which results {self.label} was given is not on record: its status.json is damaged"
            ) from None

    def _dep(self, task: str, about: dict[str, Any]) -> Result:
        place, digest = about.get("attempt"), about.get("digest")
        name = task.rpartition(":")[2]
        if place is None:
            reason = f"upstream {task} {FAILED_UPSTREAM}"
            return Result.at(name, lambda: Config(name=name), lambda: (None, reason))
        attempt = AttemptFolder(os.path.normpath(os.path.join(self.output.path, place)))
        status = statuses.read(attempt)
        if digest is not None and status.get("digest") != digest:  # its run may have been renamed
            same = (one for one in places_today(attempt) if statuses.read(one).get("digest") == digest)
            attempt = next(same, attempt)
            status = statuses.read(attempt)
        if not status and os.path.isdir(attempt.path):
            raise UsageError(
                f"{self.label} was given the result of {task}, of which nothing can be told: {shown(attempt.status)} "
                "is damaged"
            )
        if not status:
            raise UsageError(
                f"{self.label} was given the result of {task}, which is gone: {shown(attempt.path)} is not there"
            )
        if digest is not None and status.get("digest") != digest:
            raise UsageError(
                f"{self.label} was given the result of {task} that {shown(attempt.path)} held then; since then it has "
                "been overwritten"
            )
        try:
            config = loads_config(read_bytes(attempt.own(CONFIG)).decode())
        except (OSError, ValueError, KeyError, RecursionError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            said = f"whose config cannot be read: {shown(attempt.own(CONFIG))} ({why})"
            raise UsageError(f"{self.label} was given the result of {task}, {said}") from None
        if status.get("state") == statuses.FINISHED and not os.path.isfile(attempt.pickle):
            raise UsageError(
                f"{self.label} was given the result of {task}, which is gone: {shown(attempt.pickle)} is not there"
            )
        return Result.at(str(status.get("run", name)), lambda: Config(config), lambda: (attempt, None))


def checked_out(name: str, folder: Path, output: OutputFolder, near: Iterable[str] = ()) -> bool:
    """Fill a folder with a snapshot out of a repository here, around the output, or near it; False if none has it."""
    from ..provenance.snapshots.checkout import checkout

    for place in dict.fromkeys([os.getcwd(), output.path, *near]):
        try:
            checkout(name, Path(place), folder)
        except PyexpError:
            continue
        return True
    return False


def _key(setting: str) -> str:
    return setting.partition("=")[0].strip()


def _as_text(setting: str) -> str:
    """Write a setting whose value is meant as text, whatever it looks like; in quotes it is one already."""
    key, equals, text = setting.partition("=")
    return setting if not equals or text[:1] in ("'", '"') else f"{key}={json.dumps(text, ensure_ascii=False)}"


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)


def _kept(value: Kept) -> Kept:
    """Leave a value of a class that the user defined as it is saved: it is made where the run is executed."""
    return value
