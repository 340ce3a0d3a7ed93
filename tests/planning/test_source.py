"""Which project an experiment belongs to, and that it is written there through every door, from every folder."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.cli.main import main
from dodo_pyexp.importing import import_file
from dodo_pyexp.planning.source import project as project_of_function

EXPERIMENT = """
import pyexp
from tally import mark

@pyexp.experiment
def train(cfg, out):
    mark(cfg)
    return {"n": len(train.results()), "seen": train.results()[cfg.name].name}

@train.configs
def configs():
    return [{"name": "a"}, {"name": "b"}]

if __name__ == "__main__":
    train.run()
"""


def fn_in(file: Path, text: str = "def fn(cfg): ...\n") -> Any:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return import_file(os.fspath(file)).fn


def test_the_project_is_the_nearest_folder_with_a_mark(here: Path) -> None:
    fn = fn_in(here / "lab/sub/own1.py")
    assert project_of_function(fn) == f"{here}/lab/sub"
    for mark in ("../../.git", "../pyproject.toml", "dodo.py"):
        (here / "lab/sub" / mark).touch()
        assert project_of_function(partial(fn)) == os.path.normpath(here / "lab/sub" / mark / "..")


def test_a_link_to_a_file_leads_to_its_project(here: Path) -> None:
    fn_in(here / "real/own2.py")
    (here / "links").mkdir()
    (here / "links/own2_link.py").symlink_to(here / "real/own2.py")
    assert project_of_function(fn_in(here / "links/own2_link.py")) == f"{here}/real"


def test_what_has_no_file_belongs_to_the_current_folder(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "pyproject.toml").touch()
    (here / "notebooks").mkdir()
    monkeypatch.chdir(here / "notebooks")
    cell: dict[str, Any] = {}
    exec("def fn(cfg): ...", cell)
    assert project_of_function(cell["fn"]) == f"{here}/notebooks"


def test_what_is_installed_belongs_to_the_project_that_uses_it(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fn = fn_in(here / "env/lib/site-packages/own3.py")
    (here / "mine/deep").mkdir(parents=True)
    (here / "mine/dodo.py").touch()
    monkeypatch.chdir(here / "mine/deep")
    assert project_of_function(fn) == f"{here}/mine"


def test_every_door_writes_to_the_same_place_from_every_folder(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("pyproject.toml", "")
    project.write("experiments/train.py", EXPERIMENT)
    project.write("experiments/tally.py", (project.folder / "tally.py").read_text())
    project.write("runs/train.yml", "entry: ../experiments/train.py:train\nsweep:\n  - name: a\n  - name: b\n")
    (project.folder / "experiments/deep").mkdir()

    def at(folder: str, *command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command], cwd=project.folder / folder, env=project.environment, capture_output=True,
            text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    at(".", "-m", "doit", "-f", "experiments/train.py")
    assert sorted(project.executed()) == ["a", "b"]
    at(".", "experiments/train.py")
    at("experiments", "-m", "pyexp", "build", "train.py")
    at("runs", "-m", "pyexp", "run", "train.yml")
    at("/", "-m", "pyexp", "build", f"{project.folder}/experiments/train.py")
    assert project.executed() == []
    assert [os.fspath(path) for path in project.folder.rglob("out")] == [os.fspath(project.out)]
    assert (project.out / ".doit.db").exists()
    monkeypatch.chdir(project.folder / "experiments/deep")
    monkeypatch.setenv("TALLY", project.environment["TALLY"])
    for command in ("results", "list --batches", "log a", "diff a b", "clean train --dry-run", "reproduce a"):
        assert main(command.split()) == 0, command


@pytest.mark.parametrize("executor", ["subprocess", "fork"])
def test_a_run_that_reads_results_finds_them_where_they_are(project: Any, executor: str) -> None:
    """Also where its function is imported from the snapshot."""
    project.write("dodo.py", EXPERIMENT)
    project.pyexp("build", "--executor", executor)
    for result in project.out.glob("train/?/*/result.json"):
        assert '"n": 2' in result.read_text()
