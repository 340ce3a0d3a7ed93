from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodo_pyexp.config.config import Config
from dodo_pyexp.errors import UsageError
from dodo_pyexp.results.result import Result
from dodo_pyexp.results.table import (
    Row,
    Table,
    csv_lines,
    differing_keys,
    flatten,
    json_rows,
    pretty,
    pretty_config,
    scalars,
    table_text,
)
from dodo_pyexp.store.paths import AttemptFolder


def table(*rows: tuple[str, dict[str, Any], dict[str, Any]]) -> Table:
    return Table([Row(*row) for row in rows])


def attempt(folder: Path, value: Any = None, **status: Any) -> AttemptFolder:
    """Write what an attempt holds that a table looks at."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value)
    (folder / "result.json").write_text(text)
    known = {"state": "finished", "files": {"result.json": len(text)}, **status}
    (folder / "status.json").write_text(json.dumps(known))
    return AttemptFolder(str(folder))


def row(found: AttemptFolder | None, reason: str | None = None, *, alive: bool = False) -> Row:
    return Row.of(Result.at("a", lambda: Config(name="a", lr=0.1), lambda: (found, reason)), lambda *_: alive)


# -- reading ----------------------------------------------------------------------------------------------------


def test_a_finished_run_has_its_scalars(tmp_path: Path) -> None:
    found = row(attempt(tmp_path / "t", {"loss": 0.5, "curve": [1]}))
    assert (found.state, found.returned, found.config) == ("finished", {"loss": 0.5}, {"lr": 0.1})


def test_a_failed_run_has_its_cause(tmp_path: Path) -> None:
    found = row(attempt(tmp_path / "t", state="failed", error={"type": "ValueError", "message": "no\nmore"}))
    assert (found.state, found.cause) == ("failed", "ValueError: no")
    for message, cause in (("", "KeyError"), ("at:", "KeyError: at:")):
        found = row(attempt(tmp_path / cause, state="failed", error={"type": "KeyError", "message": message}))
        assert found.cause == cause


@pytest.mark.parametrize("alive, state", [(True, "running"), (False, "interrupted")])
def test_running_needs_a_living_owner(tmp_path: Path, alive: bool, state: str) -> None:
    assert row(attempt(tmp_path / "t", state="running"), alive=alive).state == state


def test_skipped_and_missing_runs(tmp_path: Path) -> None:
    assert row(None, "upstream b failed").cause == "upstream b failed"
    assert row(None).state == "missing"


@pytest.mark.parametrize(
    "name, content", [("status.json", "{"), ("result.json", "{"), ("status.json", '{"state": "finished"}')]
)
def test_a_damaged_attempt_says_so(tmp_path: Path, name: str, content: str) -> None:
    found = attempt(tmp_path / "t", {"loss": 0.5})
    (tmp_path / "t" / name).write_text(content)
    assert row(found).state == "damaged"


@pytest.mark.parametrize(
    "known",
    [{"written": {}}, {"written": "x"}, {"saved": {"a": None}}, {"files": {"result.json": "x"}}, {"saved": []},
     {"sums": None}],
)  # fmt: skip
def test_a_status_of_other_types_is_damaged(tmp_path: Path, known: dict[str, Any]) -> None:
    found = row(attempt(tmp_path / "t", {"loss": 0.5}, **known))
    assert (found.state, found.cause) == ("damaged", "status.json is not whole")


def test_the_run_of_another_is_not_shown_as_this_one(tmp_path: Path) -> None:
    place = tmp_path / "train/a"
    found = row(attempt(place / "t", {"loss": 0.5}, run="b", experiment="train"))
    assert (found.state, found.cause, found.returned) == ("damaged", "it is that of train:b, copied here", {})
    found = row(attempt(place / "u", {"loss": 0.5}, run="a", experiment="test"))
    assert (found.state, found.cause, found.returned) == ("damaged", "it is that of test:a, copied here", {})
    assert row(attempt(place / "v", {"loss": 0.5}, run="a", experiment="train")).state == "finished"


def test_a_result_json_that_the_function_saved_is_not_taken_for_the_return_value(tmp_path: Path) -> None:
    found = attempt(tmp_path / "t", {"mine": 1}, files={})
    assert row(found).returned == {}
    (tmp_path / "t" / "result.json.pyexp").write_text('{"loss": 0.5}')
    found = attempt(tmp_path / "t", {"mine": 1}, files={"result.json.pyexp": 13})
    assert row(found).returned == {"loss": 0.5}


# -- columns ----------------------------------------------------------------------------------------------------


def test_scalars_are_dotted_down_to_the_second_level() -> None:
    value = {"a": 1, "b": {"c": True, "d": {"e": 1}}, "f": None, "g": {"__pickled__": "x.Y"}, "h": "text"}
    assert scalars(value) == {"a": 1, "b.c": True, "h": "text"}


def test_a_return_value_that_is_no_dict_stands_under_value() -> None:
    assert scalars(3) == {"value": 3}
    assert scalars([3]) == {}


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


def test_an_empty_dict_is_a_value() -> None:
    assert flatten({"a": {}, "b": {"c": {"d": 1}}}) == {"a": {}, "b.c.d": 1}


# -- sorting ----------------------------------------------------------------------------------------------------


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


# -- writing ----------------------------------------------------------------------------------------------------


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
