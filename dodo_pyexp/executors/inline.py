"""The inline executor: in the build's own process, for debugging."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .base import Executor

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..config.config import Config


class InlineExecutor(Executor):
    """Executes runs in the build's own process: no isolation, a debugger works, a crash ends the build.

    Implements: pyexp README, "Execution Modes".
    """

    name = "inline"

    def run(self, fn: Callable[[Config], Any], config: Config, result_path: str) -> Any:
        """Call the function, here and now."""
        return fn(config)
