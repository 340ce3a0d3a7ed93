"""The digits pipeline, built as a newcomer would: once, again, and after a change."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DIGITS = ROOT / "pipelines" / "digits"

# The first build starts an interpreter with scikit-learn for every run.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

needs_installation = pytest.mark.skipif(
    "pyexp" not in entry_points(group="doit.BACKEND").names,
    reason="plain doit knows the backend 'pyexp' from an installed distribution only",
)


class Pipeline:
    """A folder with the pipeline in it, and what has been executed there, counted from outside."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def command(self, *arguments: str) -> str:
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def build(self, *arguments: str) -> str:
        return self.command("pyexp", "build", *arguments)

    def attempts(self) -> set[str]:
        out = self.folder / "out"
        return {path.parent.relative_to(out).as_posix() for path in out.glob("*/*/*/status.json")}

    def executed_since(self, before: set[str]) -> list[str]:
        return sorted("/".join(attempt.split("/")[:2]) for attempt in self.attempts() - before)

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))

    def newest_report(self) -> Path:
        return max((self.folder / "out" / "evaluate" / "report").iterdir())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """Build the pipeline once, with one seed instead of three."""
    pipeline = Pipeline(tmp_path_factory.mktemp("built") / "digits")
    shutil.copytree(DIGITS, pipeline.folder, ignore=shutil.ignore_patterns("out", "__pycache__"))
    pipeline.edit("train.py", "for seed in range(3)", "for seed in range(1)")
    pipeline.build()
    return pipeline


@pytest.fixture
def pipeline(built: Pipeline, tmp_path: Path) -> Pipeline:
    """Copy the built pipeline, results and all: what was built must survive that."""
    return Pipeline(Path(shutil.copytree(built.folder, tmp_path / "digits")))


def test_the_sweep_has_the_promised_size() -> None:
    code = "import json, train; print(json.dumps([dict(c) for c in train.configs()]))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=DIGITS,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    configs = json.loads(done.stdout)
    assert len(configs) == 37
    assert {config["model"] for config in configs} == {"logreg", "svm", "forest", "mlp"}
    assert {config["depends_on"] for config in configs} == {
        f"^prepare:{name}$" for name in ("raw", "standard", "minmax", "pca")
    }


def test_the_first_build_executes_every_run_once(built: Pipeline) -> None:
    executed = Counter(attempt.split("/")[0] for attempt in built.attempts())
    assert executed == {"prepare": 4, "train": 13, "evaluate": 1}
    assert set(Counter(built.executed_since(set())).values()) == {1}


def test_the_report_holds_the_table_and_both_plots(built: Pipeline) -> None:
    report = built.newest_report()
    rows = (report / "scores.txt").read_text().splitlines()[2:]
    accuracies = [float(row.split()[4]) for row in rows]
    assert len(rows) == 13
    assert accuracies == sorted(accuracies, reverse=True)
    assert accuracies[0] > 0.97
    for plot in ("accuracy.png", "confusion.png"):
        assert (report / plot).read_bytes().startswith(b"\x89PNG")


def test_the_confusion_matrix_counts_every_test_image(built: Pipeline) -> None:
    import numpy as np

    (path,) = (built.folder / "out").glob("evaluate/all/*/confusion.npy")
    counts = np.load(path)
    assert counts.shape == (10, 10)
    assert counts.sum() == 719


def test_a_second_build_executes_nothing(pipeline: Pipeline) -> None:
    before = pipeline.attempts()
    pipeline.build()
    assert pipeline.executed_since(before) == []


def test_a_changed_learning_rate_executes_that_run_and_what_depends_on_it(pipeline: Pipeline) -> None:
    before = pipeline.attempts()
    pipeline.edit("train.py", '"lr": 0.005', '"lr": 0.05')
    pipeline.build()
    assert pipeline.executed_since(before) == ["evaluate/all", "train/mlp_tuned_pca"]


def test_a_changed_input_executes_what_learns_from_it(pipeline: Pipeline) -> None:
    before = pipeline.attempts()
    pipeline.edit("prepare.py", '"components": 24', '"components": 16')
    pipeline.build()
    assert pipeline.executed_since(before) == [
        "evaluate/all",
        "prepare/pca",
        "train/mlp_tuned_pca",
        "train/svm_hard_pca_seed0",
        "train/svm_soft_pca_seed0",
    ]


def test_the_database_may_be_deleted(pipeline: Pipeline) -> None:
    before = pipeline.attempts()
    for database in (pipeline.folder / "out").glob(".doit.db*"):
        database.unlink()
    pipeline.build()
    assert pipeline.executed_since(before) == []


def test_list_graph_and_results_know_the_pipeline(pipeline: Pipeline) -> None:
    assert "mlp_tuned_pca" in pipeline.command("pyexp", "list")
    assert "mlp_tuned_pca" in pipeline.command("pyexp", "graph")
    assert "0.9" in pipeline.command("pyexp", "results")


@needs_installation
def test_plain_doit_finds_everything_done(pipeline: Pipeline) -> None:
    before = pipeline.attempts()
    pipeline.command("doit")
    assert pipeline.executed_since(before) == []


@needs_installation
def test_doit_list_shows_the_experiments(pipeline: Pipeline) -> None:
    listed = pipeline.command("doit", "list")
    for experiment in ("prepare", "train", "evaluate"):
        assert experiment in listed


@needs_installation
def test_plain_doit_builds_what_a_change_made_stale(pipeline: Pipeline) -> None:
    before = pipeline.attempts()
    pipeline.edit("train.py", '"lr": 0.005', '"lr": 0.05')
    pipeline.command("doit")
    assert pipeline.executed_since(before) == ["evaluate/all", "train/mlp_tuned_pca"]
