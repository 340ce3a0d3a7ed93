"""Where a run that was renamed lies today."""

from __future__ import annotations

from pathlib import Path

from dodo_pyexp.store.paths import ExperimentFolder, OutputFolder
from dodo_pyexp.store.renames import Renames, attempt_today

EARLY, FIRST, SECOND = "2026-01-01_00-00-00", "2026-01-02_00-00-00", "2026-01-03_00-00-00"


def folder(tmp_path: Path, *runs: str) -> ExperimentFolder:
    files = OutputFolder(tmp_path).experiment("exp")
    for run in runs:
        Path(files.run(run).path).mkdir(parents=True)
    return files


def test_what_a_batch_had_is_found_by_what_was_renamed_after_it() -> None:
    renames = Renames([("a", "b", FIRST), ("b", "c", SECOND)])
    assert renames.since(EARLY) == renames.since(FIRST) == {"a": "c", "b": None, "c": None}
    assert renames.since(SECOND) == {"b": "c", "c": None}
    assert renames.since("2026-01-04_00-00-00") == {}


def test_runs_that_exchanged_their_names_are_told_apart() -> None:
    renames = Renames([("a", "t", FIRST), ("b", "a", FIRST), ("t", "b", SECOND)])
    assert renames.since(FIRST) == {"a": "b", "b": "a", "t": None}
    assert renames.earlier() == {"a": ["b"], "b": ["t", "a"]}


def test_a_name_that_is_given_back_leads_nowhere_else() -> None:
    assert Renames([("a", "b", FIRST), ("b", "a", FIRST)]).since(FIRST) == {"b": None}


def test_a_run_that_came_later_and_had_the_same_name_is_another() -> None:
    renames = Renames([("a", "b", FIRST), ("a", "c", SECOND)])
    assert renames.since(FIRST) == {"a": "b", "b": None, "c": None}
    assert renames.since(SECOND) == {"a": "c", "c": None}


def test_a_name_leads_to_the_last_run_that_had_it() -> None:
    renames = Renames([("a", "b", FIRST), ("a", "c", SECOND), ("c", "d", SECOND)])
    assert [renames.today(name) for name in "abcdx"] == ["d", "b", "d", "d", "x"]


def test_what_was_begun_counts_if_it_was_done(tmp_path: Path) -> None:
    files = folder(tmp_path, "a", "b")
    renames = Renames.read(files)
    begun = renames.begin(files, {"a": "c", "b": "d"})
    assert Renames.read(files).done == []
    Path(files.run("a").path).rename(files.run("c").path)
    assert Renames.read(files).done == [("a", "c", "")]  # who renames it is killed here
    renames.end(files, begun)
    assert Renames.read(files).done == renames.done == [("a", "c", "")]


def test_an_attempt_of_the_past_is_found_where_it_lies_today(tmp_path: Path) -> None:
    files = folder(tmp_path, "b/2026-01-01_00-00-00", "c-0123456789ab")
    renames = Renames([("a", "b", FIRST), ("f-0123456789ab", "c-0123456789ab", FIRST)])
    renames.begin(files, {})
    before = files.run("a").attempt("2026-01-01_00-00-00")
    assert attempt_today(before, EARLY).path == files.run("b").attempt("2026-01-01_00-00-00").path
    assert attempt_today(before, SECOND).path == before.path
    flat = files.run("f-0123456789ab", flat=True).attempt(".")
    assert attempt_today(flat, EARLY).path == files.run("c-0123456789ab").path
