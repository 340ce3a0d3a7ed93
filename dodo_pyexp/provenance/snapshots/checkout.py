"""Giving a snapshot's files back: a folder that appears whole, once, however many ask for it."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .hard_links import date, link_unchanged, newest_base
from .links import LINK, lead_links
from .repository import GITLINK, REFS, Repository, SnapshotError, file_errors, readable

if TYPE_CHECKING:
    from .snapshot import Snapshot

_PARTIAL = ".partial-"  # how folders begin that are being filled, and will have another name when they are whole
_DAY = 86400.0


def checkout(snapshot: Snapshot | str, repo_root: Path, dest: Path, twin: Path | None = None) -> Path:
    """Make the folder `dest` hold the files of a snapshot, and give it back.

    The folder appears whole or not at all. One that is there already is used as it is; of two processes that
    make it at once, one wins and the other drops its copy.

    Parameters
    ----------
    snapshot : Snapshot or str
        A snapshot or its commit.
    repo_root : Path
        The root of the repository that holds it, or any folder inside.
    dest : Path
        The folder to make; its parents are made too.
    twin : Path, optional
        Another folder with this snapshot, named by its commit: its files are given a second name, which costs no
        copy. By default the newest snapshot beside `dest` is, as far as the files are the same.

    Raises
    ------
    SnapshotError
        When the repository or the commit is gone, or git cannot write the files.

    Implements: pyexp guide, "Output Directory Structure" and the parameter `stash`.
    """
    commit = snapshot if isinstance(snapshot, str) else snapshot.commit
    dest = dest.absolute()  # git is run in another folder
    if is_filled(dest):
        return dest
    repository = Repository.find(repo_root)
    if repository is None:
        raise SnapshotError(
            f"The snapshot {commit[:12]} cannot be checked out: {repo_root} is in no git repository now."
        )
    with repository, file_errors(repository.root), made_aside(dest) as tree:
        links = _write_files(repository, commit, tree, tree.parent, twin or newest_base(dest))
        places = [os.path.relpath(link, tree) for link in links]
        lead_links(os.fspath(repository.root), os.fspath(tree), places)
    return dest


@contextmanager
def made_aside(dest: Path) -> Iterator[Path]:
    """Give the path of a folder that is to be made, and that takes its place at `dest` in one step when it is whole.

    What stands there by then is left as it is. Beside the folder there is room for what is only needed to make it.
    """
    dest.parent.mkdir(parents=True, exist_ok=True)
    _sweep(dest.parent)
    aside = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=dest.parent))
    try:
        yield aside / "tree"
        try:
            os.rename(aside / "tree", dest)
        except OSError:
            if not is_filled(dest):
                raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _write_files(
    repository: Repository, commit: str, target: Path, scratch: Path, base: Path | None = None
) -> list[Path]:
    """Write the files of a commit, and of the commits it links to, into a folder; give the symbolic links."""
    try:
        if not commit.isalnum():  # A damaged note of a commit must not become an option of git's.
            raise SnapshotError("It is no name of a commit.")
        repository.run("cat-file", "-e", f"{commit}^{{tree}}")
    except SnapshotError as error:
        raise SnapshotError(
            f"The snapshot {commit[:12]!r} is not in the repository {repository.root} (any more); "
            f"where it was made, it is under {REFS} ({str(error).rstrip('.')})."
        ) from None
    target.mkdir(parents=True, exist_ok=True)
    index = scratch / f"index-{len(list(scratch.iterdir()))}"
    # Files go by the attributes in their tree; `git archive` would leave out what is export-ignored.
    places = {"GIT_DIR": str(repository.git_dir), "GIT_WORK_TREE": str(target)}
    repository.run("read-tree", commit, index=index, env=places)
    entries = list(repository.entries(index))
    linked = set() if base is None else link_unchanged(repository, base, commit, target, entries)
    rest = [entry for entry in entries if entry.path not in linked]
    feed = b"".join(entry.path + b"\0" for entry in rest if entry.mode != GITLINK)
    options = ("--force", "--quiet", "-z", "--stdin")
    repository.run("-c", "checkout.workers=0", "checkout-index", *options, index=index, env=places, stdin=feed)
    date(target, rest)
    links = [target / os.fsdecode(entry.path) for entry in rest if entry.mode == LINK]
    for entry in rest:
        if entry.mode != GITLINK:
            continue
        inner = Repository.at(repository.root / os.fsdecode(entry.path), inner=True)
        if inner is None:
            raise SnapshotError(
                f"The snapshot {commit[:12]} needs the repository {readable(entry.path)} inside "
                f"{repository.root}, which is gone: check it out again."
            )
        with inner:
            links += _write_files(inner, entry.object, target / os.fsdecode(entry.path), scratch)
    return links


def is_filled(folder: Path) -> bool:
    """Tell whether a folder is there and holds something; an empty one can be replaced."""
    try:
        with os.scandir(folder) as items:
            return next(items, None) is not None
    except OSError:
        return False


def _sweep(folder: Path) -> None:
    """Remove what makers that were killed have left behind, long ago."""
    for item in folder.glob(_PARTIAL + "*"):
        try:
            old = time.time() - item.stat().st_mtime > _DAY
        except OSError:
            continue
        if old:
            shutil.rmtree(item, ignore_errors=True)
