"""`Runs`: a flat collection."""

from __future__ import annotations

import copy
import pickle
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodo_pyexp.collection.runs import Runs
from dodo_pyexp.errors import ConfigTypeError, LookupFailed

CONFIGS = [
    {"name": "my_run", "lr": 0.01, "model": {"width": 32}},
    {"name": "my_run_2", "lr": 0.1, "model": {"width": 32}},
    {"name": "prefix_a", "lr": 0.01, "model": {"width": 64}},
]


@pytest.fixture
def runs() -> Runs:
    return Runs(CONFIGS)


def test_it_is_a_sequence(runs):
    assert len(runs) == 3
    assert list(runs) == runs.tolist() == CONFIGS
    assert runs.names == ["my_run", "my_run_2", "prefix_a"]
    assert repr(runs) == "Runs(len=3)"
    assert CONFIGS[1] in runs
    assert runs.index(CONFIGS[2]) == 2
    assert list(reversed(runs)) == CONFIGS[::-1]
    assert bool(runs) and not Runs([])
    assert Runs(iter(CONFIGS)) == runs


def test_tolist_is_a_copy(runs):
    runs.tolist().clear()
    assert len(runs) == 3


def test_equality_is_by_content(runs):
    assert runs == Runs(CONFIGS)
    assert runs == CONFIGS
    assert runs != Runs(CONFIGS[:2])
    assert runs != 3


def test_the_guides_examples_hold(runs):
    assert runs[0] is CONFIGS[0]
    assert runs["my_run"] is CONFIGS[0]
    assert runs["prefix.*"] is CONFIGS[2]
    assert runs[{"lr": 0.1}] is CONFIGS[1]
    assert runs[{"model.width": 64}] is CONFIGS[2]
    assert runs[{"lr": 0.01, "model.width": 32}] is CONFIGS[0]


def test_several_matches_give_a_collection(runs):
    assert runs["my_.*"] == CONFIGS[:2]
    assert runs[{"model.width": 32}] == CONFIGS[:2]
    assert isinstance(runs["my_.*"], Runs)


def test_several_items_of_the_exact_name_are_all_given():
    assert Runs([{"name": "a", "i": 1}, {"name": "ab"}, {"name": "a", "i": 2}])["a"].names == ["a", "a"]


def test_an_integer_is_a_position_and_a_slice_a_collection(runs):
    assert runs[-1] is CONFIGS[2]
    assert runs[True] is CONFIGS[1]
    assert runs[1:] == CONFIGS[1:]
    assert runs[::-1] == CONFIGS[::-1]


@pytest.mark.parametrize("index", [3, 99, -4, -99])
def test_a_position_out_of_range_is_an_index_error_on_both_sides(runs, index):
    with pytest.raises(IndexError, match=f"Index {index} out of range"):
        runs[index]


@pytest.mark.parametrize("key", [(0, 1), None, [0], 1.5, ...])
def test_other_kinds_of_index_are_refused(runs, key):
    with pytest.raises(TypeError, match="Invalid index type"):
        runs[key]


def test_a_name_that_nobody_has_names_the_nearest(runs):
    with pytest.raises(LookupFailed, match="'my_rum' \\(did you mean \"my_run\""):
        runs["my_rum"]
    with pytest.raises(LookupFailed, match="'unlike any'; there are \"my_run\""):
        runs["unlike any"]


def test_a_query_for_a_key_that_nobody_has_says_so(runs):
    with pytest.raises(LookupFailed, match='none has "lrr" \\(did you mean "lr"'):
        runs[{"lrr": 1}]
    with pytest.raises(LookupFailed, match=r"No configs match query {'lr': 5}"):
        runs[{"lr": 5}]
    with pytest.raises(LookupFailed):
        Runs([])[{"lr": 5}]


def test_a_glob_that_is_no_regular_expression_works_as_a_glob(runs):
    assert runs["*_2"] is CONFIGS[1]


def test_a_broken_pattern_is_an_index_error(runs):
    with pytest.raises(IndexError):
        runs["(*"]


def test_filter_always_gives_a_collection(runs):
    assert runs.filter("my_run") == CONFIGS[:1]
    assert runs.filter({"lr": 0.01}) == [CONFIGS[0], CONFIGS[2]]
    assert runs.filter({"lr": 9}) == []
    assert runs.filter("nobody") == []
    assert runs.filter(lambda config: config["lr"] > 0.05) == [CONFIGS[1]]
    assert runs.filter({}) == CONFIGS


def test_filter_refuses_what_selects_nothing(runs):
    with pytest.raises(ConfigTypeError, match="cannot filter by int"):
        runs.filter(3)


def test_a_renamed_item_is_found_by_its_new_name_only():
    runs = Runs([{"name": "a"}, {"name": "b"}])
    assert runs["a"]["name"] == "a"
    runs[0]["name"] = "c"
    assert runs["c"] is runs[0]
    with pytest.raises(LookupFailed):
        runs["a"]


def test_items_may_be_objects_with_names():
    runs = Runs([SimpleNamespace(name="x", loss=1), SimpleNamespace(name="y", loss=2)])
    assert runs["y"].loss == 2
    assert runs[{"loss": 1}].name == "x"


def test_it_keeps_through_pickle_and_copy(runs):
    runs["my_run"]
    for again in (pickle.loads(pickle.dumps(runs)), copy.deepcopy(runs), copy.copy(runs)):
        assert type(again) is Runs
        assert again == runs


def test_annotations_may_name_the_item_type():
    assert Runs[int] is not None


@settings(max_examples=50)
@given(st.lists(st.text(alphabet="ab.*[]_1", min_size=1, max_size=4), min_size=1, unique=True))
def test_every_item_is_found_by_its_exact_name(names):
    runs = Runs({"name": name} for name in names)
    for name in names:
        assert runs[name]["name"] == name
