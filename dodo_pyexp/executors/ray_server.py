"""The fork server of one Ray worker: it has imported the experiment's code once, and forks itself for each run.

A Ray worker executes many runs one after the other, and starts slowly. A run in a process of its own cannot harm it,
leaves nothing behind in it, and ends with an exit status that tells what happened.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import select
import signal
import sys
import threading

from ..importing import definitions_only
from ..results.pickling import dumps, load, loads
from .capture import redirect
from .job import FAILED
from .leaving import leave

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO, Any, NoReturn

READY, UNFIT = "ready", "unfit"
_PR_SET_PDEATHSIG = 1
_DEVICES = "/dev/nvidia", "/dev/dxg", "/dev/kfd", "/dev/dri/", "/dev/accel"


class Channel:
    """Messages through a descriptor, each with its length in front."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def send(self, message: Any) -> None:
        """Send a message."""
        data = dumps(message)
        data = len(data).to_bytes(8, "little") + data
        while data:
            data = data[os.write(self.fd, data) :]

    def receive(self) -> Any:
        """Wait for a message; None when there will be no more."""
        size = self._read(8)
        data = None if size is None else self._read(int.from_bytes(size, "little"))
        return None if data is None else loads(data)

    def _read(self, size: int) -> bytes | None:
        parts: list[bytes] = []
        while size:
            try:
                part = os.read(self.fd, min(size, 1 << 20))
            except ConnectionResetError:
                return None
            if not part:
                return None
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


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
        from .relocation import Relocation

        relocation = Relocation(kit["relocation"])
        relocation.install()
    kit["installed"] = relocation
    fn = _preload(kit) if kit["preload"] else None
    kit["die_with"] = _prctl()
    gc.collect()
    gc.freeze()  # else every fork copies what it only looks through
    channel.send((READY if _fit() else UNFIT, os.getpid()))
    while (order := channel.receive()) is not None:
        channel.send(_serve(order, fn, kit, channel))
    os._exit(0)


def _enter(folder: str | None) -> None:
    try:
        if folder:
            os.chdir(folder)
    except OSError:
        pass


def _preload(kit: dict[str, Any]) -> Callable[..., Any] | None:
    """Import the function, and what each run would import again; what goes wrong is for the run itself to tell."""
    from ..collection import runs  # noqa: F401  # so that no fork has to
    from ..config import config  # noqa: F401
    from ..results import outcome  # noqa: F401
    from ..store.digest import sha256
    from .reference import resolve

    sha256()
    try:
        return resolve(kit["fn"])
    except BaseException:
        return None


def _prctl() -> Callable[[int, int], int] | None:
    """Give what lets a process die with its parent, where there is such a thing."""
    try:
        import ctypes

        return ctypes.CDLL(None).prctl if sys.platform == "linux" else None
    except (ImportError, OSError, AttributeError):
        return None


def _fit() -> bool:
    """Tell whether this process can be forked safely: it has no threads, and has not taken hold of a GPU."""
    return threading.active_count() == 1 and "jax" not in sys.modules and not holds_device()  # jax has threads of C++


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


def _serve(order: dict[str, Any], fn: Callable[..., Any] | None, kit: dict[str, Any], channel: Channel) -> int:
    """Execute one run in a fork, and give its exit status as `subprocess` has it."""
    pid = os.fork()
    if pid == 0:
        _child(order, fn, kit, channel)
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
                _kill(pid)
                os.waitpid(pid, 0)
                if channel.receive() is None:
                    os._exit(0)
                return -signal.SIGKILL
            if ended < 0 and not os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                continue
            if ended < 0 or ended in ready:
                _kill(pid)  # what it left running, before its pid is given back
                return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    finally:
        if ended >= 0:
            os.close(ended)


def _kill(pid: int) -> None:
    for kill in (os.killpg, os.kill):
        try:
            kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass


def _child(order: dict[str, Any], fn: Callable[..., Any] | None, kit: dict[str, Any], channel: Channel) -> NoReturn:
    """Execute the run, and end, whatever happens."""
    code = FAILED
    try:
        os.setsid()
        if kit["die_with"] is not None:
            kit["die_with"](_PR_SET_PDEATHSIG, signal.SIGKILL)
        os.close(channel.fd)
        os.environ.update(order["environment"])
        log = os.open(f"{order['attempt']}/log.out", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        redirect(log)
        faulthandler.enable(2)
        code = _perform(order, fn, kit, log)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        leave(code)


def _perform(order: dict[str, Any], fn: Callable[..., Any] | None, kit: dict[str, Any], log: int) -> int:
    from ..collection.runs import Runs
    from ..config.config import Config
    from ..results.result import Result
    from ..store import status
    from ..store.paths import AttemptFolder
    from .job import Job, describe
    from .reference import resolve

    attempt = AttemptFolder(order["attempt"])
    job = Job(
        order["name"], _missing, order["arity"], Config(), Runs(Result.referred(dep) for dep in order["deps"]),
        attempt, order["state"], order["given"],
    )  # fmt: skip
    job.log_fd = log
    job.relocation = kit["installed"]
    job.state["node"]["pid"] = os.getpid()
    status.write(attempt, job.state)  # now it is known where it runs, and since when
    try:
        job.fn = fn if fn is not None else resolve(kit["fn"])
        with definitions_only():
            job.config = loads(order["config"])
            job.kept_config = job.config if order["kept_config"] is None else loads(order["kept_config"])
    except BaseException as error:  # importing the user's code runs it
        return job.fail(describe(error))
    if "numpy.random" in sys.modules:  # else every fork would draw the same numbers
        sys.modules["numpy"].random.seed()
    return job.perform()


def _missing(*_: object) -> None:
    raise RuntimeError("the function was not loaded")
