"""Requests to stop: counted, and breaking into a run only where that is executed in the build's own process."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from dodo_pyexp.executors.base import Executor
from dodo_pyexp.executors.forking.executor import ForkExecutor
from dodo_pyexp.executors.inline import InlineExecutor
from dodo_pyexp.tasks.signals import Interrupts


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_request_breaks_into_a_task_that_is_no_run(number: int) -> None:
    interrupts = Interrupts()
    with interrupts:
        with pytest.raises(KeyboardInterrupt), interrupts.in_task():
            os.kill(os.getpid(), number)
        os.kill(os.getpid(), signal.SIGINT)  # nothing is being executed here now
    assert interrupts.count >= 2


def test_a_thread_cannot_take_signals_and_does_without() -> None:
    before = signal.getsignal(signal.SIGINT)
    found = []

    def use() -> None:
        with Interrupts():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=use)
    thread.start()
    thread.join(30)
    assert found == [before]


def test_a_handler_that_python_did_not_set_becomes_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)
    interrupts = Interrupts()
    with interrupts:
        interrupts._before[signal.SIGTERM] = None  # what Python gives for one that C code has set
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_fork_that_a_run_makes_ends_of_a_signal_as_it_would_without_a_build(number: int) -> None:
    """A pool ends its processes with SIGTERM: the build, of which they are copies, must not be unwound in them."""
    ended_before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        interrupts = Interrupts()
        with interrupts, interrupts.in_process(InlineExecutor()):
            interrupts.count = 1
            pid = os.fork()
            if pid == 0:
                try:
                    os.kill(os.getpid(), number)
                finally:
                    os._exit(3)
            status = os.waitpid(pid, 0)[1]
    finally:
        signal.signal(signal.SIGINT, ended_before)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == number
    assert interrupts.count == 1
