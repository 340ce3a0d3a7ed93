"""Trainings that are killed with their build at any moment: the next build goes on from the last checkpoint."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

STEPS = 12
NAMES = ("a", "b")
TRAINING = f"""
    import json, os, time
    import pyexp
    from tally import mark

    @pyexp.experiment(executor=os.environ["EXECUTOR"], stash=False, resume=True)
    def train(cfg, out):
        seen = []
        if cfg.previous is not None:
            seen = json.loads((cfg.previous / "checkpoint.json").read_text())
        while len(seen) < {STEPS}:
            mark(cfg)
            time.sleep(0.02)
            seen.append(len(seen))
            (out / ".checkpoint.tmp").write_text(json.dumps(seen))
            os.replace(out / ".checkpoint.tmp", out / "checkpoint.json")
        return seen

    @train.configs
    def configs():
        return [{{"name": name}} for name in {NAMES}]

    if __name__ == "__main__":
        train.run()
"""
DOORS = {
    "script": ("exp.py", "-j", "2"),
    "doit": ("-m", "doit", "-f", "exp.py"),
    "pyexp": ("-m", "pyexp", "build", "exp.py"),
}
EXECUTORS = ("inline", "fork", "subprocess")


def strike(project: Any, door: tuple[str, ...], executor: str, number: int, dice: random.Random) -> bool:
    """Start a build, and kill it after some more steps."""
    process = project.start(*door, env=project.environment | {"EXECUTOR": executor}, start_new_session=True)
    enough = sum(project.tally().values()) + dice.randrange(1, 6)
    while process.poll() is None and sum(project.tally().values()) < enough:
        time.sleep(0.001)
    time.sleep(dice.random() * 0.02)
    while process.poll() is None:  # twice is enough for Ctrl-C to end the runs; the first may come before all is ready
        os.kill(process.pid, number)
        time.sleep(0.05)
    process.communicate(timeout=100)
    return process.returncode != 0


def survive(project: Any, door: str, executor: str, number: int, seed: int, kills: int) -> dict[str, int]:
    project.write("exp.py", TRAINING)
    dice = random.Random(seed)
    hits = sum(strike(project, DOORS[door], executor, number, dice) for _ in range(kills))
    project.python(*DOORS[door], env={"EXECUTOR": executor})
    for name in NAMES:
        attempts = project.attempts(name, "train")
        assert json.loads((attempts[-1] / "result.json").read_text()) == list(range(STEPS)), "each step once, in order"
        # Each kill may have cost the step that was on its way, and no more.
        assert STEPS <= project.tally()[name] <= STEPS + kills
        for attempt, after in pairwise(attempts):
            previous = json.loads((after / "status.json").read_text())["previous"]
            if (attempt / "checkpoint.json").exists():
                assert previous == attempt.name
    before = project.tally()
    project.python(*DOORS[door], env={"EXECUTOR": executor})
    assert project.tally() == before
    again = sum(before.values()) - STEPS * len(NAMES)
    return {"kills": hits, "steps": STEPS * len(NAMES), "steps_executed_again": again}


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_killed_training_goes_on_from_its_checkpoint(project: Any, executor: str, number: int) -> None:
    door = list(DOORS)[(EXECUTORS.index(executor) + number) % 3]
    survive(project, door, executor, number, seed=number, kills=2)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("door", DOORS)
def test_many_killed_trainings_go_on(
    project: Any, door: str, executor: str, number: int, seed: int, figures: Callable[..., None]
) -> None:
    figures(**survive(project, door, executor, number, seed, kills=3))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_training_whose_code_was_edited_after_the_kill_starts_anew(project: Any, executor: str) -> None:
    project.write("exp.py", TRAINING)
    process = project.start(*DOORS["script"], env=project.environment | {"EXECUTOR": executor})
    while not list(project.out.glob("train/a/*/checkpoint.json")):
        assert process.poll() is None
        time.sleep(0.005)
    process.kill()
    process.communicate()
    project.python("exp.py", "-n", env={"EXECUTOR": executor}, status=3)
    before = project.tally()
    project.edit("exp.py", "time.sleep(0.02)", "time.sleep(0.01)")
    done = project.python(*DOORS["script"], env={"EXECUTOR": executor})
    for name in NAMES:
        assert project.tally()[name] - before[name] == STEPS
        assert json.loads((project.attempts(name, "train")[-1] / "status.json").read_text())["previous"] is None
    assert "starts anew" in done.stderr
