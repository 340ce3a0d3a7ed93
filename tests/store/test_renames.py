"""Where a run that was renamed lies today."""

from __future__ import annotations

from pathlib import Path

from dodo_pyexp.store import renames
from dodo_pyexp.store.paths import OutputFolder


def test_a_folder_is_found_under_its_newest_name_unless_it_is_still_there(tmp_path: Path) -> None:
    files = OutputFolder(tmp_path).experiment("exp")
    Path(files.path, "c").mkdir(parents=True)
    renames.add(files, "a", "b")
    renames.add(files, "b", "c")
    assert renames.today(files, "a") == renames.today(files, "b") == renames.today(files, "c") == "c"
    Path(files.path, "b").mkdir()
    assert renames.today(files, "b") == "b"
    assert renames.today(files, "x") == "x"


def test_a_name_that_is_given_back_leads_nowhere_else(tmp_path: Path) -> None:
    files = OutputFolder(tmp_path).experiment("exp")
    Path(files.path, "a").mkdir(parents=True)
    renames.add(files, "a", "b")
    renames.add(files, "b", "a")
    assert renames.read(files) == {"b": "a"}


def test_who_goes_in_a_circle_comes_to_an_end() -> None:
    assert renames.follow({"a": "b", "b": "a"}, "a") == "b"


def test_an_attempt_of_the_past_is_found_where_it_lies_today(tmp_path: Path) -> None:
    files = OutputFolder(tmp_path).experiment("exp")
    attempt = files.run("b").attempt("2026-01-01_00-00-00")
    Path(attempt.path).mkdir(parents=True)
    renames.add(files, "a", "b")
    assert renames.attempt_today(files.run("a").attempt("2026-01-01_00-00-00")).path == attempt.path
