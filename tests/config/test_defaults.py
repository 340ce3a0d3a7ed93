from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodo_pyexp.config.config import Config
from dodo_pyexp.config.defaults import Defaults, flat, read_first
from dodo_pyexp.config.encode import encode
from dodo_pyexp.config.hashing import hash_config
from dodo_pyexp.errors import ConfigError, ConfigTypeError

# -- what may be declared ---------------------------------------------------------------------------------------


def test_sections_and_dotted_keys_say_the_same() -> None:
    assert flat({"model": {"depth": 2, "act": {"name": "relu"}}}, "x") == flat(
        {"model.depth": 2, "model.act.name": "relu"}, "x"
    )


def test_an_empty_section_is_a_value() -> None:
    assert flat({"extra": {}}, "x") == {"extra": {}}


@pytest.mark.parametrize(
    "values, words",
    [
        ([1], "must be a dict"),
        ({3: 1}, "the key 3 is no text"),
        ({"a..b": 1}, "empty part"),
        ({"": 1}, "empty part"),
        ({"name": "x"}, '"name" cannot have a default'),
        ({"out": "x"}, '"out" cannot'),
        ({"depends_on": "x"}, '"depends_on" cannot'),
        ({"a": {"b": 1}, "a.b": 2}, '"a.b" is declared twice'),
        ({"a": 1, "a.b": 2}, '"a.b" and "a" exclude each other'),
        ({"f": print}, "f holds a function"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(values: Any, words: str) -> None:
    with pytest.raises((ConfigError, ConfigTypeError)) as refused:
        flat(values, "train.py:3")
    assert str(refused.value).startswith("train.py:3: defaults")
    assert words in str(refused.value)


# -- filling in -------------------------------------------------------------------------------------------------


def test_missing_keys_are_filled_in_at_every_depth() -> None:
    filled = Defaults({"momentum": 0.0, "model.depth": 2}).filled(Config(lr=0.1, model={"width": 8}))
    assert filled == {"lr": 0.1, "model": {"width": 8, "depth": 2}, "momentum": 0.0}
    assert filled.model.depth == 2


def test_what_is_there_stays_also_none() -> None:
    assert Defaults({"momentum": 0.0}).filled(Config(momentum=None)) == {"momentum": None}


def test_a_value_where_a_section_would_be_stays() -> None:
    assert Defaults({"model.depth": 2}).filled(Config(model="resnet")) == {"model": "resnet"}


def test_the_config_that_was_given_and_what_it_shares_stay_as_they_are() -> None:
    shared = Config(width=8)
    config = Config(model=shared)
    Defaults({"model.depth": 2}).filled(config)
    assert config == {"model": {"width": 8}} and shared == {"width": 8}


def test_a_default_that_can_be_changed_is_each_configs_own() -> None:
    defaults = Defaults({"layers": [1, 2]})
    first, second = defaults.filled(Config()), defaults.filled(Config())
    first["layers"].append(3)
    assert second["layers"] == [1, 2] and defaults.declared == {"layers": [1, 2]}


# -- the hash ---------------------------------------------------------------------------------------------------


def test_a_key_with_its_default_is_not_hashed() -> None:
    defaults = Defaults({"momentum": 0.0, "model.depth": 2})
    config = Config(lr=0.1, momentum=0.0, model={"depth": 2})
    assert defaults.hash(config) == hash_config({"lr": 0.1})
    assert config == {"lr": 0.1, "momentum": 0.0, "model": {"depth": 2}}


@pytest.mark.parametrize(
    "default, value",
    [(0, 0.0), (0, False), (1, True), (0.0, -0.0), ("1", 1), (None, 0), (Path("a"), "a"), ([1], [1.0]), ("", None)],
)
def test_types_count_as_the_hash_sees_them(default: Any, value: Any) -> None:
    defaults = Defaults({"x": default})
    assert defaults.hash(Config(x=value)) == hash_config({"x": value})
    assert defaults.hash(Config(x=default)) == hash_config({})


def test_what_the_hash_cannot_tell_apart_is_the_default() -> None:
    defaults = Defaults({"sizes": (1, 2), "nan": float("nan")})
    assert defaults.hash(Config(sizes=[1, 2], nan=float("nan"))) == hash_config({})


def test_what_was_declared_first_counts_for_ever() -> None:
    later = Defaults({"momentum": 0.9}, {"momentum": 0.0})
    assert later.hash(later.filled(Config())) == hash_config({"momentum": 0.9})
    assert later.hash(Config(momentum=0.0)) == hash_config({})


def test_a_key_that_becomes_a_section_is_no_longer_left_out() -> None:
    defaults = Defaults({"model.depth": 2}, {"model": 3})
    assert defaults.hash(Config(model={"depth": 2})) != defaults.hash(Config(model=3))


def test_an_unhashable_value_is_still_refused() -> None:
    with pytest.raises(ConfigTypeError, match="momentum"):
        Defaults({"momentum": 0.0}).hash(Config(name="a", momentum=print))


atoms = st.one_of(st.none(), st.booleans(), st.integers(0, 2), st.sampled_from([0.0, 1.0, "", "a"]))
keys = st.sampled_from(["a", "b", "c"])
trees = st.dictionaries(keys, st.one_of(atoms, st.dictionaries(keys, atoms, min_size=1)))
paths = st.sampled_from(["a", "b", "c.a", "c.b"])


@settings(max_examples=300, deadline=None)
@given(trees, trees, st.dictionaries(paths, atoms, max_size=3))
def test_two_configs_have_one_hash_exactly_if_they_are_equal_when_filled(one: Any, other: Any, values: Any) -> None:
    defaults = Defaults(values)
    same = hash_config(defaults.filled(Config(one))) == hash_config(defaults.filled(Config(other)))
    assert (defaults.hash(Config(one)) == defaults.hash(Config(other))) is same


@settings(max_examples=200, deadline=None)
@given(trees, st.dictionaries(paths, atoms, max_size=3))
def test_without_the_declared_keys_the_hash_is_the_plain_one(config: Any, values: Any) -> None:
    assert Defaults({}).hash(Config(config)) == hash_config(config)
    missing = {key: value for key, value in config.items() if key not in ("a", "b", "c")}
    assert Defaults(values).hash(Defaults(values).filled(Config(missing))) == hash_config(missing)


# -- on disk ----------------------------------------------------------------------------------------------------


def test_it_comes_back_from_disk_with_its_types() -> None:
    first = {"sizes": (1, 2), "path": Path("a")}
    assert read_first(encode(first)) == first


@pytest.mark.parametrize("value", [None, 3, [], {"__pyexp__": "nonsense", "value": 1}])
def test_what_is_no_such_table_is_nothing(value: Any) -> None:
    assert not read_first(value)
