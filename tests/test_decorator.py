"""What a type checker says of a user's experiment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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


def checked(folder: Path, text: str) -> str:
    (folder / "user.py").write_text(text)
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--no-error-summary", "user.py"]
    environment = {"MYPYPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False).stdout


def test_an_experiment_has_a_type(tmp_path: Path) -> None:
    said = checked(tmp_path, USER)
    assert "error" not in said
    assert 'Revealed type is "dodo_pyexp.experiment.Experiment"' in said
    assert 'Revealed type is "dodo_pyexp.collection.tensor.Tensor[dodo_pyexp.results.result.Result]"' in said


def test_arguments_that_there_are_not_or_of_another_type_are_mistakes(tmp_path: Path) -> None:
    said = checked(tmp_path, WRONG)
    wrong = [line.split(":")[1] for line in said.splitlines() if ": error: " in line and "Untyped" not in line]
    assert wrong == ["4", "8", "16"], said
