"""What a folder is known by, of which too many files were read to tell them one by one."""

from __future__ import annotations

import os

from ...store.digest import SUM_LENGTH, sha256

MOST_LISTED = 100_000  # files of a folder whose size and time count; of larger ones, only the names of these


def listing(folder: str) -> tuple[int, int, str] | None:
    """Give how many files are in a folder, their bytes, and a digest of their names, sizes and times.

    What is in folders below does not count. None if there is no such folder.
    """
    found: list[tuple[str, int, int]] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if len(found) >= MOST_LISTED:
                    break
                if entry.is_file():
                    info = entry.stat()
                    found.append((entry.name, info.st_size, info.st_mtime_ns))
    except (OSError, ValueError):
        return None
    digest = sha256()
    for name, size, mtime in sorted(found):
        digest.update(f"{size} {mtime} ".encode() + os.fsencode(name) + b"\0")
    return len(found), sum(size for _, size, _ in found), digest.hexdigest()[:SUM_LENGTH]
