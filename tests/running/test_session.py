"""What is checked once for a whole build, before anything is created."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import pyexp
from dodo_pyexp.running.session import Session


def test_a_timeout_that_cannot_hold_is_told(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    @pyexp.experiment(executor="inline", timeout=5, stash=False)
    def train(cfg):
        return cfg.x

    results = train.run(configs=[{"name": "a", "x": 1}])
    assert results[0].result == 1
    assert "timeout=5 does not hold" in capfd.readouterr().err


def test_an_executor_that_cannot_work_here_stops_the_build_before_anything_is_created(here: Path) -> None:
    @pyexp.experiment(stash=False)
    def train(cfg):
        return cfg.x

    class Nothing(pyexp.Executor):
        """Can do nothing."""

    with pytest.raises(ValueError, match="Nothing can execute nothing"):
        train.run(configs=[{"name": "a", "x": 1}], executor=Nothing())
    assert not (here / "out").exists()


def planned(here: Path, executor: Any, *names: str) -> Any:
    """A plan of one experiment for each name, with one run."""
    from dodo_pyexp.planning.definition import Definition
    from dodo_pyexp.planning.options import Options, resolve
    from dodo_pyexp.planning.plan import PlannedExperiment
    from dodo_pyexp.planning.planner import make_plan

    options = resolve(Options(executor=executor, stash=False))
    roots = [(PlannedExperiment(Definition(name, one, 1), options), [{"name": "a"}]) for name in names]
    return make_plan(roots, list)


def one(cfg: Any) -> int:
    return 1


class Noting(pyexp.Executor):
    def __init__(self) -> None:
        self.checked = 0

    def check(self) -> None:
        self.checked += 1

    def run(self, fn: Any, config: Any, result_path: str) -> Any:
        return fn(config)


def test_runs_that_name_the_same_executor_share_it_and_it_is_checked_once(here: Path) -> None:
    executor = Noting()
    session = Session(planned(here, executor, "x", "y"))
    session.check_executors()
    assert executor.checked == 1
    assert {session.executor(run) for run in session.plan.runs()} == {executor}
    session = Session(planned(here, "fork", "x", "y"))
    assert len({session.executor(run) for run in session.plan.runs()}) == 1


def test_each_experiment_has_a_batch_and_they_share_their_moment(here: Path) -> None:
    session = Session(planned(here, "inline", "x", "y"))
    first, second = session.plan.experiments
    assert session.batch(first) is session.batch(first) is not session.batch(second)
    assert not session.batch(first).is_open and not (here / "out").exists()
    opened = session.start_batch(first)
    assert opened is session.start_batch(first) and opened.is_open
    assert session.start_batch(second).timestamp == opened.timestamp
    assert [path.parent.parent.name for path in sorted(here.glob("out/*/.batches/*.json"))] == ["x", "y"]
    session.close()


def test_what_is_still_running_ends_with_the_session(here: Path) -> None:
    import os
    import subprocess

    from dodo_pyexp.executors.guardian import report_in

    session = Session(planned(here, "fork", "x"))
    session.guardian.start()
    session.close()
    session.close()  # once more does no harm
    session.guardian.start()
    child = subprocess.Popen(["sleep", "1000"], preexec_fn=lambda: report_in(os.dup(session.guardian.fd)))
    session.close()
    assert child.wait(30) == -9
