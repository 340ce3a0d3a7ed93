from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from dodo_pyexp.planning.garbage import Collector


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    enabled = gc.isenabled()
    gc.enable()
    yield
    gc.unfreeze()
    (gc.enable if enabled else gc.disable)()


def test_it_rests_while_the_build_decides_and_works_while_something_is_executed() -> None:
    collector = Collector()
    with collector:
        assert not gc.isenabled()
        collector.wake()
        assert gc.isenabled()
        collector.rest()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_what_was_there_before_is_not_looked_through_until_the_end() -> None:
    with Collector() as collector:
        collector.wake()
        assert gc.get_freeze_count() > 0
    assert gc.get_freeze_count() == 0


def test_an_exception_wakes_it_up() -> None:
    with pytest.raises(KeyError), Collector():
        raise KeyError
    assert gc.isenabled()


def test_a_collector_that_the_user_switched_off_stays_off() -> None:
    gc.disable()
    with Collector() as collector:
        collector.wake()
        assert not gc.isenabled()
    assert not gc.isenabled()
