"""`Job`: all that an executor needs to execute one run, and `perform`, which does it.

Implements: DESIGN section 8: an executor only executes; everything about the attempt is written here, the same
for all of them.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from ..results import outcome
from ..store import status
from ..store.paths import AttemptFolder

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..collection.runs import Runs
    from ..config.config import Config
    from ..results.result import Result


class Job:
    """One execution of one run.

    Parameters
    ----------
    name
        The name of the run.
    fn
        The experiment function.
    arity
        How many positional arguments it takes: config; config, out; or config, out, deps.
    config
        The config without `depends_on`; the function sees it with `out` added.
    deps
        The results of the upstreams.
    attempt
        Where everything goes.
    state
        What the status says at the start; the ending adds to it.
    """

    __slots__ = ("arity", "attempt", "config", "deps", "fn", "name", "state")

    def __init__(
        self,
        name: str,
        fn: Callable[..., Any],
        arity: int,
        config: Config,
        deps: Runs[Result],
        attempt: AttemptFolder,
        state: dict[str, Any],
    ) -> None:
        self.name = name
        self.fn = fn
        self.arity = arity
        self.config = config
        self.deps = deps
        self.attempt = attempt
        self.state = state

    def call(self, config: Config | None = None) -> Any:
        """Call the experiment function with as many arguments as it takes."""
        from pathlib import Path

        out = Path(self.attempt.path)
        config = (self.config if config is None else config).copy()
        config["out"] = out
        return self.fn(*(config, out, self.deps)[: self.arity])

    def perform(self, call: Callable[[], Any] | None = None) -> bool:
        """Execute the run here and write how it went; True if it succeeded.

        Whatever the function raises is recorded; only `KeyboardInterrupt` in the build's own process goes on up.
        """
        try:
            value = (call or self.call)()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and self.state["owner"]["pid"] == os.getpid():
                raise
            return self.fail(describe(error))
        _flush()
        try:
            outcome.save_success(self.attempt, self.state, self.config, value)
        except outcome.UnsavableResult as error:
            return self.fail({"type": "UnsavableResult", "message": str(error), "where": None, "traceback": ""})
        except OSError as error:
            return self.fail(describe(error))
        return True

    def fail(self, error: dict[str, Any]) -> bool:
        """Record that the run failed, in its log too; always False."""
        headline = f"{error['type']}: {error['message']}"
        try:
            _flush()
            with open(self.attempt.log, "a", encoding="utf-8", errors="replace") as log:
                log.write(error.get("traceback") or headline + "\n")
        except OSError:
            pass
        try:
            outcome.save_failure(self.attempt, self.state, self.config, error)
        except OSError:  # a full disk: the build finds an attempt that never ended, and says so
            pass
        return False


def describe(error: BaseException) -> dict[str, Any]:
    """Put an exception into a form that JSON can hold: type, message, place and traceback of the user's code."""
    import traceback

    trace = error.__traceback__
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(own) and trace.tb_next is not None:
        trace = trace.tb_next
    try:
        text = "".join(traceback.format_exception(type(error), error, trace))
    except Exception:  # an exception whose __str__ raises
        text = f"{type(error).__name__}\n"
    where = None
    if trace is not None:
        frames = traceback.extract_tb(trace)
        where = f"{frames[-1].filename}:{frames[-1].lineno}"
    try:
        message = str(error)
    except Exception:
        message = "(its message cannot be shown)"
    if isinstance(error, SystemExit):
        message = f"the function called sys.exit({error.code!r})"
    return {"type": type(error).__name__, "message": message, "where": where, "traceback": text}


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):  # the function closed or replaced it
            pass


def ended(attempt: AttemptFolder) -> bool:
    """Tell whether whoever executed the attempt got as far as writing how it went."""
    return status.read(attempt).get("state") in (status.FINISHED, status.FAILED)
