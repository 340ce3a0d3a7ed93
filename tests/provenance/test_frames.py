"""Which frame of a traceback is named as the place of a failure."""

from __future__ import annotations

import os
import pathlib
import sysconfig
from pathlib import Path
from traceback import FrameSummary

import pytest

import dodo_pyexp
from dodo_pyexp.provenance.frames import Place, place_of


@pytest.fixture
def project(tmp_path: Path) -> str:
    (tmp_path / "pyproject.toml").touch()
    return os.path.realpath(tmp_path)


def place(*files: str) -> Place | None:
    return place_of([FrameSummary(file, line + 1, "f", lookup_line=False) for line, file in enumerate(files)])


ENGINE = f"{os.path.dirname(dodo_pyexp.__file__)}/config/config.py"


def test_the_innermost_frame_of_the_project_is_the_place(project: str) -> None:
    assert place(f"{project}/exp.py", f"{project}/models/net.py") == (f"{project}/models/net.py:2", "", 1)
    assert place(f"{project}/exp.py", f"{project}/net.py", ENGINE) == (f"{project}/net.py:2", "", 1)


@pytest.mark.parametrize("environment", [".venv", "env/deep", "../elsewhere"])
def test_a_library_is_told_apart_even_inside_the_project(project: str, environment: str) -> None:
    library = f"{project}/{environment}/lib/python3.11/site-packages/numpy/linalg/_linalg.py"
    found = place(f"{project}/exp.py", library, library)
    assert found == (f"{project}/exp.py:1", "raised in numpy/linalg/_linalg.py:3", 0)
    assert place(library, f"{project}/exp.py", library) == (
        f"{project}/exp.py:2",
        "raised in numpy/linalg/_linalg.py:3",
        1,
    )


def test_python_itself_is_a_library(project: str) -> None:
    found = place(f"{project}/exp.py", pathlib.__file__, "<frozen importlib._bootstrap>")
    assert found is not None and found.line == f"{project}/exp.py:1"
    found = place(f"{project}/exp.py", pathlib.__file__)
    name = pathlib.__file__.removeprefix(f"{sysconfig.get_paths()['stdlib']}/")
    assert found is not None and found.below == f"raised in {name}:2"


def test_another_project_is_a_library_too(project: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    assert place(f"{project}/exp.py", f"{other}/net.py") == (f"{project}/exp.py:1", f"raised in {other}/net.py:2", 0)


def test_code_without_a_file_counts_if_it_comes_first(project: str) -> None:
    cell = "<ipython-input-3>"
    assert place(cell, "<string>", pathlib.__file__)[:1] == (f"{cell}:1",)  # type: ignore[index]  # there is one
    assert place(cell, f"{project}/net.py", pathlib.__file__)[:1] == (f"{project}/net.py:2",)  # type: ignore[index]


def test_where_there_is_nothing_of_the_project_the_innermost_frame_is_named() -> None:
    library = "/usr/lib/python3/dist-packages/lib.py"
    assert place(library, library, ENGINE) == (f"{library}:2", "", 1)
    assert place(ENGINE) is None and place() is None
