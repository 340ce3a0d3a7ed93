"""``pyexp results --over seed``: replicates in one row."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from typing import Any

import pytest

EXP = """
    import pyexp
    from pyexp import sweep

    @pyexp.experiment(executor="fork")
    def train(cfg):
        if cfg.lr == 0.1 and cfg.seed == 3:
            raise ValueError("diverged")
        return {"accuracy": 10 * cfg.lr + cfg.seed, "by": {"loss": 1.0}, "tag": "x", "good": True}

    @train.configs
    def configs():
        cfgs = sweep([{"name": "net"}], [{"name": f"lr{lr}", "lr": lr} for lr in (0.1, 0.2)])
        return sweep(cfgs, [{"name": f"s{s}", "seed": s} for s in range(4)]).tolist()[:-1]

    if __name__ == "__main__":
        for group in train.run().over("seed"):
            print(group)
"""


@pytest.fixture
def folder(project: Any) -> Any:
    project.write("train.py", EXP)
    done = project.python("train.py", status=1)
    assert done.stdout.splitlines() == [
        "net_lr0.1: accuracy 2 ± 2.484 (n=3), by.loss 1 ± 0 (n=3) (seed 3 failed)",
        "net_lr0.2: accuracy 3 ± 2.484 (n=3), by.loss 1 ± 0 (n=3) (seed 3 missing)",
    ]
    return project


def test_a_row_for_the_runs_that_differ_only_in_the_key(folder: Any) -> None:
    lines = folder.pyexp("results", "--over", "seed").stdout.splitlines()
    assert [line.split() for line in lines if not line.startswith("-")] == [
        ["run", "lr", "n", "accuracy", "by.loss", "state"],
        ["net_lr0.1", "0.1", "3", "2", "±", "2.5", "1", "±", "0", "seed", "3", "failed"],
        ["net_lr0.2", "0.2", "3", "3", "±", "2.5", "1", "±", "0", "seed", "3", "missing"],
    ]


def test_rows_are_sorted_by_the_mean(folder: Any) -> None:
    lines = folder.pyexp("results", "--over", "seed", "--sort", "accuracy,desc").stdout.splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["net_lr0.2", "net_lr0.1"]


def test_csv_has_a_column_for_every_number(folder: Any) -> None:
    text = folder.pyexp("results", "--over", "seed", "--csv", "--sort", "accuracy,desc").stdout
    first = next(csv.DictReader(text.splitlines()))
    assert first["run"] == "net_lr0.2"
    assert float(first["accuracy.mean"]) == 3.0
    assert float(first["accuracy.sd"]) == 1.0
    assert float(first["accuracy.low"]) == pytest.approx(3 - 2.4841377)
    assert float(first["accuracy.high"]) == pytest.approx(3 + 2.4841377)
    assert first["accuracy.n"] == "3"


def test_json_says_which_are_missing_or_failed(folder: Any) -> None:
    (told,) = json.loads(folder.pyexp("results", "--over", "seed", "--json").stdout)
    first, second = told["groups"]
    assert first["config"] == {"lr": 0.1}
    assert (first["result"]["values"], first["result"]["failed"], first["result"]["missing"]) == ([0, 1, 2], [3], [])
    assert second["result"]["missing"] == [3]
    assert first["result"]["scalars"]["accuracy"]["n"] == 3
    assert first["result"]["runs"] == [f"net_lr0.1_s{seed}" for seed in range(4)]


def test_a_key_that_nobody_has_is_one_sentence(folder: Any, one_sentence: Callable[..., None]) -> None:
    one_sentence(folder.pyexp("results", "--over", "sed", status=None), '"sed"', 'did you mean "seed"')


def test_one_replicate_has_no_interval(folder: Any) -> None:
    lines = folder.pyexp("results", "--over", "seed", "--filter", "s0").stdout.splitlines()
    assert lines[2].split() == ["net_lr0.1_s0", "0.1", "1", "1", "1"]
