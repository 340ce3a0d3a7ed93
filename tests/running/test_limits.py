"""What one try may not exceed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from dodo_pyexp.executors.handle import Handle
from dodo_pyexp.executors.idle import Processes
from dodo_pyexp.planning.options import Options
from dodo_pyexp.running.limits import Limits


class Still(Processes):
    """A machine on which nothing happens."""

    def of(self, leader: int, now: float, age: float) -> dict[int, float]:
        return {leader: 1.0}


def limits(folder: Path, pid: int | None = 7, **options: Any) -> Limits:
    handle = Handle()
    handle.pid = pid
    return Limits(Options(**options), handle, str(folder / "log.out"), Still())


def test_without_options_there_is_nothing_to_watch(tmp_path: Path) -> None:
    watched = limits(tmp_path)
    assert not watched.any and watched.broken(time.monotonic() + 1e9) is None


def test_a_timeout_counts_from_the_start(tmp_path: Path) -> None:
    watched = limits(tmp_path, timeout=60)
    assert watched.any and watched.broken(time.monotonic()) is None
    assert watched.broken(time.monotonic() + 61) == (
        "Timeout", "the run took longer than 60 s and was killed with its children",
    )  # fmt: skip


def test_doing_nothing_counts_from_the_last_sign_of_life(tmp_path: Path) -> None:
    watched = limits(tmp_path, timeout=1000, idle_timeout=60)
    now = time.monotonic()
    assert not any(watched.broken(now + second) for second in range(60))
    broken = watched.broken(now + 60)
    assert broken is not None and broken[0] == "IdleTimeout"


def test_what_has_no_process_of_this_machine_is_not_watched_for_doing_nothing(tmp_path: Path) -> None:
    assert not limits(tmp_path, pid=None, idle_timeout=60).any
    assert limits(tmp_path, pid=None, timeout=60).any
