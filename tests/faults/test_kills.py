"""Builds that are killed at any moment: the same command again does exactly the missing work."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def strike(
    pipeline: Any, door: str, executor: str, number: int, dice: random.Random, late: int
) -> tuple[dict[str, int], int]:
    """Start a build and kill it somewhere in the middle; it has finished all it executed but what was on its way.

    Of the builds before, so many runs may still begin and be killed then. Give figures, and how many may of this one.
    """
    hits = 0
    jobs = pipeline.DOORS[door][1]
    before, had = pipeline.tally(), pipeline.finished()
    process = pipeline.start(door, EXECUTOR=executor)
    # Ctrl-C while the interpreter itself starts or ends is Python's to answer, so that comes behind a first run.
    enough = sum(before.values()) + dice.randrange(number == signal.SIGINT, 10)
    while process.poll() is None and sum(pipeline.tally().values()) < enough:
        time.sleep(0.001)
    time.sleep(dice.random() * 0.05)
    if process.poll() is None:
        # A terminal sends Ctrl-C to all that it started; doit's pool, for one, waits for ever if only doit gets it.
        send = os.killpg if number == signal.SIGINT else os.kill
        send(process.pid, number)
        hits = 1
        if number == signal.SIGINT and dice.random() < 0.5:
            time.sleep(0.01)
            if process.poll() is None:
                send(process.pid, number)
    output = "".join(process.communicate(timeout=100))
    assert process.returncode in (0, 130, -number), output
    if process.returncode == 130 and not door.startswith("do"):
        assert "Traceback" not in output, output
    new, executed = pipeline.finished() - had, pipeline.tally() - before
    harmed = len(had - pipeline.finished()) + sum(executed[name] for name in had)
    assert harmed == 0, "what was finished stays finished, and is not executed again"
    assert new <= set(executed)
    in_vain = sum(executed.values()) - len(new)
    most = jobs + late
    assert in_vain <= most, "at most what was on its way has been executed in vain"
    figures = {
        "kills": hits,
        "killed_on_their_way": in_vain,
        "most_of_these_at_once": in_vain,
        "finished_ones_lost": harmed,
    }
    return figures, most - in_vain


@pytest.mark.slow
@pytest.mark.trials(quick=8, soak=216)
def test_a_killed_build_loses_nothing(
    pipeline: Any,
    trial: int,
    dice: random.Random,
    nothing_survives: Callable[[], None],
    figures: Callable[..., None],
) -> None:
    shape = dice.choice(list(pipeline("one").SHAPES))
    laid = pipeline(shape)
    doors = list(laid.DOORS)
    kinds = [(door, executor, number) for number in SIGNALS for executor in laid.EXECUTORS for door in doors]
    random.Random(1).shuffle(kinds)  # so that the first few have something of everything
    door, executor, number = kinds[trial % len(kinds)]
    print(f"{shape=} {door=} {executor=} {number=}")
    late = 0
    for _ in range(2):
        found, late = strike(laid, door, executor, number, dice, late)
        figures(**found)
        if dice.random() < 0.5:  # else the next build comes upon what may not be dead yet
            nothing_survives()
            late = 0
    have, before = laid.finished(), laid.tally()
    laid.build(dice.choice([door, *doors]), EXECUTOR=executor)
    executed = laid.tally() - before
    missing = Counter(laid.NAMES - have)
    assert executed >= missing and executed.keys() == missing.keys(), "each of the others, and no more"
    assert executed.total() - missing.total() <= late, "exactly once, but for what the killed build had begun"
    assert laid.finished() == laid.NAMES
    nothing_survives()
    after = laid.tally()
    laid.project.python("exp.py", "-n")
    laid.build(door, EXECUTOR=executor)
    assert laid.tally() == after
    figures(finished_before_the_last_build=len(have), executed_by_it=sum(executed.values()))


# -- the processes of a killed build ----------------------------------------------------------------------------


def wait_for(condition: Callable[[], Any], seconds: float = 30) -> Any:
    """Wait until a condition holds, and give what it gives."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)
    return found


def guardian(processes: Callable[[], dict[int, str]]) -> int:
    return wait_for(lambda: next((pid for pid, command in processes().items() if " -I -S -c" in command), None))


def fork_server(build: int) -> int | None:
    """Find the child of a build that has nothing to print, once it is ready: the others are runs, which have a log."""
    children = Path(f"/proc/{build}/task/{build}/children").read_text().split()
    return next((int(pid) for pid in children if os.readlink(f"/proc/{pid}/fd/1") == os.devnull), None)


@pytest.mark.parametrize("executor", ["fork", "subprocess"])
def test_a_run_that_outlives_its_build_is_not_executed_again_beside_it(
    pipeline: Any, executor: str, processes: Callable[[], dict[int, str]]
) -> None:
    """The guardian and the fork server end the runs of a killed build, but may be late: here, stopped for a while."""
    laid = pipeline("one")
    killed = laid.start("script", EXECUTOR=executor, SECONDS="60")
    wait_for(lambda: sum(laid.tally().values()) == 2)
    late = {guardian(processes)}
    if executor == "fork" and sys.platform == "linux":
        late.add(wait_for(lambda: fork_server(killed.pid)))
    for process in late:
        os.kill(process, signal.SIGSTOP)
    try:
        killed.kill()
        killed.communicate(timeout=30)
        build = laid.start("script", EXECUTOR=executor)
        while "is being executed by another build" not in build.stderr.readline():
            assert build.poll() is None, "it ended without a word"
        wait_for(lambda: laid.tally()["load2"])  # it does what else there is to do
        time.sleep(0.2)
        assert laid.tally() == Counter(["load0", "load1", "load2", "fit2", "score2"]) & laid.tally()
    finally:
        for process in late:
            os.kill(process, signal.SIGCONT)
    output = "".join(build.communicate(timeout=60))
    assert build.returncode == 0, output
    assert laid.tally() == Counter([*laid.NAMES, "load0", "load1"])


@pytest.mark.parametrize("executor", ["fork", "subprocess"])
def test_what_a_run_left_behind_on_purpose_locks_nothing(
    project: Any, executor: str, processes: Callable[[], dict[int, str]]
) -> None:
    project.write(
        "exp.py",
        """
        import os, time
        import pyexp
        from tally import mark

        @pyexp.experiment(stash=False)
        def exp(cfg, out):
            mark(cfg)
            if cfg.name == "daemon" and os.path.exists("wait") and os.fork() == 0:
                os.setsid()
                open("daemon", "w").write(str(os.getpid()))
                os.execlp("sleep", "sleep", "300")
            while os.path.exists("wait"):
                time.sleep(0.01)

        @exp.configs
        def configs():
            return [{"name": "first"}, {"name": "daemon"}]

        if __name__ == "__main__":
            exp.run()
        """,
    )
    (project.folder / "wait").touch()
    build = project.start("exp.py", "-j", "2", "--executor", executor)
    pid = int(wait_for(lambda: (project.folder / "daemon").exists() and (project.folder / "daemon").read_text()))
    wait_for(lambda: sum(project.tally().values()) == 2)
    build.kill()
    build.communicate(timeout=30)
    (project.folder / "wait").unlink()
    try:
        project.python("exp.py", "--executor", executor)
        assert project.tally() == Counter(["first", "daemon"] * 2)
        assert pid in processes()
    finally:
        os.kill(pid, signal.SIGKILL)
