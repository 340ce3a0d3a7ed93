"""Names of attempts and batches."""

from __future__ import annotations

import os

import pytest

from dodo_pyexp.store import timestamps


def test_the_present_moment_is_a_timestamp():
    assert timestamps.is_timestamp(timestamps.now())


@pytest.mark.parametrize("name", ["2026-02-17_14-30-00", "2026-02-17_14-30-00-2", "2026-02-17_14-30-00-mine"])
def test_timestamps_are_recognised(name):
    assert timestamps.is_timestamp(name)


@pytest.mark.parametrize(
    "name",
    ["", "report", "2026-02-17", "2026-02-17_14-30-0", "2026-02-17_14-30-00x", "20aa-02-17_14-30-00",
     "².26-02-17_14-30-00", "2026-02-17_14-30-00-/../x", "2026-02-17 14:30:00", "checkpoint_of_a_model_1"],
)  # fmt: skip
def test_other_names_are_none(name):
    assert not timestamps.is_timestamp(name)


def test_order_is_by_time_then_by_number():
    stamp = "2026-02-17_14-30-0"
    names = [f"{stamp}0-10", f"{stamp}1", f"{stamp}0-9", f"{stamp}0", f"{stamp}0-²"]
    assert sorted(names, key=timestamps.order) == [
        f"{stamp}0",
        f"{stamp}0-²",
        f"{stamp}0-9",
        f"{stamp}0-10",
        f"{stamp}1",
    ]


def test_a_taken_folder_gets_a_number(tmp_path):
    parent = str(tmp_path / "deep" / "run")
    names = [timestamps.claim_folder(parent, "2026-02-17_14-30-00") for _ in range(3)]
    assert names == ["2026-02-17_14-30-00", "2026-02-17_14-30-00-2", "2026-02-17_14-30-00-3"]
    assert sorted(os.listdir(parent)) == sorted(names)


@pytest.mark.parametrize(
    ("stamp", "names"),
    [
        ("2026-02-17_14-30-00", ["-2", "-3"]),
        ("2026-02-17_14-30-00-9", ["-10", "-11"]),
        ("2026-02-17_14-30-00-mine", ["-mine-2", "-mine-3"]),
        ("2026-02-17_14-30-00-1", ["-2", "-3"]),
    ],
)
def test_numbers_go_on_from_where_they_are(stamp, names):
    found = timestamps.candidates(stamp)
    assert [next(found) for _ in range(3)] == [stamp, *(f"2026-02-17_14-30-00{name}" for name in names)]


def test_what_is_newer_than_now_says_that_the_clock_was_set_back():
    assert timestamps.set_back("2999-02-17_14-30-00-7") == "2999-02-17_14-30-00"
    assert timestamps.set_back("2001-02-17_14-30-00") is None
    assert timestamps.set_back(f"{timestamps.now()}-2") is None


def test_a_moment_is_written_with_its_zone(monkeypatch):
    from datetime import datetime

    assert datetime.fromisoformat(timestamps.to_iso(1_700_000_000.25)).timestamp() == 1_700_000_000.25
