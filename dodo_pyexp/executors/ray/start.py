"""Joining a Ray cluster, starting one on this machine, and leaving it: from the import to the end."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from ...errors import INTERRUPTED, ExecutorError, MissingExtra
from ...store.paths import shown
from .head import connection_hint, reach
from .trouble import concerns_environment, connection_failure, first_line, mute, without_chatter

if TYPE_CHECKING:
    from types import FrameType

MISSING = 'the executor "ray" needs Ray: pip install "dodo-pyexp[ray]"'


def imported() -> Any:
    """Import Ray.

    Raises
    ------
    ExecutorError
        That cannot be done: it, or something that it needs, is damaged; or something else goes by its name.
    """
    try:
        import ray
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and error.name == "ray":  # what was found is a file of the user's
            raise MissingExtra(MISSING) from None
        kind, said = type(error).__name__, first_line(error)
        cause = kind if said == kind else f"{kind}: {said}"
        raise ExecutorError(
            f'the executor "ray" cannot import Ray ({cause}); '
            'install it again: pip install --force-reinstall "dodo-pyexp[ray]"'
        ) from None
    if not hasattr(ray, "init"):
        place = ray.__file__ or next(iter(ray.__path__), "?")
        raise ExecutorError(f'the executor "ray" needs Ray, but here ray is {shown(place)}; give that another name')
    return ray


class PuttingOff:
    """While its ``with`` block lasts, Ctrl-C and SIGTERM wait: Ray crashes where one breaks into its start or its end.

    What came meanwhile is passed on when the block ends, to whoever listened before.

    Parameters
    ----------
    starting
        Ray is starting, which may take long: this is said at the first Ctrl-C, and the second ends this process at
        once, as SIGTERM does, unless somebody works in it. What Ray has started by then ends by itself.

    Attributes
    ----------
    came
        What has come: at most one of each kind.
    """

    def __init__(self, *, starting: bool = False) -> None:
        self.came: dict[int, None] = {}
        self._starting = starting
        self._before: dict[int, Any] = {}

    def __enter__(self) -> PuttingOff:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._starting:
            if (number in self.came or number == signal.SIGTERM) and not _is_session():
                os._exit(INTERRUPTED)
            with contextlib.suppress(Exception):  # nobody reads it, or Python is writing there just now
                print("stopping as soon as Ray has started; Ctrl-C again ends this at once", file=sys.stderr)
        self.came[number] = None

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for number in self.came:
            signal.raise_signal(number)


def _is_session() -> bool:
    """Tell whether somebody types into this process: a notebook, or a prompt."""
    return hasattr(sys, "ps1") or "ipykernel" in sys.modules


class Connection:
    """Joins a cluster; or starts one on this machine, if there is no address.

    A thread does that, and ends it: the main thread is told of signals meanwhile, however long a library in C takes,
    and Ray sets no handlers of its own. The thread lives in between, as what Ray has started ends with it.

    Parameters
    ----------
    address, runtime_env, more
        As `ray.init` has them.

    Attributes
    ----------
    ray
        The module.
    mine
        This has connected it; code of the user's may have done so before.

    Raises
    ------
    ExecutorError
        There is none, or it did not want this build.
    KeyboardInterrupt
        Somebody asked the build to stop meanwhile; Ray is left again.
    """

    def __init__(self, address: str | None, runtime_env: dict[str, Any] | None, more: dict[str, Any]) -> None:
        self._begun, self._over = threading.Event(), threading.Event()
        self._failed: BaseException | None = None
        with PuttingOff(starting=True) as signals:
            self.ray = imported()
            self.mine = not self.ray.is_initialized()
            self._thread = threading.Thread(
                target=self._live, args=[address, runtime_env, more], daemon=True, name="pyexp-ray"
            )
            if self.mine and not signals.came:
                self._thread.start()
                while not self._begun.wait(1.0):
                    pass
            if signals.came:
                self.close()
        if signals.came:  # nothing has been started yet that would have to end by itself
            raise KeyboardInterrupt
        if self._failed is not None:
            self._over.set()
            raise self._failed

    def _live(self, *how: Any) -> None:
        try:
            _begin(self.ray, *how)
        except BaseException as error:
            self._failed = error
        self._begun.set()
        self._over.wait()
        with contextlib.suppress(Exception):
            self.ray.shutdown()
            mute(False)

    def close(self) -> None:
        """Leave the cluster; one that was started on this machine ends."""
        self._over.set()
        if self._thread.ident is not None:
            with PuttingOff():
                self._thread.join()


def _begin(ray: Any, address: str | None, runtime_env: dict[str, Any] | None, more: dict[str, Any]) -> None:
    where, client = address or "on this machine", bool(address and address.startswith("ray://"))
    arguments: dict[str, Any] = {"log_to_driver": False, "configure_logging": False, **more}
    if address is None:
        address = "local"  # else Ray would join whatever cluster has been started here
        arguments.setdefault("include_dashboard", False)
        if "RAY_memory_monitor_refresh_ms" not in os.environ:  # the kernel knows better whom to kill
            arguments.setdefault("_system_config", {"memory_monitor_refresh_ms": 0})
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    elif address not in ("auto", "local"):
        with without_chatter():
            reach(address[6:].split("/")[0] if client else address, address)
    if client:  # these are for a process that is part of the cluster
        arguments = {"log_to_driver": False, **more}
    try:
        with without_chatter():
            try:
                ray.init(address=address, runtime_env=runtime_env, **arguments)
            except ConnectionAbortedError:  # the client server could not fork one for us, which happens by chance
                ray.init(address=address, runtime_env=runtime_env, **arguments)
        mute(not arguments["log_to_driver"])
    except (Exception, SystemExit) as error:
        hint = "" if concerns_environment(error) else f"; {connection_hint(address)}"
        what = f"could not connect to the cluster {where}: {connection_failure(error)}"
        if "Could not find any running Ray instance" in str(error):
            what = "found no cluster on this machine"
        raise ExecutorError(f'the executor "ray" {what}{hint}') from None
