"""Runs that were taken over under another name: where the folder of an earlier name is today.

Implements: docs/how-to.md, "I renamed my runs". Manifests and records of the past speak of runs by the folders that
they had then. A name may have been given to another run since, so the order counts, and which batches there were.
"""

from __future__ import annotations

import os

from . import atomic, timestamps
from .paths import AttemptFolder, ExperimentFolder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

FORMAT = 1
LARGEST = 256 << 20  # bytes; 100,000 runs that are renamed ten times have 100 MB


class Renames:
    """The folders of one experiment's runs that were renamed, in the order in which that was done.

    Parameters
    ----------
    done
        What was renamed: folder before, folder after, and the newest batch that there was then.
    """

    def __init__(self, done: Iterable[tuple[str, str, str]] = ()) -> None:
        self.done = list(done)

    @classmethod
    def read(cls, files: ExperimentFolder) -> Renames:
        """Read what is written down; of what was begun, only what was done before somebody was killed."""
        values = atomic.read_json(files.renames, LARGEST) or {}
        if values.get("format") != FORMAT:
            return cls()
        done, begun = _entries(values.get("runs")), _entries(values.get("begun"))
        return cls([*done, *(one for one in begun if _is_done(files, one[0], one[1]))])

    def begin(self, files: ExperimentFolder, names: dict[str, str]) -> list[tuple[str, str, str]]:
        """Write down which folders are about to be renamed to what; give that for `end`.

        Raises
        ------
        OSError
            It cannot be written.
        """
        batch = next(reversed(files.batch_names()), "")
        begun = [(old, new, batch) for old, new in names.items()]
        self._write(files, begun)
        return begun

    def end(self, files: ExperimentFolder, begun: list[tuple[str, str, str]]) -> None:
        """Write down what was done of it.

        Raises
        ------
        OSError
            It cannot be written; then it is found out by whoever reads it.
        """
        self.done += [one for one in begun if _is_done(files, one[0], one[1])]
        self._write(files, [])

    def _write(self, files: ExperimentFolder, begun: list[tuple[str, str, str]]) -> None:
        atomic.write_json(files.renames, {"format": FORMAT, "runs": self.done, "begun": begun}, indent=None)

    def since(self, batch: str) -> dict[str, str | None]:
        """Give the folders that runs of a batch have today, by those that they had then, where these are others.

        None stands for a run that is gone, and whose name another one has by now.
        """
        moment = timestamps.order(batch)
        today: dict[str, str | None] = {}
        then: dict[str, str] = {}  # the other way round
        for old, new, newest in self.done:
            if timestamps.order(newest) < moment:
                continue
            first = then.pop(old, None if old in today else old)
            if first is not None:  # else it is a run that came later, and got a name that was free again
                today[first], then[new] = new, first
            today.setdefault(new, None)
        return {first: new for first, new in today.items() if new != first}

    def today(self, folder: str) -> str:
        """Give the folder that the run has today which was the last to have that one; the same if nobody renamed it."""
        now = folder
        for old, new, _ in self.done:
            if old in (folder, now):
                now = new
        return now

    def earlier(self) -> dict[str, list[str]]:
        """Give the folders that runs had before, by those that they have today; the newest first."""
        found: dict[str, list[str]] = {}
        for old, new, _ in self.done:
            found[new] = [old, *found.pop(old, ())]
        return {new: list(dict.fromkeys(names)) for new, names in found.items()}


def _entries(values: Any) -> list[tuple[str, str, str]]:
    """Read a list of renamed folders; what makes no sense in it is left out."""
    found = []
    for one in values if isinstance(values, list) else ():
        if isinstance(one, list) and len(one) == 3 and {*map(type, one)} == {str}:
            old, new, batch = one
            if _is_name(old) and _is_name(new) and old != new:
                found.append((old, new, batch))
    return found


def _is_name(folder: str) -> bool:
    return bool(folder) and "/" not in folder and "\0" not in folder and not folder.startswith(".")


def _is_done(files: ExperimentFolder, old: str, new: str) -> bool:
    return os.path.isdir(files.run(new).path) and not os.path.lexists(files.run(old).path)


def attempt_today(attempt: AttemptFolder, batch: str) -> AttemptFolder:
    """Give an attempt of the past where it lies today; `batch` is one that it was there in."""
    parent = attempt.experiment
    folder, slash, rest = attempt.path[len(parent) + 1 :].partition("/")
    files = ExperimentFolder(parent)
    now = Renames.read(files).since(batch).get(folder)
    if now is None:
        return attempt
    moved = AttemptFolder(f"{files.run(now).path}{slash}{rest}", flat=attempt.flat)
    return moved if os.path.isdir(moved.path) else attempt
