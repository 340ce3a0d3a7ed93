"""Projects that have been built and are about to be edited; and a clock."""

from __future__ import annotations

from typing import Any

import pytest

from dodo_pyexp.build import forecast, pace
from tests.build.changed_code import ALL, HELPER, PIPELINE, experiment


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time, for what measures it."""
    clock = Clock()
    monkeypatch.setattr(forecast, "time", clock)
    monkeypatch.setattr(pace, "time", clock)
    return clock


def build_five(project: Any) -> None:
    project.write("pyproject.toml", "")
    project.write("exp.py", experiment())
    project.write("helper.py", HELPER)
    project.pyexp("build", "exp.py")
    assert project.executed() == ALL


@pytest.fixture
def built(once: Any) -> Any:
    """Five runs that use `helper.f`, executed."""
    return once(build_five)


def build_pipeline(project: Any) -> None:
    project.write("pyproject.toml", '[tool.pyexp]\ncode = "rerun"\n')
    project.write("exp.py", PIPELINE)
    project.write("helper.py", HELPER)
    project.pyexp("build", "exp.py")
    assert project.executed() == ["up", "down", "report"]


@pytest.fixture
def pipeline(once: Any) -> Any:
    """A run, one that depends on it, and a report, executed, with `code = "rerun"`."""
    return once(build_pipeline)
