"""Saving configs as JSON with every type kept."""

from __future__ import annotations

import json
from collections import OrderedDict
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodo_pyexp.config.config import Config
from dodo_pyexp.config.encode import TAG, decode, dumps_config, encode, loads_config
from dodo_pyexp.errors import ConfigTypeError, DamagedFile


class Colour(Enum):
    RED = "red"


def through_json(value):
    return decode(json.loads(json.dumps(encode(value), allow_nan=False)))


def exactly(value):
    """Give a form in which values are equal only when their types are, too."""
    if isinstance(value, dict):
        return ["dict", [[exactly(key), exactly(item)] for key, item in value.items()]]
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, [exactly(item) for item in value]]
    if isinstance(value, (set, frozenset)):
        return [type(value).__name__, sorted(repr(exactly(item)) for item in value)]
    return [type(value).__name__, repr(value)]


@pytest.mark.parametrize(
    "value",
    [
        Path("/a/b"),
        (1, (2, [3])),
        {1, 2},
        frozenset({1, (2, 3)}),
        b"\x00\xff",
        date(2024, 1, 2),
        datetime(2024, 1, 2, 3, 4, 5, 6),
        datetime(2024, 1, 2, tzinfo=UTC),
        datetime(2024, 1, 2, tzinfo=timezone(timedelta(hours=2))),
        float("nan"),
        float("inf"),
        float("-inf"),
        -0.0,
        {1: "a", None: "b", 2.5: "c", "d": "e"},
        {True: "a"},
        {(1, 2): "a", Path("x"): "b", float("inf"): "c"},
        {TAG: 1},
        {TAG: "path", "value": "/a"},
        {"x": {TAG: {TAG: (1,)}}},
        {},
        "",
        10**30,
    ],
)
def test_every_type_comes_back(value):
    assert exactly(through_json({"x": [value]})) == exactly({"x": [value]})


def test_an_ordinary_config_is_saved_as_it_is():
    config = Config(name="a", model={"width": 3, "sizes": [1, 2]}, lr=0.1, on=True, none=None)
    assert encode(config) is config
    assert json.loads(dumps_config(config)) == config


def test_enums_and_numpy_scalars_are_saved_as_their_plain_value():
    tree = through_json({"e": Colour.RED, "f": np.float64(0.5), "i": np.int64(3), "b": np.bool_(True)})
    assert exactly(tree) == exactly({"e": "red", "f": 0.5, "i": 3, "b": True})
    assert exactly(through_json(OrderedDict(a=1))) == exactly({"a": 1})
    assert exactly(encode({Colour.RED: 1})) == exactly({"red": 1})


def test_loading_gives_a_config_at_every_depth():
    config = loads_config(dumps_config({"a": {"b": {1: {"c": (2,)}}}}))
    assert config.a.b[1].c == (2,)


def test_the_text_is_indented_unless_told_otherwise():
    assert dumps_config({"a": 1}) == '{\n  "a": 1\n}'
    assert dumps_config({"a": 1}, indent=None) == '{"a": 1}'


def test_what_cannot_be_saved_is_refused_by_its_key_path():
    with pytest.raises(ConfigTypeError, match=r'^config "a": model.0.fn holds a function'):
        encode({"model": [{"fn": len}]}, 'config "a"')
    with pytest.raises(ConfigTypeError, match=r"^model holds a function"):
        dumps_config({"model": print})
    with pytest.raises(ConfigTypeError, match=r"^the config holds an object"):
        encode(object())


def test_an_endless_value_is_refused():
    endless: list = []
    endless.append(endless)
    with pytest.raises(ConfigTypeError, match="contains itself"):
        encode(endless)


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"a": 1',
        "[1]",
        "3",
        '{"__pyexp__": "unknown", "value": 1}',
        '{"a": {"__pyexp__": "path"}}',
        '{"a": {"__pyexp__": "datetime", "value": "no"}}',
        '{"a": {"__pyexp__": "dict", "value": [[1]]}}',
        '{"a": {"__pyexp__": ["x"], "value": 1}}',
        '{"a": {"__pyexp__": "set", "value": [[1]]}}',
        '{"__pyexp__": "path", "value": "a"}',
        "[" * 100000,
    ],
)
def test_a_damaged_text_is_told_in_one_sentence(text):
    with pytest.raises(DamagedFile, match="a saved config"):
        loads_config(text)


atoms = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4)
keys = st.text(max_size=3) | st.integers() | st.booleans() | st.none() | st.sampled_from([TAG, "value"])
moments = st.datetimes().map(lambda moment: moment.replace(fold=0))  # no part of a datetime's value
members = atoms | st.binary(max_size=3) | st.dates() | moments | st.text("ab/", max_size=4).map(Path)
values = st.recursive(
    members | st.frozensets(members, max_size=3) | st.sets(members, max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple) | st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=200)
@given(values)
def test_decoding_undoes_encoding_with_all_types(value):
    assert exactly(through_json(value)) == exactly(value)


@settings(max_examples=60)
@given(st.dictionaries(keys, values, max_size=4))
def test_configs_come_back_from_text(tree):
    assert loads_config(dumps_config(tree)) == Config(tree)
