"""What can be removed from an output folder in one go, and how big it is.

Implements: docs/reference.md, "What `clean` leaves".
"""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..results.stored import StoredExperiment, StoredRun
from ..store import atomic
from ..store.paths import LOCKS, REPORT, shown

RUN, ORPHAN, FAILED, OLD = "run", "orphan", "failed attempt", "older attempt"
TEMPORARY, REST, UNUSED = "leftover", "history", "code that no attempt refers to"
_ASIDE = re.compile(r"\..+\.(\d+)\.tmp").fullmatch


@dataclass
class Piece:
    """Something that can be removed in one go.

    Parameters
    ----------
    path
        The file or folder.
    kind
        What it is: a run, an orphan, a failed or an older attempt, a leftover, code that no attempt refers to, or an
        experiment's history.
    label
        What people call it.
    experiment
        Whose it is.
    run
        The run it belongs to, whose lock has to be taken.
    attempt
        The attempt, if it is one; ``.`` for that of a run without attempts (``timestamp=False``).
    newest
        Of a run, its newest attempt: when there is another one by now, it is no longer what was to be removed.
    size
        Bytes.
    """

    path: str
    kind: str
    label: str
    experiment: StoredExperiment
    run: StoredRun | None
    size: int
    attempt: str | None = None
    newest: str | None = None

    @property
    def may_be_used(self) -> bool:
        """A build of the experiment may have given it to a run, or may need it at its end."""
        return self.kind not in (FAILED, TEMPORARY)

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return {
            "path": shown(self.path),
            "kind": self.kind,
            "experiment": self.experiment.name,
            "run": None if self.run is None else self.run.full_name,
            "attempt": self.attempt,
            "bytes": self.size,
        }


def whole_run(run: StoredRun, kind: str = RUN) -> Piece:
    """Give a run with everything below its folder."""
    names = run.files.attempt_names()
    newest = names[-1] if names else None
    return Piece(run.files.path, kind, run.full_name, run.experiment, run, tree_size(run.files.path), newest=newest)


def history(experiment: StoredExperiment) -> list[Piece]:
    """Give what an experiment has beside its runs: reports, manifests, snapshots and what is noted for all runs."""
    files = experiment.files
    report, locks = f"{files.path}/{REPORT}", f"{files.path}/{LOCKS}"
    noted = [files.codes, files.defaults, files.whose]
    paths = [report, files.batches, files.environments, files.snapshots, *noted, locks]
    return [
        Piece(path, REST, f"{experiment.name} {os.path.basename(path)}", experiment, None, tree_size(path))
        for path in paths if os.path.lexists(path)
    ]  # fmt: skip


def leftovers(run: StoredRun) -> Iterator[Piece]:
    """Give the temporary files of writers that were killed, and what `aside` holds of attempts."""
    folder = run.files.path
    inner = [] if run.files.flat else [f"{folder}/{name}" for name in run.files.attempt_names()]
    for place in [folder, *inner]:
        for name in atomic.temporary_files(place):
            path = f"{place}/{name}"
            yield Piece(path, TEMPORARY, f"{run.full_name} {name}", run.experiment, run, tree_size(path))


def removed_by_halves(experiment: StoredExperiment) -> Iterator[Piece]:
    """Give the runs that somebody who is gone had put aside to remove them."""
    for name in atomic.temporary_files(experiment.files.path):
        path = f"{experiment.files.path}/{name}"
        match = _ASIDE(name)
        if match is not None and os.path.isdir(path) and not _lives(int(match[1])):
            yield Piece(path, TEMPORARY, f"{experiment.name} {name}", experiment, None, tree_size(path))


def aside(path: str) -> str:
    """Give the name under which a folder is no longer a run nor an attempt, until it is gone."""
    folder, name = os.path.split(path)
    return f"{folder}/.{name}.{os.getpid()}.tmp"


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return pid != os.getpid()


def tree_size(path: str) -> int:
    """Add up the bytes of all files below `path`, without following symbolic links; hard links count once."""
    total = 0
    linked: set[tuple[int, int]] = set()
    for found in _files_below(path):
        key = found.st_dev, found.st_ino
        if found.st_nlink > 1 and key in linked:
            continue
        linked.add(key)
        total += found.st_size
    return total


def freed_sizes(paths: Iterable[str]) -> list[int]:
    """Add up for each of several trees what its removal frees, after those before it; a hard link frees nothing."""
    seen: Counter[tuple[int, int]] = Counter()
    sizes = []
    for path in paths:
        size = 0
        for found in _files_below(path):
            seen[found.st_dev, found.st_ino] += 1
            size += found.st_size if seen[found.st_dev, found.st_ino] >= found.st_nlink else 0
        sizes.append(size)
    return sizes


def _files_below(path: str) -> Iterator[os.stat_result]:
    """Look at all files below `path`, or at itself if it is one; symbolic links are not followed."""
    try:
        found = os.lstat(path)
    except OSError:
        return
    if not stat.S_ISDIR(found.st_mode):
        yield found
        return
    pending = [path]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        yield entry.stat(follow_symlinks=False)
        except OSError:
            continue


def size_of(pieces: Iterable[Piece]) -> int:
    """Add up sizes."""
    return sum(piece.size for piece in pieces)
