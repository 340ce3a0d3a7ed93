"""The digest of what a run put out: its return value and the files it saved, by content.

Implements: DESIGN section 6 (early cutoff): downstream runs depend on this digest, not on when the run took place.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from .paths import AttemptFolder

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = 1 << 20


def saved_files(attempt: AttemptFolder) -> Iterator[tuple[str, str]]:
    """Yield ``(relative path, path)`` of each file the function saved in the attempt's folder."""
    pending = [""]
    while pending:
        below = pending.pop()
        with os.scandir(f"{attempt.path}/{below}") as entries:
            for entry in entries:
                relative = f"{below}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    pending.append(f"{relative}/")
                elif below or not (entry.name in AttemptFolder.OWN or _temporary(entry.name)):
                    yield relative, entry.path


def _temporary(name: str) -> bool:
    return name.startswith(".") and name.endswith(".tmp")


def file_digest(path: str) -> bytes:
    """Hash a file's content in blocks; a symbolic link counts as the text of its target when that is no file."""
    digest = hashlib.sha256()
    if os.path.islink(path) and not os.path.isfile(path):
        digest.update(os.readlink(path).encode("utf-8", "surrogateescape"))
        return digest.digest()
    if not os.path.isfile(path):  # a socket or a pipe has no content to keep
        return digest.digest()
    buffer = bytearray(BLOCK)
    view = memoryview(buffer)
    with open(path, "rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(view[:count])
    return digest.digest()


def output_digest(value_digest: bytes, attempt: AttemptFolder) -> str:
    """Combine the digest of the return value with those of the saved files."""
    digest = hashlib.sha256(value_digest)
    for relative, path in sorted(saved_files(attempt)):
        digest.update(relative.encode("utf-8", "surrogateescape") + b"\0" + file_digest(path))
    return digest.hexdigest()[:32]
