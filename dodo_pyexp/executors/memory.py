"""Was it the memory? What the kernel tells about processes that it killed, and what programs say before they abort.

All of this is a best effort: the kernel counts the processes that it kills for want of memory, for the whole machine
or for a control group, and not whose they were.
"""

from __future__ import annotations

import os
import signal
import time

from ..store.opening import open_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .handle import Ended

REFRESH_SECONDS = 1.0
TAIL = 4096
_LAST_WORDS = (
    b"std::bad_alloc", b"memory allocation of", b"Cannot allocate memory", b"out of memory", b"Out of memory",
)  # fmt: skip


class OomKills:
    """How many processes the kernel has killed because memory ran out, less those that have been explained."""

    def __init__(self) -> None:
        self._path: str | None = None
        self._explained = 0
        self._last = 0
        self._read_at = float("-inf")

    def recent(self) -> int:
        """Give the number as it was a second ago at most; for the moment when a run starts."""
        now = time.monotonic()
        if now - self._read_at > REFRESH_SECONDS:
            if self._path is None:
                self._path = next((path for path in _counters() if _count(path) is not None), "")
            self._read_at = now
            self._last = self._now()
        return self._last - self._explained

    def explain(self, ended: Ended, before: int, log: str) -> tuple[str, str] | None:
        """Say that a process ended for want of memory, if it looks like that: type and message.

        Parameters
        ----------
        ended
            How it ended.
        before
            What `recent` said when it started.
        log
            The path of its log.
        """
        code = ended.returncode
        if code == -signal.SIGKILL and self._now() - self._explained > before:
            self._explained += 1  # one kill explains one death
            return "OutOfMemory", "the kernel killed the process, because memory had run out"
        if code == -signal.SIGABRT and any(words in _tail(log) for words in _LAST_WORDS):
            return "OutOfMemory", "the process could get no more memory and aborted; its log has the details"
        return None

    def _now(self) -> int:
        return (_count(self._path) if self._path else None) or 0


def _counters() -> list[str]:
    """Name the files that may hold the number, the most telling first."""
    paths = []
    try:
        with open("/proc/self/cgroup", encoding="utf-8") as file:
            own = next((line[3:].strip() for line in file if line.startswith("0::")), "/")
        if own != "/":
            paths.append(f"/sys/fs/cgroup{own}/memory.events")
    except OSError:
        pass
    return [*paths, "/proc/vmstat"]


def _count(path: str) -> int | None:
    try:
        with open(path, "rb") as file:
            for line in file:
                if line.startswith(b"oom_kill "):
                    return int(line.split()[1])
    except (OSError, ValueError):
        pass
    return None


def _tail(path: str) -> bytes:
    try:
        with open_file(path) as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL))
            tail = file.read()
    except OSError:
        return b""
    # What pyexp itself wrote about the try before may name memory as well.
    return tail[tail.rfind(b"--- try ") :].partition(b"\n")[2] if b"--- try " in tail else tail
