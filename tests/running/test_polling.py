"""Looking takes a bounded share of the time."""

from __future__ import annotations

from typing import Any

from dodo_pyexp.running.polling import SHARE, Pace


def look(pace: Pace, clock: Any, seconds: float, *, in_vain: bool) -> bool:
    due = pace.begin()
    if due:
        clock.now += seconds
        pace.end(in_vain=in_vain)
    return due


def test_a_short_look_is_repeated_after_the_shortest_time(clock: Any) -> None:
    pace = Pace(0.02)
    assert look(pace, clock, 0.0001, in_vain=True)
    assert not pace.begin()
    clock.now += 0.021
    assert pace.begin()


def test_long_looks_in_vain_are_a_small_share_of_the_time(clock: Any) -> None:
    pace, began, looked = Pace(0.02), clock.now, 0.0
    for _ in range(10_000):
        looked += 0.05 * look(pace, clock, 0.05, in_vain=True)
        clock.now += 0.01
    assert 0.5 / SHARE < looked / (clock.now - began) <= 1 / SHARE


def test_a_look_that_found_something_is_no_reason_to_wait(clock: Any) -> None:
    pace = Pace(0.02)
    assert look(pace, clock, 5, in_vain=False)
    clock.now += 0.021
    assert pace.begin()
