"""Dotted keys in files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dodo_pyexp.config.spread import spread
from dodo_pyexp.config.yaml import parse_yaml
from dodo_pyexp.errors import ConfigError


def test_a_dotted_key_becomes_a_section() -> None:
    located = spread(parse_yaml("a.b: 1\na.c.d: [1, {e.f: 2}]\ng: {h.i: 3}\n", "x.yml"))
    assert located.tree == {"a": {"b": 1, "c": {"d": [1, {"e.f": 2}]}}, "g": {"h": {"i": 3}}}
    assert located.where("a", "c", "d", 1) == "x.yml:2"
    assert located.where("g", "h", "i") == "x.yml:3"


def test_a_file_without_dots_stays_as_it_is() -> None:
    located = parse_yaml("a: {b: {}}\n1: x\n", "x.yml")
    assert spread(located) is located


@pytest.mark.parametrize("text", ["a: {b: 1}\na.b: 2\n", "a.b: 1\na: {b: 2}\n", "a.b.c: 1\na.b: 2\n", "a: 1\na.b: 2\n"])
def test_the_same_key_in_both_ways_is_a_mistake_where_that_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"x\.yml:2: .*twice.*x\.yml:1"):
        spread(parse_yaml(text, "x.yml"), refuse=True)
    spread(parse_yaml(text, "x.yml"))


def test_sections_that_meet_are_merged() -> None:
    assert spread(parse_yaml("a.b: 1\na: {c: 2}\na.d: 3\n", "x.yml"), refuse=True).tree == {
        "a": {"b": 1, "c": 2, "d": 3}
    }


@pytest.mark.parametrize("key", ["a..b", ".a", "a."])
def test_empty_parts_are_refused(key: str) -> None:
    with pytest.raises(ConfigError, match=r"x\.yml:2: .*empty part"):
        spread(parse_yaml(f"x: 1\n{key}: 1\n", "x.yml"))


@given(st.dictionaries(st.from_regex(r"[a-c](\.[a-c]){0,2}", fullmatch=True), st.integers(), max_size=4))
def test_taking_apart_and_flattening_again_gives_the_same(flat: dict[str, int]) -> None:
    text = "".join(f"{key}: {value}\n" for key, value in flat.items()) or "{}"
    try:
        tree = spread(parse_yaml(text, "x.yml"), refuse=True).tree
    except ConfigError:
        assert any(other != key and other.startswith(f"{key}.") for key in flat for other in flat)
        return
    again: dict[str, int] = {}
    pending = [("", tree)]
    while pending:
        prefix, section = pending.pop()
        for key, value in section.items():
            if isinstance(value, dict):
                pending.append((f"{prefix}{key}.", value))
            else:
                again[f"{prefix}{key}"] = value
    assert again == flat
