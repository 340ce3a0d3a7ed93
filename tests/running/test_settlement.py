"""What is settled when a run has succeeded: its record, and only of what is whole."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dodo_pyexp.planning.definition import Definition
from dodo_pyexp.planning.options import Options, resolve
from dodo_pyexp.planning.plan import PlannedExperiment
from dodo_pyexp.planning.planner import make_plan
from dodo_pyexp.running.attempt import Attempt
from dodo_pyexp.running.session import Session
from dodo_pyexp.running.settlement import put_on_record
from dodo_pyexp.store.record import Record

DONE = {"state": "finished", "digest": "d", "files": {}, "saved": {}, "sums": {}, "written": 1}


def fn(cfg): ...


class Settled:
    """A run whose function has returned; its upstream, if it has one, put out what has the digest ``up``."""

    def __init__(self, *, flat: bool = False, upstream: bool = False) -> None:
        options = Options(stash=False, timestamp=False if flat else None)
        experiment = PlannedExperiment(Definition("exp", fn, 1), resolve(options))
        configs = [{"name": "up"}, {"name": "a", "depends_on": "up" if upstream else []}]
        plan = make_plan([(experiment, configs)], tuple)
        self.session = Session(plan)
        self.up, self.run = plan.runs()
        os.makedirs(self.run.files.path)  # as the lock of a run does
        self.attempt = Attempt(self.run, self.session.start_batch(experiment))
        self.attempt.state = {"code": "c", "requirements": "r"}
        Path(self.attempt.folder.status).write_text("{}")
        self.trying: Any = SimpleNamespace(upstream={self.up.task: "up"} if upstream else {}, killed=None)

    def put(self, status: dict[str, Any]) -> bool:
        return put_on_record(self.session, self.attempt, self.trying, status)


@pytest.mark.parametrize("flat", [False, True])
def test_a_run_that_succeeded_is_on_record_and_in_the_ledger(here: Path, flat: bool) -> None:
    settled = Settled(flat=flat)
    assert settled.put(DONE)
    record = Record.read(settled.run.files)
    assert record is not None
    assert (record.digest, record.attempt, record.code, record.packages) == ("d", settled.attempt.name, "c", "r")
    entry = settled.session.ledger.of(settled.run)
    assert (entry.attempt, entry.digest) == (record.attempt, "d")


@pytest.mark.parametrize("status", [{}, {**DONE, "state": "failed"}, {"state": "finished", "digest": "d"}])
def test_what_does_not_say_that_it_succeeded_is_not_put_on_record(here: Path, status: dict[str, Any]) -> None:
    settled = Settled()
    assert not settled.put(status)
    assert Record.read(settled.run.files) is None and settled.session.ledger.of(settled.run).attempt is None


def test_what_may_have_been_made_from_something_else_is_not_put_on_record(here: Path) -> None:
    settled = Settled(flat=True, upstream=True)
    up = settled.up
    os.makedirs(up.files.path, exist_ok=True)
    before = Record(up.name, up.hash, {}, "up", ".", {}, experiment="exp")
    settled.session.ledger.recorded(up, before)
    Record(up.name, up.hash, {}, "other", ".", {}, experiment="exp").write(up.files)
    assert not settled.put(DONE)
    assert settled.trying.killed == ("UpstreamChanged", "its upstream exp:up was executed again while it read it")
