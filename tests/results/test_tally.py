"""What became of the runs of a batch, read from what lies on disk."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from dodo_pyexp.config.config import Config
from dodo_pyexp.config.hashing import hash_config
from dodo_pyexp.results.tally import STATES, states, tally, tally_of, total
from dodo_pyexp.store.manifest import Manifest
from dodo_pyexp.store.paths import ExperimentFolder
from dodo_pyexp.store.record import Record

STAMP, EARLIER = "2026-02-17_14-30-00", "2026-02-16_10-00-00"


@pytest.fixture
def folder(tmp_path: Any) -> ExperimentFolder:
    return ExperimentFolder(str(tmp_path / "train"))


def manifest(*runs: str, **more: Any) -> Manifest:
    return Manifest(STAMP, list(runs), {run: {"name": run} for run in runs}, (len(runs),), **more)


def attempt(folder: ExperimentFolder, run: str, state: str, batch: str = STAMP) -> None:
    made = folder.run(run).attempt(batch)
    os.makedirs(made.path)
    with open(made.status, "w") as file:
        json.dump({"state": state, "batch": batch, "owner": "me"}, file)


def record(folder: ExperimentFolder, run: str, attempt: str) -> None:
    Record(run, hash_config(Config(name=run)), {}, "d", attempt, {}).write(folder.run(run))


def alive(owner: Any, folder: str) -> bool:
    return owner == "me"


def test_what_is_cached_has_finished_and_is_counted_once_in_the_total() -> None:
    counts = tally(["finished", "cached", "failed", "not started"])
    assert list(counts) == list(STATES)
    assert (counts["finished"], counts["cached"], total(counts)) == (2, 1, 4)


def test_each_run_is_told_by_the_attempt_that_the_batch_made(folder: ExperimentFolder) -> None:
    for state in ("finished", "failed", "interrupted", "running"):
        attempt(folder, state, state)
    runs = manifest("finished", "failed", "interrupted", "running")
    assert states(folder, runs, alive) == ["finished", "failed", "interrupted", "running"]
    assert states(folder, runs, lambda owner, folder: False) == ["finished", "failed", "interrupted", "interrupted"]


def test_an_earlier_attempt_that_satisfies_a_run_is_cached_and_any_other_is_not(folder: ExperimentFolder) -> None:
    for run in "abc":
        attempt(folder, run, "finished", EARLIER)
    record(folder, "a", EARLIER)
    Record("b", "another config", {}, "d", EARLIER, {}).write(folder.run("b"))
    assert states(folder, manifest("a", "b", "c"), alive) == ["cached", "not started", "not started"]


def test_what_stands_behind_a_failure_is_skipped_however_far(folder: ExperimentFolder) -> None:
    attempt(folder, "bad", "failed")
    upstream = {"last": ["train:middle"], "middle": ["other:x", "train:bad"], "free": ["other:bad"]}
    runs = manifest("last", "middle", "bad", "free", upstream=upstream)
    assert states(folder, runs, alive) == ["skipped", "skipped", "failed", "not started"]


def test_a_status_that_was_lost_is_made_up_for_by_the_record(folder: ExperimentFolder) -> None:
    for run in "ab":
        os.makedirs(folder.run(run).attempt(STAMP).path)
    record(folder, "a", STAMP)
    runs = manifest("a", "b")
    assert states(folder, runs, alive) == ["cached", "not started"]  # the batch in it was lost as well


def test_only_selected_runs_count(folder: ExperimentFolder) -> None:
    runs = manifest("a", "b", about={"selected": ["b", "gone"]})
    assert total(tally_of(folder, runs, alive)) == 1


def test_what_a_manifest_says_is_believed_unless_it_is_damaged(folder: ExperimentFolder) -> None:
    counts = dict.fromkeys(STATES, 7)
    assert tally_of(folder, manifest("a", about={"counts": counts}), alive) == counts
    for damaged in ([], {"finished": 1}, dict.fromkeys(STATES, "x")):
        assert tally_of(folder, manifest("a", about={"counts": damaged}), alive)["not started"] == 1
