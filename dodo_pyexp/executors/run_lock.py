"""The lock of a run, held by the process that executes it and by nothing that the run leaves behind.

A lock of this kind belongs to all processes that have inherited it, and lasts until the last one has closed it. What a
run starts as a program does not inherit it; a fork would.
"""

from __future__ import annotations

import os

_kept: list[tuple[int, os.stat_result]] = []


def keep(fd: int) -> None:
    """Hold a descriptor open as long as this process lives; its forks, and what it starts, do not have it."""
    os.set_inheritable(fd, False)
    if not _kept:
        os.register_at_fork(after_in_child=_let_go)
    _kept.append((fd, os.fstat(fd)))


def _let_go() -> None:
    for fd, what in _kept:
        try:
            if os.path.samestat(os.fstat(fd), what):  # else the user's code has closed it, and opened something else
                os.close(fd)
        except OSError:
            pass
    _kept.clear()
