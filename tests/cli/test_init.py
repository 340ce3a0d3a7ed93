from __future__ import annotations

from collections.abc import Callable
from typing import Any


def test_what_it_writes_runs_through_every_door(project: Any) -> None:
    text = project.pyexp("init").stdout
    assert "pyexp build" in text and "pyexp results" in text
    done = project.pyexp("build", "--no-stash", "--executor", "fork")
    assert done.stdout.startswith("Best: ")
    assert "3 executed" in done.stderr
    assert project.python("experiment.py", "--no-stash").stderr.startswith("3 runs: all up to date")
    assert "-- descent:lr0.1" in project.doit().stdout
    assert "loss" in project.pyexp("results").stdout


def test_a_folder_can_be_named(project: Any) -> None:
    text = project.pyexp("init", "first/try").stdout
    assert "  cd first/try\n" in text
    assert (project.folder / "first" / "try" / "dodo.py").exists()


def test_nothing_is_overwritten(project: Any, one_sentence: Callable[..., None]) -> None:
    project.write("dodo.py", "mine = True")
    one_sentence(project.pyexp("init", status=2), "dodo.py", "nothing was written")
    assert (project.folder / "dodo.py").read_text() == "mine = True"
    assert not (project.folder / "experiment.py").exists()


def test_a_place_that_cannot_be_written_is_told(project: Any, one_sentence: Callable[..., None]) -> None:
    project.write("file", "")
    one_sentence(project.pyexp("init", "file/below", status=2), "file/below")


def test_it_needs_no_import_of_the_engine(project: Any) -> None:
    code = "import sys; from dodo_pyexp.cli.main import main; main(['init', 'x']); print('doit' in sys.modules)"
    assert project.python("-c", code).stdout.endswith("False\n")
