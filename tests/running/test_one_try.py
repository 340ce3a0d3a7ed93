"""One try to execute a run: started, watched, killed, and the cause of its end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.errors import UsageError
from dodo_pyexp.executors.base import Executor
from dodo_pyexp.executors.handle import Ended, Handle
from dodo_pyexp.planning.definition import Definition
from dodo_pyexp.planning.options import Options, resolve
from dodo_pyexp.planning.plan import PlannedExperiment
from dodo_pyexp.planning.planner import make_plan
from dodo_pyexp.running.attempt import INTERRUPTED, Attempt
from dodo_pyexp.running.one_try import Try
from dodo_pyexp.running.session import Session


def fn(cfg): ...


class Endless(Handle):
    """Something that ends when it is killed."""

    def __init__(self) -> None:
        self.dead = False

    def poll(self) -> Ended | None:
        return Ended(signal=9) if self.dead else None

    def kill(self) -> None:
        self.dead = True


class Starts(Executor):
    """An executor that starts one thing, or raises it."""

    def __init__(self, made: Handle | BaseException) -> None:
        self.made = made

    def start(self, job: Any, log: Any, guardian: Any) -> Handle:
        log.close()
        if isinstance(self.made, BaseException):
            raise self.made
        return self.made


def start(made: Handle | BaseException, *, may_wait: bool = False, number: int = 1, **options: Any) -> tuple[Try, Path]:
    definition = Definition("exp", fn, 1)
    experiment = PlannedExperiment(definition, resolve(Options(stash=False, executor=Starts(made), **options)))
    plan = make_plan([(experiment, [{"name": "a"}])], tuple)
    session = Session(plan)
    (run,) = plan.runs()
    attempt = Attempt(run, session.start_batch(experiment))
    try:
        trying = Try(session, attempt, None, number=number, losses=["gone"], after=None, may_wait=may_wait)
        return trying, Path(attempt.folder.path)
    finally:
        session.close()


def status(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "status.json").read_text()))


def test_the_status_says_what_is_tried(here: Path) -> None:
    trying, folder = start(Endless(), number=2)
    said = status(folder)
    assert (said["state"], said["experiment"], said["run"], said["tries"]) == ("running", "exp", "a", 2)
    assert said["lost"] == ["gone"] and "deps" not in said and trying.upstream == {}
    assert trying.poll() is None and not trying.timed


def test_the_first_who_kills_it_gives_the_cause(here: Path) -> None:
    trying, _ = start(Endless())
    trying.kill("Timeout", "too long")
    trying.kill(INTERRUPTED, "the build was interrupted")
    ended = trying.poll()
    assert ended is not None and trying.cause(ended) == ("Timeout", "too long")
    assert not trying.interrupted


def test_what_takes_too_long_is_killed(here: Path) -> None:
    trying, _ = start(Endless(), timeout=0.001)
    assert trying.timed
    while trying.poll() is None:
        trying.enforce_limits()
    assert trying.killed is not None and trying.killed[0] == "Timeout"
    assert not trying.overdue(float("inf")), "once is enough"


def test_what_does_not_end_can_be_left_alone(here: Path) -> None:
    trying, _ = start(Handle())
    trying.abandon()
    assert trying.poll() is not None


@pytest.mark.parametrize("step", ["poll", "kill"])
def test_a_bug_of_the_executors_own_is_the_end_of_the_try(here: Path, step: str) -> None:
    class Broken(Endless):
        pass

    def bug(self: Handle) -> None:
        raise RuntimeError("a bug")

    setattr(Broken, step, bug)
    trying, _ = start(Broken())
    if step == "kill":
        trying.kill("Timeout", "too long")
    ended = trying.poll()
    assert ended is not None and ended.cause == "Starts itself failed: RuntimeError: a bug"


def test_what_cannot_be_started_has_failed(here: Path) -> None:
    trying, folder = start(UsageError("no such node"))
    assert trying.poll() is not None
    error = status(folder)["error"]
    assert status(folder)["state"] == "failed" and error["message"] == "no such node" and not error["traceback"]


@pytest.mark.parametrize("may_wait", [False, True])
def test_what_is_short_now_may_be_had_later(here: Path, may_wait: bool) -> None:
    short = OSError(24, "Too many open files")
    if may_wait:
        with pytest.raises(OSError, match="Too many open files"):
            start(short, may_wait=True)
    else:
        _, folder = start(short)
        assert status(folder)["state"] == "failed"
