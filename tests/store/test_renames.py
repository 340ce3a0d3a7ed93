"""Where a run that was renamed lies today."""

from __future__ import annotations

import os
from pathlib import Path

from dodo_pyexp.store.paths import ExperimentFolder, OutputFolder
from dodo_pyexp.store.record import Record
from dodo_pyexp.store.renames import Renames, places_today, settle


def folder(tmp_path: Path, *runs: str) -> ExperimentFolder:
    files = OutputFolder(tmp_path).experiment("exp")
    for run in runs:
        Path(files.run(run).path).mkdir(parents=True)
    return files


def test_what_a_batch_had_is_found_by_what_was_renamed_after_it() -> None:
    renames = Renames([("a", "b", 0), ("b", "c", 1)])
    assert renames.since(0) == {"a": "c", "b": None, "c": None}
    assert renames.since(1) == {"b": "c", "c": None}
    assert renames.since(2) == {}
    assert renames.count == 2


def test_runs_that_exchanged_their_names_are_told_apart() -> None:
    renames = Renames([("a", "t", 0), ("b", "a", 1), ("t", "b", 2)])
    assert renames.since(0) == {"a": "b", "b": "a", "t": None}
    assert renames.earlier() == {"a": ["b"], "b": ["t", "a"]}


def test_a_name_that_is_given_back_leads_nowhere_else() -> None:
    assert Renames([("a", "b", 0), ("b", "a", 1)]).since(0) == {"b": None}


def test_a_run_that_came_later_and_had_the_same_name_is_another() -> None:
    renames = Renames([("a", "b", 0), ("a", "c", 1)])
    assert renames.since(0) == {"a": "b", "b": None, "c": None}
    assert renames.since(1) == {"a": "c", "c": None}


def test_a_name_leads_to_all_runs_that_had_it() -> None:
    renames = Renames([("a", "b", 0), ("a", "c", 1), ("c", "d", 2)])
    assert [renames.ever(name) for name in "abcdx"] == [["d", "b"], [], ["d"], [], []]


def test_what_was_begun_counts_if_it_was_done(tmp_path: Path) -> None:
    files = folder(tmp_path, "a", "b")
    renames = Renames.read(files)
    begun = renames.begin(files, {"a": "c", "b": "d"})
    assert (Renames.read(files).done, Renames.read(files).count) == ([], 2)
    Path(files.run("a").path).rename(files.run("c").path)
    assert Renames.read(files).done == []  # it is gone, and c may have been executed
    Record("c", "", {}, "", ".", {}, renamed=["a"]).write(files.run("c"))
    assert Renames.read(files).done == [("a", "c", 0)]  # whoever renames it was killed here
    renames.end(files, begun)
    assert Renames.read(files).done == renames.done == [("a", "c", 0)]
    assert Renames.read(files).begin(files, {"b": "d"}) == [("b", "d", 2)]


def test_what_a_kill_left_is_written_down_by_who_comes_next(tmp_path: Path) -> None:
    files = folder(tmp_path, "a", "b")
    settle(files)  # there is nothing
    assert sorted(os.listdir(files.path)) == ["a", "b"]
    Renames.read(files).begin(files, {"a": "c", "b": "d"})
    Path(files.run("a").path).rename(files.run("c").path)
    Record("c", "", {}, "", ".", {}, renamed=["a"]).write(files.run("c"))
    settle(files)
    Record("c", "", {}, "", ".", {}).write(files.run("c"))  # it was executed again
    assert not os.path.exists(files.renaming)
    assert (Renames.read(files).done, Renames.read(files).count) == ([("a", "c", 0)], 2)


def test_an_attempt_of_the_past_is_looked_for_under_the_names_of_today(tmp_path: Path) -> None:
    files = folder(tmp_path, "a")
    Renames([("a", "b", 0), ("f-0123456789ab", "c-0123456789ab", 1)]).end(files, [])
    moved = places_today(files.run("a").attempt("2026-01-01_00-00-00"))
    assert [one.path for one in moved] == [files.run("b").attempt("2026-01-01_00-00-00").path]
    flat = places_today(files.run("f-0123456789ab", flat=True).attempt("."))
    assert [(one.path, one.flat) for one in flat] == [(files.run("c-0123456789ab").path, True)]
    assert places_today(files.run("x").attempt("2026-01-01_00-00-00")) == []
