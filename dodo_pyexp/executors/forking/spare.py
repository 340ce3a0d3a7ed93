"""A process that was made ahead and waits for its job; and the job, as it is said to one."""

from __future__ import annotations

import os
import sys
import time
from array import array

from ...collection.runs import Runs
from ...config.config import Config
from ...results.pickling import loads, plain_dumps
from ...results.result import Result
from ...store import timestamps
from ...store.paths import AttemptFolder
from ..job import Job
from ..logs.capture import point
from ..process import wait_for
from ..run_lock import keep

if sys.platform == "linux":
    from _socket import MSG_CMSG_CLOEXEC, SCM_RIGHTS, SOL_SOCKET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket

    from ..imports.relocation import Relocation

# Bytes a socket holds that nobody has read from yet; what is longer is left to a fork that knows it already.
MOST_BYTES = 60_000
MOST_UPSTREAMS = 50


class Spare:
    """A process that waits for its job.

    Parameters
    ----------
    pid
        The process.
    socket
        Where it listens.
    """

    __slots__ = ("pid", "socket")

    def __init__(self, pid: int, socket: socket) -> None:
        self.pid = pid
        self.socket = socket

    def take(self, said: bytes, fds: list[int]) -> None:
        """Hand a job over, with the open log, and the lock if there is one.

        Raises
        ------
        OSError
            Somebody killed the process.
        """
        self.socket.sendmsg([said], [(SOL_SOCKET, SCM_RIGHTS, array("i", fds))])


def put_into_words(job: Job) -> bytes | None:
    """Say a job to a process that has its function already; None if that cannot be done."""
    if len(job.deps) > MOST_UPSTREAMS:
        return None
    configs = [job.config] if job.kept_config is job.config else [job.config, job.kept_config]
    deps = [dep.reference() for dep in job.deps]
    try:
        said = plain_dumps(
            (job.name, job.arity, configs, deps, job.attempt.path, job.state, job.given, job.after, job.watched), 5
        )
    except Exception:  # pickling runs the config's own code
        return None
    return said if len(said) <= MOST_BYTES else None


def example(fn: Callable[..., object]) -> bytes:
    """Say a job that is like any other, but goes nowhere."""
    seconds = time.time()
    state = {"state": "running", "start": timestamps.to_iso(seconds), "start_seconds": seconds}
    said = put_into_words(Job("", fn, 1, Config({"name": ""}), Runs([]), AttemptFolder(os.devnull), state))
    assert said is not None
    return said


def rehearse(rehearsal: bytes, fn: Callable[..., object]) -> None:
    """Go through the motions of a run."""
    _understand(rehearsal, fn).rehearse()


def hear(listening: socket, fn: Callable[..., object], relocation: Relocation | None, rehearsal: bytes) -> Job:
    """Wait for the job; end this process if none comes.

    While there is none, its `rehearsal` is gone through: what was done once goes faster the second time.
    """
    rehearse(rehearsal, fn)
    said, received, _, _ = listening.recvmsg(MOST_BYTES, 64, MSG_CMSG_CLOEXEC)
    if not said:  # the build has ended, or does not need this process
        os._exit(0)
    fds = array("i", received[0][2])  # of the log, and of the lock
    for lock in fds[1:]:
        keep(lock)
    point(fds[0])
    job = _understand(said, fn)
    job.relocation = relocation
    job.log_fd = fds[0]
    if job.after is not None:
        wait_for(job.after)
    return job


def _understand(said: bytes, fn: Callable[..., object]) -> Job:
    name, arity, configs, deps, attempt, state, given, after, watched = loads(said)
    upstreams = Runs(Result.referred(reference) for reference in deps)
    job = Job(name, fn, arity, configs[0], upstreams, AttemptFolder(attempt), state, given)
    job.kept_config = configs[-1]
    job.after = after
    job.watched = watched
    return job
