"""The fork executor: a copy of the build's process, with everything it has imported."""

from __future__ import annotations

import atexit
import faulthandler
import os
import threading
from _signal import SIG_DFL, SIGCHLD, SIGINT, SIGTERM, set_wakeup_fd, signal  # type: ignore[import-not-found]  # without the enums, dear in a fork; typeshed leaves it out
from functools import partial

from ...errors import ExecutorError
from ...flushing import flush
from ...results.pickling import loads, plain_dumps
from ...store.digest import sha256
from ..base import Executor
from ..guardian import report_in
from ..handle import Handle
from ..imports.relocation import Relocation
from ..imports.rerouting import Rerouting
from ..job import FAILED, PRACTICE
from ..leaving import leave
from ..logs.capture import point, renew_streams
from ..process import ProcessHandle, wait_for
from ..run_lock import keep
from .random_numbers import remember, reseed
from .server import LEAVING, POSSIBLE, ForkServer
from .spare import example, hear, put_into_words, rehearse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket
    from typing import Any

    from ..guardian import Guardian
    from ..job import Job
    from ..logs.capture import Log


class ForkExecutor(Executor):
    """Executes each run in a fork: isolated like a process, and no import is paid again.

    Implements: pyexp README, "Execution Modes".
    """

    name = "fork"
    blocking = False
    queues = POSSIBLE

    def __init__(self) -> None:
        self._server: ForkServer | None = None
        self._made_for: tuple[Callable[..., Any], Relocation | None, Guardian] | None = None

    def check(self) -> None:
        """Refuse where there is no fork, and where threads make it unsafe.

        Raises
        ------
        ExecutorError
            This process cannot be forked safely.
        """
        if not hasattr(os, "fork"):
            raise ExecutorError('the executor "fork" needs Linux or macOS; use "subprocess"')
        others = _threads()
        if others:
            raise ExecutorError(
                f'the executor "fork" cannot be used in a process with threads ({", ".join(others[:3])}): '
                'a fork may hang for ever; use "subprocess"'
            )

    def warm(self, fn: Callable[..., Any], relocation: Relocation | None, guardian: Guardian) -> None:
        """Have a process forked ahead, if that can be done: it waits for its job."""
        if not POSSIBLE or guardian.fd < 0:
            return
        try:
            if self._server is None or self._made_for != (fn, relocation, guardian):
                self.cool()
                if not may_fork():
                    return
                self._use(fork_server(fn), fn, relocation, guardian)
            assert self._server is not None
            self._server.ask()
        except OSError:  # somebody killed it, or there is no room for one
            self.cool()

    def _use(
        self, server: ForkServer, fn: Callable[..., Any], relocation: Relocation | None, guardian: Guardian
    ) -> None:
        self._server, self._made_for = server, (fn, relocation, guardian)
        pairs = None if relocation is None else relocation.state()
        server.prepare(plain_dumps(pairs, 5), guardian)

    def cool(self) -> None:
        """Fork anew from here on: what this process holds may have changed."""
        server, self._server = self._server, None
        if server is not None:
            server.retire()

    def start(self, job: Job, log: Log, guardian: Guardian) -> Handle:
        """Give the job to a process that was forked ahead, or to one that is forked now."""
        if self._server is not None and self._made_for == (job.fn, job.relocation, guardian):
            said = put_into_words(job)
            try:
                if said is not None:
                    return self._server.start(said, log, job.lock_fd)
            except OSError:  # somebody killed it, or there is no room for another process
                self.cool()
        self.check()
        _get_ready(job.relocation)
        pid = os.fork()
        if pid == 0:
            try:
                _perform(lambda: _enter_with(job, log.fd), guardian)
            finally:  # never back into what is the parent's
                os._exit(1)
        log.abandon()
        return ProcessHandle(pid, log, guardian)

    def close(self) -> None:
        """End the fork server."""
        server, self._server = self._server, None
        if server is not None:
            server.close()


def fork_server(fn: Callable[..., Any]) -> ForkServer:
    """Fork a server for runs of a function."""
    _get_ready(None)
    rehearsal = example(fn)
    return ForkServer(partial(_practise, fn, rehearsal), partial(_prepare, fn, rehearsal))


def _practise(fn: Callable[..., Any], rehearsal: bytes) -> None:
    """In the server: be one, and let Python adapt its code to what it does, which no process need do then."""
    _enter(None)
    for _ in range(PRACTICE):
        rehearse(rehearsal, fn)


def _prepare(fn: Callable[..., Any], rehearsal: bytes, said: bytes, guardian: Guardian) -> Callable[[socket], None]:
    """In the server: move to where the code is to be imported from, and give what its processes do."""
    pairs = loads(said)
    relocation = None
    if pairs is not None:
        relocation = Relocation(*pairs)
        Rerouting.by(relocation).prepare()
        Rerouting.by(relocation).apply()

    def begin(listening: socket) -> None:
        _perform(lambda: hear(listening, fn, relocation, rehearsal), guardian, lambda: listening.send(LEAVING))

    return begin


def may_fork() -> bool:
    """Tell whether this process can be forked safely."""
    return not _threads()


def _threads() -> list[str]:
    """Name the threads that make a fork unsafe."""
    others = [thread.name for thread in threading.enumerate() if thread is not threading.current_thread()]
    # In a process of `doit -n`, this one sends doit's answers; it holds no lock but its queue's own.
    return [name for name in others if name != "QueueFeederThread"]


def _get_ready(relocation: Relocation | None) -> None:
    """Do once, here, what every fork would have to do."""
    flush()  # else what this process holds back would be written by every fork
    sha256()
    remember()
    if relocation is not None:
        Rerouting.by(relocation).prepare()


def _enter(relocation: Relocation | None) -> None:
    """In a fork: be no build any more, but a process that executes a run, or makes others that do."""
    set_wakeup_fd(-1)
    for number in (SIGINT, SIGTERM, SIGCHLD):
        signal(number, SIG_DFL)
    if os.getpid() != os.getpgrp():
        os.setsid()
    atexit._clear()  # what is to happen when the build ends is not for its fork to do
    null = os.open(os.devnull, os.O_RDWR)
    point(null)
    os.dup2(null, 0)
    if null > 2:
        os.close(null)
    renew_streams()
    faulthandler.enable(2)
    if relocation is not None:
        Rerouting.by(relocation).apply()


def _enter_with(job: Job, log_fd: int) -> Job:
    _enter(job.relocation)
    point(log_fd)
    job.log_fd = log_fd
    if job.lock_fd >= 0:
        keep(job.lock_fd)
    if job.after is not None:
        wait_for(job.after)
    return job


def _perform(receive: Callable[[], Job], guardian: Guardian, say: Callable[[], object] = lambda: None) -> None:
    """Execute the run and end, whatever happens."""
    code = FAILED
    try:
        report_in(guardian.fd)
        reseed()
        code = receive().perform()
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        leave(code, say)
