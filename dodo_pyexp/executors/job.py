"""`Job`: all that an executor needs to execute one run, and `perform`, which does it.

Implements: DESIGN section 8: an executor only executes; everything about the attempt is written here, the same
for all of them.
"""

from __future__ import annotations

import os
import sys

from ..results import outcome
from ..store import status
from ..store.paths import AttemptFolder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..collection.runs import Runs
    from ..config.config import Config
    from ..results.result import Result


SUCCEEDED = 0
FAILED = 1
LOST = 74
"""Exit statuses of an executing process; `LOST`: how the run went could not be written to its folder."""


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

    Attributes
    ----------
    log_fd
        An open end of the log, out of the function's reach; -1 if there is none.
    """

    __slots__ = ("arity", "attempt", "config", "deps", "fn", "log_fd", "name", "state")

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
        self.log_fd = -1

    def call(self, config: Config | None = None) -> Any:
        """Call the experiment function with as many arguments as it takes."""
        from pathlib import Path

        config = (self.config if config is None else config).copy()
        out = config.setdefault("out", Path(self.attempt.path))
        return self.fn(*(config, out, self.deps)[: self.arity])

    def perform(self, call: Callable[[], Any] | None = None) -> int:
        """Execute the run here, write how it went, and give the exit status that says so.

        Whatever the function raises is recorded; only `KeyboardInterrupt` in the build's own process goes on up.
        """
        own = outcome.OwnFiles(self.attempt)
        try:
            value = (call or self.call)()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and self.state["owner"]["pid"] == os.getpid():
                raise
            return self.fail(describe(error))
        _flush()
        try:
            outcome.save_success(self.attempt, self.state, self.config, value, own)
        except outcome.UnsavableResult as error:
            return self.fail({"type": "UnsavableResult", "message": str(error), "where": None, "traceback": ""})
        except OSError as error:
            return self.fail(describe(error))
        return SUCCEEDED

    def fail(self, error: dict[str, Any]) -> int:
        """Record that the run failed, in its log too, and give the exit status that says so."""
        _flush()
        self._log(error.get("traceback") or f"{error['type']}: {error['message']}\n")
        try:
            outcome.save_failure(self.attempt, self.state, self.config, error)
        except OSError:  # a full disk: the build finds an attempt that never ended, and says so
            return LOST
        return FAILED

    def _log(self, text: str) -> None:
        """Add to the log where everything else goes, so that it is shown too; else to the file."""
        data = text.encode("utf-8", "backslashreplace")
        try:
            if self.log_fd >= 0:
                os.write(self.log_fd, data)
                return
        except OSError:  # the function closed what it did not open
            pass
        try:
            with open(self.attempt.log, "ab") as log:
                log.write(data)
        except OSError:
            pass


def describe(error: BaseException) -> dict[str, Any]:
    """Put an exception into a form that JSON can hold: type, message, place and traceback of the user's code."""
    if isinstance(error, RunError):
        return error.described
    import traceback

    trace = error.__traceback__
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(own) and trace.tb_next is not None:
        trace = trace.tb_next
    try:
        text = "".join(traceback.format_exception(type(error), error, trace))
    except Exception:  # an exception whose own code raises
        text = f"{type(error).__name__}\n"
    where = None
    if trace is not None:
        frames = traceback.extract_tb(trace)
        # A misspelt key is raised by `Config`, but it is the user's line that has to be mended.
        last = next((frame for frame in reversed(frames) if not frame.filename.startswith(own)), frames[-1])
        where = f"{last.filename}:{last.lineno}"
    try:
        message = str(error)
    except Exception:
        message = "(its message cannot be shown)"
    if isinstance(error, SystemExit):
        message = f"the function called sys.exit({error.code!r})"
    return {"type": type(error).__name__, "message": message, "where": where, "traceback": text}


class RunError(Exception):
    """A failure that a custom executor handed back as a value: ``{"__error__": True, "type": ..., ...}``."""

    def __init__(self, value: dict[str, Any]) -> None:
        said = {key: str(value.get(key) or "") for key in ("type", "message", "traceback")}
        said["type"] = said["type"] or "Error"
        super().__init__(f"{said['type']}: {said['message']}")
        self.described: dict[str, Any] = {**said, "where": None}


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # the function closed it, or put something of its own in its place
            pass


def ended(attempt: AttemptFolder) -> bool:
    """Tell whether whoever executed the attempt got as far as writing how it went."""
    return status.read(attempt).get("state") in (status.FINISHED, status.FAILED)
