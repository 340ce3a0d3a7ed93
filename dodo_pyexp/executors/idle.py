"""The hang guard: a run that neither prints nor computes for too long does nothing any more.

What is looked at is the size of its log and the CPU time of all its processes. A machine's processes are read once
for all runs that are looked at together, about once a second, and only if some run has an `idle_timeout`.
"""

from __future__ import annotations

import os

LOOK_SECONDS = 1.0
AWAY_SECONDS = 10.0  # seconds without a look, after which nothing is known and counting begins anew
SHARE = 0.002  # of one core; what uses less only wakes up from time to time to see whether there is something to do
# Seconds of CPU time that at once are work, however long the run has been waiting before; the kernel counts hundredths.
ENOUGH_SECONDS = 0.02

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Row = tuple[int, int, int, float]  # process, its parent, its group or session, its CPU seconds


class Processes:
    """The processes of this machine, with the CPU time that each has used."""

    def __init__(self) -> None:
        self._read_at = float("-inf")
        self._used: dict[int, float] = {}
        self._children: dict[int, list[int]] = {}

    def available(self) -> bool:
        """Tell whether processes can be looked at here."""
        return any(row[0] == os.getpid() for row in _rows())

    def of(self, leader: int, now: float, age: float) -> dict[int, float]:
        """Give the CPU seconds of each process that belongs to `leader`: of its session or group, or descended.

        What is known may be `age` seconds old.
        """
        if now - self._read_at >= age:
            self._read_at = now
            self._read(_rows())
        found: dict[int, float] = {}
        pending = [leader]
        while pending:
            pid = pending.pop()
            if pid in self._used and pid not in found:
                found[pid] = self._used[pid]
                pending += self._children.get(pid, ())
        return found

    def _read(self, rows: Iterable[Row]) -> None:
        self._used, self._children = {}, {}
        for pid, parent, leader, seconds in rows:
            self._used[pid] = seconds
            for above in {parent, leader}:
                self._children.setdefault(above, []).append(pid)


def _rows() -> Iterator[Row]:
    """Read the processes of this machine; nothing where that cannot be done."""
    try:
        names = os.listdir("/proc")
    except OSError:
        names = []
    if "self" not in names:
        yield from _rows_of_ps()
        return
    tick = 1 / os.sysconf("SC_CLK_TCK")
    for name in names:
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb", buffering=0) as file:
                fields = file.read(1024).rpartition(b")")[2].split()
            # Its own time and that of children it has waited for: what they used is not lost when they end.
            used = sum(map(int, fields[11:15])) * tick
            yield int(name), int(fields[1]), int(fields[3]), used
        except (OSError, ValueError, IndexError):  # it has just ended
            continue


def _rows_of_ps() -> Iterator[Row]:
    """Ask `ps`, as on macOS."""
    import subprocess

    try:
        done = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid=,pgid=,time="],
            capture_output=True, text=True, timeout=5, env={**os.environ, "LC_ALL": "C"}, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return
    for line in done.stdout.splitlines():
        try:
            pid, parent, group, time = line.split()
            yield int(pid), int(parent), int(group), clock_seconds(time)
        except ValueError:
            continue


def clock_seconds(text: str) -> float:
    """Read a CPU time as `ps` writes it.

    Examples
    --------
    >>> clock_seconds("0:01.50"), clock_seconds("01:00:02"), clock_seconds("2-00:00:00")
    (1.5, 3602.0, 172800.0)
    """
    days, _, clock = text.rpartition("-")
    seconds = 0.0
    for part in clock.split(":"):
        seconds = seconds * 60 + float(part)
    return seconds + 86400 * int(days or 0)


class IdleWatch:
    """Watches one try of a run.

    Parameters
    ----------
    seconds
        So long it may do nothing.
    leader
        The process that executes it, and leads a session of its own.
    log
        The path of its log.
    processes
        Shared by all that are watched.
    """

    __slots__ = (
        "_active", "_leader", "_level", "_log", "_looked", "_pause", "_processes", "_seconds", "_size", "_used",
    )  # fmt: skip

    def __init__(self, seconds: float, leader: int, log: str, processes: Processes) -> None:
        self._seconds = seconds
        self._leader = leader
        self._log = log
        self._processes = processes
        self._pause = min(LOOK_SECONDS, seconds / 4)
        self._looked = self._active = float("-inf")
        self._size = -1
        self._used: dict[int, float] = {}
        self._level = 0.0

    def idle(self, now: float) -> bool:
        """Tell whether it has done nothing for too long; looks only when it is time to look."""
        passed = now - self._looked
        if passed < self._pause:
            return False
        self._looked = now
        if self._did_something(passed, now) or passed > AWAY_SECONDS + self._pause:
            self._active = now
            self._level = 0.0
        return now - self._active >= self._seconds

    def _did_something(self, passed: float, now: float) -> bool:
        size, used = self._look(now)
        old_size, old_used = self._size, self._used
        self._size, self._used = size, used
        if size != old_size or used.keys() != old_used.keys() or not used:  # nothing can be said without processes
            return True
        # A little that comes again and again leaks away; a little more than that, or much at once, is work.
        fresh = sum(used.values()) - sum(old_used.values())
        self._level = max(0.0, self._level + fresh - SHARE * passed)
        return self._level >= ENOUGH_SECONDS

    def _look(self, now: float) -> tuple[int, dict[int, float]]:
        try:
            size = os.stat(self._log).st_size
        except OSError:  # the run deleted it
            size = -1
        return size, self._processes.of(self._leader, now, self._pause / 2)
