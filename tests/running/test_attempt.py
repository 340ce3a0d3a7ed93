"""The attempt of a run that is being executed: its folder, and what a build writes there."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.planning.definition import Definition
from dodo_pyexp.planning.options import Options, resolve
from dodo_pyexp.planning.plan import PlannedExperiment
from dodo_pyexp.planning.planner import make_plan
from dodo_pyexp.running.attempt import INTERRUPTED, Attempt, config_texts
from dodo_pyexp.running.session import Session
from dodo_pyexp.store import status as statuses


def fn(cfg): ...


def attempt(config: dict[str, Any] | None = None, **options: Any) -> Attempt:
    experiment = PlannedExperiment(Definition("exp", fn, 1), resolve(Options(stash=False, **options)))
    plan = make_plan([(experiment, [config or {"name": "a"}])], tuple)
    session = Session(plan)
    (run,) = plan.runs()
    os.makedirs(run.files.path)  # as the lock of a run does
    return Attempt(run, session.start_batch(experiment))


@pytest.mark.parametrize("flat", [False, True])
def test_it_has_a_folder_and_the_name_that_a_record_points_to_it_by(here: Path, flat: bool) -> None:
    made = attempt(timestamp=False) if flat else attempt()
    assert Path(made.folder.path).is_dir()
    assert made.name == ("." if flat else Path(made.folder.path).name)
    made.mark_ended()
    assert Path(made.folder.finished).exists() is not flat, "without attempts that would be the record"


def test_what_was_not_executed_is_taken_back(here: Path) -> None:
    made = attempt()
    made.take_back()
    assert not Path(made.folder.path).exists() and Path(made.run.files.path).is_dir()


def test_the_config_is_written_down_without_its_secrets_and_given_with_them(here: Path) -> None:
    made = attempt({"name": "a", "api_key": "k-1234567890", "depends_on": []})
    made.write_config(config_texts(made.run))
    assert "k-1234567890" not in Path(made.folder.config_json).read_text() + Path(made.folder.config_yml).read_text()
    assert made.config["api_key"] == "k-1234567890" and "depends_on" not in made.config


def test_the_next_try_finds_an_empty_folder_with_the_log_going_on(here: Path) -> None:
    made = attempt()
    Path(made.folder.path, "half").write_text("")
    made.add_to_log("first\n")
    made.clear()
    made.add_to_log("second\n")
    assert [path.name for path in Path(made.folder.path).iterdir()] == ["log.out"]
    assert Path(made.folder.log).read_text() == "first\nsecond\n"


@pytest.mark.parametrize(("kind", "state"), [("Timeout", statuses.FAILED), (INTERRUPTED, statuses.INTERRUPTED)])
def test_a_death_is_a_failure_or_an_interruption(here: Path, kind: str, state: str) -> None:
    made = attempt()
    made.state = {"state": statuses.RUNNING, "run": "a", "start_seconds": 0.0}
    status = made.die(kind, "no more time")
    assert (status["state"], status["error"]["type"], status["run"]) == (state, kind, "a")
    assert json.loads(Path(made.folder.status).read_text())["state"] == state


def test_where_a_node_has_begun_its_word_on_when_counts(here: Path) -> None:
    made = attempt()
    made.state = {"state": statuses.RUNNING, "start_seconds": 1.0}
    statuses.write(made.folder, {**made.state, "node": {"host": "h"}, "start_seconds": 5.0})
    status = made.die("Timeout", "no more time")
    assert status["start_seconds"] == 5.0 and status["node"] == {"host": "h"}


def test_a_failure_is_written_even_if_the_run_has_deleted_its_folder(here: Path) -> None:
    made = attempt()
    made.take_back()
    made.fail({"type": "ValueError", "message": "no", "where": None, "traceback": ""})
    assert "ValueError: no" in Path(made.folder.log).read_text()
    assert json.loads(Path(made.folder.status).read_text())["state"] == statuses.FAILED
