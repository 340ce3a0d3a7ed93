"""Requests to stop: counted, and breaking into a run only where that is executed in the build's own process."""

from __future__ import annotations

import os
import signal

import pytest

from dodo_pyexp.build.signals import Interrupts
from dodo_pyexp.executors.base import Executor
from dodo_pyexp.executors.fork import ForkExecutor
from dodo_pyexp.executors.inline import InlineExecutor


class Own(Executor):
    def run(self, fn, config, result_path):
        return fn(config)


def interrupt(times: int) -> None:
    for _ in range(times):
        os.kill(os.getpid(), signal.SIGINT)


def test_requests_are_counted_and_what_was_there_before_comes_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    interrupts = Interrupts()
    with interrupts:
        interrupt(1)
        assert interrupts.count == 1
        os.kill(os.getpid(), signal.SIGTERM)
        assert interrupts.count == 2
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("executor", [InlineExecutor(), Own()])
def test_the_second_request_breaks_into_a_run_in_this_process(executor: Executor) -> None:
    interrupts = Interrupts()
    with interrupts:
        with pytest.raises(KeyboardInterrupt), interrupts.in_process(executor):
            interrupt(2)
        interrupt(1)
        assert interrupts.count == 3


def test_no_request_breaks_into_the_build_while_runs_are_elsewhere() -> None:
    interrupts = Interrupts()
    with interrupts, interrupts.in_process(ForkExecutor()):
        interrupt(2)
    assert interrupts.count == 2
