"""Builds at once in one folder: every run is executed exactly once, and every build ends well."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.slow
@pytest.mark.trials(quick=1, soak=50)
@pytest.mark.parametrize("builds", [2, 4])
def test_builds_at_once_share_the_work(
    pipeline: Any, trial: int, builds: int, dice: random.Random, figures: Callable[..., None]
) -> None:
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
    figures(builds=builds, runs=len(laid.NAMES), executions=sum(laid.tally().values()))


def test_builds_that_want_different_things_do_not_disturb_each_other(pipeline: Any) -> None:
    laid = pipeline("one")
    words = [("-m", "pyexp", "build", f"exp:{name}") for name in ("score0", "score1", "fit1", "all")]
    started = [laid.project.start(*command) for command in words]
    for process in started:
        output = "".join(process.communicate(timeout=100))
        assert process.returncode == 0, output
    assert laid.tally() == Counter(laid.NAMES)


WAITING = """
import os, time
import pyexp
from tally import mark

@pyexp.experiment(stash=False, executor="fork")
def exp(cfg):
    mark(cfg)
    while cfg.name == "slow" and not os.path.exists("go"):
        time.sleep(0.005)
    return cfg.name

@exp.configs
def configs():
    return [{"name": "slow"}, {"name": "other"}, {"name": "behind", "depends_on": "slow"}]

if __name__ == "__main__":
    exp.run()
"""
COMMANDS = {
    "script": ("exp.py",),
    "pyexp": ("-m", "pyexp", "build", "exp.py"),
    "doit": ("-m", "doit", "-f", "exp.py"),
    "doit -n": ("-m", "doit", "-f", "exp.py", "-n", "2"),
}


def wait_for(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


@pytest.mark.parametrize(("first", "second"), [("doit", "script"), ("script", "pyexp"), ("pyexp", "doit -n")])
def test_a_second_build_does_what_else_there_is_and_waits_for_the_rest(project: Any, first: str, second: str) -> None:
    project.write("exp.py", WAITING)
    builds = [project.start(*COMMANDS[first], "exp:slow" if first != "script" else "--filter=^slow$")]
    wait_for(lambda: project.tally()["slow"])
    builds.append(project.start(*COMMANDS[second]))
    wait_for(lambda: project.tally()["other"])
    time.sleep(0.2)
    assert project.tally() == Counter(["slow", "other"]) and builds[1].poll() is None
    (project.folder / "go").touch()
    for build in builds:
        output = "".join(build.communicate(timeout=60))
        assert build.returncode == 0, output
    assert project.tally() == Counter(["slow", "other", "behind"])
    if second != "doit -n":
        assert output.count("exp:slow is being executed by another build") == 1


def test_a_second_doit_waits_for_a_run_and_then_finds_it_up_to_date(project: Any) -> None:
    project.write("exp.py", WAITING)
    first = project.start(*COMMANDS["pyexp"], "exp:slow")
    wait_for(lambda: project.tally()["slow"])
    second = project.start(*COMMANDS["doit"], "exp:slow")
    time.sleep(1)
    assert second.poll() is None
    (project.folder / "go").touch()
    assert second.wait(60) == first.wait(60) == 0
    assert project.tally() == Counter(["slow"])


def test_a_run_that_failed_in_the_first_build_is_tried_again_by_the_second(project: Any) -> None:
    project.write("exp.py", WAITING.replace("    return cfg.name", "    raise ValueError('no luck')"))
    first = project.start(*COMMANDS["script"], "--filter=^slow$")
    wait_for(lambda: project.tally()["slow"])
    second = project.start(*COMMANDS["pyexp"], "exp:slow")
    while "another build" not in second.stderr.readline():
        assert second.poll() is None
    (project.folder / "go").touch()
    for build in (first, second):
        build.communicate(timeout=60)
        assert build.returncode == 1
    assert project.tally() == Counter(["slow", "slow"])
