"""`sweep`: configs times variations."""

from __future__ import annotations

import contextlib
import gc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodo_pyexp.collection.runs import Runs
from dodo_pyexp.collection.tensor import Tensor
from dodo_pyexp.config.config import Config
from dodo_pyexp.config.merge import merge
from dodo_pyexp.config.sweep import sweep, vary
from dodo_pyexp.errors import ConfigError, ConfigTypeError


def test_the_guides_example_holds():
    cfgs = [{"name": "base", "dropout": 0.1}]
    sizes = [{"name": "small", "width": 32}, {"name": "large", "width": 128}]
    assert sweep(cfgs, sizes) == [
        {"name": "base_small", "dropout": 0.1, "width": 32},
        {"name": "base_large", "dropout": 0.1, "width": 128},
    ]


def test_the_readmes_example_holds():
    cfgs = [{"name": "exp", "base_lr": 0.01}]
    cfgs = sweep(cfgs, [{"name": "lr0.1", "lr": 0.1}, {"name": "lr0.01", "lr": 0.01}])
    cfgs = sweep(cfgs, [{"name": "e10", "epochs": 10}, {"name": "e100", "epochs": 100}])
    assert cfgs.shape == (1, 2, 2)
    assert cfgs.names == ["exp_lr0.1_e10", "exp_lr0.1_e100", "exp_lr0.01_e10", "exp_lr0.01_e100"]


def test_dotted_keys_keep_what_is_beside_them():
    cfgs = sweep(
        [{"name": "exp", "mlp": {"width": 32, "depth": 2}}],
        [{"name": "w64", "mlp.width": 64}, {"name": "w128", "**mlp": {"width": 128}}],
    )
    assert [cfg.mlp for cfg in cfgs] == [{"width": 64, "depth": 2}, {"width": 128, "depth": 2}]


def test_items_are_configs_at_every_depth():
    [cfg] = sweep([{"a": {"b": {"c": 1}}}], [{"d.e": {"f": 1}, "l": [{"g": 1}]}])
    assert isinstance(cfg, Config)
    assert (cfg.a.b.c, cfg.d.e.f, cfg.l[0].g) == (1, 1, 1)


@pytest.mark.parametrize(
    ("config", "variation", "name"),
    [
        ({"name": "a"}, {"name": "b"}, "a_b"),
        ({"name": "a"}, {}, "a"),
        ({}, {"name": "b"}, "b"),
        ({"name": "a"}, {"name": ""}, "a"),
        ({"name": ""}, {"name": "b"}, "b"),
        ({"name": 1}, {"name": 2}, "1_2"),
        ({"name": 0}, {"name": 0.5}, "0_0.5"),
        ({"name": "a"}, {"**": {"name": "b"}}, "a_b"),
    ],
)
def test_names_are_joined(config, variation, name):
    assert sweep([config], [variation])[0]["name"] == name


def test_no_name_is_made_up():
    assert sweep([{"a": 1}], [{"b": 2}]) == [{"a": 1, "b": 2}]


def test_shapes_grow_by_one_axis():
    two, three = [{"name": "a"}, {"name": "b"}], [{"x": 1}, {"x": 2}, {"x": 3}]
    assert sweep(two, three).shape == (2, 3)
    assert sweep(Runs(two), three).shape == (2, 3)
    assert sweep(Tensor(two, (1, 2)), three).shape == (1, 2, 3)
    assert sweep([two[0]], []).shape == (1, 0)
    assert sweep([], three).shape == (0, 3)


def test_generators_are_read_once_and_used_for_every_config():
    configs = ({"name": name} for name in "ab")
    variations = ({"name": name} for name in "xy")
    assert sweep(configs, variations).names == ["a_x", "a_y", "b_x", "b_y"]


def test_configs_share_no_mutable_value_with_each_other_or_the_arguments():
    base = [{"name": "a", "l": [1], "d": {"x": [1]}}, {"name": "b"}]
    variations = [{"name": "v", "m": {"w": [1]}, "s": {1}, "d.y": [1]}, {"name": "u"}]
    result = sweep(base, variations)
    first = result[0]
    first.l.append(2)
    first.d.x.append(2)
    first.d.y.append(2)
    first.m.w.append(2)
    first.s.add(2)
    first.m.new = 1
    assert result[1] == {"name": "a_u", "l": [1], "d": {"x": [1]}}
    assert result[2] == {"name": "b_v", "m": {"w": [1]}, "s": {1}, "d": {"y": [1]}}
    assert base[0] == {"name": "a", "l": [1], "d": {"x": [1]}}
    assert variations[0] == {"name": "v", "m": {"w": [1]}, "s": {1}, "d.y": [1]}


@pytest.mark.parametrize(
    ("configs", "variations", "message"),
    [
        ({"name": "a"}, [], "list of configs, not a single dict"),
        ([{}], {"name": "a"}, "list of variations, not a single dict"),
        (3, [], "list of configs, not a single int"),
        ([{}, "a"], [], r"configs\[1\] of the sweep is of type str"),
        ([{}], [None], r"variations\[0\] of the sweep is of type NoneType"),
    ],
)
def test_arguments_that_are_no_lists_of_dicts_are_refused(configs, variations, message):
    with pytest.raises(ConfigTypeError, match=message):
        sweep(configs, variations)


def test_a_bad_key_names_its_variation():
    with pytest.raises(ConfigError, match=r"variation 'w' of the sweep: the key .a\.\.b."):
        sweep([{}], [{"name": "w", "a..b": 1}])


def test_an_endless_config_is_refused():
    endless: list = []
    endless.append(endless)
    with pytest.raises(ConfigError, match="contains itself"):
        sweep([{"l": endless}], [{}])


words = st.text(alphabet="abc", min_size=1, max_size=2)
values = st.recursive(
    st.integers() | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
configs = st.lists(st.dictionaries(words, values, max_size=4), max_size=3)
dotted = st.lists(words, min_size=1, max_size=3).map(".".join)
updates = st.lists(st.dictionaries(dotted, values, max_size=4), max_size=3)


@settings(max_examples=100)
@given(configs, updates)
def test_a_sweep_without_names_is_every_merge_in_row_major_order(bases, variations):
    try:
        expected = [merge(base, variation) for base in bases for variation in variations]
    except ConfigError:  # a name where only a position in a list can stand
        with pytest.raises(ConfigError, match="must be a position"):
            sweep(bases, variations)
        return
    result = sweep(bases, variations)
    assert result == expected
    assert result.shape == (len(bases), len(variations))


@pytest.mark.parametrize("collecting", [True, False])
@pytest.mark.parametrize("deep", [True, False])
def test_the_garbage_collector_is_left_as_it_was(collecting, deep):
    endless: list[object] = []
    endless.append(endless)
    (gc.enable if collecting else gc.disable)()
    try:
        with contextlib.suppress(ConfigError):
            sweep([{"a": endless if deep else 1}], [{"b": 1}])
        assert gc.isenabled() is collecting
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("variation", "told"),
    [
        ({"lrr": 1}, '"lrr" is new in the configs (did you mean "lr"?)'),
        ({"modle.w": 1}, '"modle" is new in the configs (did you mean "model"?)'),
        ({"model.widht": 1}, '"widht" is new in the configs (did you mean "width"?)'),
        ({"**model": {"widht": 1}}, '"widht" is new in the configs (did you mean "width"?)'),
        ({"seed": 1}, None),
        ({"lr": 1, "model.width": 2, "name": "x"}, None),
    ],
)
def test_a_new_key_near_one_that_is_there_is_told_and_allowed(variation, told):
    bases = [{"name": "a", "lr": 0.1, "model": {"width": 1}}]
    heard: list[str] = []
    assert len(vary(bases, [variation, variation], None, heard.append)) == 2
    assert heard == ([] if told is None else [told])
    assert len(sweep(bases, [variation])) == 1


def test_too_many_configs_are_refused_before_they_are_made():
    many = [{"name": str(n)} for n in range(1001)]
    with pytest.raises(ConfigError, match="the sweep makes 1,002,001 configs, and at most 1,000,000 can be built"):
        sweep(many, many)
