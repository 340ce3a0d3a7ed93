"""docs/reliability.md speaks of tests that there are, and of all of them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
#: What is broken by users and by commands, and not by accident, has its place in other documents.
ELSEWHERE = {"test_mistakes.py", "test_outside.py", "test_stopping.py"}


def test_every_test_of_faults_is_told_of_and_each_that_is_told_of_is_there() -> None:
    there = {path.name for path in (ROOT / "tests" / "faults").glob("test_*.py")}
    assert set(re.findall(r"test_\w+\.py", TEXT)) == there - ELSEWHERE


def test_as_many_faults_are_put_into_the_engine_as_are_told() -> None:
    there = (ROOT / "tests" / "faults" / "test_teeth.py").read_text(encoding="utf-8")
    faults = re.findall(r'^    "[\w ]+": \(', there, re.M)
    assert f"| faults put into the engine | {len(faults)} |" in TEXT
