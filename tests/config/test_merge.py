"""`merge`: replace, dotted keys, and ``**`` sections."""

from __future__ import annotations

import copy

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dodo_pyexp.config.config import Config
from dodo_pyexp.config.merge import merge
from dodo_pyexp.config.sweep import sweep
from dodo_pyexp.errors import ConfigError

BASE = {"model": {"width": 32, "depth": 2}}


def test_the_guides_examples_hold():
    assert merge(BASE, {"model": {"width": 64}}) == {"model": {"width": 64}}
    assert merge(BASE, {"**model": {"width": 64}}) == {"model": {"width": 64, "depth": 2}}
    assert merge(BASE, {"model.width": 64}) == {"model": {"width": 64, "depth": 2}}


@pytest.mark.parametrize(
    ("base", "update", "result"),
    [
        ({}, {"a.b.c": 1}, {"a": {"b": {"c": 1}}}),
        ({"a": 3}, {"a.b": 1}, {"a": {"b": 1}}),
        ({"a": None}, {"a.b": None}, {"a": {"b": None}}),
        ({"a": {"b": {"x": 1}}}, {"a.b": {"y": 2}}, {"a": {"b": {"y": 2}}}),
        ({"a": {"b": {"x": 1}}}, {"**a": {"b": {"y": 2}}}, {"a": {"b": {"y": 2}}}),
        ({"a": {"b": {"x": 1}}}, {"**a.b": {"y": 2}}, {"a": {"b": {"x": 1, "y": 2}}}),
        ({"a": {"b": {"x": 1}}}, {"**a": {"b.y": 2}}, {"a": {"b": {"x": 1, "y": 2}}}),
        ({"a": {"b": {"x": 1}}}, {"**a": {"**b": {"y": 2}}}, {"a": {"b": {"x": 1, "y": 2}}}),
        ({"a": 3}, {"**a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": 1}, {"**": {"b": 2}}, {"a": 1, "b": 2}),
        ({}, {"**b": {}}, {}),
        ({"m": {"a": 1}}, {"m.a": 5, "m": {"b": 2}}, {"m": {"b": 2}}),
        ({"m": {"a": 1}}, {"m": {"b": 2}, "m.a": 5}, {"m": {"b": 2, "a": 5}}),
        ({}, {"m": {"a.b": 1, "**c": 2}}, {"m": {"a.b": 1, "**c": 2}}),
        ({1: "a"}, {1: "b", (1, "x.y"): "c", None: 0}, {1: "b", (1, "x.y"): "c", None: 0}),
        ({}, {"": 1}, {"": 1}),
        ({}, {"x**2": 1, "a.x**2": 1}, {"x**2": 1, "a": {"x**2": 1}}),
    ],
)
def test_the_rules_at_their_edges(base, update, result):
    assert merge(base, update) == result


def test_the_result_is_plain_all_the_way_down():
    result = merge(Config(a={"b": 1}), Config({"c": {"d": [{"e": 1}]}, "f.g": 1}))
    assert type(result) is type(result["a"]) is type(result["c"]) is type(result["c"]["d"][0]) is dict
    assert type(result["f"]) is dict


def test_nothing_is_shared_with_the_base_or_the_update():
    base = {"l": [1], "d": {"x": [1]}, "t": ([1],)}
    update = {"m": {"w": 1}, "s": {1}, "**d": {"y": [2]}, "d.z": [3]}
    before = copy.deepcopy((base, update))
    result = merge(base, update)
    result["l"].append(2)
    result["d"]["x"].append(2)
    result["d"]["y"].append(2)
    result["d"]["z"].append(2)
    result["t"][0].append(2)
    result["m"]["w"] = 2
    result["s"].add(2)
    assert (base, update) == before


@pytest.mark.parametrize("key", [".a", "a.", "a..b", ".", "**.a", "**a.", "a.**b", "**a.**b"])
def test_a_key_that_cannot_be_meant_is_refused_by_name(key):
    with pytest.raises(ConfigError) as caught:
        merge(BASE, {key: {"x": 1}})
    assert f'"{key}"' in str(caught.value)


@pytest.mark.parametrize("value", [3, None, [1], "text"])
def test_a_section_merge_needs_a_dict(value):
    with pytest.raises(ValueError, match=r'"\*\*model" merges into a section and needs a dict'):
        merge(BASE, {"**model": value})


@pytest.mark.parametrize(("base", "update"), [([], {}), ({}, None), ({}, [("a", 1)])])
def test_only_dicts_can_be_merged(base, update):
    with pytest.raises(TypeError, match="merge takes two dicts"):
        merge(base, update)


def test_an_endless_dict_is_refused():
    endless: dict = {}
    endless["self"] = endless
    with pytest.raises(ConfigError, match="contains itself"):
        merge({}, endless)


words = st.text(alphabet="abc", min_size=1, max_size=2)
values = st.recursive(
    st.integers() | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
sections = st.dictionaries(words, values, max_size=4)


@settings(max_examples=100)
@given(sections, sections)
def test_plain_keys_replace_as_dict_update_does(base, update):
    assert merge(base, update) == {**base, **update}


def leads_into_a_list(base, path):
    """Tell whether names alone would lead into a list, where only a position can."""
    for part in path[:-1]:
        base = base.get(part) if isinstance(base, dict) else None
        if isinstance(base, (list, tuple)):
            return True
    return False


@settings(max_examples=100)
@given(sections, st.lists(words, min_size=1, max_size=3), values)
def test_a_dotted_key_reads_back_and_changes_nothing_beside_it(base, path, value):
    if leads_into_a_list(base, path):
        with pytest.raises(ConfigError, match="must be a position in it"):
            merge(base, {".".join(path): value})
        return
    result = merge(base, {".".join(path): value})
    inner = result
    for key in path:
        inner = inner[key]
    assert inner == value
    assert {key: result[key] for key in base if key != path[0]} == {key: base[key] for key in base if key != path[0]}


@settings(max_examples=100)
@given(sections, words, sections)
def test_a_section_merge_updates_the_section(base, key, update):
    old = base[key] if isinstance(base.get(key), dict) else {}
    assume(not update or not isinstance(base.get(key), (list, tuple)))
    result = merge(base, {f"**{key}": update})
    if update:
        assert result[key] == {**old, **update}
    else:
        assert result == base


@settings(max_examples=60)
@given(sections, sections)
def test_merging_twice_is_merging_once(base, update):
    once = merge(base, update)
    assert merge(once, update) == once


@pytest.mark.parametrize(
    ("base", "update", "result"),
    [
        ({"l": [{"w": 1}, {"w": 2}]}, {"l.0.w": 5}, {"l": [{"w": 5}, {"w": 2}]}),
        ({"l": [1, 2]}, {"l.1": {"a": 3}}, {"l": [1, {"a": 3}]}),
        ({"l": [1, 2]}, {"l.-1": 3}, {"l": [1, 3]}),
        ({"t": (1, {"w": 2})}, {"t.1.w": 3}, {"t": (1, {"w": 3})}),
        ({"l": [{"w": 1}]}, {"**l": {"0.w": 5}}, {"l": [{"w": 5}]}),
        ({"s": {0: {"n": 1}}}, {"s.0.n": 5}, {"s": {0: {"n": 5}}}),
        ({"s": {0: 1}}, {"s.0": 5}, {"s": {0: 5}}),
        ({"s": {"0": 1, 0: 2}}, {"s.0": 5}, {"s": {"0": 5, 0: 2}}),
        ({"l": [{}]}, {"l.0.new.w": 5}, {"l": [{"new": {"w": 5}}]}),
        ({"m": 3}, {"m.w": 5}, {"m": {"w": 5}}),
    ],
)
def test_dotted_keys_lead_into_lists_and_to_keys_that_are_numbers(base, update, result):
    before = copy.deepcopy(base)
    assert merge(base, update) == result
    assert base == before
    (config,) = sweep([base], [update])
    assert config == Config(result)


@pytest.mark.parametrize(
    ("update", "message"),
    [
        ({"l.2": 1}, 'the key "l.2": "l" has 2 items, so there is no position 2'),
        ({"l.a": 1}, 'the key "l.a": "l" is a list, so "a" must be a position in it'),
    ],
)
def test_a_dotted_key_that_leads_nowhere_in_a_list_is_refused(update, message):
    for change in (merge, lambda base, update: sweep([base], [update])):
        with pytest.raises(ConfigError, match=message):
            change({"l": [1, 2]}, update)
