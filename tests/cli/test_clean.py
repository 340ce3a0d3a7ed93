from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_without_arguments_it_says_what_could_go_and_removes_nothing(
    built: Any, one_sentence: Callable[..., None]
) -> None:
    before = sorted(built.out.rglob("*"))
    done = built.pyexp("clean", status=2)
    one_sentence(done, "say what to remove")
    assert "train:\n  3 runs, " in done.stdout
    assert "1 failed or interrupted attempts (--failed)" in done.stdout
    assert sorted(built.out.rglob("*")) == before


def test_a_run_is_removed_and_built_again(built: Any) -> None:
    done = built.pyexp("clean", "train:slow", "--yes")
    assert "train:slow  run, " in done.stdout
    assert not (built.out / "train" / "slow").exists()
    built.pyexp("build", "train:slow")
    assert built.executed() == ["slow"]


def test_a_dry_run_removes_nothing(built: Any) -> None:
    done = built.pyexp("clean", "train", "-n")
    assert "bytes" in done.stdout or "kB" in done.stdout
    assert (built.out / "train" / "slow" / ".finished").exists()


def test_with_nobody_to_ask_nothing_is_removed(built: Any, one_sentence: Callable[..., None]) -> None:
    one_sentence(built.pyexp("clean", "train:slow", status=2), "--yes")
    assert (built.out / "train" / "slow" / ".finished").exists()


def test_an_experiment_goes_as_a_whole(built: Any) -> None:
    built.pyexp("clean", "train", "-y")
    assert not (built.out / "train").exists()
    assert (built.out / "prepare" / "small" / ".finished").exists()


def test_all_experiments_go(built: Any) -> None:
    built.pyexp("clean", "--all", "-y")
    assert [path.name for path in built.out.iterdir() if not path.name.startswith(".")] == []


def test_failed_attempts_go_and_nothing_else(built: Any) -> None:
    built.pyexp("clean", "--failed", "-y")
    assert built.attempts("wild", "train") == []
    assert len(built.attempts("slow", "train")) == 1
    assert "train:wild     missing" in built.pyexp("list").stdout


def test_failed_attempts_of_one_run_only(built: Any) -> None:
    built.pyexp("clean", "train:slow", "--failed", "-y")
    assert len(built.attempts("wild", "train")) == 1


def test_attempts_that_newer_ones_replaced_go(built: Any) -> None:
    built.pyexp("build", "train:slow", "--rerun", "--timestamp", "2100-01-01_00-00-00")
    built.pyexp("clean", "--old", "-y")
    assert [attempt.name for attempt in built.attempts("slow", "train")] == ["2100-01-01_00-00-00"]
    assert built.pyexp("build", "train:slow").stderr.startswith("2 runs: all up to date")


def test_leftovers_of_killed_writers_go_as_well(built: Any) -> None:
    leftover = built.out / "train" / "slow" / "..finished.123.tmp"
    leftover.touch()
    built.pyexp("clean", "--old", "-y")
    assert not leftover.exists()


def test_patterns_name_several_runs(built: Any) -> None:
    built.pyexp("clean", "train:*i*", "-y")
    assert {path.name for path in (built.out / "train").iterdir() if not path.name.startswith(".")} == {"slow"}


def test_an_unknown_name_has_its_nearest(built: Any, one_sentence: Callable[..., None]) -> None:
    one_sentence(built.pyexp("clean", "tran", "-y", status=2), '"train"')
    one_sentence(built.pyexp("clean", "../../x", "-y", status=2), "../../x")


def test_names_and_all_do_not_go_together(built: Any, one_sentence: Callable[..., None]) -> None:
    one_sentence(built.pyexp("clean", "train", "--all", "-y", status=2), "--all")


def test_a_symbolic_link_is_not_followed(built: Any, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (built.out / "train" / "slow").rename(elsewhere)
    (built.out / "train" / "slow").symlink_to(elsewhere)
    assert "left alone" in built.pyexp("clean", "train:slow", "-y", status=1).stderr
    assert (elsewhere / ".finished").exists()


def test_a_link_inside_a_run_is_removed_and_not_what_it_points_to(built: Any, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "precious").touch()
    (built.attempts("slow", "train")[0] / "data").symlink_to(data)
    built.pyexp("clean", "train:slow", "-y")
    assert not (built.out / "train" / "slow").exists()
    assert (data / "precious").exists()
