"""What the faults have in common: pipelines, dice that can be thrown again, and a look at what outlived its build."""

from __future__ import annotations

import json
import os
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

MARK = "FAULTS_MARK"


@pytest.fixture
def _warm() -> None:
    """Break nothing but what users start: whole interpreters."""


# -- chance -----------------------------------------------------------------------------------------------------


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Number the trials of a test: the first few are for every day, all of them for `make soak`.

    ``FAULTS_TRIALS=0.1`` makes a tenth of the soak's, ``FAULTS_TRIALS=10`` ten times as many.
    """
    mark = metafunc.definition.get_closest_marker("trials")
    if mark is not None:
        quick = mark.kwargs["quick"]
        many = max(quick, round(mark.kwargs["soak"] * float(os.environ.get("FAULTS_TRIALS") or 1)))
        soak = [pytest.param(number, marks=pytest.mark.soak) for number in range(quick, many)]
        metafunc.parametrize("trial", [*range(quick), *soak])


@pytest.fixture
def dice() -> random.Random:
    """Throw other numbers in every session; a failure shows the seed, and ``FAULTS_SEED=<seed>`` throws them again."""
    seed = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"FAULTS_SEED={seed}")
    return random.Random(seed)


# -- figures ----------------------------------------------------------------------------------------------------

FIGURE = "figure "


@pytest.fixture
def figures(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """Let a test say what it has counted: at the end of the session, there are the sums for each test function."""

    def count(**numbers: int) -> None:
        for name, number in numbers.items():
            record_property(FIGURE + name.replace("_", " "), number)

    return count


def pytest_terminal_summary(terminalreporter: Any) -> None:
    sums: dict[str, Counter[str]] = {}
    for report in terminalreporter.getreports("passed"):
        found = [(name.removeprefix(FIGURE), value) for name, value in report.user_properties if FIGURE in name]
        if report.when == "call" and found:
            counted = sums.setdefault(report.nodeid.partition("[")[0].rpartition("/")[2], Counter())
            counted["trials"] += 1
            for name, value in found:
                counted[name] = max(counted[name], value) if name.startswith("most") else counted[name] + value
    if sums:
        terminalreporter.section("figures")
        for test, counted in sums.items():
            terminalreporter.line(f"{test}: {', '.join(f'{number} {name}' for name, number in counted.items())}")


# -- survivors --------------------------------------------------------------------------------------------------


def marked(mark: str) -> dict[int, str]:
    """Find the living processes that were started, directly or not, with this mark in their environment."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():  # of a zombie this is empty
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:200]
        except OSError:
            continue
    # Inline runs of this very process have a sweeper that lives as long as the process does.
    return {pid: program for pid, program in found.items() if f"sweeper.py {os.getpid()} " not in program}


@pytest.fixture(autouse=True)
def processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], dict[int, str]]]:
    """Find what this test's builds have started and still lives; when the test is over nothing may."""
    mark = uuid.uuid4().hex
    monkeypatch.setenv(MARK, mark)
    yield lambda: marked(mark)
    if os.path.isdir("/proc/self"):
        wait_for_none(lambda: marked(mark))


@pytest.fixture
def nothing_survives(processes: Callable[[], dict[int, str]]) -> Callable[[], None]:
    """Check, whenever it is called, that no process of any build is left."""
    return lambda: wait_for_none(processes)


def wait_for_none(processes: Callable[[], dict[int, str]]) -> None:
    end = time.monotonic() + 20
    while (left := processes()) and time.monotonic() < end:
        time.sleep(0.005)
    assert not left, f"these outlived their build: {left}"


# -- pipelines --------------------------------------------------------------------------------------------------

# A run that is executed by two processes at the same moment says so in the tally.
WORK = """
import fcntl, os, time
from tally import mark

EXECUTOR = os.environ.get("EXECUTOR", "fork")

def work(cfg, out, deps):
    watch = os.open(f"{os.environ['TALLY']}-{cfg.name}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    try:
        fcntl.flock(watch, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        cfg.name += " twice at once"
    mark(cfg)
    time.sleep(float(os.environ.get("SECONDS", "0.02")))
    (out / "file").write_text(cfg.name)
    return [cfg.name, [dep.result[0] for dep in deps]]

def stage(name, *before):
    return [{"name": f"{name}{n}", **{"depends_on": f"^{one}{n}$" for one in before}} for n in range(3)]
"""
ONE_EXPERIMENT = """
import pyexp
from work import EXECUTOR, stage, work

@pyexp.experiment(name="exp", executor=EXECUTOR, stash=False)
def exp(cfg, out, deps):
    return work(cfg, out, deps)

@exp.configs
def configs():
    return [*stage("score", "fit"), *stage("fit", "load"), *stage("load"), {"name": "all", "depends_on": "^score"}]

if __name__ == "__main__":
    exp.run()
"""
THREE_EXPERIMENTS = """
import pyexp
from work import EXECUTOR, stage, work

@pyexp.experiment(executor=EXECUTOR, stash=False)
def first(cfg, out, deps):
    return work(cfg, out, deps)

@pyexp.experiment(executor=EXECUTOR, stash=False, timestamp=False)
def second(cfg, out, deps):
    return work(cfg, out, deps)

@pyexp.experiment(executor=EXECUTOR, stash=False)
def exp(cfg, out, deps):
    return work(cfg, out, deps)

first.configs(lambda: stage("load"))
second.configs(lambda: stage("fit", "load"))
exp.configs(lambda: [*stage("score", "fit"), {"name": "all", "depends_on": "^score"}])

if __name__ == "__main__":
    exp.run()
"""


class Pipeline:
    """Ten runs in four stages, in one experiment or in three; in the flat layout, some of them."""

    SHAPES: ClassVar = {"one": ONE_EXPERIMENT, "three": THREE_EXPERIMENTS}
    NAMES = frozenset([f"{stage}{number}" for stage in ("load", "fit", "score") for number in range(3)] + ["all"])
    EXECUTORS = ("inline", "fork", "subprocess")
    #: How to start a build, and how many runs it may have on their way.
    DOORS: ClassVar = {
        "doit": (("-m", "doit", "-f", "exp.py"), 1),
        "dodo": (("-m", "doit"), 1),
        "doit -n": (("-m", "doit", "-n", "2"), 2),
        "script": (("exp.py", "-j", "2"), 2),
        "pyexp": (("-m", "pyexp", "build", "-j", "3"), 3),
    }

    def __init__(self, project: Any, shape: str) -> None:
        self.project = project
        project.write("work.py", WORK)
        project.write("exp.py", self.SHAPES[shape])
        project.write("dodo.py", "from exp import *\n")

    def start(self, door: str, **environment: str) -> Any:
        command = self.DOORS[door][0]
        return self.project.start(*command, env=self.project.environment | environment, start_new_session=True)

    def build(self, door: str, **environment: str) -> None:
        self.project.python(*self.DOORS[door][0], env=environment)

    def tally(self) -> Counter[str]:
        """How often each run has been executed, ever."""
        counted: Counter[str] = self.project.tally()
        assert set(counted) <= self.NAMES, "nothing is executed twice at once"
        return counted

    def finished(self) -> set[str]:
        """Which runs have a record; a torn one would raise here."""
        return {json.loads(path.read_bytes())["name"] for path in self.project.out.glob("*/*/.finished")}


@pytest.fixture
def pipeline(project: Any) -> Callable[[str], Pipeline]:
    """Lay out a pipeline of the given shape."""
    return lambda shape: Pipeline(project, shape)
