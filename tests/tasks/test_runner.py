"""The runner: many runs on their way, whatever their executors, their checks or the user do in between."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import pyexp
from dodo_pyexp.executors.handle import Ended, Handle
from dodo_pyexp.tasks import run_tasks as tasks
from dodo_pyexp.tasks import runner as runners


class Later(Handle):
    """Ends when it is told to; by default soon."""

    def __init__(self, job: Any, seconds: float = 0.01) -> None:
        self._job, self._end = job, time.monotonic() + seconds
        self._told: Ended | None = None

    def poll(self) -> Ended | None:
        if self._told is None and time.monotonic() > self._end:
            self._told = Ended(self._job.perform())
        return self._told

    def kill(self) -> None:
        self._told = Ended(-9)


class Patient(pyexp.Executor):
    """An executor with a bug or two, for the run called `bad`."""

    blocking = False

    def __init__(self, bad: Callable[[Any], Handle] = Later) -> None:
        self.bad = bad
        self.most = self.now = 0
        self.order: list[str] = []

    def start(self, job: Any, log: Any, guardian: Any) -> Handle:
        log.abandon()
        self.order.append(job.name)
        return (self.bad if job.name == "bad" else Later)(job)


def build(executor: Any, names: str = "first bad last", **options: Any) -> dict[str, Any]:
    @pyexp.experiment(stash=False)
    def train(cfg: Any) -> Any:
        return cfg.name

    configs = [{"name": name} for name in names.split()]
    return {result.name: result for result in train.run(configs=configs, executor=executor, **options)}


def state(here: Path, name: str) -> dict[str, Any]:
    (path,) = here.glob(f"out/train/{name}/*/status.json")
    return json.loads(path.read_text())


def raises(job: Any) -> Handle:
    raise RuntimeError("a bug")


class Unlucky(Later):
    def poll(self) -> Ended | None:
        raise RuntimeError("a bug")


class Silent(Later):
    def poll(self) -> Ended | None:
        return Ended()


class Immortal(Later):
    def poll(self) -> Ended | None:
        return None

    def kill(self) -> None:
        """It does not die."""


class Unkillable(Immortal):
    def kill(self) -> None:
        raise RuntimeError("a bug")


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (raises, "RuntimeError: a bug"),
        (Unlucky, "ExecutorLost: Patient itself failed: RuntimeError: a bug"),
        (Silent, "ExecutorLost: the executor did not say how the run went"),
    ],
)
@pytest.mark.parametrize("jobs", [1, 3])
def test_a_bug_of_an_executor_costs_the_run_that_met_it(here: Path, bad: Any, said: str, jobs: int) -> None:
    results = build(Patient(bad), jobs=jobs)
    assert [results[name].result for name in ("first", "last")] == ["first", "last"]
    assert said in (results["bad"].error or "")
    assert state(here, "bad")["state"] == "failed"


def test_as_many_runs_as_jobs_are_on_their_way(here: Path) -> None:
    flying: list[int] = []

    class Counting(Patient):
        def start(self, job: Any, log: Any, guardian: Any) -> Handle:
            handle = super().start(job, log, guardian)
            handles.append(handle)
            flying.append(sum(one._told is None for one in handles))
            return handle

    handles: list[Any] = []
    results = build(Counting(), " ".join(f"r{n}" for n in range(20)), jobs=4)
    assert len(results) == 20 and max(flying) == 4


def test_runs_start_in_the_order_of_the_configs(here: Path) -> None:
    executor = Patient()
    build(executor, "c a b")
    assert executor.order == ["c", "a", "b"]


def test_runs_behind_the_same_upstream_start_in_the_order_of_the_configs(here: Path) -> None:
    executor = Patient()
    behind = [{"name": f"r{number}", "depends_on": "^root$"} for number in range(20)]
    train = pyexp.experiment(lambda cfg, out, deps: cfg.name, name="train", stash=False)
    train.run(configs=[*behind, {"name": "root"}, {"name": "end", "depends_on": "^r[0-9]"}], executor=executor)
    assert executor.order == ["root", *(one["name"] for one in behind), "end"]


def test_a_check_that_raises_fails_its_run_alone(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = tasks.decide

    def decide(run: Any, digest_of: Any) -> Any:
        if run.name == "bad":
            raise RuntimeError("a bug in a check")
        return real(run, digest_of)

    monkeypatch.setattr(tasks, "decide", decide)
    results = build(Patient())
    assert [results[name].result for name in ("first", "last")] == ["first", "last"]
    assert results["bad"].result is None


def interrupt_soon(executor: Patient, number: int, times: int) -> Callable[[Any], Handle]:
    """Let the build be told to stop when it has started its bad run."""

    def start(job: Any) -> Handle:
        for _ in range(times):
            os.kill(os.getpid(), number)
        return bad(job)

    bad = executor.bad
    executor.bad = start
    return start


@pytest.mark.parametrize(("number", "times"), [(signal.SIGINT, 2), (signal.SIGTERM, 1)])
@pytest.mark.parametrize("bad", [Immortal, Unkillable, lambda job: Later(job, 1000)])
def test_what_is_told_to_end_ends_or_is_left_alone(
    here: Path, bad: Any, number: int, times: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runners, "PATIENCE_SECONDS", 0.2)
    executor = Patient(bad)
    interrupt_soon(executor, number, times)
    with pytest.raises(KeyboardInterrupt):
        build(executor)
    assert executor.order == ["first", "bad"]
    assert state(here, "bad")["state"] == "interrupted"
    said = capsys.readouterr().err
    assert ("was killed and does not end" in said) == (bad is Immortal)
    assert "1 interrupted" in said
    results = build(Patient())
    assert all(results[name].result == name for name in ("first", "bad", "last"))


def test_the_first_interrupt_lets_what_runs_end(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    executor = Patient(lambda job: Later(job, 0.2))
    interrupt_soon(executor, signal.SIGINT, 1)
    with pytest.raises(KeyboardInterrupt):
        build(executor)
    assert executor.order == ["first", "bad"]
    assert state(here, "bad")["state"] == "finished"
    assert "stopping: waiting for 1 running; press Ctrl-C again to end them" in capsys.readouterr().err


def test_the_handlers_of_the_users_program_are_back_after_a_build(here: Path) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    build(Patient())
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_build_in_a_thread_leaves_the_signals_alone(here: Path) -> None:
    import threading

    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(build(Patient(), "first last")))
    thread.start()
    thread.join(60)
    assert [result.result for result in found[0].values()] == ["first", "last"]


def test_a_retry_is_watched_like_the_first_try(here: Path) -> None:
    tries: list[int] = []

    class Second(Patient):
        def start(self, job: Any, log: Any, guardian: Any) -> Handle:
            tries.append(1)
            return Unlucky(job) if len(tries) < 3 else Later(job)

    results = build(Second(), "only", retry=5)
    assert results["only"].result == "only" and len(tries) == 3
