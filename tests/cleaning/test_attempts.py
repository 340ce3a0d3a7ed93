from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from dodo_pyexp.cleaning.attempts import attempts_of, is_running, last_ended
from dodo_pyexp.store.owner import Owner
from tests.stored import DEAD, FIRST, SECOND, THIRD, attempt, experiment_in, stored


def test_running_needs_a_living_owner(tmp_path: Path) -> None:
    run = stored(experiment_in(tmp_path))
    attempt(run, FIRST, "running", owner=DEAD)
    assert [one.state for one in attempts_of(run)] == ["interrupted"] and not is_running(run)
    attempt(run, SECOND, "running", owner=Owner.current().to_dict())
    assert [one.state for one in attempts_of(run)] == ["interrupted", "running"] and is_running(run)


@pytest.mark.parametrize("text", ["", "{", '{"state": 3}', "[]"])
def test_an_attempt_whose_status_is_lost_counts_as_interrupted(tmp_path: Path, text: str) -> None:
    run = stored(experiment_in(tmp_path))
    (attempt(run, FIRST) / "status.json").write_text(text)
    assert [one.state for one in attempts_of(run)] == ["interrupted"]


def test_when_it_ended_is_told_by_the_status_or_by_the_name(tmp_path: Path) -> None:
    run = stored(experiment_in(tmp_path))
    attempt(run, FIRST)
    attempt(run, SECOND, start_seconds=1000.0, seconds=5.0)
    attempt(run, "2026-99-99_00-00-00", start_seconds=1000.0, seconds=10**400)
    by_name, by_status, neither = (one.ended for one in attempts_of(run))
    assert time.strftime("%Y-%m-%d_%H-%M-%S", time.localtime(by_name)) == FIRST
    assert by_status == 1005.0
    assert abs(neither - time.time()) < 1000
    assert last_ended(run) == neither


def test_attempts_of_both_layouts_are_found_oldest_first(tmp_path: Path) -> None:
    experiment = experiment_in(tmp_path)
    run = stored(experiment)
    attempt(run, FIRST, days=9)
    attempt(run, THIRD, days=1)
    Path(run.files.path, "status.json").write_text(
        json.dumps({"state": "finished", "start_seconds": time.time() - 5 * 86400})
    )
    run = stored(experiment)
    assert run.files.flat
    assert [one.name for one in attempts_of(run)] == [FIRST, ".", THIRD]


def test_a_run_without_attempts_never_ended(tmp_path: Path) -> None:
    run = stored(experiment_in(tmp_path))
    assert attempts_of(run) == [] and last_ended(run) == 0.0 and not is_running(run)
