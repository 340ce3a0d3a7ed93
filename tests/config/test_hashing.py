"""Hashing: the same config is the same everywhere, and different ones differ."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import OrderedDict
from datetime import UTC, date, datetime
from enum import Enum, IntEnum, StrEnum
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodo_pyexp.config.config import Config
from dodo_pyexp.config.encode import TAG, decode, encode
from dodo_pyexp.config.hashing import hash_config, hash_value
from dodo_pyexp.errors import ConfigTypeError


class Colour(Enum):
    RED = "red"


class Size(IntEnum):
    BIG = 3


class Mode(StrEnum):
    FAST = "fast"


DIFFERENT = [
    None,
    True,
    False,
    0,
    1,
    -1,
    1.0,
    0.5,
    1e16,
    10**16,
    float("nan"),
    float("inf"),
    float("-inf"),
    "",
    "1",
    "1.0",
    "true",
    "null",
    "NaN",
    "a",
    b"a",
    Path("a"),
    Path("/a"),
    "/a",
    date(2024, 1, 2),
    "2024-01-02",
    datetime(2024, 1, 2),
    datetime(2024, 1, 2, tzinfo=UTC),
    [],
    {},
    set(),
    [1],
    ["1"],
    {1},
    {"1"},
    [[1]],
    [1, 2],
    [2, 1],
    {"1": "x"},
    {1: "x"},
    {1.0: "x"},
    {True: "x"},
    {None: "x"},
    {"None": "x"},
    {"null": "x"},
    {"true": "x"},
    {(1,): "x"},
    {Path("a"): "x"},
    {"a": {"b": 1}},
    {"a.b": 1},
    {"a": {}, "b": 1},
    [["1", "x"]],
    {TAG: "path", "value": "a"},
    {TAG: "set", "value": [1]},
    {TAG: "dict", "value": [[1, "x"]]},
    [[TAG, "path"], ["value", "a"]],
    "\U0001f600",
    "\ud83d\ude00",
]


def test_different_values_have_different_hashes():
    same = [(one, other) for one, other in combinations(DIFFERENT, 2) if hash_value(one) == hash_value(other)]
    assert same == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({1: 1, "b": 2}, {"b": 2, 1: 1}),
        ((1, (2,)), [1, [2]]),
        ({3, 1, 2}, {1, 2, 3}),
        ({1, 2}, frozenset({2, 1})),
        ({"a", 1, (2, "b")}, {(2, "b"), 1, "a"}),
        (Config(a={"b": [1]}), {"a": {"b": [1]}}),
        (OrderedDict(a=1), {"a": 1}),
        (Colour.RED, "red"),
        (Size.BIG, 3),
        (Mode.FAST, "fast"),
        ({Mode.FAST: 1}, {"fast": 1}),
        ({Size.BIG: 1}, {3: 1}),
        (np.float64(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (float("nan"), float("nan")),
    ],
)
def test_what_means_the_same_hashes_the_same(one, other):
    assert hash_value({"x": one}) == hash_value({"x": other})


def test_name_and_dependencies_do_not_count_at_the_top():
    plain = hash_config({"lr": 1})
    assert hash_config({"lr": 1, "name": "a", "depends_on": "b"}) == plain
    assert hash_config(Config(lr=1, name="b")) == plain
    assert hash_config({"lr": 1, "out": 2}) != plain
    assert hash_config({"m": {"name": "a"}}) != hash_config({"m": {"name": "b"}})


def test_hashing_leaves_the_config_as_it_is():
    config = Config(name="a", depends_on="b", lr=1)
    hash_config(config)
    assert config == {"name": "a", "depends_on": "b", "lr": 1}


def test_a_hash_is_a_sha256_in_hexadecimal():
    assert hash_value({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"name": "a", "model": {"fn": len}},
            r'^config "a": model.fn holds a function \(len\), which cannot be saved and hashed; use ',
        ),
        ({"name": "a", "l": [0, {"x": object()}]}, r'^config "a": l.1.x holds an object'),
        ({"a": np.zeros(2)}, "^a holds a numpy.ndarray"),
        ({"a": 1j}, "^a holds a complex"),
        ({"a": Config}, r"^a holds a class \(Config\)"),
        ({"a": {object}}, r"^a holds a class \(object\)"),
        ({"a": {len: 1}}, r"^a\.<built-in function len> holds a function"),
        ({"a": np.longdouble(1)}, "^a holds a numpy"),
        ({"a": {"red": 1, Colour.RED: 2}}, '^a has two keys that are both saved as "red"'),
    ],
)
def test_a_value_without_a_form_is_refused_by_its_key_path(config, message):
    with pytest.raises(ConfigTypeError, match=message):
        hash_config(config)


def test_an_endless_config_is_refused():
    endless: list = []
    endless.append(endless)
    with pytest.raises(ConfigTypeError, match='config "a" is nested too deeply, or contains itself'):
        hash_config({"name": "a", "l": endless})


def test_the_hash_is_the_same_in_every_process():
    code = (
        "from pathlib import Path; from dodo_pyexp.config.hashing import hash_config;"
        "print(hash_config({'s': {'b', 'a', 'c'}, 'f': frozenset('xy'), 'p': Path('a'), 'd': {2: 1}}))"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(hashes) == 1


def test_hashing_does_not_import_numpy_or_yaml():
    code = (
        "import sys; from dodo_pyexp.config.hashing import hash_config; from pathlib import Path;"
        "hash_config({'p': Path('a')}); print({'numpy', 'yaml'} & set(sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"


atoms = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
keys = st.text(max_size=3) | st.integers() | st.booleans() | st.none() | st.just(TAG)
hashables = atoms | st.binary(max_size=3) | st.dates() | st.text("ab/", min_size=1, max_size=4).map(Path)
values = st.recursive(
    hashables | st.frozensets(hashables, max_size=3) | st.sets(hashables, max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple) | st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=150)
@given(values)
def test_saving_and_loading_keeps_the_hash(value):
    assert hash_value(decode(encode(value))) == hash_value(value)


@settings(max_examples=100)
@given(st.dictionaries(keys, values, max_size=4))
def test_the_order_of_keys_does_not_count(value):
    assert hash_value(dict(reversed(value.items()))) == hash_value(value)


@settings(max_examples=100)
@given(values, values)
def test_only_equal_values_share_a_hash(one, other):
    if hash_value(one) == hash_value(other):
        assert hash_value([one, 0]) == hash_value([other, 0])
        assert repr(loosened(one)) == repr(loosened(other))


def loosened(value):
    """Give a value without what the hash leaves out: order, and tuple or list."""
    if isinstance(value, dict):
        return sorted((repr(key), loosened(item)) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return [loosened(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return ["set", *sorted(repr(item) for item in value)]
    return value
