"""The fork server of one Ray worker: it has imported the experiment's code once, and forks itself for each run.

A Ray worker executes many runs one after the other, and starts slowly. A run in a process of its own cannot harm it,
leaves nothing behind in it, and ends with an exit status that tells what happened.
"""

from __future__ import annotations

import _thread
import faulthandler
import gc
import os
import select
import signal
import sys

from ...results.pickling import load
from ..logs.capture import renew_streams
from ..process import kill_group
from ..watching import Watching
from .channel import Channel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO, Any, NoReturn

    from .node_run import Fork

READY, UNFIT = "ready", "unfit"
_DEVICES = "/dev/nvidia", "/dev/dxg", "/dev/kfd", "/dev/dri/", "/dev/accel"


def main(stdin: IO[bytes]) -> NoReturn:
    """Serve until the other end of the channel is closed, which also happens when the Ray worker dies."""
    kit: dict[str, Any] = load(stdin)
    stdin.close()
    if os.fork():  # Ray kills the children of a worker that dies, before they could end what they have started
        os._exit(0)
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    sys.argv = kit["argv"]
    channel = Channel(kit["channel"])
    _enter(kit["cwd"])
    relocation = None
    if kit["relocation"]:
        from ..imports.relocation import Relocation
        from ..imports.rerouting import Rerouting

        relocation = Relocation(kit["relocation"])
        Rerouting.by(relocation).install()
    renew_streams()  # they write at once, so that forks have nothing of each other's to write
    faulthandler.enable(2)
    if kit["ray"]:
        from .options import hold

        hold(kit["ray"])
    watching = None if kit["watched"] is None else Watching(kit["watched"], kit["relocation"] or [])
    fn = _preload(kit) if kit["preload"] else None
    from .node_run import Fork  # with all that a fork needs of pyexp, so that none has to import it

    fork = Fork(channel, kit["fn"], fn, relocation, watching)
    gc.collect()
    gc.freeze()  # else every fork copies what it only looks through
    channel.send((READY if _fit() else UNFIT, os.getpid()))
    while (order := channel.receive_packed()) is not None:
        channel.send(_serve(order, fork, channel))
    os._exit(0)


def _enter(folder: str | None) -> None:
    try:
        if folder:
            os.chdir(folder)
    except OSError:
        pass


def _preload(kit: dict[str, Any]) -> Callable[..., Any] | None:
    """Import the function; what goes wrong is for the run itself to tell."""
    from ..imports.reference import resolve_as_main

    try:
        return resolve_as_main(kit["fn"])
    except BaseException:
        return None


def _fit() -> bool:
    """Tell whether this process can be forked safely: it has no threads, and has not taken hold of a GPU."""
    return _thread._count() == 0 and "jax" not in sys.modules and not holds_device()  # jax has threads of C++


def holds_device(beginnings: tuple[str, ...] = _DEVICES) -> bool:
    """Tell whether this process has a device open that does not work in a fork.

    `torch.cuda.is_available()` is enough for that, though CUDA then counts as not initialized.
    """
    try:
        names = os.listdir("/proc/self/fd")
    except OSError:  # macOS
        return False
    for name in names:
        try:
            if os.readlink(f"/proc/self/fd/{name}").startswith(beginnings):
                return True
        except OSError:  # that of the list itself
            continue
    return False


def _serve(order: bytes, fork: Fork, channel: Channel) -> int:
    """Execute one run in a fork, and give its exit status as `subprocess` has it."""
    pid = os.fork()
    if pid == 0:
        fork.execute(order)
    waiting = select.poll()
    waiting.register(channel.fd, select.POLLIN)
    try:
        ended = os.pidfd_open(pid)
        waiting.register(ended, select.POLLIN)
    except (AttributeError, OSError):  # macOS, old kernels
        ended = -1
    try:
        while True:
            ready = [fd for fd, _ in waiting.poll(-1 if ended >= 0 else 20)]
            if channel.fd in ready:  # told to kill it, or the Ray worker is gone
                kill_group(pid)
                os.waitpid(pid, 0)
                if channel.receive() is None:
                    os._exit(0)
                return -signal.SIGKILL
            if ended < 0 and not os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                continue
            if ended < 0 or ended in ready:
                kill_group(pid)  # what it left running, before its pid is given back
                return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    finally:
        if ended >= 0:
            os.close(ended)
