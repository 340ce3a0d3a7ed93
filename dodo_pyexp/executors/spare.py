"""A fork made ahead: it waits for its job, so that it is made in the time in which another run is executed."""

from __future__ import annotations

import os
import sys
from array import array

from ..collection.runs import Runs
from ..results.pickling import loads, plain_dumps
from ..results.result import Result
from ..store.paths import AttemptFolder
from .capture import above_standard, point
from .job import Job

if sys.platform == "linux":
    from _socket import AF_UNIX, MSG_CMSG_CLOEXEC, SCM_RIGHTS, SOCK_SEQPACKET, SOL_SOCKET, socket, socketpair

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .capture import Log
    from .relocation import Relocation

POSSIBLE = sys.platform == "linux"
"""A message arrives whole, or not at all: elsewhere, sockets between processes know no such messages."""
MOST_BYTES = 60_000
"""So much a socket holds that nobody has read from yet; what is longer is left to a fork that knows it already."""
MOST_UPSTREAMS = 50


class Spare:
    """A child of this process that waits to be told its job.

    Parameters
    ----------
    fn, relocation
        The experiment function of the jobs that it can do, and where they import modules from.
    begin
        What the child does; it is given what waits for the job, and does not return.
    """

    def __init__(
        self,
        fn: Callable[..., object],
        relocation: Relocation | None,
        begin: Callable[[Callable[[], Job]], None],
    ) -> None:
        self._made_for = fn, relocation
        self._socket, theirs = socketpair(AF_UNIX, SOCK_SEQPACKET)
        listening = above_standard(theirs.detach())
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self._socket.close()
                begin(lambda: _job(socket(fileno=listening), fn, relocation))
            finally:  # never back into what is the parent's
                os._exit(1)
        os.close(listening)

    def take(self, job: Job, log: Log) -> bool:
        """Hand the job over; False if this process is not fit for it, or is gone."""
        fn, relocation = self._made_for
        if job.fn is not fn or job.relocation is not relocation or len(job.deps) > MOST_UPSTREAMS:
            return False
        same = job.kept_config is job.config
        configs = [job.config] if same else [job.config, job.kept_config]
        deps = [dep.reference() for dep in job.deps]
        try:
            said = plain_dumps((job.name, job.arity, configs, deps, job.attempt.path, job.state, job.given), 5)
        except Exception:  # pickling runs the config's own code
            return False
        fds = array("i", [log.fd] if job.lock_fd < 0 else [log.fd, job.lock_fd])
        try:
            if len(said) > MOST_BYTES:
                return False
            self._socket.sendmsg([said], [(SOL_SOCKET, SCM_RIGHTS, fds)])
        except OSError:  # somebody killed it
            return False
        self._socket.close()
        return True

    def close(self) -> None:
        """End it, unused."""
        self._socket.close()
        try:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):  # the user's own code waited for "any child"
            pass


def _job(listening: socket, fn: Callable[..., object], relocation: Relocation | None) -> Job:
    """Wait for the job; end this process if none comes."""
    said, received, _, _ = listening.recvmsg(MOST_BYTES, 64, MSG_CMSG_CLOEXEC)
    if not said:  # the build has ended, or does not need this process
        os._exit(0)
    listening.close()
    fds = array("i", received[0][2])  # of the log, and of the lock, which is held as long as this process lives
    point(fds[0])
    name, arity, configs, deps, attempt, state, given = loads(said)
    upstreams = Runs(Result.referred(reference) for reference in deps)
    job = Job(name, fn, arity, configs[0], upstreams, AttemptFolder(attempt), state, given)
    job.kept_config = configs[-1]
    job.relocation = relocation
    job.log_fd = fds[0]
    return job
