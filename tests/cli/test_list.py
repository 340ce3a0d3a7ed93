from __future__ import annotations

import json
import platform
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
    lines = built.pyexp("list", "--batches").stdout.splitlines()
    assert [line.split("] ")[1] for line in lines if line] == [
        "(2/2 runs)", "(2/2 runs)  2 cached", "(2/4 runs)  1 failed, 1 skipped",
    ]  # fmt: skip
    assert f"  train [{platform.node()}] (2/4 runs)" in lines[-1]


def test_a_damaged_manifest_says_so_and_nothing_else_suffers(built: Any) -> None:
    (built.out / "prepare" / ".batches" / "2001-01-01_00-00-00.json").write_text('{"format": 1, "ru')
    lines = built.pyexp("list", "--batches", "prepare").stdout.splitlines()
    assert lines[0] == "2001-01-01_00-00-00  prepare damaged"
    assert "(2/2 runs)" in lines[1]


def test_batches_of_a_named_file_are_found_where_it_writes(built: Any) -> None:
    assert "  train [" in built.pyexp("list", "--batches", "dodo.py").stdout
    only = built.pyexp("list", "--batches", "dodo.py", "prepare").stdout
    assert "  prepare [" in only
    assert "train" not in only


def test_batches_as_json(built: Any) -> None:
    told = json.loads(built.pyexp("list", "--batches", "--json").stdout)
    assert [one["experiment"] for one in told] == ["prepare", "train"]
    batch = told[1]["batches"][0]
    assert batch["total"] == 4
    assert {state: count for state, count in batch["counts"].items() if count} == {
        "finished": 2, "failed": 1, "skipped": 1,
    }  # fmt: skip


def test_batches_of_an_unknown_experiment_are_refused(built: Any, one_sentence: Callable[..., None]) -> None:
    one_sentence(built.pyexp("list", "--batches", "tran", status=2), '"tran"', '"train"')


# -- everything that is there -----------------------------------------------------------------------------------


def test_all_lists_what_no_config_asks_for_any_more(built: Any) -> None:
    built.edit("dodo.py", '{"name": "small", "rows": 10}, ', "")
    built.edit("dodo.py", '"depends_on": "prepare:small"}', '"depends_on": "prepare:large"}')
    built.edit("dodo.py", '"depends_on": ["^wild$", "prepare:small"]}', '"depends_on": "^wild$"}')
    lines = built.pyexp("list", "--all", "prepare").stdout.splitlines()
    assert lines == [
        "prepare:large  up-to-date",
        "prepare:small  orphan      no config asks for it any more",
        "2 runs: 1 up-to-date, 1 orphan",
    ]
    assert "small" not in built.pyexp("list").stdout
    told = json.loads(built.pyexp("list", "--all", "--json").stdout)
    assert [run["run"] for run in told["runs"] if run["state"] == "orphan"] == ["prepare:small"]
    assert told["counts"]["orphan"] == 1
    assert told["others"] == []


def test_all_takes_targets_and_filters_for_orphans_too(built: Any) -> None:
    built.edit("dodo.py", '{"name": "slow",', '{"name": "slower",')
    for words in (["train:slow"], ["slow"], ["train:sl?w"], ["out/train/slow"], ["--filter", "^slow$"]):
        assert built.pyexp("list", "--all", *words).stdout.splitlines() == [
            "train:slow  orphan  no config asks for it any more", "1 run: 1 orphan",
        ]  # fmt: skip
    told = built.pyexp("list", "--all", "train:slow*").stdout
    assert told.endswith("3 runs: 1 up-to-date, 1 missing, 1 orphan\n")  # with what the new one depends on


def test_all_refuses_what_names_nothing(built: Any, one_sentence: Callable[..., None]) -> None:
    one_sentence(built.pyexp("list", "--all", "tran", status=2), '"tran"')
    one_sentence(built.pyexp("list", "--all", "--batches", status=2), "say one of them")


def test_experiments_of_other_files_are_named_and_are_no_orphans(built: Any) -> None:
    built.write(
        "other.py", "import pyexp\n@pyexp.experiment\ndef other(cfg): pass\nother.configs(lambda: [{'name': 'x'}])"
    )
    lines = built.pyexp("list", "--all", "other.py").stdout.splitlines()
    assert lines[-2:] == ["1 run: 1 missing", "not defined in other.py: prepare (2 runs), train (3 runs)"]
    told = json.loads(built.pyexp("list", "--all", "--json", "other.py").stdout)
    assert told["others"] == [{"experiment": "prepare", "runs": 2}, {"experiment": "train", "runs": 3}]
