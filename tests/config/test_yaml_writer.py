"""Writing YAML for people."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dodo_pyexp.config.config import Config
from dodo_pyexp.config.yaml import parse_yaml
from dodo_pyexp.config.yaml_writer import dump_yaml


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"p": Path("/a")}, "p: /a"),
        ({"t": (1, (2,))}, "t:\n- 1\n- - 2"),
        ({"s": {3, 1}}, "s:\n- 1\n- 3"),
        ({"e": Colour.RED}, "e: red"),
        ({"f": np.float32(0.5), "i": np.int64(2)}, "f: 0.5\ni: 2"),
        ({"d": date(2024, 1, 2)}, "d: 2024-01-02"),
        ({"f": len}, "f: <built-in function len>"),
        ({"b": 1, "a": {}}, "b: 1\na: {}"),
        ({"m": "x\ny\n"}, "m: |\n  x\n  y\n"),
        ({"m": "x\ny\n", "n": 1}, "m: |\n  x\n  y\nn: 1"),
        ({"m": "x\n\n"}, 'm: "x\\n\\n"'),
        ({Path("k"): 1, (1, 2): 2}, "k: 1\n(1, 2): 2"),
        ({"u": "é"}, "u: é"),
        ({}, "{}"),
        (3, "3"),
    ],
)
def test_values_print_plainly(value, text):
    assert dump_yaml(value) == text


@pytest.mark.parametrize("text", ["on", "yes", "1e-4", "0o17", "null", "~", "", "1_000", "1:30", "2024-01-02", "<<"])
def test_text_that_some_reader_takes_for_something_else_is_quoted(text):
    written = dump_yaml({"x": text})
    assert parse_yaml(written, "").tree == {"x": text}
    assert yaml.safe_load(written) == {"x": text}


LINES = ["\n", "\n\n", " \n", "x\n", "x\n\n", "\nx", "#\n", "---\n", "\u2028\n", "a\n...\n", "x\x85y\n"]
WRAPS = [lambda text: {"": text}, lambda text: {"a": [text]}, lambda text: {"a": text, "b": 1}]


@pytest.mark.parametrize("text", LINES)
@pytest.mark.parametrize("wrap", WRAPS)
def test_line_ends_in_text_come_back_also_with_a_newline_behind(wrap, text):
    tree = wrap(text)
    assert parse_yaml(dump_yaml(tree), "").tree == tree
    assert parse_yaml(dump_yaml(tree) + "\n", "").tree == tree


class Stamp(datetime):
    pass


class Broken:
    def __repr__(self):
        raise RuntimeError("a bug")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\udcff", "a: a\\udcff"),
        (Path("a\udcff"), "a: a\\udcff"),
        ([10**5000], f"a:\n- '{hex(10**5000)}'"),
        (Stamp(2024, 1, 2), "a: '2024-01-02 00:00:00'"),
        (np.bytes_(b"x"), "a: b'x'"),
        (np.str_("x"), "a: x"),
        (np.datetime64("2024-01-02"), "a: '2024-01-02'"),
    ],
)
def test_anything_can_be_written_in_utf_8(value, text):
    assert dump_yaml({"a": value}).encode().decode() == text


def test_a_value_whose_own_code_fails_is_written_all_the_same():
    assert "Broken object at" in dump_yaml({"a": Broken()})


def test_a_value_that_is_there_twice_is_written_twice():
    shared = [1]
    assert dump_yaml(Config(a=shared, b=shared)) == "a:\n- 1\nb:\n- 1"


texts = st.text(max_size=6) | st.text(alphabet="\n #x-:", max_size=5)
trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200)
@given(st.dictionaries(st.text(max_size=3), trees, max_size=3))
def test_what_is_written_reads_back(tree):
    found = parse_yaml(dump_yaml(tree), "").tree
    assert found == tree
    assert repr(found) == repr(tree)
