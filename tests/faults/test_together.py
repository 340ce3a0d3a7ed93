"""Builds at once in one folder: every run is executed exactly once, and every build ends well (P4)."""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import Any

import pytest


@pytest.mark.trials(quick=2, soak=50)
@pytest.mark.parametrize("builds", [2, 4])
def test_builds_at_once_share_the_work(pipeline: Any, trial: int, builds: int, dice: random.Random) -> None:
    shape = dice.choice(list(pipeline("one").SHAPES))
    laid = pipeline(shape)
    executor = dice.choice(laid.EXECUTORS)
    # Every door comes first now and then.
    doors = [list(laid.DOORS)[trial % len(laid.DOORS)], *(dice.choice(list(laid.DOORS)) for _ in range(builds - 1))]
    print(f"{shape=} {executor=} {doors=}")
    started = []
    for door in doors:
        started.append(laid.start(door, EXECUTOR=executor))
        time.sleep(dice.choice([0, dice.random() * 0.1, dice.random()]))
    for process in started:
        output = "".join(process.communicate(timeout=100))
        assert process.returncode == 0, output
        assert "Traceback" not in output, output
    assert laid.tally() == Counter(laid.NAMES)
    assert laid.finished() == laid.NAMES
    laid.project.python("exp.py", "-n")


def test_builds_that_want_different_things_do_not_disturb_each_other(pipeline: Any) -> None:
    laid = pipeline("one")
    words = [("-m", "pyexp", "build", f"exp:{name}") for name in ("score0", "score1", "fit1", "all")]
    started = [laid.project.start(*command) for command in words]
    for process in started:
        output = "".join(process.communicate(timeout=100))
        assert process.returncode == 0, output
    assert laid.tally() == Counter(laid.NAMES)
