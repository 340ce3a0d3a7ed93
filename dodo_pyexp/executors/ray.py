"""The Ray executor's name and what it needs."""

from __future__ import annotations

from typing import Any

from ..errors import ExecutorError
from .base import Executor


class RayExecutor(Executor):
    """Executes runs on a Ray cluster.

    Implements: pyexp README, "Distributed Execution with Ray".

    Raises
    ------
    ExecutorError
        Ray is not installed; the message has the command that installs it.
    """

    name = "ray"
    blocking = False

    def __init__(
        self,
        address: str | None = None,
        runtime_env: dict[str, Any] | None = None,
        num_cpus: float | None = None,
        num_gpus: float | None = None,
        **ray_init_kwargs: Any,
    ) -> None:
        self.address = address
        self.runtime_env = runtime_env
        self.num_cpus = num_cpus
        self.num_gpus = num_gpus
        self.ray_init_kwargs = ray_init_kwargs
