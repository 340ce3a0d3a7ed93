from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def test_every_run_has_a_line_with_state_and_reason(built: Any) -> None:
    lines = built.pyexp("list").stdout.splitlines()
    assert lines[0] == "prepare:small  up-to-date"
    assert lines[4].startswith("train:wild     failed      last attempt failed: ValueError: 9.0 is too fast")
    assert lines[5] == "train:after    skipped     upstream train:wild failed"
    assert lines[6] == "6 runs: 4 up-to-date, 1 failed, 1 skipped"
    assert len(lines) == 7


def test_listing_executes_and_writes_nothing(pipeline: Any) -> None:
    assert "6 missing" in pipeline.pyexp("list").stdout
    assert pipeline.executed() == []
    assert not pipeline.out.exists()


def test_targets_and_the_filter_choose_runs(built: Any) -> None:
    assert built.pyexp("list", "prepare").stdout.endswith("2 runs: 2 up-to-date\n")
    assert built.pyexp("list", "--filter", "^slow$").stdout.endswith("2 runs: 2 up-to-date\n")


def test_programs_can_read_it(built: Any) -> None:
    told = json.loads(built.pyexp("list", "--json").stdout)
    wild = next(run for run in told["runs"] if run["name"] == "wild")
    assert (wild["run"], wild["experiment"], wild["state"], wild["kind"]) == ("train:wild", "train", "failed", "failed")
    assert told["counts"]["skipped"] == 1


def test_there_is_no_colour_in_a_file(built: Any) -> None:
    assert "\x1b" not in built.pyexp("list").stdout


def test_batches_are_counted(built: Any) -> None:
    built.pyexp("build", "prepare")
    text = built.pyexp("list", "--batches").stdout
    assert text.count("(2/2 runs)") == 2
    assert "(2/4 runs)  1 failed, 1 skipped" in text


def test_a_damaged_manifest_says_so_and_nothing_else_suffers(built: Any) -> None:
    (built.out / "prepare" / ".batches" / "2001-01-01_00-00-00.json").write_text('{"format": 1, "ru')
    lines = built.pyexp("list", "--batches", "prepare").stdout.splitlines()
    assert lines[1] == "  2001-01-01_00-00-00  damaged"
    assert "(2/2 runs)" in lines[2]


def test_batches_of_a_named_file_are_found_where_it_writes(built: Any) -> None:
    assert "Batches of train:" in built.pyexp("list", "--batches", "dodo.py").stdout
    only = built.pyexp("list", "--batches", "dodo.py", "prepare").stdout
    assert "Batches of prepare:" in only
    assert "train" not in only


def test_batches_as_json(built: Any) -> None:
    told = json.loads(built.pyexp("list", "--batches", "--json").stdout)
    assert [one["experiment"] for one in told] == ["prepare", "train"]
    assert told[1]["batches"][0]["counts"] == {"finished": 2, "failed": 1, "skipped": 1, "unfinished": 0}


def test_batches_of_an_unknown_experiment_are_refused(built: Any, one_sentence: Callable[..., None]) -> None:
    one_sentence(built.pyexp("list", "--batches", "tran", status=2), '"tran"', '"train"')
