"""The ledger: one entry a run, one method for each kind of event."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.planning.decision import FAILED, SKIPPED, UP_TO_DATE, Decision, Found, decide
from dodo_pyexp.planning.definition import Definition
from dodo_pyexp.planning.options import Options, resolve
from dodo_pyexp.planning.plan import PlannedExperiment, PlannedRun
from dodo_pyexp.planning.planner import make_plan
from dodo_pyexp.running.ledger import ENDS, EXECUTED, Ledger
from dodo_pyexp.store.record import FAILED_UPSTREAM, Record

STAMP = "2026-02-17_14-30-00"


def fn(cfg, deps): ...


def planned(*configs: dict[str, Any]) -> list[PlannedRun]:
    experiment = PlannedExperiment(Definition("exp", fn, 2), resolve(Options(code="ignore")))
    return list(make_plan([(experiment, list(configs))], tuple).runs())


def record(run: PlannedRun, digest: str = "d", attempt: str = STAMP) -> Record:
    made = Record(run.name, run.hash, {}, digest, attempt, {}, code="c", packages="p", experiment="exp")
    os.makedirs(run.files.path, exist_ok=True)
    made.write(run.files)
    return made


@pytest.fixture
def runs(here: Path) -> list[PlannedRun]:
    return planned({"name": "a"}, {"name": "b", "depends_on": "^a$"})


def test_of_a_run_that_nothing_happened_to_nothing_is_known(runs: list[PlannedRun]) -> None:
    entry = Ledger().of(runs[0])
    assert (entry.decision, entry.attempt, entry.digest, entry.code, entry.packages) == (None,) * 5


def test_a_decision_is_noted_with_the_record_that_it_was_made_by(runs: list[PlannedRun]) -> None:
    ledger, run = Ledger(), runs[0]
    record(run)
    ledger.decided(run, decide(run))
    entry = ledger.of(run)
    assert entry.decision is not None and entry.decision.up_to_date
    assert (entry.attempt, entry.digest, entry.code, entry.packages) == (STAMP, "d", "c", "p")


def test_a_run_that_is_to_be_executed_again_has_lost_what_it_was(runs: list[PlannedRun]) -> None:
    ledger, run = Ledger(), runs[0]
    ledger.decided(run, Found(Decision("up-to-date"), record(run)))
    ledger.decided(run, Found(Decision("stale", "forced")))
    assert ledger.of(run).attempt is None and ledger.of(run).digest is None


def test_a_decision_changes_neither_plan_nor_store(runs: list[PlannedRun]) -> None:
    record(runs[0])
    before = {name: getattr(run, name) for run in runs for name in PlannedRun.__slots__}
    assert [decide(run).decision.state for run in runs] == ["up-to-date", "missing"]
    assert {name: getattr(run, name) for run in runs for name in PlannedRun.__slots__} == before


def test_what_another_process_put_on_record_is_found_and_kept(runs: list[PlannedRun]) -> None:
    ledger, run = Ledger(), runs[0]
    assert ledger.digest_of(run) is None
    record(run)
    assert ledger.digest_of(run) == "d" and ledger.of(run).attempt == STAMP
    record(run, "other", "2026-02-17_14-30-01")
    assert ledger.digest_of(run) == "d", "what is known is not read again"
    assert ledger.look_up(run) == "other" and ledger.digest_of(run) == "other"


def test_the_record_of_another_config_is_none(runs: list[PlannedRun]) -> None:
    record(runs[0])
    (other,) = planned({"name": "a", "x": 1})
    assert Ledger().look_up(other) is None


def test_runs_share_the_texts_that_they_have_in_common(runs: list[PlannedRun]) -> None:
    ledger = Ledger()
    for run in runs:
        record(run)
        ledger.decided(run, Found(Decision("up-to-date"), Record.read(run.files)))
    first, second = (ledger.of(run) for run in runs)
    assert first.attempt is second.attempt and first.code is second.code and first.packages is second.packages


def test_a_record_is_read_again_only_when_its_file_changed(
    runs: list[PlannedRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of runs may have one upstream, whose record each of them asks for."""
    ledger, (run, _) = Ledger(), runs
    assert ledger.record_of(run) is None
    record(run, "first")
    reads: list[Any] = []
    read = Record.read
    monkeypatch.setattr(Record, "read", lambda files: reads.append(files) or read(files))
    assert [one and one.digest for one in (ledger.record_of(run) for _ in range(100))] == ["first"] * 100
    assert len(reads) == 1
    record(run, "other")
    assert [one and one.digest for one in (ledger.record_of(run) for _ in range(100))] == ["other"] * 100
    assert len(reads) == 2
    Path(run.files.finished).write_text("half a rec")
    assert ledger.record_of(run) is None
    Path(run.files.finished).unlink()
    assert ledger.record_of(run) is None


# -- how runs end -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ENDS)
def test_each_run_ends_in_one_way_and_is_counted_there(runs: list[PlannedRun], how: str) -> None:
    ledger, run = Ledger(), runs[0]
    ledger.settled(run, how, "because")
    assert (ledger.of(run).ended, ledger.of(run).cause) == (how, "because")
    assert [list(ledger.runs(one)) for one in ENDS] == [[run] if one == how else [] for one in ENDS]
    assert ledger.count() == 1
    assert ledger.of(run).failed is (how in (FAILED, SKIPPED))


def test_a_run_is_running_from_its_start_to_its_end(runs: list[PlannedRun]) -> None:
    ledger, run = Ledger(), runs[0]
    ledger.started(run)
    assert ledger.of(run).started and list(ledger.running) == [run]
    ledger.settled(run, EXECUTED)
    assert ledger.of(run).started and not ledger.running


def test_a_run_that_could_not_be_started_yet_has_not_been_tried(runs: list[PlannedRun]) -> None:
    ledger, run = Ledger(), runs[0]
    ledger.started(run)
    ledger.tried(run, STAMP)
    ledger.put_back(run)
    assert not ledger.of(run).started and not ledger.running
    assert ledger.folder(run) is None and ledger.count() == 0


def test_failures_come_in_their_order_with_the_attempts_that_they_happened_in(runs: list[PlannedRun]) -> None:
    ledger, (first, second) = Ledger(), runs
    ledger.tried(second, STAMP)
    ledger.settled(second, FAILED, "ValueError: no")
    ledger.settled(first, FAILED, "cannot write")
    told = [(one.run, one.cause, one.attempt and one.attempt.path) for one in ledger.failures()]
    assert told == [(second, "ValueError: no", f"{second.files.path}/{STAMP}"), (first, "cannot write", None)]


def test_skipped_runs_come_with_the_reason(runs: list[PlannedRun]) -> None:
    ledger = Ledger()
    ledger.settled(runs[1], SKIPPED, "upstream exp:a failed")
    assert ledger.skipped() == {runs[1]: "upstream exp:a failed"}


def test_of_runs_that_are_up_to_date_only_those_are_told_of_which_there_is_something_to_say(
    runs: list[PlannedRun],
) -> None:
    ledger, other = Ledger(), Decision(UP_TO_DATE, "code", "code: fn changed")
    for run, decision in zip(runs, (Decision(UP_TO_DATE), other), strict=True):
        ledger.decided(run, Found(decision))
        ledger.settled(run, UP_TO_DATE)
    assert ledger.remarks() == {runs[1]: other}


@pytest.mark.parametrize("optional", [False, True])
def test_a_run_does_without_an_upstream_that_failed_if_that_is_optional(here: Path, optional: bool) -> None:
    up, down = planned({"name": "a"}, {"name": "b", "depends_on": {"optional": "^a$"} if optional else "^a$"})
    ledger = Ledger()
    assert not ledger.does_without(down, up) and ledger.output_of(up) is None
    ledger.settled(up, FAILED, "no")
    assert ledger.does_without(down, up) is optional and ledger.output_of(up) == FAILED_UPSTREAM
    made = record(up)
    ledger.recorded(up, made)
    assert ledger.output_of(up) == made.digest, "what it has put out counts, however it ended"


@pytest.mark.parametrize("optional", [False, True])
def test_a_record_made_without_an_upstream_stands_as_long_as_that_fails(here: Path, optional: bool) -> None:
    up, down = planned({"name": "a"}, {"name": "b", "depends_on": {"optional": "^a$"} if optional else "^a$"})
    made = record(down)
    made.upstream = {up.task: FAILED_UPSTREAM}
    made.write(down.files)
    ledger = Ledger()
    assert ledger.of(up).ended is None
    ledger.settled(up, FAILED, "no")
    assert decide(down, ledger.output_of).decision.up_to_date is optional
