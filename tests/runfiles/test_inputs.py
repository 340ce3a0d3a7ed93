"""Inputs in run files of every dialect: the function gets paths, and a change of the content is seen."""

from __future__ import annotations

from typing import Any

import pytest

CODE = """
    import pyexp
    from pyexp.experiments import configuration

    def train(cfg):
        return cfg.data.read_text()

    def main(name, config):
        open("res.txt", "w").write(config["data"].read_text() + str(config["data"].is_absolute()))

    @configuration
    class Study:
        data: pyexp.File
        images: pyexp.Folder = None

    def run(helper, cfg: Study):
        print(type(cfg.data).__name__, cfg.data)
"""
EXPYRUN = """
    __run__:
      __main__: code:main
      __name__: u
      __output_dir__: output
      __code__: .
    data: !file data/a.txt
"""


@pytest.fixture
def lab(project: Any) -> Any:
    project.write("pyproject.toml", "")
    project.write("code.py", CODE)
    project.write("data/a.txt", "abc")
    return project


def test_in_a_native_file_an_input_that_changes_makes_its_runs_stale(lab: Any) -> None:
    lab.write("n.yml", "entry: code.py:train\nconfig: {name: a, data: !file data/a.txt}\n")
    lab.pyexp("run", "n.yml")
    lab.write("data/a.txt", "abcd")
    done = lab.pyexp("run", "n.yml", "-n", status=3)
    assert done.stdout.startswith("train:a  input data/a.txt changed (3 bytes -> 4 bytes)")
    done = lab.pyexp("run", "n.yml", "-n", "--data", "data/b.txt", status=3)
    assert "config: data data/a.txt -> data/b.txt" in done.stdout


def test_a_launch_gets_paths_that_hold_in_its_own_folder(lab: Any) -> None:
    lab.write("e.yml", EXPYRUN)
    lab.pyexp("run", "e.yml")
    assert (lab.folder / "output/u/exp.0/res.txt").read_text() == "abcTrue"
    lab.pyexp("run", "output/u/exp.0/config.yml")
    assert (lab.folder / "output/u/exp.1/res.txt").read_text() == "abcTrue"


@pytest.mark.parametrize("written", ["!file data/a.txt", "data/a.txt"])
def test_a_class_may_ask_for_files_and_folders(lab: Any, written: str) -> None:
    lab.write("x.yml", f"id: study\nfile: code.py\ndata: {written}\n")
    assert "File data/a.txt\n" in lab.pyexp("run", "x.yml").stdout


def test_a_folder_where_a_file_is_asked_for_is_refused_with_its_place(lab: Any) -> None:
    lab.write("x.yml", "id: study\nfile: code.py\ndata: !folder data\n")
    done = lab.pyexp("run", "x.yml", status=2)
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("error: x.yml:3: data must be a file")
