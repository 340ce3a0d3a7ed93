"""A fork server: a fork of the build that does nothing but fork itself, so that the build need not.

A process that forks pays twice: for the fork, and then for every memory page that it writes to, which has to be copied
first. The server is forked once, and hardly writes to anything. It is told once what its processes are for; it makes
each of them ahead, which then waits for its job, and tells how it ended. When the build is gone, so is the server, with
all that it has forked.
"""

from __future__ import annotations

import errno
import os
import select
import sys
from array import array

from ..guardian import Guardian
from ..handle import Ended, Handle
from ..process import close_watched, kill_group, wait_for
from ..standard_streams import above_standard
from .spare import MOST_BYTES, Spare

if sys.platform == "linux":
    from _socket import AF_UNIX, MSG_CMSG_CLOEXEC, MSG_DONTWAIT, SCM_RIGHTS, SO_TYPE, SOCK_SEQPACKET, SOL_SOCKET
    from socket import socket, socketpair

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from ..logs.capture import Log


def _possible() -> bool:
    """Tell whether processes can be waited for by pidfds here: Python may know them, and the kernel not."""
    if sys.platform != "linux":
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True


# A message arrives whole, or not at all: elsewhere, sockets between processes know no such messages.
POSSIBLE = _possible()
PATIENCE_SECONDS = 10.0  # seconds the server may take for a fork, or for its own end
LEAVING = b"leaving"  # what a process says last: how its run went is written
_FORK, _KILL, _PREPARE = b"f", b"k", b"p"

_open: set[socket] = set()  # of this process alone: no fork of it may speak here, or hide that it is gone


class ForkServer:
    """The server as the build sees it.

    Parameters
    ----------
    enter
        What the server does first, once for all that it forks.
    prepare
        Understands what the server is told, with the guardian that is to know of every process, and gives what a
        process does that it forks from then on: that is given its end of a socket, and does not return.

    Raises
    ------
    OSError
        There is no room for another process, or for its descriptors.
    """

    def __init__(
        self, enter: Callable[[], None], prepare: Callable[[bytes, Guardian], Callable[[socket], None]]
    ) -> None:
        mine, theirs = (_above(end) for end in socketpair(AF_UNIX, SOCK_SEQPACKET))
        self._control = mine
        self._control.settimeout(PATIENCE_SECONDS)
        self._asked = False
        self._spare: Spare | None = None
        self._flying = 0
        self._retired = False
        self.guardian = Guardian()
        try:
            self.pid = os.fork()
        except OSError:
            mine.close()
            theirs.close()
            raise
        if self.pid == 0:
            try:
                self._control.close()
                close_watched()
                enter()
                _serve(theirs, prepare)
            finally:  # never back into what is the parent's
                os._exit(1)
        theirs.close()
        _open.add(self._control)

    def prepare(self, said: bytes, guardian: Guardian) -> None:
        """Tell it what its processes are for, and who is to know of them; only then can it make any.

        Raises
        ------
        OSError
            The server is gone, or there is too much to tell.
        """
        guardian.note(self.pid)  # a server that somebody has stopped does not see that the build is gone
        self.guardian = guardian
        if len(said) >= MOST_BYTES:
            raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
        self._control.sendmsg([_PREPARE, said], [(SOL_SOCKET, SCM_RIGHTS, array("i", [guardian.fd]))])

    def ask(self) -> None:
        """Have a process made, if there is none that waits for a job.

        Raises
        ------
        OSError
            The server is gone.
        """
        if self._spare is None and not self._asked:
            self._control.send(_FORK)
            self._asked = True

    def start(self, said: bytes, log: Log, lock_fd: int) -> Handle:
        """Hand a job to a process of the server's.

        Raises
        ------
        OSError
            That process, or the server, is gone; the job has not begun.
        """
        self.ask()
        if self._spare is None:
            self._spare = self._receive()
        spare, self._spare = self._spare, None
        try:
            spare.take(said, [log.fd] if lock_fd < 0 else [log.fd, lock_fd])
        except OSError:
            self._forget(spare.socket)
            raise
        self._flying += 1
        return ServedHandle(self, spare, log)

    def _receive(self) -> Spare:
        self._asked = False
        said, received, _, _ = self._control.recvmsg(64, 64, MSG_CMSG_CLOEXEC)
        if not said:
            raise BrokenPipeError("the fork server is gone")
        if not received:  # it could not fork, or no descriptor is left here
            number = int(said) if said[:1] == b"-" else -errno.EMFILE
            raise OSError(-number, os.strerror(-number))
        connection = _above(socket(fileno=array("i", received[0][2])[0]))
        _open.add(connection)
        return Spare(int(said), connection)

    def kill(self, pid: int) -> None:
        """Kill a process with its group, unless it has ended."""
        try:
            self._control.send(_KILL + b"%d" % pid)
        except OSError:  # the server is gone, so nobody else clears it away
            kill_group(pid)

    def landed(self, connection: socket) -> None:
        """Take note that a process has ended."""
        self._forget(connection)
        self._flying -= 1
        if self._retired and not self._flying:
            self.close()

    def retire(self) -> None:
        """End when what is on its way has ended: the build has changed since it was copied."""
        self._retired = True
        if not self._flying:
            self.close()

    def close(self) -> None:
        """End the server, with the process that waits for a job."""
        if self._control.fileno() < 0:
            return
        if self._spare is not None:
            self._forget(self._spare.socket)
        self._forget(self._control)
        try:
            if not wait_for(self.pid, PATIENCE_SECONDS):
                os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):  # the user's own code waited for "any child"
            pass
        self.guardian.forget(self.pid)

    @staticmethod
    def _forget(connection: socket) -> None:
        _open.discard(connection)
        connection.close()


class ServedHandle(Handle):
    """Watches a process of the server's: its socket tells how it ended.

    Parameters
    ----------
    server
        That has forked it.
    spare
        It.
    log
        Closed when the process has ended.
    """

    def __init__(self, server: ForkServer, spare: Spare, log: Log) -> None:
        self.pid: int = spare.pid
        self._server = server
        self._socket = spare.socket
        self._log = log
        self._ended: Ended | None = None
        log.abandon()

    def fileno(self) -> int:
        """Give the socket, on which the server says how the process ended."""
        return self._socket.fileno()

    def poll(self) -> Ended | None:
        """Tell how the process ended; None while it goes on."""
        if self._ended is None:
            try:
                said = self._socket.recv(64, MSG_DONTWAIT)
                while said == LEAVING:
                    self.leaving = True
                    said = self._socket.recv(64, MSG_DONTWAIT)
            except BlockingIOError:
                return None
            except OSError:
                said = b""
            self._ended = Ended(int(said)) if said else self._orphaned()
            self._server.landed(self._socket)
            self._ended.close(self._log)
        return self._ended

    def kill(self) -> None:
        """Kill the process with its whole group."""
        if self._ended is None:
            self._server.kill(self.pid)

    def _orphaned(self) -> Ended:
        """End a process whose server is gone."""
        kill_group(self.pid)
        wait_for(self.pid, PATIENCE_SECONDS)
        self._server.guardian.forget(self.pid)
        return Ended(cause="the fork server that had started it was killed", lost=True)


def _above(connection: socket) -> socket:
    return socket(fileno=above_standard(connection.detach()))


def _close_all() -> None:
    """In a fork: these are not its ends."""
    for connection in _open:
        try:
            stands = connection.getsockopt(SOL_SOCKET, SO_TYPE) == SOCK_SEQPACKET
        except OSError:
            stands = False
        if stands:
            connection.close()
        else:  # the user's code has closed all descriptors, and the number means something else now
            connection.detach()
    _open.clear()


os.register_at_fork(after_in_child=_close_all)


# -- in the server ------------------------------------------------------------------------------------------------


def _serve(control: socket, prepare: Callable[[bytes, Guardian], Callable[[socket], None]]) -> NoReturn:
    """Fork when asked to, and tell how each process ended, until the build is gone."""
    guardian = Guardian()
    begin: Callable[[socket], None] | None = None
    children: dict[int, tuple[int, socket]] = {}
    waiting = select.poll()
    waiting.register(control, select.POLLIN)
    while True:
        for fd, _ in waiting.poll():
            if fd != control.fileno():
                waiting.unregister(fd)
                os.close(fd)
                _bury(*children.pop(fd), guardian)
                continue
            try:
                said, received, _, _ = control.recvmsg(MOST_BYTES, 64, MSG_CMSG_CLOEXEC)
            except OSError:  # the build is gone, and has not read everything
                said = b""
            if said[:1] == _PREPARE:
                import gc

                guardian.fd = array("i", received[0][2])[0]
                begin = prepare(said[1:], guardian)
                gc.freeze()  # else every process copies what its garbage collector only looks at
            elif said == _FORK and begin is not None:
                try:
                    pid, ended, connection = _fork(control, children, begin)
                except OSError as error:  # too many processes, or descriptors
                    _try_send(control, b"-%d" % (error.errno or errno.EAGAIN))
                    continue
                children[ended] = pid, connection
                waiting.register(ended, select.POLLIN)
            elif said[:1] == _KILL:
                pid = int(said[1:])
                if any(pid == child for child, _ in children.values()):
                    kill_group(pid)
            else:
                for pid, _ in children.values():
                    kill_group(pid)
                    guardian.forget(pid)
                os._exit(0)


def _fork(
    control: socket, children: dict[int, tuple[int, socket]], begin: Callable[[socket], None]
) -> tuple[int, int, socket]:
    """Make a process, and hand its socket to the build."""
    mine, theirs = socketpair(AF_UNIX, SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        try:
            control.close()
            mine.close()
            for ended, (_, connection) in children.items():
                os.close(ended)
                connection.close()
            _open.add(theirs)
            begin(theirs)
        finally:
            os._exit(1)
    try:
        ended = os.pidfd_open(pid)
    except OSError:
        kill_group(pid)
        os.waitpid(pid, 0)
        raise
    try:
        control.sendmsg([b"%d" % pid], [(SOL_SOCKET, SCM_RIGHTS, array("i", [mine.fileno()]))])
    except OSError:  # the build is gone, which the next look tells
        pass
    mine.close()
    return pid, ended, theirs


def _bury(pid: int, connection: socket, guardian: Guardian) -> None:
    """Clear away a process that has ended, with what it left running, and tell how it ended."""
    kill_group(pid)  # before the pid is given back, so that it cannot mean anybody else
    status = os.waitpid(pid, 0)[1]
    guardian.forget(pid)
    _try_send(connection, b"%d" % os.waitstatus_to_exitcode(status))
    connection.close()


def _try_send(connection: socket, said: bytes) -> None:
    try:
        connection.send(said)
    except OSError:  # the build wants nothing of it any more
        pass
