"""Very many runs at once: no thread for each, no work that grows with their square, and no lack of open files."""

from __future__ import annotations

import errno
import os
import resource
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import pyexp
from dodo_pyexp.executors.handle import Ended, Handle

EXPERIMENT = """
import os, resource, time
import pyexp
from tally import mark

@pyexp.experiment(stash=False)
def exp(cfg):
    mark(cfg)
    time.sleep(float(os.environ["SECONDS"]))
    return list(resource.getrlimit(resource.RLIMIT_NOFILE))

@exp.configs
def configs():
    return [{"name": f"r{n}"} for n in range(int(os.environ["RUNS"]))]

if __name__ == "__main__":
    exp.run()
    print({tuple(result.result) for result in exp.results()})
"""


def limited(project: Any, soft: int, hard: int, runs: int, executor: str, seconds: float = 0.05) -> Any:
    project.write("exp.py", EXPERIMENT)
    process = project.start(
        "exp.py", "-j", "2000", "--executor", executor,
        env=project.environment | {"RUNS": str(runs), "SECONDS": str(seconds)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard)),
    )  # fmt: skip
    out, errors = process.communicate(timeout=110)
    assert process.returncode == 0, errors
    assert len(project.finished()) == runs and sum(project.tally().values()) == runs
    return out, errors


@pytest.mark.parametrize(("executor", "runs"), [("fork", 60), ("subprocess", 20)])
def test_few_open_files_mean_fewer_runs_at_once_and_one_note(project: Any, executor: str, runs: int) -> None:
    out, errors = limited(project, 64, 64, runs, executor)
    assert errors.count("runs at once: a process may have no more than 64 files open here (ulimit -n)") == 1
    assert "Traceback" not in errors and "FAILED" not in errors
    assert out.strip() == "{(64, 64)}"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can give the runs their limit back")
def test_the_limit_is_raised_for_the_build_and_not_for_its_runs(project: Any) -> None:
    out, errors = limited(project, 64, 1000, 60, "fork", 0.3)
    assert "at once" not in errors
    assert out.strip() == "{(64, 1000)}"


@pytest.mark.soak
def test_a_thousand_forks_are_on_their_way_at_once(project: Any) -> None:
    _, errors = limited(project, 1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1], 1000, "fork", 20)
    assert "at once" not in errors


# -- handles without a process ----------------------------------------------------------------------------------


class Pretended(Handle):
    """Ends after a while, and counts how often it was looked at."""

    looks = 0

    def __init__(self, job: Any, seconds: float) -> None:
        self._job, self._end = job, time.monotonic() + seconds
        self._told: Ended | None = None

    def poll(self) -> Ended | None:
        Pretended.looks += 1
        if self._told is None and time.monotonic() > self._end:
            self._told = Ended(self._job.perform())
        return self._told

    def kill(self) -> None:
        self._end = 0


class Waited(Pretended):
    """The same, with something to wait for: a process that sleeps."""

    def __init__(self, job: Any, seconds: float) -> None:
        super().__init__(job, 0)
        self._pid = os.fork()
        if self._pid == 0:
            time.sleep(seconds)
            os._exit(0)
        self._fd = os.pidfd_open(self._pid)

    def fileno(self) -> int:
        return self._fd

    def poll(self) -> Ended | None:
        ended = super().poll()
        if ended is not None and self._fd >= 0:
            os.waitpid(self._pid, 0)
            os.close(self._fd)
            self._fd = -1
        return ended


class Pretending(pyexp.Executor):
    blocking = False

    def __init__(self, kind: type[Pretended], seconds: float, most: int = 1 << 30) -> None:
        self.kind, self.seconds, self.most = kind, seconds, most
        self.started, self.handles = 0, []
        self.threads = 0

    def start(self, job: Any, log: Any, guardian: Any) -> Handle:
        log.abandon()
        self.handles = [handle for handle in self.handles if handle._told is None]
        if len(self.handles) >= self.most:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        self.started += 1
        self.threads = max(self.threads, threading.active_count())
        self.handles.append(self.kind(job, self.seconds * (1 + self.started % 7) / 7))
        return self.handles[-1]


def build(executor: Any, runs: int, jobs: int) -> Any:
    train = pyexp.experiment(lambda cfg: cfg.n, name="train", stash=False)
    Pretended.looks = 0
    return train.run(configs=[{"name": f"r{n}", "n": n} for n in range(runs)], executor=executor, jobs=jobs)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs something to wait for that is no pipe")
@pytest.mark.parametrize("runs", [50, pytest.param(500, marks=pytest.mark.soak)])
def test_what_can_be_waited_for_is_looked_at_when_it_ends(here: Path, runs: int) -> None:
    results = build(Pretending(Waited, 1.0), runs, runs)
    assert [result.result for result in results] == list(range(runs))
    assert Pretended.looks <= 2 * runs


@pytest.mark.parametrize("runs", [100, pytest.param(2000, marks=pytest.mark.soak)])
def test_what_cannot_be_waited_for_is_looked_at_now_and_then(here: Path, runs: int) -> None:
    executor = Pretending(Pretended, 1.0)
    results = build(executor, runs, runs)
    assert [result.result for result in results] == list(range(runs))
    assert executor.threads == threading.active_count(), "no run has a thread of its own"
    assert Pretended.looks <= 100 * runs


def test_a_shortage_of_processes_means_fewer_runs_at_once(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    executor = Pretending(Pretended, 0.05, most=3)
    results = build(executor, 20, 10)
    assert [result.result for result in results] == list(range(20))
    said = capsys.readouterr().err
    assert said.count("no more than 3 runs at once: [Errno 11] Resource temporarily unavailable") == 1
    assert "FAILED" not in said
    assert len(list(here.glob("out/train/*/*/status.json"))) == 20, "nothing is left of the attempts that had to wait"


def test_a_shortage_that_does_not_end_is_told_as_the_failure_that_it_is(here: Path) -> None:
    results = build(Pretending(Pretended, 0.01, most=0), 3, 3)
    assert all("Resource temporarily unavailable" in (result.error or "") for result in results)
