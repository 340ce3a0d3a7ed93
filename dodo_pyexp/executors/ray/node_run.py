"""One run on a node: what a fork of the fork server does, from its first step to its end.

A fork pays for every memory page that it writes to, as the page has to be copied first; so all that does not depend on
the run is made before, by the server.
"""

from __future__ import annotations

import os
import signal
import sys

from ...collection.runs import Runs
from ...config.config import Config
from ...flushing import flush
from ...importing import definitions_only
from ...results.pickling import loads
from ...results.result import Result
from ...store import status
from ...store.digest import sha256
from ...store.opening import open_to_add
from ...store.paths import AttemptFolder
from ..forking.random_numbers import remember, reseed
from ..imports.reference import resolve_as_main
from ..job import FAILED, PRACTICE, Job, describe
from ..leaving import leave
from ..logs.capture import point

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from ..imports.relocation import Relocation
    from ..watching import Watching
    from .channel import Channel

_PR_SET_PDEATHSIG = 1


class Fork:
    """Executes runs, each in a fork that ends with it.

    Parameters
    ----------
    channel
        The server's own; no fork keeps it.
    reference, fn
        The experiment's function, and where it was imported before; None: each fork imports it.
    relocation
        Where the project's modules are imported from.
    watching
        What notes which files are read; it has begun before the function was imported.
    """

    def __init__(
        self, channel: Channel, reference: Any, fn: Callable[..., Any] | None, relocation: Relocation | None,
        watching: Watching | None,
    ) -> None:  # fmt: skip
        self._channel = channel
        self._reference = reference
        self._fn = fn
        self._relocation = relocation
        self._watching = watching
        self._prctl = _prctl()
        self._nothing: Runs[Result] = Runs([])
        self._empty = Config()
        sha256()
        remember()
        flush()
        # What has been done before leaves caches behind, and code that Python has adapted: no fork changes them then.
        for _ in range(PRACTICE):
            Job("", _missing, 2, self._empty, self._nothing, AttemptFolder(""), {"state": ""}).rehearse()

    def execute(self, order: bytes) -> NoReturn:
        """Execute the run in this process, a fork, and end it, whatever happens."""
        code = FAILED
        try:
            os.setsid()
            self._die_with_parent()
            os.close(self._channel.fd)
            code = self._perform(loads(order))
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            leave(code)

    def _die_with_parent(self) -> None:
        if self._prctl is not None:
            self._prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    def _perform(self, order: dict[str, Any]) -> int:
        attempt = AttemptFolder(order["attempt"])
        log = open_to_add(attempt.log, readable=bool(order["secrets"]))
        if order["secrets"]:
            from .masking import between

            log = between(log, order["secrets"])
            self._die_with_parent()
        point(log)
        deps = Runs([Result.referred(dep) for dep in order["deps"]]) if order["deps"] else self._nothing
        state = order["state"]
        job = Job(order["name"], _missing, order["arity"], self._empty, deps, attempt, state, order["given"])
        job.log_fd = log
        job.relocation = self._relocation
        job.places = order.get("inputs", {})
        job.watching = self._watching
        if job.watching is not None:
            job.watching.adopt(attempt)
        state["node"]["pid"] = os.getpid()
        status.write(attempt, state)  # now it is known where it runs, and since when
        try:
            job.fn = self._fn if self._fn is not None else resolve_as_main(self._reference)
            with definitions_only():
                job.config = loads(order["config"])
                job.kept_config = job.config if order["kept_config"] is None else loads(order["kept_config"])
        except BaseException as error:  # importing the user's code runs it
            return job.fail(describe(error))
        reseed()
        return job.perform()


def _prctl() -> Callable[[int, int], int] | None:
    """Give what lets a process die with its parent, where there is such a thing."""
    try:
        import ctypes

        return ctypes.CDLL(None).prctl if sys.platform == "linux" else None
    except (ImportError, OSError, AttributeError):
        return None


def _missing(*_: object) -> None:
    raise RuntimeError("the function was not loaded")
