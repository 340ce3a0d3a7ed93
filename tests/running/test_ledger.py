"""The ledger: one entry a run, one method for each kind of event."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.planning.decision import Decision, Found, decide
from dodo_pyexp.planning.definition import Definition
from dodo_pyexp.planning.options import Options, resolve
from dodo_pyexp.planning.plan import PlannedExperiment, PlannedRun, make_plan
from dodo_pyexp.running.ledger import Ledger
from dodo_pyexp.store.record import Record

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
