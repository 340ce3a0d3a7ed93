"""How the difference between two configs is told: what differs is seen, however long the values are."""

from __future__ import annotations

from typing import Any

import pytest

from dodo_pyexp.config.config import Config
from dodo_pyexp.planning.config_changes import differences
from dodo_pyexp.printable import apart
from dodo_pyexp.results.comparing import compare_values

LAYERS = [64] * 9
CROP = {"op": "crop", "size": [24] * 9}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"lr": 0.1}, {"lr": 0.01}, ["lr 0.1 -> 0.01"]),
        ({"a": [1, 2]}, {"a": [1, 3]}, ["a [1, 2] -> [1, 3]"]),
        ({"layers": [*LAYERS, 128]}, {"layers": [*LAYERS, 256]}, ["layers.9 128 -> 256"]),
        ({"m": {"layers": (*LAYERS, 128)}}, {"m": {"layers": (*LAYERS, 256)}}, ["m.layers.9 128 -> 256"]),
        ({"layers": [*LAYERS, 1]}, {"layers": [*LAYERS, 1, 2]}, ["layers has 11 items instead of 10"]),
        (
            {"x": list(range(30))}, {"x": list(range(1, 32))},
            ["x.0 0 -> 1 and 29 more in x", "x has 31 items instead of 30"],
        ),
        ({"s": [CROP, CROP]}, {"s": [CROP, {"op": "flip"}]}, ["s.1.op crop -> flip", "s.1.size removed"]),
        ({"x": ["1"] * 20}, {"x": [*["1"] * 19, 1]}, ["x.19 str -> int"]),
        ({"a": {}}, {"a": {"b": 1}}, ["a {} -> {'b': 1}"]),
    ],
)  # fmt: skip
def test_what_differs_is_told(before: dict[str, Any], after: dict[str, Any], told: list[str]) -> None:
    assert list(differences(Config(before), Config(after)).values()) == told


@pytest.mark.parametrize("at", [0, 30, 100, 199])
def test_long_texts_show_the_place_where_they_differ(at: int) -> None:
    text = "".join(chr(97 + index % 26) for index in range(200))
    other = f"{text[:at]}#{text[at + 1 :]}"
    one, two = apart(text, other, 40)
    assert one != two and "#" in two and max(len(one), len(two)) <= 40
    (change,) = differences(Config(path=text), Config(path=other)).values()
    assert change == f"path {one} -> {two}"
    (found,) = compare_values({"path": text}, {"path": other})
    assert found.before != found.after and "#" in found.after


def test_a_text_that_goes_on_is_told_from_its_beginning() -> None:
    one, two = apart("a" * 100, "a" * 101, 40)
    assert one != two and max(len(one), len(two)) <= 40
