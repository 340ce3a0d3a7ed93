"""The machine and the packages that the runs of a build are executed with.

Implements: Expyrun readme, frozen requirements; Experimaestro guide, "Hostname tracking"; docs/files-on-disk.md
(`.environment/`).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..errors import warn
from ..store import atomic
from ..store.opening import read_text
from ..store.paths import shown

if TYPE_CHECKING:
    from ..store.paths import ExperimentFolder


class BatchEnvironment:
    """Looks around once a build; what the build before has found is taken over where nothing can have changed."""

    def __init__(self) -> None:
        self._requirements: str | None = None
        self._digest = ""
        self._about: dict[str, Any] = {}
        self._cache: dict[str, Any] = {}

    def about(self, files: ExperimentFolder) -> dict[str, Any]:
        """Give what the manifest says of them."""
        if self._requirements is None:
            self._look(files)
        return {"environment": self._about, "requirements": self._digest}

    @property
    def digest(self) -> str | None:
        """The name of the packages' versions; None as long as nobody has looked."""
        return self._digest or None

    @property
    def requirements(self) -> str:
        """The packages, one line each."""
        return self._requirements or ""

    def keep(self, files: ExperimentFolder, timestamp: str) -> None:
        """Write down the packages of a batch; another part of it may have run with others.

        No run needs them: where something else stands in their place, that is told.
        """
        try:
            self._write(files, timestamp)
        except OSError as error:
            if error.errno not in atomic.IN_THE_WAY:
                raise
            place = shown(str(error.filename2 or error.filename))
            warn(f"the packages are not put on record: cannot write to {place}: {error.strerror}")

    def _write(self, files: ExperimentFolder, timestamp: str) -> None:
        assert self._requirements is not None
        path = files.requirements(timestamp)
        if read_text(path) not in (None, self._requirements):
            path = files.requirements(timestamp, self._digest)
        if not os.path.exists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            atomic.write_text(path, self._requirements)
        atomic.write_json(files.last_environment, {**self._cache, "batch": timestamp})

    def _look(self, files: ExperimentFolder) -> None:
        from . import packages
        from .environment import environment, machine, machine_key

        before = atomic.read_json(files.last_environment) or {}
        requirements = read_text(files.requirements(str(before.get("batch")))) or ""
        state = packages.state(requirements)
        if not requirements or state != before.get("state"):
            requirements = packages.frozen_requirements()
            state = packages.state(requirements)
        key, known = machine_key(), before.get("machine")
        if key != before.get("key") or not isinstance(known, dict):
            known = machine()
        self._about = environment(known=known)
        self._digest = packages.digest(requirements)
        self._cache = {"state": state, "key": key, "machine": known}
        self._requirements = requirements


def find_requirements(files: ExperimentFolder, digest: str | None, batch: str | None = None) -> str | None:
    """Read the packages that `digest` names, whatever batch wrote them down; without one, those of the batch.

    Parameters
    ----------
    files
        The experiment's folder.
    digest
        A hash of the packages; None in what was written before there was one.
    batch
        Where to look first.
    """
    from . import packages

    if not digest:
        return None if batch is None else read_text(files.requirements(batch))
    try:
        folders = sorted((name for name in os.listdir(files.environments) if not name.endswith(".json")), reverse=True)
    except OSError:
        return None
    for folder in dict.fromkeys([*([batch] if batch in folders else []), *folders]):
        for path in (files.requirements(folder, digest), files.requirements(folder)):
            text = read_text(path)
            if text is not None and packages.digest(text) == digest:
                return text
    return None
