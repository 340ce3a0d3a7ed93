"""How an input stands in a record."""

from __future__ import annotations

import time
from typing import Any

Entry = list[Any]
"""Size, digest and both times of a file; or number, bytes and digest of a folder's files. Of a folder of which too many
files were read to tell them one by one: number of its files, and ``[digest of their names, when that was]``.

Without a digest a file is known by its first time; without the second, it has to be read to know it."""
Table = dict[str, Entry]

Stat = tuple[int, int, int]
"""Size of a file; when it was written, as it says; and when that was said (nanoseconds since the epoch)."""

#: In place of a digest: the file changed while the run went on, and nobody knows what it has read.
CHANGED = "?"
# A file may be written over within this time, and have the same time as before (nanoseconds).
_TICK = 50_000_000
# The same where a file system knows times in seconds only.
_COARSE_TICK = 2_000_000_000
_SECOND = 1_000_000_000


def is_fresh(stat: Stat) -> bool:
    """Tell whether a file was written just now, so that its times would not tell if it were written again."""
    return was_fresh(stat[1:], time.time_ns())


def was_fresh(times: tuple[int, int], when: int) -> bool:
    """Tell whether a file with these times had just been written at some time."""
    tick = _TICK if any(time % _SECOND for time in times) else _COARSE_TICK
    return when - max(times) < tick
