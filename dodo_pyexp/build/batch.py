"""A batch: one build of one experiment, and its manifest.

Implements: DESIGN sections 3 and 6: the manifest is written before the first run starts; when the batch ends it
also says which attempt satisfied each run.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from ..config.encode import encode
from ..errors import UsageError
from ..provenance.host import Owner
from ..provenance.secrets import mask_arguments
from ..store import timestamps
from ..store.manifest import Manifest
from .plan import PlannedExperiment, PlannedRun


class Batch:
    """The batch of one experiment in this build.

    Parameters
    ----------
    experiment
        Whose runs it holds.
    timestamp
        Its name, to which a number is added when it is taken.
    build
        What the processes of this build, and no others, have in common.
    continued
        The manifest to go on with, instead of a new one.
    """

    def __init__(
        self, experiment: PlannedExperiment, timestamp: str, build: str, continued: Manifest | None = None
    ) -> None:
        self.experiment = experiment
        self._build = build
        self._stamp = timestamp
        self._manifest: Manifest | None = None
        self._continued = continued
        self._touched: dict[str, str] = {}
        self._skipped: dict[str, str] = {}
        self.commit: str | None = None

    @property
    def continued(self) -> bool:
        """It began in an earlier build."""
        return self._continued is not None

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
            self._manifest = self._continued or self._create(self._begin())
        return self._manifest

    def _create(self, manifest: Manifest) -> Manifest:
        try:
            return manifest.create(self.experiment.files)
        except OSError as error:
            raise UsageError(
                f"cannot write to {self.experiment.files.path}: {error.strerror}; choose another --output-dir"
            ) from None

    def _begin(self) -> Manifest:
        runs = self.experiment.runs
        owner = Owner.current()
        about: dict[str, Any] = {
            "experiment": self.experiment.name,
            "build": self._build,
            "commit": self.commit,
            "host": owner.host,
            "owner": owner.to_dict(),
            "command": mask_arguments(sys.argv),
            "python": sys.version.split()[0],
            "start": timestamps.to_iso(time.time()),
        }
        selected = [run.folder for run in runs if run.selected]
        if len(selected) != len(runs):
            about["selected"] = selected
        return Manifest(
            self._stamp,
            [run.folder for run in runs],
            {run.folder: encode(dict(run.config)) for run in runs},
            self.experiment.shape,
            flat=self.experiment.flat,
            upstream={run.folder: [upstream.task for upstream in run.upstream] for run in runs if run.upstream},
            about=about,
        )

    def tried(self, run: PlannedRun, attempt: str) -> None:
        """Note which attempt this batch made of `run`."""
        self._touched[run.folder] = attempt

    def skip(self, run: PlannedRun, reason: str) -> None:
        """Note that `run` was not tried, and why."""
        self._skipped[run.folder] = reason

    def attempt_of(self, run: PlannedRun) -> str | None:
        """Name the attempt that this batch made of `run`, well or badly."""
        return self._touched.get(run.folder)

    def skip_reason(self, run: PlannedRun) -> str | None:
        """Tell why `run` was not tried, if it was skipped."""
        return self._skipped.get(run.folder)

    def close(self) -> None:
        """Write what became of each run."""
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

    def _end(self, manifest: Manifest) -> None:
        """Note what became of each run."""
        attempts = {run.folder: run.attempt for run in self.experiment.runs if run.attempt is not None}
        manifest.attempts = {**manifest.attempts, **attempts, **self._touched}
        manifest.skipped = {f: why for f, why in {**manifest.skipped, **self._skipped}.items() if f not in attempts}
        manifest.about["end"] = timestamps.to_iso(time.time())
