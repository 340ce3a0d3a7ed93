"""The sweeper: a small process that ends what runs have started in a process that is gone.

It is told by `offspring` which process to watch, and stands beside it, so that SIGKILL cannot keep it from its work.
It is executed by its path, and imports little.
"""

from __future__ import annotations

import os
import select
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# Seconds it goes on, if what it kills does not end, or starts others faster than they can be killed.
LATE_SECONDS = 60.0
# Of multiprocessing: it deletes the shared memory of processes that are gone, and ends with the last of them.
_ENDS_BY_ITSELF = b"resource_tracker"


def watch(process: int) -> None:
    """Wait until a process has ended."""
    try:
        ended = os.pidfd_open(process)
    except (AttributeError, OSError):  # an old kernel, or it has ended
        while os.path.exists(f"/proc/{process}"):
            time.sleep(0.5)
        return
    waiting = select.poll()
    waiting.register(ended, select.POLLIN)
    waiting.poll()


def sweep(group: int, mark: str) -> None:
    """Kill what is left in a process group of what runs have started, until nothing is."""
    end, empty = time.monotonic() + LATE_SECONDS, 0
    while empty < 2 and time.monotonic() < end:  # what has just been forked has no mark yet
        empty = 0 if any([_kill(process) for process in _left(group, mark)]) else empty + 1
        time.sleep(0.1)


def _left(group: int, mark: str) -> Iterator[int]:
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and _is_in(group, name) and (_is_program(mark, name) or _is_fork(mark, name)):
                yield int(name)
        except OSError:  # it has ended, or belongs to somebody else
            pass


def _is_in(group: int, name: str) -> bool:
    # The command's name stands in parentheses and may itself hold spaces and parentheses.
    state, _, its_group, *_ = _read(f"{name}/stat").rpartition(b")")[2].split()
    return int(its_group) == group and state not in (b"Z", b"X")


def _is_program(mark: str, name: str) -> bool:
    """Tell whether it was started with the mark in its environment."""
    marked = mark.encode() in _read(f"{name}/environ").split(b"\0")
    return marked and _ENDS_BY_ITSELF not in _read(f"{name}/cmdline")


def _is_fork(mark: str, name: str) -> bool:
    """Tell whether it holds the file in memory that forks are marked by."""
    folder = f"/proc/{name}/fd"
    return any(os.readlink(f"{folder}/{fd}").startswith(f"/memfd:{mark} ") for fd in os.listdir(folder))


def _kill(process: int) -> bool:
    try:
        os.kill(process, 9)
    except OSError:
        return False
    return True


def _read(name: str) -> bytes:
    with open(f"/proc/{name}", "rb") as file:
        return file.read()


if __name__ == "__main__":
    watch(int(sys.argv[1]))
    sweep(int(sys.argv[2]), sys.argv[3])
