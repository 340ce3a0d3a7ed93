"""An output folder that the first version wrote (`tests/data/first_version`) is read, continued and reproduced."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

WRITTEN = Path(__file__).parent / "data" / "first_version"
UP_TO_DATE = ["slow", "fast", "lr=1/x", "score_s0", "score_s1", "score_s2", "all"]
READ = """
    import pyexp
    from train import train
    from evaluate import evaluate

    results = train.results()
    assert [result["loss"] for result in results if not result.error] == [0.16, 16.0, 24.0]
    assert results["slow"].cfg.shape == (3, 4) and results["slow"].cfg.tags == {"a", "b"}
    assert "this one is broken" in results["broken"].error
    assert (results["fast"].out / "weights.bin").read_bytes() == bytes(range(8))
    print(sum(result["score"] for result in evaluate.results()))
"""


@pytest.fixture
def old(project: Any) -> Any:
    shutil.copytree(WRITTEN, project.folder, dirs_exist_ok=True)
    (project.folder / "written").rename(project.out)
    return project


def test_finished_runs_stay_finished(old: Any) -> None:
    told = old.pyexp("build", "-n", status=3).stdout
    assert "train:broken  last attempt failed" in told
    assert "1 of 8 runs would be executed" in told
    states = {run["name"]: run["state"] for run in json.loads(old.pyexp("list", "--json").stdout)["runs"]}
    assert states == {**dict.fromkeys(UP_TO_DATE, "up-to-date"), "broken": "failed"}


def test_results_are_read(old: Any) -> None:
    table = old.pyexp("results", "train").stdout
    assert all(text in table for text in ("0.16", "24", "this one is broken"))
    old.write("read.py", READ)
    assert float(old.python("read.py").stdout) == pytest.approx(3 * 16.16)


def test_a_build_goes_on_with_it(old: Any) -> None:
    old.edit("train.py", 'if cfg.get("broken")', "if False")
    told = old.pyexp("build", "--code", "ignore").stderr
    assert "1 executed" in told and "7 up to date" in told
    assert "all up to date" in old.pyexp("build").stderr


def test_a_run_is_reproduced(old: Any) -> None:
    assert "identical" in old.pyexp("reproduce", "train:fast", "--set", "model.api_key=k-1").stdout
