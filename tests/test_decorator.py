"""What a type checker says of a user's experiment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
USER = """
import pyexp
from pathlib import Path

@pyexp.experiment
def plain(cfg: pyexp.Config) -> float:
    return 1.0

@pyexp.experiment(name="named", executor="fork", retry=2, resources={"num_cpus": 2})
def train(cfg: pyexp.Config, out: Path) -> dict[str, float]:
    return {"loss": cfg.lr}

@train.configs
def configs() -> list[dict[str, object]]:
    return [{"name": "a", "lr": 0.1}]

reveal_type(plain)
reveal_type(train.results())
losses = [run.result["loss"] for run in train.results()]
pyexp.experiment(plain.fn, name="other").run(jobs=2)
"""
WRONG = """
import pyexp

@pyexp.experiment(retri=2)
def train(cfg: pyexp.Config) -> float:
    return 1.0

@pyexp.experiment(retry="2")
def other(cfg: pyexp.Config) -> float:
    return 1.0

@pyexp.experiment
def right(cfg: pyexp.Config) -> float:
    return 1.0

right.run(job=2)
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What mypy says of a user's files; it takes its time, so it is asked once."""
    folder = tmp_path_factory.mktemp("typed")
    (folder / "user.py").write_text(USER)
    (folder / "wrong.py").write_text(WRONG)
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--no-error-summary"]
    environment = {"MYPYPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    command += ["user.py", "wrong.py"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False).stdout


def errors(said: str, file: str) -> list[str]:
    return [line for line in said.splitlines() if line.startswith(f"{file}:") and ": error: " in line]


def test_an_experiment_has_a_type(said: str) -> None:
    assert errors(said, "user.py") == []
    assert 'Revealed type is "dodo_pyexp.experiment.Experiment"' in said
    assert 'Revealed type is "dodo_pyexp.collection.tensor.Tensor[dodo_pyexp.results.result.Result]"' in said


def test_arguments_that_there_are_not_or_of_another_type_are_mistakes(said: str) -> None:
    wrong = [line.split(":")[1] for line in errors(said, "wrong.py") if "Untyped" not in line]
    assert wrong == ["4", "8", "16"], said
