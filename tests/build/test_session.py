"""What is checked once for a whole build, before anything is created."""

from __future__ import annotations

from pathlib import Path

import pytest

import pyexp


def test_a_timeout_that_cannot_hold_is_told(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    @pyexp.experiment(executor="inline", timeout=5, stash=False)
    def train(cfg):
        return cfg.x

    results = train.run(configs=[{"name": "a", "x": 1}])
    assert results[0].result == 1
    assert "timeout=5 does not hold" in capfd.readouterr().err


def test_an_executor_that_cannot_work_here_stops_the_build_before_anything_is_created(here: Path) -> None:
    @pyexp.experiment(stash=False)
    def train(cfg):
        return cfg.x

    class Nothing(pyexp.Executor):
        """Can do nothing."""

    with pytest.raises(ValueError, match="Nothing can execute nothing"):
        train.run(configs=[{"name": "a", "x": 1}], executor=Nothing())
    assert not (here / "out").exists()
