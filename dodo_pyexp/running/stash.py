"""The code as it was: one snapshot a repository and build, taken before the first run that is executed.

Implements: pyexp guide, "`@pyexp.experiment` Parameters" (`stash`); docs/files-on-disk.md (`.snapshots/`, `.commit`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..colour import is_terminal
from ..errors import PyexpError
from ..executors.imports.relocation import Relocation
from ..planning.plan import Plan, PlannedExperiment
from ..planning.source import innermost, source_file
from ..provenance.roots import git_root
from ..store.atomic import touch

if TYPE_CHECKING:
    from ..provenance.snapshots.snapshot import Snapshot


@dataclass
class Kept:
    """The code of an experiment, kept in its `.snapshots`.

    Parameters
    ----------
    name
        The commit; outside of git the name of the copy.
    root
        Where it is kept.
    relocation
        Lets runs import from there.
    about
        What the manifest says of it.
    dirty
        What no commit of the user's holds; None outside of git.
    """

    name: str
    root: str
    relocation: Relocation
    about: dict[str, Any] = field(default_factory=dict)
    dirty: list[str] | None = None


class Stash:
    """Takes the snapshots of one build.

    Parameters
    ----------
    plan
        Whose output folders are never part of a snapshot.
    note
        Told, once a repository, what was left out or why there is no snapshot.
    """

    def __init__(self, plan: Plan, note: Callable[[str], None]) -> None:
        self._plan = plan
        self._note = note
        self._by_root: dict[str, Snapshot | None] = {}
        self._kept: dict[int, Kept | None] = {}
        self._fresh: dict[tuple[str, str], Path] = {}

    def keep(self, experiment: PlannedExperiment) -> Kept | None:
        """Keep the experiment's code as it is now, and say where; None when it is not to be kept, or cannot be."""
        if id(experiment) not in self._kept:
            self._kept[id(experiment)] = self._keep(experiment)
        return self._kept[id(experiment)]

    def has(self, experiment: PlannedExperiment) -> bool:
        """Tell whether there is a snapshot of the experiment's repository already, made for another one."""
        path = source_file(experiment.definition.fn)
        root = None if path is None else git_root(os.path.dirname(path))
        return root is not None and self._by_root.get(root) is not None

    def _keep(self, experiment: PlannedExperiment) -> Kept | None:
        path = source_file(experiment.definition.fn)
        if not experiment.options.stash or path is None:
            return None
        try:
            snapshot = self._take(path)
        except PyexpError as error:
            self._note(f"no snapshot of the repository of {experiment.name}: {error}")
            snapshot = None
        try:
            if snapshot is None or _is_ignored(snapshot, path):
                return self._copy(experiment, path)
            return self._check_out(experiment, snapshot)
        except (PyexpError, OSError) as error:
            self._note(f"no snapshot of the code of {experiment.name}: {error}")
            return None

    def adopt(self, experiment: PlannedExperiment, name: Any, about: Any) -> Kept | None:
        """Use the snapshot that another process of this build has made of the same repository."""
        mine = self._kept.get(id(experiment))
        if mine is None or not isinstance(name, str) or not os.path.isdir(copy := experiment.files.snapshot(name)):
            return None
        copy = os.path.realpath(copy)
        before = os.path.realpath(experiment.files.snapshot(mine.name))
        pairs = [(folder, copy + place[len(before) :]) for folder, place in mine.relocation.pairs]
        return Kept(name, copy, Relocation(pairs), about if isinstance(about, dict) else {}, mine.dirty)

    def _check_out(self, experiment: PlannedExperiment, snapshot: Snapshot) -> Kept | None:
        from ..provenance.snapshots.checkout import checkout, is_filled

        dest = Path(experiment.files.snapshot(snapshot.commit))
        key = experiment.output.path, snapshot.commit
        if not is_filled(dest):
            checkout(snapshot, snapshot.root, dest, self._fresh.get(key))
            self._fresh[key] = dest
        touch(dest)  # in use: it must not be taken for old
        root, copy = os.path.realpath(snapshot.root), os.path.realpath(dest)
        relocation = Relocation([(root, copy)])
        path = source_file(experiment.definition.fn)
        if path is not None and relocation.of(path) is None and _reason_left_out(snapshot, path) is None:
            return self._copy(experiment, path)  # it was made for another experiment, and lacks this file
        self._link_data(experiment, [(root, copy)])
        return Kept(snapshot.commit, copy, relocation, snapshot.to_dict(), snapshot.dirty)

    def _copy(self, experiment: PlannedExperiment, path: str) -> Kept | None:
        """Copy the files that the experiment imports."""
        from ..provenance.code.imported_files import imported_files
        from ..provenance.code.modules import project_root
        from ..provenance.snapshots.copies import ELSEWHERE, take_copy

        path = os.path.realpath(path)
        files = imported_files(innermost(experiment.definition.fn), experiment.code.files)
        # A package's files only make sense below the folder that the package lies in.
        around = [folder for folder in files.values() if path.startswith(folder + os.sep)]
        root = min([project_root(path), *around], key=len)
        found = take_copy(Path(root), files, exclude=output_folders(self._plan))
        if found is None:
            return None
        self._tell(found.left_out)
        if not found.files:
            experiment.left_out = {**found.to_dict(), "files": None}
            return None
        if git_root(path) is None and not os.path.isdir(experiment.files.snapshots) and is_terminal(sys.stderr):
            self._note(
                f"{experiment.name} is in no git repository: the snapshot of its code is a copy of the files that it "
                f"imports ({len(found.files)}), and of no others"
            )
        dest = Path(experiment.files.snapshot(found.name))
        found.write(dest)
        touch(dest)  # in use: it must not be taken for old
        copy = os.path.realpath(dest)
        pairs = [(os.path.realpath(found.root), copy)]
        pairs += [(folder, f"{copy}/{ELSEWHERE}/{number}") for number, folder in enumerate(found.others)]
        self._link_data(experiment, pairs)
        return Kept(found.name, copy, Relocation(pairs), found.to_dict())

    def _link_data(self, experiment: PlannedExperiment, pairs: list[tuple[str, str]]) -> None:
        """Let code that opens files beside its own find those that are in no snapshot."""
        from ..provenance.code.imported_files import imported_files
        from ..provenance.snapshots.untracked import MOST_LINKS, link_above, link_beside, looks_beside

        files = imported_files(innermost(experiment.definition.fn), experiment.code.files)
        if not looks_beside(files):
            return
        link_above(Path(pairs[0][1]), Path(pairs[0][0]), files, output_folders(self._plan))
        for folder, copy in pairs:
            if os.path.isdir(copy) and link_beside(Path(copy), Path(folder), output_folders(self._plan)) == MOST_LINKS:
                self._note(
                    f"{experiment.name}: of the files in {folder} that are in no snapshot only {MOST_LINKS} can be "
                    "opened beside the code; open them relative to the current folder, or use stash=False"
                )

    def _take(self, path: str) -> Snapshot | None:
        root = git_root(os.path.dirname(path))
        if root is None:
            return None
        if root not in self._by_root:
            self._by_root[root] = None
            from ..provenance.snapshots.snapshot import take_snapshot

            snapshot = self._by_root[root] = take_snapshot(Path(path), exclude=output_folders(self._plan))
            self._tell(snapshot.left_out if snapshot is not None else [])
        return self._by_root[root]

    def _tell(self, left_out: list[tuple[str, str]]) -> None:
        from ..provenance.snapshots.snapshot import left_out_note

        said = left_out_note(left_out)
        if said is not None:
            self._note(said)


def output_folders(plan: Plan) -> list[Path]:
    """List the folders that are written to: they are in no snapshot, and no change of the user's."""
    folders = {member.output.path for member in plan.experiments}
    return [Path(path) for path in folders | {member.files.path for member in plan.experiments}]


def _reason_left_out(snapshot: Snapshot, path: str) -> str | None:
    """Tell why the experiment's own file is not in the snapshot; None if nobody left it out."""
    own = os.path.relpath(os.path.realpath(path), os.path.realpath(snapshot.root))
    for place, reason in snapshot.left_out:
        if own == place or (own.startswith(place) and place.endswith("/")):
            return reason
    return None


def _is_ignored(snapshot: Snapshot, path: str) -> bool:
    from ..provenance.snapshots.snapshot import IGNORED

    return _reason_left_out(snapshot, path) == IGNORED
