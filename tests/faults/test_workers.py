"""Processes that execute runs, killed from outside: `retry` replaces them, without it exactly those runs failed."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

EXPERIMENT = """
import os, time
import pyexp
from tally import mark

@pyexp.experiment(stash=False)
def exp(cfg, out):
    mark(cfg)
    time.sleep(cfg.seconds)
    (out / "file").write_text(cfg.name)
    return cfg.name

@exp.configs
def configs():
    return [{"name": f"r{n}", "seconds": float(os.environ["SECONDS"])} for n in range(int(os.environ["RUNS"]))]

if __name__ == "__main__":
    exp.run()
    for result in exp.results():
        assert not result.finished or result.error or result.result == result.name
"""
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS)


def children(build: int) -> dict[int, bytes]:
    """Find the living children of a build, with their command lines."""
    found = {}
    for pid in Path(f"/proc/{build}/task/{build}/children").read_text().split():
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found[int(pid)] = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
    return found


def workers(build: int) -> list[int]:
    """Find those that execute runs."""
    return [pid for pid, command in children(build).items() if b"\0-I\0-S\0-c\0" not in command]


def shoot(build: Any, kills: int, dice: random.Random) -> int:
    """Kill workers at random moments until there have been enough, or the build is over; tell how many it hit."""
    hit = 0
    while build.poll() is None and hit < kills:
        try:
            victims = workers(build.pid)
            if victims:
                os.kill(dice.choice(victims), dice.choice(SIGNALS))
                hit += 1
        except (FileNotFoundError, ProcessLookupError):
            continue
        time.sleep(dice.random() * 0.02)
    return hit


def start(project: Any, executor: str, runs: int, *more: str) -> Any:
    project.write("exp.py", EXPERIMENT)
    project.environment_of_runs = {"RUNS": str(runs), "SECONDS": "0.05"}
    return project.start(
        "exp.py", "--executor", executor, "-j", "4", *more, env=project.environment | project.environment_of_runs
    )


def statuses(project: Any) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in project.out.glob("exp/*/*/status.json")]


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="finds the workers in /proc")
@pytest.mark.parametrize("executor", ["fork", "subprocess"])
@pytest.mark.parametrize(("runs", "kills"), [(12, 6), pytest.param(200, 100, marks=pytest.mark.soak)])
def test_killed_workers_are_replaced_where_retry_says_so(
    project: Any, executor: str, runs: int, kills: int, dice: random.Random, figures: Callable[..., None]
) -> None:
    build = start(project, executor, runs, "--retry", "50")
    hit = shoot(build, kills, dice)
    output = "".join(build.communicate(timeout=100))
    assert build.returncode == 0, output
    assert "Traceback" not in output
    found = statuses(project)
    assert len(found) == runs and all(status["state"] == "finished" for status in found)
    again = sum(status["tries"] - 1 for status in found)
    assert kills // 2 <= again <= hit == kills, "one that was hit when it was through has not been tried again"
    executed = project.tally()
    assert set(executed) == {f"r{n}" for n in range(runs)} and sum(executed.values()) <= runs + hit
    assert output.count("ProcessKilled: the process was killed by SIG") == again
    project.python("exp.py", env=project.environment_of_runs)
    assert project.tally() == executed
    figures(runs=runs, kills=hit, tries_again=again, finished=len(found))


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="finds the workers in /proc")
@pytest.mark.parametrize("executor", ["fork", "subprocess"])
@pytest.mark.parametrize(("runs", "kills"), [(12, 4), pytest.param(200, 60, marks=pytest.mark.soak)])
def test_killed_workers_are_failed_runs_and_no_others(
    project: Any, executor: str, runs: int, kills: int, dice: random.Random, figures: Callable[..., None]
) -> None:
    build = start(project, executor, runs)
    hit = shoot(build, kills, dice)
    output = "".join(build.communicate(timeout=100))
    assert hit == kills and build.returncode == 1, output
    assert "Traceback" not in output
    found = statuses(project)
    failed = {status["run"] for status in found if status["state"] == "failed"}
    assert len(found) == runs and 0 < len(failed) <= hit
    assert all(status["error"]["type"] == "ProcessKilled" for status in found if status["run"] in failed)
    assert project.finished() == {f"r{n}" for n in range(runs)} - failed
    before = project.tally()
    project.python("exp.py", "--executor", executor, env=project.environment_of_runs)
    assert project.tally() - before == Counter(failed)
    assert project.finished() == {f"r{n}" for n in range(runs)}
    figures(runs=runs, kills=hit, failed_and_executed_again=len(failed))


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="finds the workers in /proc")
@pytest.mark.parametrize("executor", ["fork", "subprocess"])
def test_a_killed_guardian_disturbs_no_run(project: Any, executor: str) -> None:
    build = start(project, executor, 8)
    guardians: set[int] = set()
    while not guardians:
        assert build.poll() is None
        found = children(build.pid)
        guardians = {pid for pid, command in found.items() if b"\0-I\0-S\0-c\0" in command}
    os.kill(guardians.pop(), signal.SIGKILL)
    output = "".join(build.communicate(timeout=100))
    assert build.returncode == 0, output
    assert project.finished() == {f"r{n}" for n in range(8)}
