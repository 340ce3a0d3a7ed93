"""Builds that are killed at any moment: the same command again does exactly the missing work (P1, P2, P4)."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from typing import Any

import pytest

NAMES = [f"{stage}{number}" for stage in ("load", "fit", "score") for number in range(3)] + ["all"]
EXPERIMENT = """
import os, time
import pyexp
from tally import mark

@pyexp.experiment(name="exp", executor=os.environ.get("EXECUTOR", "fork"), stash=False)
def exp(cfg, out, deps):
    mark(cfg)
    time.sleep(0.02)
    (out / "file").write_text(cfg.name)
    return [cfg.name, [dep.result[0] for dep in deps]]

@exp.configs
def configs():
    for number in range(3):
        yield {"name": f"score{number}", "depends_on": f"^fit{number}$"}
        yield {"name": f"fit{number}", "depends_on": f"^load{number}$"}
        yield {"name": f"load{number}"}
    yield {"name": "all", "depends_on": "^score"}

if __name__ == "__main__":
    exp.run()
"""
DOORS = {"doit": ("-m", "doit", "-f", "exp.py"), "script": ("exp.py", "-j", "2"), "pyexp": ("-m", "pyexp", "build")}
EXECUTORS = ("inline", "fork", "subprocess")
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def strike(project: Any, door: tuple[str, ...], executor: str, number: int, dice: random.Random) -> None:
    """Start a build and kill it somewhere in the middle."""
    environment = project.environment | {"EXECUTOR": executor}
    sofar = sum(project.tally().values())
    process = project.start(*door, env=environment, start_new_session=True)
    # Ctrl-C while the interpreter itself starts or ends is Python's to answer, so that comes behind a first run.
    enough = sofar + dice.randrange(number == signal.SIGINT, 10)
    while process.poll() is None and sum(project.tally().values()) < enough:
        time.sleep(0.001)
    time.sleep(dice.random() * 0.05)
    if process.poll() is None:
        os.kill(process.pid, number)
        if number == signal.SIGINT and dice.random() < 0.5:
            time.sleep(0.01)
            if process.poll() is None:
                os.kill(process.pid, number)
    output = "".join(process.communicate(timeout=100))
    assert process.returncode in (0, 130, -number), output
    if process.returncode == 130 and "doit" not in door:
        assert "Traceback" not in output, output


def survive(project: Any, door: tuple[str, ...], executor: str, number: int, seed: int) -> None:
    """Kill builds until something is left to do and something is done, then see what the next build does."""
    dice = random.Random(seed)
    for _ in range(2):
        strike(project, door, executor, number, dice)
        finished, before = project.finished(), project.tally()
        assert set(before) >= finished
    done = project.python(*door, env={"EXECUTOR": executor}, status=None)
    assert done.returncode == 0, done.stdout + done.stderr
    after = project.tally()
    for name in finished:
        assert after[name] == before[name], f"{name} was finished, and executed again"
    assert after - before == Counter(set(NAMES) - finished), "each of the others exactly once"
    assert project.finished() == set(NAMES)
    project.python("exp.py", "-n")
    project.python(*door, env={"EXECUTOR": executor})
    assert project.tally() == after


TRIALS = [
    (door, EXECUTORS[(index + row) % 3], SIGNALS[row], 100 * index + row)
    for index, door in enumerate(DOORS)
    for row in range(3)
] + [
    ("script", "inline", signal.SIGKILL, 7),
    ("doit", "fork", signal.SIGKILL, 8),
    ("pyexp", "subprocess", signal.SIGTERM, 9),
]


@pytest.fixture
def pipeline(project: Any) -> Any:
    project.write("exp.py", EXPERIMENT)
    project.write("dodo.py", "from exp import exp\n")
    return project


@pytest.mark.parametrize(("door", "executor", "number", "seed"), TRIALS)
def test_a_killed_build_loses_nothing(pipeline: Any, door: str, executor: str, number: int, seed: int) -> None:
    survive(pipeline, DOORS[door], executor, number, seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("door", DOORS)
def test_many_killed_builds_lose_nothing(pipeline: Any, door: str, executor: str, number: int, seed: int) -> None:
    survive(pipeline, DOORS[door], executor, number, seed)


def test_a_dodo_file_survives_too_without_settings_of_its_own(pipeline: Any) -> None:
    survive(pipeline, ("-m", "doit"), "fork", signal.SIGKILL, 5)


def together(project: Any, *doors: tuple[str, ...], executor: str) -> None:
    environment = project.environment | {"EXECUTOR": executor}
    processes = [project.start(*door, env=environment) for door in doors]
    for process in processes:
        output = "".join(process.communicate(timeout=100))
        assert process.returncode == 0, output
    assert project.tally() == Counter(NAMES)
    assert project.finished() == set(NAMES)
    project.python("exp.py", "-n")


@pytest.mark.parametrize(
    ("first", "second", "executor"),
    [("script", "script", "fork"), ("doit", "doit", "subprocess"), ("pyexp", "doit", "fork"),
     ("script", "pyexp", "inline")],
)  # fmt: skip
def test_two_builds_at_once_share_the_work(pipeline: Any, first: str, second: str, executor: str) -> None:
    together(pipeline, DOORS[first], DOORS[second], executor=executor)


def test_many_builds_at_once_share_the_work(pipeline: Any) -> None:
    together(pipeline, *DOORS.values(), ("-m", "doit", "-f", "exp.py", "-n", "2"), executor="fork")


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(60))
def test_builds_at_once_share_the_work_again_and_again(pipeline: Any, seed: int) -> None:
    dice = random.Random(seed)
    doors = [DOORS[dice.choice(list(DOORS))] for _ in range(dice.randrange(2, 5))]
    together(pipeline, *doors, executor=dice.choice(EXECUTORS))
