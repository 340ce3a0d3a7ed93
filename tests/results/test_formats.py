from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.errors import UsageError
from dodo_pyexp.results.formats import csv_lines, json_rows, pretty, pretty_config, table_text
from dodo_pyexp.results.rows import Row
from dodo_pyexp.results.table import Table


def table(*rows: tuple[str, dict[str, Any], dict[str, Any]]) -> Table:
    return Table([Row(*row) for row in rows])


@pytest.mark.parametrize(
    "value, text",
    [(0.123456, "0.1235"), (123456.789, "123457"), (1e-7, "1e-07"), (7, "7"), (True, "True"), (None, ""), ("a\n", "a")],
)
def test_returned_numbers_have_four_digits(value: Any, text: str) -> None:
    assert pretty(value) == text


@pytest.mark.parametrize("value, text", [(0.00012345, "0.00012345"), (0.1 + 0.2, "0.3"), ([1, 2], "[1, 2]")])
def test_config_values_are_shown_as_they_were_written(value: Any, text: str) -> None:
    assert pretty_config(value) == text


def test_text_has_the_state_only_where_something_is_not_finished() -> None:
    fine = table(("a", {}, {"x": 1}))
    assert "state" not in table_text(fine)
    assert "failed: no" in table_text(Table([*fine.rows, Row("b", {}, {}, "failed", "no")]))


def test_an_empty_table_has_its_headings() -> None:
    assert table_text(Table([])).startswith("run")


def test_names_that_look_like_numbers_stay_as_they_are() -> None:
    assert "1e3" in table_text(table(("1e3", {}, {"x": 1})))


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(UsageError, match='did you mean "github"'):
        table_text(Table([]), "githb")


def test_csv_of_several_tables_has_the_union_of_columns() -> None:
    lines = csv_lines({"one": table(("a", {}, {"x": 1})), "two": table(("b", {}, {"y": 0.1}))})
    assert lines == [["experiment", "run", "x", "y"], ["one", "a", 1, ""], ["two", "b", "", 0.1]]


def test_json_keeps_the_whole_value() -> None:
    made = Table([Row("a", {"path": Path("x"), "sizes": (1, 2)}, {}, value={"curve": [1]}, attempt="t")])
    (told,) = json_rows(made)
    assert told == {
        "name": "a", "state": "finished", "attempt": "t",
        "config": {"path": "x", "sizes": [1, 2]}, "result": {"curve": [1]},
    }  # fmt: skip


def test_config_keys_without_room_on_the_terminal_are_left_out_and_named() -> None:
    rows = table(
        ("a", {"lr": 0.1, "width": 32, "optimizer": "sgd"}, {"accuracy": 0.5}),
        ("b", {"lr": 0.2, "width": 64, "optimizer": "adam"}, {"accuracy": 0.75}),
    )
    whole = table_text(rows)
    widest = max(map(len, whole.splitlines()))
    assert table_text(rows, columns=widest) == whole
    narrow = table_text(rows, columns=widest - 1)
    *lines, _, note = narrow.splitlines()
    assert lines[0].split() == ["run", "lr", "width", "accuracy"] and lines[3].split() == ["b", "0.2", "64", "0.75"]
    assert note.startswith("no room here for optimizer;")
    assert max(map(len, lines)) < widest
    *lines, _, note = table_text(rows, columns=10).splitlines()
    assert lines[0].split() == ["run", "accuracy"] and "lr, width, optimizer" in note
    assert "optimizer" in table_text(rows, "github", columns=10).splitlines()[0]
