from __future__ import annotations

import statistics
from math import inf, isnan, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodo_pyexp.collection.estimate import Estimate, t_quantile

# The table of any textbook: two-sided 95 %.
TABLE = {
    1: 12.706205, 2: 4.302653, 3: 3.182446, 4: 2.776445, 5: 2.570582, 6: 2.446912, 7: 2.364624, 8: 2.306004,
    9: 2.262157, 10: 2.228139, 15: 2.131450, 20: 2.085963, 29: 2.045230, 30: 2.042272, 40: 2.021075, 60: 2.000298,
    120: 1.979930, 200: 1.971896, 201: 1.971837, 1000: 1.962339, 10**9: 1.959964,
}  # fmt: skip


@pytest.mark.parametrize("df", TABLE)
def test_quantiles_are_those_of_the_table(df: int) -> None:
    assert t_quantile(df) == pytest.approx(TABLE[df], abs=6e-7)


def test_quantiles_fall_with_the_degrees_of_freedom() -> None:
    quantiles = [t_quantile(df) for df in range(1, 260)]
    assert quantiles == sorted(quantiles, reverse=True)


def test_mean_deviation_and_interval() -> None:
    estimate = Estimate([2.0, 4.0, 6.0])
    half = 4.302652729749568 * 2.0 / sqrt(3)
    assert (estimate.n, estimate.mean, estimate.sd) == (3, 4.0, pytest.approx(2.0))
    assert (estimate.low, estimate.high) == (pytest.approx(4 - half), pytest.approx(4 + half))
    assert estimate.half == pytest.approx(half)
    assert float(estimate) == 4.0


def test_one_measurement_has_no_interval() -> None:
    estimate = Estimate([2.0])
    assert estimate.mean == 2.0
    assert isnan(estimate.sd) and isnan(estimate.low) and isnan(estimate.high)
    assert str(estimate) == "2 (n=1)"
    assert estimate == Estimate([2.0])


def test_none_has_nothing() -> None:
    assert Estimate([]).n == 0
    assert isnan(Estimate([]).mean)


@pytest.mark.parametrize("values", [[inf, 1.0], [float("nan"), 1.0], [1e308, 1e308], [1e300, -1e300], [5e-324] * 3])
def test_odd_numbers_raise_nothing(values: list[float]) -> None:
    str(Estimate(values))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_it_agrees_with_the_standard_library(values: list[float]) -> None:
    estimate = Estimate(values)
    assert estimate.mean == pytest.approx(statistics.fmean(values), abs=1e-9)
    assert estimate.sd == pytest.approx(statistics.stdev(values), abs=1e-6, rel=1e-9)
    assert estimate.low <= estimate.mean <= estimate.high
