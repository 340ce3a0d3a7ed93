"""A small pipeline with a failure in it, built once; each test gets a copy."""

from __future__ import annotations

from typing import Any

import pytest

# Which file tests a module that has none of its own name: here, or with its path in `tests/`.
COVERED = {
    "accept": "history/test_accepting.py",
    "experiments": "test_list.py",
    "reproduce": "history/test_reproduce.py",
}

DODO = """
    import pyexp
    from tally import mark

    @pyexp.experiment(executor="fork", stash=False)
    def prepare(cfg):
        mark(cfg)
        return {"rows": cfg.rows}

    @prepare.configs
    def prepare_configs():
        return [{"name": "small", "rows": 10}, {"name": "large", "rows": 1000}]

    @pyexp.experiment(executor="fork", stash=False)
    def train(cfg, out, deps):
        mark(cfg)
        print(f"training {cfg.name}")
        if cfg.model.lr > 1:
            raise ValueError(f"{cfg.model.lr} is too fast")
        (out / "weights.txt").write_text("1 2 3")
        return {"accuracy": 1 / 3 + cfg.model.lr, "rows": deps[0].result["rows"], "by": {"seed": 7}, "curve": [1, 2]}

    @train.configs
    def train_configs():
        return [
            {"name": "slow", "model": {"lr": 0.1, "depth": 2}, "depends_on": "prepare:small"},
            {"name": "quick", "model": {"lr": 0.5, "depth": 2}, "depends_on": "prepare:large"},
            {"name": "wild", "model": {"lr": 9.0, "depth": 2}, "depends_on": "prepare:large"},
            {"name": "after", "model": {"lr": 0.2, "depth": 2}, "depends_on": ["^wild$", "prepare:small"]},
        ]

    @prepare.report
    def report(results):
        print(f"prepared {len(results)}")
"""


@pytest.fixture
def pipeline(project: Any) -> Any:
    """The pipeline's file, nothing built yet."""
    project.write("dodo.py", DODO)
    return project


def build(project: Any) -> None:
    project.write("dodo.py", DODO)
    project.pyexp("build", status=1)


@pytest.fixture
def built(once: Any) -> Any:
    """The pipeline after a build in which `wild` failed, so that `after` was skipped."""
    return once(build)
