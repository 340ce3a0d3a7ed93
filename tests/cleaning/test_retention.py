from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.cleaning.retention import Needs, Wish, trimmed
from dodo_pyexp.results.stored import StoredExperiment, StoredRun
from dodo_pyexp.store import atomic
from dodo_pyexp.store.owner import Owner
from dodo_pyexp.store.paths import OutputFolder
from tests.stored import DAY, DEAD, FIRST, SECOND, THIRD, attempt, batch, experiment_in, record, stored


@pytest.fixture
def experiment(tmp_path: Path) -> StoredExperiment:
    return experiment_in(tmp_path)


@pytest.fixture
def run(experiment: StoredExperiment) -> StoredRun:
    return stored(experiment)


def goes(run: StoredRun, **wish: Any) -> list[str]:
    """Name the attempts that go."""
    wanted = Wish(**wish)
    return [str(piece.attempt) for piece in trimmed(run, wanted, Needs(run.experiment, wanted.older_than))]


def output_of(run: StoredRun) -> OutputFolder:
    return OutputFolder(Path(run.experiment.files.path).parent)


# -- what was asked for -----------------------------------------------------------------------------------------


def test_failed_are_those_that_failed_or_were_left_behind(run: StoredRun) -> None:
    attempt(run, FIRST, "failed")
    attempt(run, SECOND, "running", owner=DEAD)
    attempt(run, THIRD, "interrupted")
    assert goes(run, failed=True) == [FIRST, SECOND, THIRD]
    assert goes(run, old=True) == []


def test_a_running_attempt_never_goes(run: StoredRun) -> None:
    attempt(run, FIRST, "running", owner=Owner.current().to_dict(), days=99)
    for wish in ({"failed": True}, {"older_than": DAY}, {"keep_latest": 0}):
        assert goes(run, **wish) == []


def test_old_are_those_that_the_record_does_not_name(run: StoredRun) -> None:
    attempt(run, FIRST)
    attempt(run, SECOND)
    assert goes(run, old=True) == []
    record(run, SECOND)
    assert goes(run, old=True) == [FIRST]
    assert goes(run, failed=True) == []


def test_only_those_older_than_an_age(run: StoredRun) -> None:
    attempt(run, FIRST, days=40)
    attempt(run, SECOND, "failed", days=35)
    attempt(run, THIRD, days=1)
    attempt(run, "2026-01-04_00-00-00", days=0)
    record(run, "2026-01-04_00-00-00")
    assert goes(run, older_than=30 * DAY) == [FIRST, SECOND]
    assert goes(run, older_than=DAY / 2) == [FIRST, SECOND, THIRD]
    assert goes(run, older_than=30 * DAY, failed=True) == [SECOND]


def test_the_newest_of_a_run_are_kept_however_they_ended(run: StoredRun) -> None:
    for stamp, state in ((FIRST, "finished"), (SECOND, "failed"), (THIRD, "finished")):
        attempt(run, stamp, state)
    record(run, THIRD)
    assert goes(run, keep_latest=2) == [FIRST]
    assert goes(run, keep_latest=1) == [FIRST, SECOND]
    assert goes(run, keep_latest=9) == []
    assert goes(run, keep_latest=1, old=True) == [FIRST]


def test_age_and_number_both_have_to_allow_it(run: StoredRun) -> None:
    for days, stamp in ((40, FIRST), (35, SECOND), (0, THIRD)):
        attempt(run, stamp, days=days)
    record(run, THIRD)
    assert goes(run, older_than=30 * DAY, keep_latest=2) == [FIRST]
    assert goes(run, older_than=36 * DAY, keep_latest=1) == [FIRST]


# -- what has to stay -------------------------------------------------------------------------------------------


def test_what_the_record_points_to_stays_whatever_its_status_says(run: StoredRun) -> None:
    (attempt(run, FIRST, days=99) / "status.json").write_text("{")
    record(run, FIRST)
    for wish in ({"failed": True}, {"old": True}, {"older_than": 1.0}, {"keep_latest": 0}):
        assert goes(run, **wish) == []


def test_when_the_record_is_damaged_the_newest_finished_attempt_stays(run: StoredRun) -> None:
    for stamp in (FIRST, SECOND):
        attempt(run, stamp, days=99)
    attempt(run, THIRD, "failed", days=98)
    Path(run.files.finished).write_text("{")
    assert goes(run, older_than=DAY) == [FIRST, THIRD]


def test_what_satisfied_the_newest_batch_stays(run: StoredRun) -> None:
    for stamp in (FIRST, SECOND, THIRD):
        attempt(run, stamp)
    record(run, THIRD)
    batch(output_of(run), "2026-02-01_00-00-00", {"a": SECOND})
    assert goes(run, old=True) == goes(run, keep_latest=0) == [FIRST]


def test_older_batches_lose_what_newer_ones_replaced(run: StoredRun) -> None:
    for stamp in (FIRST, SECOND):
        attempt(run, stamp)
    record(run, SECOND)
    batch(output_of(run), "2026-02-01_00-00-00", {"a": FIRST})
    batch(output_of(run), "2026-02-02_00-00-00", {"a": SECOND})
    assert goes(run, old=True) == [FIRST]


def test_with_an_age_every_younger_batch_is_kept(run: StoredRun) -> None:
    attempt(run, FIRST, days=40)
    attempt(run, SECOND, days=1)
    record(run, SECOND)
    stamps = [time.strftime("%Y-%m-%d_%H-%M-%S", time.localtime(time.time() - days * DAY)) for days in (10, 1)]
    batch(output_of(run), stamps[0], {"a": FIRST})  # which the build of that day found up to date
    batch(output_of(run), stamps[1], {"a": SECOND})
    assert goes(run, older_than=30 * DAY) == []
    assert goes(run, older_than=5 * DAY) == [FIRST]


def test_what_the_newest_report_was_made_from_stays(run: StoredRun) -> None:
    for stamp in (FIRST, SECOND):
        attempt(run, stamp)
    record(run, SECOND)
    batch(output_of(run), "2026-02-01_00-00-00", {"a": FIRST})
    batch(output_of(run), "2026-02-02_00-00-00", {"a": SECOND})
    reports = Path(run.experiment.files.path, "report")
    reports.mkdir()
    atomic.write_json(str(reports / ".finished"), {"format": 1, "digest": "x", "attempt": "2026-02-01_00-00-00"})
    assert goes(run, old=True) == []


def test_a_failed_attempt_satisfied_no_batch(run: StoredRun) -> None:
    attempt(run, FIRST, "failed")
    batch(output_of(run), "2026-02-01_00-00-00", {"a": FIRST})
    assert goes(run, failed=True) == [FIRST]


def test_what_a_batch_made_that_nobody_closed_stays(run: StoredRun) -> None:
    attempt(run, FIRST, batch="2026-02-01_00-00-00")
    attempt(run, SECOND, batch="other")
    record(run, SECOND)
    batch(output_of(run), "2026-02-01_00-00-00", {"a": "?"})
    assert goes(run, old=True) == []


def test_what_an_unfinished_run_can_go_on_from_stays_unless_failed_ones_are_asked_for(run: StoredRun) -> None:
    attempt(run, FIRST, "failed", days=50)
    (attempt(run, SECOND, "interrupted", days=45) / "checkpoint").touch()
    attempt(run, THIRD, "failed", days=40)
    assert goes(run, older_than=DAY) == goes(run, keep_latest=0) == [FIRST]
    assert goes(run, failed=True, older_than=DAY) == [FIRST, SECOND, THIRD]


def test_a_damaged_manifest_is_passed_over(run: StoredRun) -> None:
    for stamp in (FIRST, SECOND):
        attempt(run, stamp, days=40)
    record(run, SECOND)
    Path(run.experiment.files.batches, "2100-01-01_00-00-00.json").write_text("{")
    assert goes(run, older_than=30 * DAY) == [FIRST]


# -- without folders for attempts -------------------------------------------------------------------------------


def test_the_one_attempt_of_a_flat_run_goes_only_if_it_failed(run: StoredRun) -> None:
    status = Path(run.files.path, "status.json")
    status.write_text(json.dumps({"state": "failed", "start_seconds": 0.0}))
    run = stored(run.experiment)
    assert goes(run, failed=True) == ["."]
    status.write_text(json.dumps({"state": "finished", "start_seconds": 0.0}))
    record(run, ".")
    for wish in ({"failed": True}, {"old": True}, {"older_than": 1.0}, {"keep_latest": 0}):
        assert goes(run, **wish) == []
