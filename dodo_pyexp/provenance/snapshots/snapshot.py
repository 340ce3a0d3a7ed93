"""The code as it was: one commit of the work tree, made aside from everything that is the user's.

A snapshot is keyed by its tree. Its commit has no parent and no date of its own, so the same files give the
same commit, today and next year, and are checked out once.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...store.outputs import experiment_folders
from ..secrets.secret_files import committed_secret, secret_content, secret_file
from .refs import drop_dangling, keep
from .repository import GITLINK, Change, Entry, Repository, SnapshotError, file_errors, is_under, readable

# Why the file that a snapshot is made for may not be in it; nothing else is told of what git ignores.
IGNORED = "ignored by git"
_STAMP = "946684800 +0000"
_IDENTITY = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "pyexp"), ("EMAIL", "pyexp@snapshot"), ("DATE", _STAMP))
}


@dataclass(frozen=True)
class Snapshot:
    """The code as it was at one moment.

    Attributes
    ----------
    commit, tree : str
        The commit that holds it, and the tree that the commit is keyed by.
    root : Path
        The root folder of the repository.
    head : str or None
        The commit that HEAD pointed to; None before the first commit.
    dirty : list of str
        Paths that differ from HEAD, relative to `root`.
    left_out : list of (str, str)
        Paths that are not in the snapshot, and why; a path that ends with a slash is a whole folder.
    """

    commit: str
    tree: str
    root: Path
    head: str | None = None
    dirty: list[str] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Give the fields for a manifest, in JSON's terms and with no absolute path."""
        return {
            "commit": self.commit,
            "tree": self.tree,
            "head": self.head,
            "dirty": list(self.dirty),
            "left_out": [{"path": path, "reason": reason} for path, reason in self.left_out],
        }

    def note(self) -> str | None:
        """Say in one line what was left out, or None when nothing was."""
        return left_out_note(self.left_out)


def left_out_note(left_out: list[tuple[str, str]]) -> str | None:
    """Say in one line what is not in a snapshot, or None when nothing was left out."""
    if not left_out:
        return None
    shown = ", ".join(f"{path} ({reason})" for path, reason in left_out[:3])
    more = f" and {len(left_out) - 3} more" if len(left_out) > 3 else ""
    return f"Not in the snapshot of the code: {shown}{more}."


def take_snapshot(start: Path, *, exclude: Iterable[Path] = (), limit_bytes: int = 10_000_000) -> Snapshot | None:
    """Save the work tree around `start` as a commit: all of it that should be kept.

    HEAD, the index, the branches and the work tree stay as they are, byte for byte. The commit is kept from
    garbage collection by a ref under ``refs/pyexp/snapshots/``. A submodule, and any other repository inside
    the work tree, is saved the same way in its own repository, and recorded as a link to that commit.

    Left out are: what git ignores and what Python leaves behind (`__pycache__`), silently; and, with their
    reason in `Snapshot.left_out`, files over the limit, files that are named like a secret, those that hold one that
    was not committed, and new ones that belong to a virtual environment.

    Parameters
    ----------
    start : Path
        The experiment's file, or a folder; the innermost repository around it counts.
    exclude : iterable of Path
        Files and folders that are never in a snapshot, even where git tracks them. Output folders never are, whatever
        they are called.
    limit_bytes : int
        Files that are larger than this are left out.

    Returns
    -------
    Snapshot or None
        None outside git.

    Raises
    ------
    SnapshotError
        When git cannot do it.

    Examples
    --------
    >>> take_snapshot(Path("train.py"), exclude=[Path("out")])  # doctest: +SKIP
    Snapshot(commit='1f0c...', tree='8a7b...', root=PosixPath('/home/ann/project'), ...)

    Implements: pyexp guide, "Output Directory Structure" and the parameter `stash`.
    """
    repository = Repository.find(start)
    if repository is None:
        return None
    with repository, file_errors(repository.root):
        return _Taking(repository, [Path(path) for path in exclude], limit_bytes, Path(start)).take()


class _Taking:
    """Taking one snapshot of one repository."""

    def __init__(self, repository: Repository, exclude: list[Path], limit: int, start: Path | None = None) -> None:
        self.repository = repository
        # The file that the snapshot is made for, and that must not be missing in silence.
        self.start: bytes | None = None
        if start is not None and os.path.isfile(start) and start.resolve().is_relative_to(repository.root):
            self.start = os.fsencode(start.resolve().relative_to(repository.root).as_posix())
        self.exclude = exclude
        self.limit = limit
        self.dirty: set[str] = set()
        self.left_out: dict[str, str] = {}
        self.links: dict[bytes, str] = {}
        self.remove: set[bytes] = set()
        self.add: set[bytes] = set()

    def take(self) -> Snapshot:
        """Save the work tree; a second time, if a garbage collection has taken something away meanwhile."""
        snapshot = self._take()
        if snapshot.commit in drop_dangling(self.repository):
            again = _Taking(self.repository, self.exclude, self.limit)
            again.start = self.start
            snapshot = again._take()
            if snapshot.commit in drop_dangling(self.repository):
                raise SnapshotError(f"What is saved in {self.repository.root} vanishes at once: is `git gc` at work?")
        return snapshot

    def _take(self) -> Snapshot:
        """Fill a temporary index, and make its tree a commit."""
        with tempfile.TemporaryDirectory(prefix="pyexp-snapshot-") as scratch:
            index = Path(scratch).resolve() / "index"
            _copy_index(self.repository.index, index)
            head = self._collect(index)
            self._update(index)
            tree = self.repository.run("write-tree", index=index).decode().strip()
        commit = self._commit(tree)
        left_out = sorted(self.left_out.items())
        return Snapshot(commit, tree, self.repository.root, head, sorted(self.dirty), left_out)

    def _collect(self, index: Path) -> str | None:
        """Find out what to add to the index and what to remove; give the commit of HEAD."""
        excluded = self.repository.inside([*self.exclude, index.parent])
        tracked = list(self.repository.entries(index))
        outputs = experiment_folders(entry.path for entry in tracked)
        outside = (*map(os.fsencode, excluded), *outputs)
        submodules = self._tracked(index, tracked, outside)
        head, changes = self.repository.changes(index)
        for change in changes:
            if is_under(change.path, outside):
                continue
            self.dirty.add(readable(change.path))
            if change.path not in submodules or not self._is_folder(change.path):
                self._judge(change)
        self._new(self.repository.untracked(excluded, index))
        for path in submodules:
            if self._is_folder(path) or not os.path.lexists(self._full(path)):
                self._nested(path, "a submodule that is not checked out")
        if self.start and self.start not in self.add | self.remove:
            self.left_out[readable(self.start)] = IGNORED
        return head

    def _new(self, untracked: list[bytes]) -> None:
        """Decide about everything that is not tracked."""
        marker = b"/pyvenv.cfg"
        environments = tuple(path.removesuffix(marker) for path in untracked if path.endswith(marker))
        for folder in environments:
            self.left_out[readable(folder) + "/"] = "a virtual environment"
        for path in untracked:
            if is_under(path, environments):
                continue
            self.dirty.add(readable(path))
            if not path.endswith(b"/"):
                self._judge(Change(path, added=True, pending=True))
            elif secret := secret_file(readable(path) + "."):
                self._leave_out(path, *secret)
            else:
                self._nested(path[:-1], "a git repository that cannot be read")

    def _tracked(self, index: Path, entries: Iterable[Entry], outside: tuple[bytes, ...]) -> set[bytes]:
        """Go through the index: give its submodules, and undo flags that hide what the work tree holds."""
        submodules: set[bytes] = set()
        assumed: list[bytes] = []
        skipped: list[bytes] = []
        for entry in entries:
            if outside and is_under(entry.path, outside):
                self.remove.add(entry.path)
                continue
            if entry.mode == GITLINK:
                submodules.add(entry.path)
            elif not self._barred(entry.path) and entry.path == self.start:
                self.start = None
            if entry.tag.islower():
                assumed.append(entry.path)
            if entry.tag in "Ss":
                if os.path.lexists(self._full(entry.path)):
                    skipped.append(entry.path)
                else:
                    # A sparse checkout: the work tree does not have it, so neither does the snapshot.
                    self.remove.add(entry.path)
        self._feed(index, assumed, "--no-assume-unchanged")
        self._feed(index, skipped, "--no-skip-worktree")
        return submodules

    def _barred(self, path: bytes) -> bool:
        """Leave a tracked file out, if its name or its size demand it, whether or not it has changed."""
        name = readable(path)
        secret = committed_secret(name, lambda: self._content(path))
        if secret is not None:
            self._leave_out(path, *secret)
            return True
        try:
            status = os.lstat(self._full(path))
        except OSError:  # deleted
            return False
        too_large = self._size_objection(status.st_size) if stat.S_ISREG(status.st_mode) else None
        if too_large is not None:
            self._leave_out(path, name, too_large)
        return too_large is not None

    def _judge(self, change: Change) -> None:
        """Decide about one file: add it, remove it, or leave it out and say why."""
        path, name = change.path, readable(change.path)
        if path in self.remove:
            return
        try:
            status = os.lstat(self._full(path))
        except OSError:
            self.remove.add(path)
            return
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)) or self._is_behind_link(path):
            self.remove.add(path)
            return
        if change.added and (secret := secret_file(name)):
            self._leave_out(path, *secret)
        elif stat.S_ISREG(status.st_mode) and (reason := self._objection(change, status.st_size)):
            self._leave_out(path, name, reason)
        elif change.pending:
            self.add.add(path)

    def _objection(self, change: Change, size: int) -> str | None:
        """Give the reason why the content of a regular file must not be kept, or None."""
        if too_large := self._size_objection(size):
            return too_large
        try:
            with open(self._full(change.path), "rb") as file:
                secret = secret_content(file.read(), readable(change.path))
        except OSError as error:
            return f"cannot be read: {error.strerror}" if change.added or change.pending else None
        # What somebody has committed is theirs to decide on, and so is what they put in its place.
        return None if secret is None or self._was_committed(change) else secret

    def _was_committed(self, change: Change) -> bool:
        """Tell whether a file that holds a secret held one when it was committed."""
        if not change.committed:
            return False
        try:
            before = self.repository.run("cat-file", "blob", change.committed)
        except SnapshotError:  # a clone without it, and nobody to ask for it
            return False
        return secret_content(before, readable(change.path)) is not None

    def _size_objection(self, size: int) -> str | None:
        """Give the reason why a file is too large, or None."""
        if size <= self.limit:
            return None
        return f"{size / 1e6:.1f} MB, more than the limit of {self.limit / 1e6:g} MB"

    def _content(self, path: bytes) -> bytes:
        """Read a file that may be gone or closed to us."""
        try:
            with open(self._full(path), "rb") as file:
                return file.read(self.limit)
        except OSError:
            return b""

    def _leave_out(self, path: bytes, name: str, reason: str) -> None:
        """Keep a path away from the snapshot, also when it is in the index by now."""
        self.left_out[name] = reason
        self.remove.add(path)

    def _nested(self, path: bytes, reason: str) -> None:
        """Take a snapshot of a repository inside this one, and link to it."""
        name = readable(path)
        folder = Path(os.fsdecode(self._full(path)))
        inner = Repository.at(folder, inner=True)
        if inner is None:
            self._leave_out(path, f"{name}/", reason)
            return
        with inner:
            snapshot = _Taking(inner, self.exclude, self.limit).take()
        self.links[path] = snapshot.commit
        self.dirty.update(f"{name}/{changed}" for changed in snapshot.dirty)
        self.left_out.update((f"{name}/{left}", why) for left, why in snapshot.left_out)

    def _update(self, index: Path) -> None:
        """Bring the temporary index up to date with what was decided."""
        self._feed(index, sorted(self.remove), "--force-remove")
        self._feed(index, sorted(self.add), "--add", "--remove", "--replace")
        if self.links:
            lines = [f"{GITLINK} {commit}\t".encode() + path + b"\0" for path, commit in self.links.items()]
            self.repository.run("update-index", "-z", "--index-info", index=index, stdin=b"".join(lines))

    def _feed(self, index: Path, paths: Iterable[bytes], *options: str) -> None:
        """Hand paths to `git update-index`, as they are."""
        if feed := b"".join(path + b"\0" for path in paths):
            self.repository.run("update-index", *options, "-z", "--stdin", index=index, stdin=feed)

    def _commit(self, tree: str) -> str:
        """Make the commit of a tree, and the ref that keeps it."""
        words = ("--no-gpg-sign", "-m", "pyexp snapshot", tree)
        commit = self.repository.run("commit-tree", *words, env=_IDENTITY).decode().strip()
        keep(self.repository, commit)
        return commit

    def _full(self, path: bytes) -> bytes:
        return os.path.join(os.fsencode(self.repository.root), path)

    def _is_folder(self, path: bytes) -> bool:
        full = self._full(path)
        return os.path.isdir(full) and not os.path.islink(full)

    def _is_behind_link(self, path: bytes) -> bool:
        """Tell whether a folder of the path is a link, so that git knows no such path."""
        folder = os.path.dirname(path)
        while folder:
            if os.path.islink(self._full(folder)):
                return True
            folder = os.path.dirname(folder)
        return False


def _copy_index(source: Path, target: Path) -> None:
    """Copy the user's index, so that files that did not change need not be read again."""
    try:
        with open(source, "rb") as file:
            status = os.fstat(file.fileno())
            target.write_bytes(file.read())
    except FileNotFoundError:
        return
    # Git compares this time with those of the files to notice an edit right after the index was written.
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
