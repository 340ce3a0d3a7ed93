"""Matching a name or a query against one item."""

from __future__ import annotations

from enum import Enum

import numpy as np
import pytest

from dodo_pyexp.collection.match import matches, matching_names, name_of, same
from dodo_pyexp.config.config import Config


class Act(Enum):
    RELU = "relu"
    GELU = "gelu"


NAN = float("nan")


class Outcome:
    """Reads as a result does, and tells what was touched of it."""

    def __init__(self, name: str, cfg: dict, returned: dict, error: str | None = None) -> None:
        self._name, self._cfg, self._returned, self._error = name, Config(cfg), returned, error
        self.touched: list[str] = []

    def _touch(self, what: str):
        self.touched.append(what)
        return getattr(self, "_" + what)

    name = property(lambda self: self._touch("name"))
    cfg = property(lambda self: self._touch("cfg"))
    error = property(lambda self: self._touch("error"))
    state = "done"

    @property
    def result(self) -> dict:
        return self._touch("returned")

    def keys(self):
        return self.result.keys()

    def __getitem__(self, key):
        return self.result[key]


@pytest.fixture
def outcome() -> Outcome:
    return Outcome("a", {"lr": 0.1, "model": {"width": 32}, "score": 1}, {"score": 2, "acc": 0.9, "x.y": 5})


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"lr": 0.1},
        {"cfg.lr": 0.1},
        {"config.lr": 0.1},
        {"cfg": {"lr": 0.1}},
        {"config": {"model.width": 32}},
        {"model.width": 32},
        {"model": {"width": 32}},
        {"result.acc": 0.9},
        {"acc": 0.9},
        {"x.y": 5},
        {"error": None},
        {"name": "a", "lr": 0.1},
        {"state": "done"},
        {"result": {"acc": 0.9}},
    ],
)
def test_a_query_finds_config_attributes_and_returned_values_of_a_result(outcome, query):
    assert matches(outcome, query)


@pytest.mark.parametrize(
    "query",
    [
        {"lr": 0.2},
        {"cfg.lr": 0.2},
        {"nothing": None},
        {"cfg.nothing": None},
        {"lr": 0.1, "name": "b"},
        {"keys": None},
        {"lr.deeper": 1},
        {"lr": {}},
    ],
)
def test_a_query_that_does_not_hold_does_not_match(outcome, query):
    assert not matches(outcome, query)


def test_a_word_of_the_config_means_the_config_before_the_returned_values(outcome):
    assert matches(outcome, {"score": 1})
    assert matches(outcome, {"result.score": 2})


@pytest.mark.parametrize(
    ("query", "touched"),
    [
        ({"lr": 0.1}, {"cfg"}),
        ({"cfg.model.width": 32}, {"cfg"}),
        ({"name": "a"}, {"name"}),
        ({"error": None}, {"error"}),
        ({"lr": 7, "acc": 0.9}, {"cfg"}),
    ],
)
def test_a_query_touches_only_what_it_names(outcome, query, touched):
    matches(outcome, query)
    assert set(outcome.touched) == touched


def test_name_lookup_touches_only_the_name(outcome):
    assert name_of(outcome) == "a"
    assert outcome.touched == ["name"]


@pytest.mark.parametrize(
    "query",
    [
        {"a.0": 1},
        {"a.-1": 3},
        {"a": [1, 2, 3]},
        {"a": (1, 2, 3)},
        {"d.e": 1},
        {"m.n.o": 2},
        {"m.p.q": 3},
        {"k.5": "five"},
        {7: "seven"},
        {"l.0.x": 1},
        {"m": {"p.q": 3}},
    ],
)
def test_paths_go_into_lists_literal_dots_and_int_keys(query):
    item = {
        "a": [1, 2, 3],
        "d.e": 1,
        "m": {"n": {"o": 2}, "p.q": 3},
        "k": {5: "five"},
        7: "seven",
        "l": [{"x": 1}],
    }
    assert matches(item, query)


@pytest.mark.parametrize("query", [{"a.3": 1}, {"a.x": 1}, {"a.-4": 1}, {"m.n.o.p": 1}, {8: 1}])
def test_paths_that_lead_nowhere_match_nothing(query):
    assert not matches({"a": [1, 2, 3], "m": {"n": {"o": 2}}}, query)


def test_a_plain_object_without_config_is_searched_by_its_attributes():
    class Point:
        def __init__(self) -> None:
            self.x, self.inner = 1, {"y": 2}

    assert matches(Point(), {"x": 1, "inner.y": 2})
    assert not matches(Point(), {"z": 1})


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (1, 1.0, True),
        (True, 1, False),
        (0, False, False),
        (True, True, True),
        ([True], [1], False),
        ([1, [2]], (1, (2,)), True),
        ({"a": True}, {"a": 1}, False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        (NAN, NAN, True),
        ("1", 1, False),
        (None, False, False),
        (np.float64(0.5), 0.5, True),
        (np.bool_(True), True, True),
        (np.bool_(True), 1, False),
        (np.array([1, 2]), [1, 2], True),
        (np.array([1, 2]), 1, False),
        (np.array([1, 1]), 1, False),
        (np.zeros((2, 2)), np.zeros(3), False),
        (Act.RELU, Act.RELU, True),
        (Act.RELU, Act.GELU, False),
        (Act.RELU, "relu", True),
        ([Act.RELU], ["relu"], True),
    ],
)
def test_values_compare_by_kind_and_content(one, other, equal):
    assert same(one, other) is equal
    assert same(other, one) is equal


def test_a_comparison_that_raises_counts_as_different():
    class Odd:
        def __eq__(self, other):
            raise RuntimeError("no")

        __hash__ = None

    assert not same(Odd(), 1)


NAMES = ["p1", "q", "p2", "lr[0]", "lr0", "lr0.1", "lr0x1"]


@pytest.mark.parametrize(
    ("pattern", "glob", "found"),
    [
        ("q", False, ["q"]),
        ("lr0.1", False, ["lr0.1"]),
        ("lr[0]", True, ["lr[0]"]),
        ("p*", True, ["p1", "p2"]),
        ("^p", True, ["p1", "p2"]),
        ("p.", False, ["p1", "p2"]),
        ("*1", False, ["p1", "lr0.1", "lr0x1"]),
        ("lr0.+", True, ["lr0.1", "lr0x1"]),
        ("lr.*", True, ["lr[0]", "lr0", "lr0.1", "lr0x1"]),
        ("P1", False, []),
        ("P*", True, []),
        ("", False, NAMES),
    ],
)
def test_a_pattern_is_an_exact_name_then_a_glob_then_a_regular_expression(pattern, glob, found):
    assert [NAMES[index] for index in matching_names(NAMES, pattern, glob=glob)] == found


@pytest.mark.parametrize(("item", "name"), [({"name": 3}, "3"), ({}, ""), (5, ""), (Config(name="x"), "x")])
def test_every_item_has_a_name_as_text(item, name):
    assert name_of(item) == name
