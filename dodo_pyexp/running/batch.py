"""A batch: one build of one experiment, and its manifest.

Implements: docs/files-on-disk.md (a manifest): the manifest is written before the first run starts; when the batch ends
it also says which attempt satisfied each run.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from ..config.encode import encode
from ..errors import DamagedFile, UsageError
from ..planning import declared_inputs, defaults, ownership
from ..planning.plan import PlannedExperiment, PlannedRun
from ..provenance.secrets.argv import mask_arguments
from ..provenance.secrets.credentials import mask, telling
from ..provenance.secrets.holes import masked_kinds, secrets_of
from ..provenance.secrets.repeats import without
from ..results.reading import made_by
from ..results.tally import CACHED, SKIPPED, attempt_state, selected, states, tally, tally_of
from ..store import manifest as manifests
from ..store import timestamps
from ..store.atomic import IN_THE_WAY
from ..store.locks import at_work
from ..store.manifest import RENAMES, Manifest
from ..store.owner import Owner
from ..store.paths import ExperimentFolder, shown
from ..store.renames import Renames
from ..store.status import FINISHED
from .import_location import origin
from .ledger import Entry, Ledger
from .stash import Kept

#: So many batches before a new one are looked at: whether a build that was killed left them open.
LOOKED_BACK = 5


class Batch:
    """The batch of one experiment in this build.

    Parameters
    ----------
    experiment
        Whose runs it holds.
    ledger
        What became of them.
    timestamp
        Its name, to which a number is added when it is taken.
    build
        What the processes of this build, and no others, have in common.
    continued
        The manifest to go on with, instead of a new one.
    named
        The name is what somebody wished for, and not the present moment.
    """

    def __init__(
        self,
        experiment: PlannedExperiment,
        ledger: Ledger,
        timestamp: str,
        build: str,
        continued: Manifest | None = None,
        *,
        named: bool = False,
    ) -> None:
        self.experiment = experiment
        self._ledger = ledger
        self.build = build
        self._stamp = timestamp
        self._named = named
        self._manifest: Manifest | None = None
        self._continued = continued
        #: The snapshot, and the hash of the code in it, when there is one.
        self.kept: Kept | None = None
        self.code: str | None = None
        #: Machine and packages, when a run is executed.
        self.surroundings: dict[str, Any] = {}

    @property
    def continued(self) -> bool:
        """It began in an earlier build."""
        return self._continued is not None

    @property
    def commit(self) -> str | None:
        """The name of the snapshot."""
        return None if self.kept is None else self.kept.name

    @property
    def is_open(self) -> bool:
        """The manifest is on disk."""
        return self._manifest is not None

    @property
    def timestamp(self) -> str:
        """The name of the batch; it exists on disk from here on."""
        return self.open().timestamp

    def open(self) -> Manifest:
        """Write the manifest, if that has not been done yet.

        Raises
        ------
        UsageError
            The output folder cannot be written to.
        """
        if self._manifest is None:
            self._manifest = self._create(self._begin()) if self._continued is None else self._reopen(self._continued)
        return self._manifest

    def _reopen(self, manifest: Manifest) -> Manifest:
        """Go on with a batch: it is open again, and it is this process that is at work on it."""
        ownership.claim(self.experiment.files, self.experiment.definition)
        defaults.keep(self.experiment.files, self.experiment.defaults)
        owner = Owner.current()
        manifest.about.update(host=owner.host, owner=owner.to_dict(), **self.surroundings)
        if self.kept is not None:
            function = origin(self.experiment.definition, self.kept)
            manifest.about.update(commit=self.commit, snapshot=self.kept.about, function=function)
        for ended in ("counts", "end"):
            manifest.about.pop(ended, None)
        if "selected" in manifest.about:
            before = set(selected(manifest))
            now = [run.folder for run in self.experiment.runs if run.selected or run.folder in before]
            manifest.about["selected"] = now
        manifest.write(self.experiment.files)
        return manifest

    def _create(self, manifest: Manifest) -> Manifest:
        try:
            ownership.claim(self.experiment.files, self.experiment.definition)
            defaults.keep(self.experiment.files, self.experiment.defaults)
            names = self.experiment.files.batch_names()
            close_abandoned(self.experiment.files, names)
            if names and not self._named:
                manifest.timestamp = timestamps.set_back(names[-1]) or manifest.timestamp
            return manifest.create(self.experiment.files)
        except OSError as error:
            place = self.experiment.files.path
            if error.errno in IN_THE_WAY:
                place = str(error.filename2 or error.filename or place)
            raise UsageError(f"cannot write to {shown(place)}: {error.strerror}; choose another --output-dir") from None

    def _begin(self) -> Manifest:
        runs = self.experiment.runs
        owner = Owner.current()
        about: dict[str, Any] = {
            "experiment": self.experiment.name,
            "build": self.build,
            "commit": self.commit,
            "snapshot": self.experiment.left_out if self.kept is None else self.kept.about,
            "function": None if self.kept is None else origin(self.experiment.definition, self.kept),
            "code": self.experiment.code.known,
            "host": owner.host,
            "owner": owner.to_dict(),
            "command": mask_arguments(sys.argv),
            "python": sys.version.split()[0],
            "start": timestamps.to_iso(time.time()),
            **self.surroundings,
        }
        selected = [run.folder for run in runs if run.selected]
        if len(selected) != len(runs):
            about["selected"] = selected
        if inputs := declared_inputs.listed(run for run in runs if run.selected):
            about["inputs"] = inputs
        if renames := Renames.read(self.experiment.files).count:
            about[RENAMES] = renames
        about.update(mask(self.experiment.definition.about))
        if self.experiment.defaults is not None:
            about["defaults"] = encode(self.experiment.defaults.first)
        configs, masker = {}, self.experiment.masker
        hashes: dict[str, str] = {}
        secrets: set[str] = set()
        masked: dict[str, str] = {}
        for run in runs:
            config = run.config
            if masker.has_secret(config):
                config = masker.config(config)
                masked.update(masked_kinds(config, run.config))
                if self.experiment.hash(config) != run.hash:  # more than values under keys of secrets
                    hashes[run.folder] = run.hash
                secrets.update(filter(telling, secrets_of(run.config, config)))
            configs[run.folder] = encode(dict(config))
        if secrets:
            about.update(without({key: about[key] for key in self.experiment.definition.about}, secrets))
            about["command"] = mask_arguments(sys.argv, secrets)
            if "environment" in about:
                about["environment"] = {**about["environment"], "command": about["command"]}
        if masked:
            about[manifests.MASKED] = masked
        if hashes:
            about[manifests.HASHES] = hashes
        return Manifest(
            self._stamp,
            [run.folder for run in runs],
            configs,
            self.experiment.shape,
            flat=self.experiment.flat,
            # Those that it cannot do without: behind the others it is not skipped.
            upstream={run.folder: needed for run in runs if (needed := run.needed())},
            about=about,
        )

    def close(self, *, shared: bool = False) -> None:
        """Write what became of each run.

        Parameters
        ----------
        shared
            Other processes may have executed some of the runs (``doit -n 2``): look at their records.
        """
        if shared:
            self._look_up()
        begun = self._manifest or self._continued
        if begun is None:  # nothing was executed: beginning and end are written at once
            begun = self._begin()
            self._end(begun)
            self._manifest = self._create(begun)
            if self._manifest is begun:
                return
        manifest = self.open()
        self._end(manifest)
        manifest.write(self.experiment.files)

    def _look_up(self) -> None:
        """Find the attempts that other processes of this build made."""
        manifest, ledger = self.open(), self._ledger
        for run in self.experiment.runs:
            if run.selected and ledger.of(run).attempt is None and ledger.of(run).tried is None:
                made = made_by(manifest, run.files)
                if made is not None:
                    ledger.tried(run, "." if run.files.flat else made.name)
                ledger.digest_of(run)

    def _end(self, manifest: Manifest) -> None:
        """Note what became of each run."""
        attempts, tried, skipped = {}, {}, {}
        known: dict[str, str | None] = {}  # what became of those that were asked for, as far as this build knows
        for run in self.experiment.runs:
            entry, folder = self._ledger.of(run), run.folder
            if entry.attempt is not None:
                attempts[folder] = entry.attempt
            if entry.tried is not None:
                tried[folder] = entry.tried
            if entry.ended == SKIPPED:
                skipped[folder] = entry.cause or ""
            if run.selected:
                known[folder] = self._state(run, entry)
        manifest.attempts = {**manifest.attempts, **attempts, **tried}
        manifest.skipped = {f: why for f, why in {**manifest.skipped, **skipped}.items() if f not in attempts}
        manifest.about["end"] = timestamps.to_iso(time.time())
        manifest.about["counts"] = self._counts(manifest, known)

    def _state(self, run: PlannedRun, entry: Entry) -> str | None:
        if entry.tried is not None:
            done = entry.attempt == entry.tried
            return FINISHED if done else attempt_state(run.files.attempt(entry.tried), _nobody)
        if entry.attempt is not None and not self.continued:
            return CACHED
        return SKIPPED if entry.ended == SKIPPED else None

    def _counts(self, manifest: Manifest, known: dict[str, str | None]) -> dict[str, int]:
        """Count what became of the runs; what this build does not know has to be looked up."""
        told = {folder: state for folder, state in known.items() if state is not None}
        if len(told) == len(known) and not self.continued:
            return tally(told.values())
        return tally(states(self.experiment.files, manifest, _nobody, told))


def close_abandoned(folder: ExperimentFolder, names: list[str]) -> None:
    """Write down what became of batches whose builds were killed, before anything they left is built over."""
    for name in names[-LOOKED_BACK:]:
        if manifests.is_closed(folder, name):
            continue
        try:
            manifest = Manifest.read(folder, name)
        except DamagedFile:
            continue
        if not at_work(manifest.about.get("owner"), folder.manifest(name)):
            manifest.about["counts"] = tally_of(folder, manifest, _nobody)
            manifest.write(folder)


def _nobody(owner: Any, folder: str) -> bool:
    """Nobody is at work on a batch that ends."""
    return False
