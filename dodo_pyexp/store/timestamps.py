"""The names of attempts, batches and reports: ``2026-02-17_14-30-00``, with ``-2`` and so on when taken."""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def now() -> str:
    """Give the present moment, in local time, as a folder name."""
    return time.strftime("%Y-%m-%d_%H-%M-%S")


def set_back(newest: str) -> str | None:
    """Give the moment of `newest` if the clock is before it by now, so that what comes next is not older in name.

    Clocks are corrected, hours occur twice in autumn, and people and output folders travel through time zones.
    """
    return newest[:19] if now() < newest[:19] else None


def candidates(stamp: str) -> Iterable[str]:
    """Yield `stamp`, then `stamp` with ``-2``, ``-3``..."""
    yield stamp
    base, number = order(stamp)
    if stamp not in (base, f"{base}-{number}"):  # with a suffix of somebody's own
        base, number = stamp, 1
    while True:
        number += 1
        yield f"{base}-{number}"


def claim_folder(parent: str, stamp: str) -> str:
    """Make a new folder below `parent` that nobody else has, and return its name."""
    for name in candidates(stamp):
        try:
            os.mkdir(os.path.join(parent, name))
        except FileExistsError:
            continue
        except FileNotFoundError:
            os.makedirs(parent, exist_ok=True)
            return claim_folder(parent, stamp)
        return name
    raise AssertionError("unreachable: candidates() never ends")


def is_timestamp(name: str) -> bool:
    """Tell whether `name` is the name of an attempt, a batch or a report."""
    digits = name[:4] + name[5:7] + name[8:10] + name[11:13] + name[14:16] + name[17:19]
    return (
        len(digits) == 14
        and digits.isascii()
        and digits.isdigit()
        and name[4:17:3] == "--_--"
        and name[19:20] in ("", "-")
        and "/" not in name
    )


def order(name: str) -> tuple[str, int]:
    """Sort key: by time, then by the number behind it (``-10`` comes after ``-9``)."""
    suffix = name[20:]
    return name[:19], int(suffix) if suffix.isascii() and suffix.isdigit() else 1


def to_iso(seconds: float) -> str:
    """Write a moment (seconds since the epoch) with its time zone, as status files do."""
    local = time.localtime(seconds)
    return time.strftime("%Y-%m-%dT%H:%M:%S", local) + f".{int(seconds % 1 * 1000):03d}" + time.strftime("%z", local)
