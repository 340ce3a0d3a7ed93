"""`Code`: what the code of an experiment is today, and how it differs from the code that made a run.

Implements: docs/how-it-works.md, "What code counts". Nothing of it is looked at before somebody asks, and then once a
build, so that a build of nothing under ``code="ignore"`` does not pay for it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from ..executors.imports.reference import travels_by_value
from ..store import atomic
from ..store.paths import ExperimentFolder

if TYPE_CHECKING:
    from ..provenance.code.changes import Meanings
    from ..provenance.code.fingerprint import Survey

UNKNOWN = "?"  # in place of a hash: a file was edited, and it cannot be told which of its states was executed
_writing = threading.Lock()  # for ``doit -n 2 -P thread``


class Code:
    """The code that an experiment function reaches.

    Hashes are texts such as ``1-7650b1b4eb7e3e7e``: the format of the fingerprint, and the hash of all of it. An empty
    one says that no source was found.

    Parameters
    ----------
    fn
        The experiment function.
    files
        Where the fingerprints of the code that made runs are kept.
    """

    def __init__(self, fn: Any, files: ExperimentFolder) -> None:
        self._fn = fn
        self._files = files
        self._kept: set[str] = set()
        self._now: tuple[Survey, str] | None = None
        #: What was decided about records of other code, by their hash; for `decide`, which is asked for every run.
        self.judged: dict[str | None, Any] = {}

    @cached_property
    def _survey(self) -> Survey:
        from ..provenance.code.fingerprint import Survey

        return Survey(self._fn)

    @cached_property
    def hash(self) -> str:
        """The hash of the code as this build found it."""
        return _hash(self._survey)

    @property
    def known(self) -> str | None:
        """The hash if somebody has asked for it, else None."""
        return self.hash if "hash" in vars(self) else None

    def keep(self) -> str:
        """Write the fingerprint down, so that later builds can tell what changed; give its hash."""
        self._write(self.hash, self._survey)
        return self.hash

    @property
    def files(self) -> list[str]:
        """The files that it was found in."""
        return list(self._survey.stamps)

    @cached_property
    def outdated(self) -> list[str]:
        """The files that tell of other code than this process has imported from them before."""
        return self._survey.outdated()

    def look(self) -> None:
        """Find out now what the code is, for a snapshot is taken of it."""
        _ = self.hash, self.outdated

    def at_first(self, *, imported_anew: bool) -> str:
        """Give the hash of the code as this build found it first, which is what a snapshot of then holds."""
        first, own = self.keep(), self._survey.home
        if not imported_anew:
            return UNKNOWN if self.outdated else first
        by_value = own is not None and self._travels_by_value and own in self.outdated
        return UNKNOWN if by_value else first

    def starting(self, *, imported_anew: bool) -> str:
        """Give the hash for a run that starts now, with its fingerprint written down.

        Parameters
        ----------
        imported_anew
            The run is executed by a process that imports modules as their files are now; otherwise what this process
            has imported is executed, whatever became of the files.
        """
        first = self.at_first(imported_anew=imported_anew)
        if not imported_anew or first == UNKNOWN:
            return first
        if self._now is None:
            self._now = self._survey, first
        if not self._now[0].is_current():
            from ..provenance.code.fingerprint import Survey

            survey = Survey(self._fn)
            self._now = survey, self._edited(survey)
        return self._now[1]

    def _edited(self, survey: Survey) -> str:
        """Give the hash of what is executed now that files were edited."""
        found, own = _hash(survey), self._survey.home
        if found == self.hash:
            return found
        if own is not None and self._travels_by_value and survey.stamps.get(own) != self._survey.stamps.get(own):
            return UNKNOWN  # the function is sent as it was, what it imports is as it is now
        self._write(found, survey)
        return found

    def differences(self, before: str | None) -> list[str] | None:
        """Say in what today's code differs from what made a run, as ``model.py::loss changed``.

        Empty if it does not differ, or only in where it stands; None if the two cannot be compared.

        Parameters
        ----------
        before
            The hash in the run's record.
        """
        from ..provenance.code.changes import changes
        from ..provenance.code.fingerprint import FORMAT

        if before in (self.hash, ""):
            return []
        if before == UNKNOWN:
            return ["edited while it was in use"]
        version, _, digest = (before or "").partition("-")
        if version != str(FORMAT) or not digest.isalnum() or not self.hash:
            return None
        kept = read_kept(self._files, f"{version}-{digest}")
        if not kept.pieces:
            return ["changed"]
        return changes(kept.pieces, self._survey.pieces, (kept.meanings, self._survey.meanings))

    def _write(self, found: str, survey: Survey) -> None:
        if not found or found in self._kept:
            return
        from ..provenance.code.fingerprint import FORMAT

        path = self._files.code(found)
        with _writing:
            if "meanings" not in (atomic.read_json(path) or ()):  # an older pyexp wrote none
                os.makedirs(self._files.codes, exist_ok=True)
                atomic.write_json(path, {"format": FORMAT, "code": survey.pieces, "meanings": survey.meanings})
            atomic.touch(path)  # in use: it must not be taken for old
        self._kept.add(found)

    @cached_property
    def _travels_by_value(self) -> bool:
        """Tell whether other processes are sent the function itself, and not only its name."""
        return travels_by_value(self._fn)


class Kept(NamedTuple):
    """A fingerprint that was written down; empty if it was not, or is damaged."""

    pieces: Mapping[str, str] = MappingProxyType({})
    meanings: Meanings = MappingProxyType({})


def read_kept(files: ExperimentFolder, code: object) -> Kept:
    """Read the fingerprint that has a hash."""
    from ..provenance.code.changes import read_meanings

    if not isinstance(code, str) or not code.replace("-", "").isalnum():  # it is unknown, or was written over
        return Kept()
    kept = atomic.read_json(files.code(code)) or {}
    pieces = kept.get("code")
    return Kept(pieces, read_meanings(kept.get("meanings"))) if isinstance(pieces, dict) else Kept()


def _hash(survey: Survey) -> str:
    from ..provenance.code.fingerprint import FORMAT, combined

    return f"{FORMAT}-{combined(survey.pieces)}" if survey.pieces else ""
