"""Where commands look that import nothing of the user's."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest

from dodo_pyexp.building.loader import default_files
from dodo_pyexp.cli.output import output_folder
from dodo_pyexp.errors import MissingFile


def found(said: str | None = None) -> str:
    return output_folder(Namespace(output_dir=said)).path


@pytest.fixture
def deep(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, two levels below another one."""
    folder = here / "lab/sub/deep"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def test_it_is_that_of_the_project(here: Path, deep: Path) -> None:
    (here / "lab/pyproject.toml").touch()
    (here / "lab/out").mkdir()
    (here / "lab/sub/out").mkdir()  # builds write to that of the project, too
    assert found() == f"{here}/lab/out"


def test_without_a_project_it_is_the_nearest_above(here: Path, deep: Path) -> None:
    (here / "out").mkdir()
    assert found() == f"{here}/out"
    (here / "lab/out").mkdir()
    assert found() == f"{here}/lab/out"


def test_a_project_without_one_does_not_use_that_of_another(here: Path, deep: Path) -> None:
    (here / "out").mkdir()
    (here / "lab/.git").mkdir()
    with pytest.raises(MissingFile, match=r"there is no folder \.\./\.\./out; build"):
        found()
    (here / "lab/sub/out").mkdir()  # of a notebook in there
    assert found() == f"{here}/lab/sub/out"


def test_what_is_said_counts_from_where_it_is_said(here: Path, deep: Path) -> None:
    (here / "lab/pyproject.toml").write_text('[tool.pyexp]\noutput_dir = "results"\n')
    for name in ("lab/results", "lab/out", "lab/sub/deep/mine"):
        (here / name).mkdir()
    assert found() == f"{here}/lab/results"
    assert found("mine") == f"{deep}/mine"


def test_the_file_of_the_project_is_meant_where_none_is_named(here: Path, deep: Path) -> None:
    (here / "lab/dodo.py").touch()
    assert default_files() == ["../../dodo.py"]
    (here / "lab/sub/pyproject.toml").write_text('[tool.pyexp]\nexperiments = "train.py"\n')
    assert default_files() == ["../train.py"]
