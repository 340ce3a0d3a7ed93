from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodo_pyexp.errors import UsageError
from dodo_pyexp.results.rows import Row
from dodo_pyexp.results.table import Table, differing_keys


def table(*rows: tuple[str, dict[str, Any], dict[str, Any]]) -> Table:
    return Table([Row(*row) for row in rows])


def test_only_config_keys_that_differ_are_columns() -> None:
    made = table(("a", {"lr": 0.1, "seed": 0}, {}), ("b", {"lr": 0.2, "seed": 0}, {}))
    assert made.headers() == ["run", "lr"]


def test_a_key_that_only_some_have_and_a_change_of_type_are_differences() -> None:
    assert differing_keys([{"a": 1}, {"a": 1, "b": 2}]) == ["b"]
    assert differing_keys([{"a": 1}, {"a": 1.0}]) == ["a"]


def test_names_and_dependencies_are_no_columns() -> None:
    assert differing_keys([{"name": "a", "depends_on": "x"}, {"name": "b", "depends_on": "y"}]) == []


def test_a_key_in_both_config_and_result_is_told_apart() -> None:
    assert table(("a", {"x": 1}, {"x": 2}), ("b", {"x": 3}, {"x": 4})).headers() == ["run", "cfg.x", "x"]


@given(st.dictionaries(st.text("abc", min_size=1), st.integers(), max_size=4))
@settings(max_examples=30)
def test_equal_configs_have_no_columns(config: dict[str, int]) -> None:
    assert differing_keys([config, dict(config)]) == []


def names(made: Table) -> list[str]:
    return [found.name for found in made.rows]


def test_numbers_are_sorted_as_numbers_and_missing_ones_are_last() -> None:
    made = table(("a", {}, {"x": 10}), ("b", {}, {}), ("c", {}, {"x": 9}), ("d", {}, {"x": float("nan")}))
    assert names(made.sorted("x")) == ["c", "a", "d", "b"]
    assert names(made.sorted("x", descending=True)) == ["a", "c", "d", "b"]


def test_texts_come_after_numbers() -> None:
    made = table(("a", {"x": "b"}, {}), ("b", {"x": 3}, {}), ("c", {"x": "a"}, {}))
    assert names(made.sorted("cfg.x")) == ["b", "c", "a"]


def test_returned_keys_come_before_config_keys_unless_told_otherwise() -> None:
    made = table(("a", {"x": 1}, {"x": 2}), ("b", {"x": 2}, {"x": 1}))
    assert names(made.sorted("x")) == ["b", "a"]
    assert names(made.sorted("result.x")) == ["b", "a"]
    assert names(made.sorted("config.x")) == ["a", "b"]


def test_a_key_that_is_the_same_everywhere_may_be_named() -> None:
    assert names(table(("a", {"x": 1}, {}), ("b", {"x": 1}, {})).sorted("x")) == ["a", "b"]


def test_an_unknown_key_is_refused_with_its_nearest() -> None:
    with pytest.raises(UsageError, match='did you mean "accuracy"'):
        table(("a", {}, {"accuracy": 1})).sorted("acuracy")
