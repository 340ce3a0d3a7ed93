"""Values from a command line take the type of what they replace."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dodo_pyexp.config.typed import TypedSetting, guess, typed_like
from dodo_pyexp.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 1), (" -2", -2), ("01", 1), ("3.14", 3.14), ("-0.001", -0.001), ("1e-4", 1e-4), ("0x10", 16),
        ("true", True), ("TRUE", True), ("false", False), ("FaLsE", False), ("hello", "hello"), ("", ""),
        ("1_0", "1_0"), ("2024-01-02", "2024-01-02"), ("nan!", "nan!"),
    ],
)  # fmt: skip
def test_a_guess_reads_numbers_and_truth_values(text: str, expected: Any) -> None:
    assert guess(text) == expected
    assert type(guess(text)) is type(expected)


@pytest.mark.parametrize(
    ("text", "old", "expected"),
    [
        ("5", 1, 5),
        ("-5", 1, -5),
        ("2", 1.0, 2.0),
        ("1e-5", 1.0, 1e-5),
        (".5", 1.0, 0.5),
        ("true", False, True),
        ("1", False, True),
        ("0", True, False),
        ("False", True, False),
        ("2", "text", "2"),
        ("null", "text", "null"),
        ("null", 1, None),
        ("null", None, None),
        ("null", [1], None),
        ("7", None, 7),
        ("text", None, "text"),
        ("[1, x]", None, [1, "x"]),
        ("1,2", [3, 4], [1, 2]),
        ("1,x,true", [3, "a", False], [1, "x", True]),
        ("1,2,3", [0.5], [1.0, 2.0, 3.0]),
        ("1,x", [], [1, "x"]),
        ("", [1], []),
        ("[]", [1], []),
        ("[[1], [2]]", [[3]], [[1], [2]]),
        ("[{name: a, lr: 1e-3}]", [{"name": "b"}], [{"name": "a", "lr": 1e-3}]),
        ("{a: 1}", {"b": 2}, {"a": 1}),
        ("3", "$SEED", 3),
        ("3", "{seed}", 3),
        ("3", "run-{seed}", "3"),
        ("--x", "text", "--x"),
    ],
)
def test_a_value_takes_the_type_of_what_it_replaces(text: str, old: Any, expected: Any) -> None:
    found = typed_like(text, old)
    assert found == expected
    assert type(found) is type(expected)
    if isinstance(found, list):
        assert [type(item) for item in found] == [type(item) for item in expected]


@pytest.mark.parametrize(
    ("text", "old", "message"),
    [
        ("1.5", 1, "whole number.*-c"),
        ("x", 1, "whole number"),
        ("true", 1, "whole number"),
        ("x", 1.0, "a number"),
        ("maybe", True, "true or false"),
        ("a,b", [{"name": "x"}], r"\[\{key: value\}"),
        ("1", {"a": 1}, "section"),
        ("[1", [1], "YAML"),
        ("[1]x", [1], "YAML"),
    ],
)
def test_a_value_of_another_kind_is_refused(text: str, old: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        typed_like(text, old)


def test_an_item_of_a_list_of_sections_can_be_set_by_its_position() -> None:
    config = {"datasets": [{"name": "a", "size": 1}, {"name": "b", "size": 2}]}
    for key, text in (("datasets.0.name", "x"), ("datasets[1].size", "5")):
        TypedSetting(key, key, text, False).put_into(config)
    assert config == {"datasets": [{"name": "x", "size": 1}, {"name": "b", "size": 5}]}


def test_a_setting_knows_where_it_led_to() -> None:
    setting = TypedSetting("", "a.-1.2", "x", False)
    setting.put_into({"a": [0, {2: "y"}]})
    assert setting.path == ("a", 1, 2)


kinds = st.sampled_from([st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)])


@given(kinds.flatmap(lambda kind: st.tuples(kind, kind)))
def test_a_value_written_as_text_comes_back_where_one_of_its_type_was(pair: tuple[Any, Any]) -> None:
    value, old = pair
    found = typed_like(str(value), "" if isinstance(old, str) else old)
    assert found == value
    assert type(found) is type(value)
