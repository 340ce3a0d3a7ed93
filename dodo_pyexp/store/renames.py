"""Runs that were taken over under another name: where the folder of an earlier name is today.

Implements: docs/how-to.md, "I renamed my runs". Manifests and records of the past speak of runs by the folders that
they had then. A name may have been given to another run since, so the order counts: a manifest says how many folders
had been renamed when it was written.
"""

from __future__ import annotations

import os

from ..errors import DamagedFile
from . import atomic
from .paths import AttemptFolder, ExperimentFolder
from .record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    #: Folder before, folder after, and the number that it has in the order of all.
    Entry = tuple[str, str, int]

FORMAT = 1
LARGEST = 256 << 20  # bytes; 100,000 runs that are renamed ten times have 50 MB


class Renames:
    """The folders of one experiment's runs that were renamed, in the order in which that was done.

    Parameters
    ----------
    done
        What was renamed.
    count
        How many numbers were given: one more than the last, also of what was begun and never done.
    """

    def __init__(self, done: Iterable[Entry] = (), count: int = 0) -> None:
        self.done = list(done)
        self.count = max([count, *(number + 1 for _, _, number in self.done)])

    @classmethod
    def read(cls, files: ExperimentFolder) -> Renames:
        """Read what is written down; of what was begun, only what was done before somebody was killed."""
        (begun, later), (done, count) = _read(files.renaming), _read(files.renames)
        known = {number for _, _, number in done} if begun else ()
        more = [one for one in begun if one[2] not in known and _is_done(files, one, by_record=True)]
        return cls([*done, *more], max(count, later))

    def begin(self, files: ExperimentFolder, names: dict[str, str]) -> list[Entry]:
        """Write down which folders are about to be renamed to what; give that for `end`.

        Raises
        ------
        OSError
            It cannot be written.
        """
        settle(files)
        begun = [(old, new, self.count + index) for index, (old, new) in enumerate(names.items())]
        self.count += len(begun)
        _write(files.renaming, begun, self.count)
        return begun

    def end(self, files: ExperimentFolder, begun: list[Entry]) -> None:
        """Write down what was done of it.

        Raises
        ------
        OSError
            It cannot be written; then it is found out by whoever reads it.
        """
        self.done += [one for one in begun if _is_done(files, one)]
        _write(files.renames, self.done, self.count)
        atomic.remove(files.renaming)

    def since(self, count: int) -> dict[str, str | None]:
        """Give the folders that runs have today, by those that they had after so many renames, where these are others.

        None stands for a run that is gone, and whose name another one has by now.
        """
        today: dict[str, str | None] = {}
        then: dict[str, str] = {}  # the other way round
        for old, new, number in self.done:
            if number < count:
                continue
            first = then.pop(old, None if old in today else old)
            if first is not None:  # else it is a run that came later, and got a name that was free again
                today[first], then[new] = new, first
            today.setdefault(new, None)
        return {first: new for first, new in today.items() if new != first}

    def ever(self, folder: str) -> list[str]:
        """Give the folders that runs have today which had this one at any time; the last that had it comes first."""
        found = []
        for index, (old, new, _) in enumerate(self.done):
            if old == folder:
                now = new
                for before, after, _ in self.done[index + 1 :]:
                    now = after if before == now else now
                found.append(now)
        return list(dict.fromkeys(reversed(found)))

    def earlier(self) -> dict[str, list[str]]:
        """Give the folders that runs had before, by those that they have today; the newest first."""
        found: dict[str, list[str]] = {}
        for old, new, _ in self.done:
            found[new] = [old, *found.pop(old, ())]
        return {new: list(dict.fromkeys(names)) for new, names in found.items()}


def places_today(attempt: AttemptFolder) -> list[AttemptFolder]:
    """Give the places where an attempt of the past may lie today, if its run was taken over under another name."""
    parent = attempt.experiment
    folder, slash, rest = attempt.path[len(parent) + 1 :].partition("/")
    names = Renames.read(ExperimentFolder(parent)).ever(folder)
    return [AttemptFolder(f"{parent}/{name}{slash}{rest}", flat=attempt.flat) for name in names]


def settle(files: ExperimentFolder) -> None:
    """Write down what somebody did of what he had begun before he was killed: while its record still tells.

    Only for who keeps others from renaming meanwhile.

    Raises
    ------
    OSError
        It cannot be written.
    """
    if os.path.lexists(files.renaming):
        known = Renames.read(files)
        _write(files.renames, known.done, known.count)
        atomic.remove(files.renaming)


def _write(path: str, entries: list[Entry], count: int) -> None:
    atomic.write_json(path, {"format": FORMAT, "count": count, "runs": entries}, indent=None)


def _read(path: str) -> tuple[list[Entry], int]:
    """Read a list of renamed folders, and how many numbers were given; what makes no sense in it is left out."""
    told = atomic.read_json(path, LARGEST) or {}
    if told.get("format") != FORMAT:
        return [], 0
    values, count = told.get("runs"), told.get("count")
    found: list[Entry] = []
    for one in values if isinstance(values, list) else ():
        if isinstance(one, list) and [*map(type, one)] == [str, str, int]:
            old, new, number = one
            if _is_name(old) and _is_name(new) and old != new:
                found.append((old, new, number))
    return found, count if isinstance(count, int) else 0


def _is_name(folder: str) -> bool:
    return bool(folder) and "/" not in folder and "\0" not in folder and not folder.startswith(".")


def _is_done(files: ExperimentFolder, entry: Entry, *, by_record: bool = False) -> bool:
    """Tell whether a folder was renamed; long after it was begun, the run's record tells that it was not made anew."""
    old, new, _ = entry
    if os.path.lexists(files.run(old).path) or not os.path.isdir(files.run(new).path):
        return False
    try:
        record = Record.read(files.run(new)) if by_record else None
    except DamagedFile:
        record = None
    return not by_record or (record is not None and bool(record.renamed))
