from __future__ import annotations

import enum
import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dodo_pyexp.interchange import DEEPEST, json_text

HERE = Path(__file__).parents[1]


class Act(enum.StrEnum):
    RELU = "relu"


def strictly(text: str) -> Any:
    def refuse(name: str) -> Any:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"a": float("nan"), "b": [float("inf"), -float("inf"), 0.5]}, {"a": None, "b": [None, None, 0.5]}),
        ({1: True, None: (1, 2), Path("a"): Path("b/c")}, {"1": True, "None": [1, 2], "a": "b/c"}),
        ([np.float64("nan"), np.float32(0.5), np.int64(7), np.bool_(True)], [None, 0.5, 7, True]),
        ([Act.RELU, Fraction(1, 2), {2, 1}, b"x"], ["relu", "1/2", [1, 2], "b'x'"]),
        pytest.param(10**5000, hex(10**5000), id="huge"),
        ("\udc80 \u5b66\x1b[31m", "\udc80 \u5b66\x1b[31m"),
    ],
)
def test_every_value_has_a_form(value: Any, told: Any) -> None:
    text = json_text(value)
    assert text.isascii() and "\x1b" not in text
    assert strictly(text) == told


def test_nothing_is_nested_without_end() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    told, levels = strictly(json_text(deep)), 0
    while isinstance(told, list):
        told, levels = told[0], levels + 1
    assert (told, levels) == ("(nested too deeply)", DEEPEST)


ROOMS = ("cli", "runfiles", "building", "reporting", "history", "cleaning")


def test_commands_write_json_nowhere_else() -> None:
    files = [path for room in ROOMS for path in (HERE / "dodo_pyexp" / room).glob("*.py")]
    assert [path.name for path in files if re.search(r"json\.dumps\([^)]*indent=", path.read_text())] == []
