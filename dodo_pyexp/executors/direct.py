"""``executor.run(fn, config, result_path)``: one call of an executor outside any build.

Implements: pyexp README, "Custom Executors": the value is pickled to `result_path` and returned.
"""

from __future__ import annotations

import os
import select
import shutil
import tempfile
import time
from typing import TYPE_CHECKING, Any

from ..collection.runs import Runs
from ..config.config import Config
from ..results.pickling import dumps
from ..results.result import load_pickle
from ..store import atomic, status
from ..store.paths import AttemptFolder
from .guardian import Guardian
from .job import Job
from .logs.capture import Log
from .process import describe_end

if TYPE_CHECKING:
    from collections.abc import Callable

    from .handle import Handle


def execute(
    start: Callable[[Job, Log, Guardian], Handle], fn: Callable[[Config], Any], config: Config, result_path: str
) -> Any:
    """Start ``fn(config)``, wait for its end, and deliver what came of it."""
    result_path = os.fspath(result_path)
    folder = os.path.dirname(os.path.abspath(result_path))
    os.makedirs(folder, exist_ok=True)
    attempt = AttemptFolder(tempfile.mkdtemp(prefix=".run-", dir=folder))
    config = Config(config)
    state = {"state": status.RUNNING, "owner": {"pid": os.getpid()}}
    status.write(attempt, state)
    guardian = Guardian()
    try:
        guardian.start()
        handle = start(Job(str(config.get("name", "")), fn, 1, config, Runs(), attempt, state), Log(attempt), guardian)
        try:
            return deliver(_outcome(handle, attempt), result_path)
        finally:
            handle.kill()
            while handle.poll() is None:
                time.sleep(0.002)
    finally:
        guardian.close()
        shutil.rmtree(attempt.path, ignore_errors=True)


def _outcome(handle: Handle, attempt: AttemptFolder) -> Any:
    """Wait for the end, and give the value, or the error as a value."""
    while (ended := handle.poll()) is None:
        if handle.fileno() >= 0:
            waiter = select.poll()
            waiter.register(handle.fileno(), select.POLLIN)
            waiter.poll()
        else:
            time.sleep(0.01)
    how = status.read(attempt)
    if how.get("state") == status.FINISHED:
        return load_pickle(attempt, "the run").__dict__["result"]
    if how.get("state") == status.FAILED:
        return error_value(how["error"])
    kind, message = describe_end(ended)
    return error_value({"type": kind, "message": message})


def error_value(error: dict[str, Any]) -> dict[str, Any]:
    """Give a failure as a value."""
    return {"__error__": True, **{key: error.get(key) or "" for key in ("type", "message", "traceback")}}


def deliver(value: Any, result_path: str) -> Any:
    """Pickle the value to `result_path`, and hand it back; what cannot be pickled is an error."""
    try:
        data = dumps(value)
    except Exception as error:  # pickling runs the value's own code
        message = f"the return value cannot be pickled ({type(error).__name__}: {error})"
        value = error_value({"type": "UnsavableResult", "message": message})
        data = dumps(value)
    atomic.write_bytes(os.fspath(result_path), data)
    return value
