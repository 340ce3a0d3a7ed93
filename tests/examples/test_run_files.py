"""The examples of run files do what their README says, with the YAML files of the originals' documents."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples/run_files"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(EXAMPLES, tmp_path / "run_files", ignore=shutil.ignore_patterns("out", "__pycache__", "output"))
    return tmp_path / "run_files"


def run(folder: Path, *words: str, status: int = 0, **variables: str) -> Any:
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-m", "pyexp", "run", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)} | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done


def test_native(folder: Path) -> None:
    done = run(folder / "native", "sweep.yml")
    assert "walk: How far does it walk?" in done.stderr
    assert len(done.stdout.splitlines()) == 6
    assert "6 runs: all up to date" in run(folder / "native", "sweep.yml").stderr
    assert (
        "3 of 6 runs would be executed" in run(folder / "native", "sweep.yml", "--steps", "50", "-n", status=3).stdout
    )


def test_the_readme_project_of_expyrun(folder: Path, tmp_path: Path) -> None:
    here, output = folder / "expyrun", tmp_path / "output"
    variables = {"OUTPUT_DIR": str(output), "DATA_FOLDER": str(here / "data")}
    run(here, "configs/experiments/train.yml", **variables)
    run(here, "configs/experiments/train.yml", "--debug", **variables)
    done = run(here, "configs/experiments/eval.yml", "--training_exp", "0", **variables)
    assert "ViT has a loss of" in done.stdout
    for name in (
        "config.yml",
        "raw_config.yml",
        "frozen_requirements.txt",
        "outputs.log",
        "src",
        "checkpoints/ViT.ckpt",
    ):
        assert (output / "training/666/exp.0" / name).exists()
    assert (output / "evaluation/666/exp.0").is_dir()
    assert (output / "DEBUG/training/666/exp.0").is_dir()
    run(here, f"{output}/training/666/exp.0/config.yml", **variables)
    assert (output / "training/666/exp.1/checkpoints/ResNet.ckpt").read_text() == (
        output / "training/666/exp.0/checkpoints/ResNet.ckpt"
    ).read_text()
    run(here, f"{output}/training/666/exp.0/raw_config.yml", "--ResNet.lr", "0.005", "--seed", "111", **variables)
    assert (output / "training/111/exp.0").is_dir()


def test_the_pages_file_of_experimaestro(folder: Path) -> None:
    here = folder / "experimaestro"
    done = run(here, "full.yaml")
    assert done.stdout.startswith("net_seed0: loss ")
    assert (here / "out/full/train/net_seed0").is_dir()
    assert run(here, "--run-mode", "NORMAL", "full.yaml").stdout == done.stdout
    shown = run(here, "--show", "-c", "model.hidden_size=512", "experiment.yaml").stdout
    assert '"hidden_size": 512' in shown
    assert '"optimizer": "adam"' in shown
    run(here, "experiment.yaml", "-c", "learning_rate=1e-5", "-c", "batch_size=64")
    assert (here / "out/my-experiment/train/net_seed0").is_dir()
