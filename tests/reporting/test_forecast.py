"""The time that is left: what is up to date takes none, whether that is known already or not."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from dodo_pyexp.reporting.forecast import Forecast


def runs(folder: Path, missing: int, finished: int) -> list[Any]:
    (folder / "record").touch()
    paths = [folder / "none"] * missing + [folder / "record"] * finished
    return [_Run(SimpleNamespace(finished=str(path))) for path in paths]


class _Run:
    def __init__(self, files: Any) -> None:
        self.files = files


def execute(made: Forecast, run: Any, clock: Any, seconds: float) -> None:
    made.started(run)
    clock.now += seconds
    made.ended(run)


def test_nothing_is_known_before_a_run_has_ended(tmp_path: Path, clock: Any) -> None:
    (run,) = runs(tmp_path, 1, 0)
    made = Forecast([run], 1, 0)
    made.started(run)
    assert made.seconds_left() is None


def test_of_a_grown_sweep_only_the_new_runs_take_time(tmp_path: Path, clock: Any) -> None:
    everything = runs(tmp_path, 4, 1000)
    made = Forecast(everything, 1004, 0)
    execute(made, everything[0], clock, 10)
    assert made.seconds_left() == 30
    for run in everything[4:]:
        made.passed_over(run)
    assert made.seconds_left() == 30


def test_what_was_found_up_to_date_before_counts(tmp_path: Path, clock: Any) -> None:
    made = Forecast(rest := runs(tmp_path, 2, 10), 1012, 1000)
    execute(made, rest[0], clock, 10)
    assert made.seconds_left() == 10


def test_when_all_records_turn_out_to_be_stale_all_will_take_time(tmp_path: Path, clock: Any) -> None:
    everything = runs(tmp_path, 0, 10)
    made = Forecast(everything, 10, 0)
    execute(made, everything[0], clock, 10)
    assert made.seconds_left() == 90
    execute(made, everything[1], clock, 20)
    assert made.seconds_left() == 8 * 15


def test_of_undecided_records_as_many_are_stale_as_of_the_decided_ones(tmp_path: Path, clock: Any) -> None:
    everything = runs(tmp_path, 0, 20)
    made = Forecast(everything, 20, 0)
    execute(made, everything[0], clock, 10)
    for run in everything[1:10]:
        made.passed_over(run)
    assert made.seconds_left() == 10


def test_runs_side_by_side_share_the_time_and_what_runs_is_partly_done(tmp_path: Path, clock: Any) -> None:
    everything = runs(tmp_path, 5, 0)
    made = Forecast(everything, 5, 0)
    made.started(everything[0])
    made.started(everything[1])
    clock.now += 10
    made.ended(everything[0])
    made.started(everything[2])
    clock.now += 4
    assert made.seconds_left() == (2 * 10 + 0 + 6) / 2


def test_a_run_that_is_skipped_takes_no_time(tmp_path: Path, clock: Any) -> None:
    everything = runs(tmp_path, 3, 0)
    made = Forecast(everything, 3, 0)
    execute(made, everything[0], clock, 10)
    made.passed_over(everything[1])
    assert made.seconds_left() == 10
