"""The code as it was, where there is no git: a plain copy of the files that an experiment needs.

Implements: docs/files-on-disk.md (`.snapshots/`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..secrets.secret_files import secret_content, secret_file
from .checkout import is_filled, made_aside
from .repository import file_errors

PREFIX = "files-"
ELSEWHERE = ".elsewhere"  # folder of a copy for files that do not lie in the project's folder


@dataclass(frozen=True)
class Copy:
    """The files of one moment.

    Attributes
    ----------
    name
        ``files-`` and a hash of paths and contents: the same files have the same name.
    root
        The folder that the copy mirrors.
    others
        Other folders that files were imported from; they are kept as ``.elsewhere/0``, ``.elsewhere/1``...
    files
        Where each file goes, and what it holds.
    left_out
        Paths that are not in the copy, and why.
    """

    name: str
    root: Path
    others: tuple[str, ...]
    files: dict[str, bytes]
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Give the fields for a manifest, in JSON's terms and with no absolute path."""
        return {
            "files": self.name,
            "note": "outside of git: only the files that the experiment imports are kept",
            "left_out": [{"path": path, "reason": reason} for path, reason in self.left_out],
        }

    def write(self, dest: Path) -> None:
        """Make the folder `dest` hold the files; one that is there already is used as it is.

        Raises
        ------
        SnapshotError
            A file cannot be written.
        """
        if is_filled(dest):
            return
        with file_errors(self.root), made_aside(dest) as tree:
            for place, content in self.files.items():
                path = tree / place
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)


def take_copy(
    root: Path, files: Mapping[str, str], *, exclude: Iterable[Path] = (), limit_bytes: int = 10_000_000
) -> Copy | None:
    """Read the files that are to be kept; None if there are none.

    Parameters
    ----------
    root
        The project's folder.
    files
        The files, each with the folder that its imports are relative to.
    exclude
        Folders that are never copied, such as the output folder.
    limit_bytes
        Larger files are left out, and so are files that look like a secret or hold one; `Copy.left_out` says so.
    """
    outside = tuple(os.path.realpath(path) + os.sep for path in exclude)
    base = os.path.realpath(root) + os.sep
    others = sorted({folder for path, folder in files.items() if not path.startswith(base)})
    kept: dict[str, bytes] = {}
    left_out: list[tuple[str, str]] = []
    for path, folder in sorted(files.items()):
        if path.startswith(outside):
            continue
        inside = path.startswith(base)
        place = os.path.relpath(path, base if inside else folder)
        place = place if inside else f"{ELSEWHERE}/{others.index(folder)}/{place}"
        content, objection = _read(path, place, limit_bytes)
        if objection is None:
            kept[place] = content
        else:
            left_out.append((place, objection))
    if not kept and not left_out:
        return None
    digest = hashlib.sha256()
    for place, content in kept.items():
        digest.update(f"{place}\0{len(content)}\0".encode("utf-8", "surrogateescape") + content)
    return Copy(PREFIX + digest.hexdigest()[:40], Path(root), tuple(others), kept, left_out)


def _read(path: str, place: str, limit: int) -> tuple[bytes, str | None]:
    """Give the content of a file, or the reason why it must not be kept."""
    if secret := secret_file(place):
        return b"", secret[1]
    try:
        with open(path, "rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        return b"", f"cannot be read: {error.strerror}"
    if len(content) > limit:
        return b"", f"more than the limit of {limit / 1e6:g} MB"
    return content, secret_content(content, place)
