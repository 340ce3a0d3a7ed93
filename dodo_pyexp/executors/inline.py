"""The inline executor: in the build's own process, for debugging."""

from __future__ import annotations

from .base import Executor
from .job import describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..config.config import Config
    from .job import Job


class InlineExecutor(Executor):
    """Executes runs in the build's own process: no isolation, a debugger works, a crash ends the build.

    Implements: pyexp README, "Execution Modes".
    """

    name = "inline"

    def run(self, fn: Callable[[Config], Any], config: Config, result_path: str) -> Any:
        """Call the function, here and now."""
        from .direct import deliver, error_value

        try:
            value = fn(config)
        except (Exception, SystemExit) as error:
            value = error_value(describe(error))
        return deliver(value, result_path)

    def _value(self, job: Job) -> Any:
        """Call the function itself, unless a subclass has its own idea of `run`."""
        return job.call() if type(self).run is InlineExecutor.run else super()._value(job)
