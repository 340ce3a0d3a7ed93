"""`Tensor`: a collection with a shape."""

from __future__ import annotations

import copy
import pickle
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodo_pyexp.collection.runs import Runs
from dodo_pyexp.collection.tensor import Tensor


@pytest.fixture
def grid() -> Tensor:
    rates, epochs = ("lr0.1", "lr0.01"), ("e10", "e100")
    items = [
        {"name": f"exp_{lr}_{epoch}", "config": {"lr": float(lr[2:]), "epochs": int(epoch[1:])}}
        for lr, epoch in product(rates, epochs)
    ]
    return Tensor(items, shape=(1, 2, 2))


def test_it_is_a_runs_with_a_shape(grid):
    assert isinstance(grid, Runs)
    assert grid.shape == (1, 2, 2)
    assert repr(grid) == "Tensor(shape=(1, 2, 2), len=4)"
    assert repr(Tensor("ab")) == "Tensor(shape=(2,), len=2)"
    assert Tensor([]).shape == (0,)
    assert Tensor([], (1, 0)).shape == (1, 0)


@pytest.mark.parametrize("shape", [(3,), (2, 2, 2), (-2, -2), ()])
def test_a_shape_that_does_not_fit_is_refused(shape):
    with pytest.raises(ValueError, match="does not match data length 4"):
        Tensor("abcd", shape)


def test_an_integer_is_a_position_in_the_flat_order(grid):
    assert grid[1] is grid.tolist()[1]
    assert grid[-1] is grid.tolist()[-1]


@pytest.mark.parametrize("index", [4, -5])
def test_a_flat_position_out_of_range_is_an_index_error_on_both_sides(grid, index):
    with pytest.raises(IndexError):
        grid[index]


def test_the_readmes_indexing_holds(grid):
    assert grid[0, 1, 0]["name"] == "exp_lr0.01_e10"
    first = grid[:, 0, :]
    assert first.shape == (1, 2)
    assert first.names == ["exp_lr0.1_e10", "exp_lr0.1_e100"]


def test_the_readmes_filters_hold(grid):
    assert grid["exp_lr0.1_*"].names == ["exp_lr0.1_e10", "exp_lr0.1_e100"]
    assert grid["*_e10"].names == ["exp_lr0.1_e10", "exp_lr0.01_e10"]
    assert grid[{"config.lr": 0.1}].names == ["exp_lr0.1_e10", "exp_lr0.1_e100"]
    assert grid[{"config.lr": 0.1, "config.epochs": 10}]["name"] == "exp_lr0.1_e10"


def test_matches_that_form_a_grid_keep_the_number_of_axes(grid):
    assert grid["exp_lr0.1_*"].shape == (1, 1, 2)
    assert grid["*_e10"].shape == (1, 2, 1)
    assert grid["*"].shape == (1, 2, 2)
    assert grid.filter("*_lr0.1_e10").shape == (1, 1, 1)
    assert grid.filter("nobody").shape == (0,)


def test_matches_that_form_no_grid_are_exactly_the_matches():
    corners = Tensor([{"name": name} for name in ("p1", "q", "q", "p2")], (2, 2))
    assert corners["p*"].names == ["p1", "p2"]
    assert corners["p*"].shape == (2,)
    assert corners[{"name": "q"}].names == ["q", "q"]


def test_a_pattern_that_is_no_glob_of_a_whole_name_is_a_regular_expression(grid):
    assert grid["e10$"].names == ["exp_lr0.1_e10", "exp_lr0.01_e10"]
    assert grid["exp_lr0.1_e10"] is grid[0]


def test_an_exact_name_with_glob_signs_is_found():
    assert Tensor([{"name": "lr[0]"}, {"name": "lr0"}])["lr[0]"]["name"] == "lr[0]"


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ((0, 0, 0, 0), "Too many indices: got 4, shape has 3 dimensions"),
        ((0, 5), "Index 5 out of range for dimension of size 2"),
        ((0, -3), "Index -3 out of range for dimension of size 2"),
    ],
)
def test_axes_out_of_range_are_index_errors(grid, key, message):
    with pytest.raises(IndexError, match=message):
        grid[key]


@pytest.mark.parametrize("key", [None, [0], (0, "a"), (None,), (..., ...), (0.5, 1)])
def test_other_kinds_of_index_are_refused(grid, key):
    with pytest.raises(TypeError, match="Invalid index type"):
        grid[key]


def test_equality_minds_the_shape(grid):
    assert grid == Tensor(grid, grid.shape)
    assert grid != Tensor(grid)
    assert grid == grid.tolist()
    assert grid == Runs(grid)


def test_it_keeps_through_pickle_and_copy(grid):
    for again in (pickle.loads(pickle.dumps(grid)), copy.deepcopy(grid), copy.copy(grid)):
        assert type(again) is Tensor
        assert again == grid


shapes = st.lists(st.integers(0, 3), min_size=1, max_size=3).map(tuple)


@st.composite
def shape_and_key(draw):
    shape = draw(shapes)
    key = []
    for size in shape[: draw(st.integers(0, len(shape)))]:
        ints = st.integers(-size, size - 1) if size else st.nothing()
        key.append(draw(ints | st.slices(size)))
    if draw(st.booleans()):
        key.insert(draw(st.integers(0, len(key))), ...)
    return shape, tuple(key)


@settings(max_examples=200)
@given(shape_and_key())
def test_axes_are_indexed_as_numpy_does(case):
    shape, key = case
    array = np.arange(int(np.prod(shape))).reshape(shape)
    try:
        expected = array[key]
    except IndexError:
        with pytest.raises(IndexError):
            Tensor(array.ravel().tolist(), shape)[key]
        return
    found = Tensor(array.ravel().tolist(), shape)[key]
    if isinstance(found, Tensor):
        assert found.shape == expected.shape
        assert found.tolist() == expected.ravel().tolist()
    else:
        assert found == expected


@settings(max_examples=100)
@given(st.lists(st.booleans(), min_size=4, max_size=4))
def test_a_query_gives_exactly_the_matches(flags):
    tensor = Tensor([{"name": str(i), "on": flag} for i, flag in enumerate(flags)], (2, 2))
    assert tensor.filter({"on": True}).names == [str(i) for i, flag in enumerate(flags) if flag]
