"""The Ray executor: its parameters, and the errors for what is not there."""

from __future__ import annotations

from ..errors import ExecutorError, MissingExtra
from .base import Executor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class RayExecutor(Executor):
    """Executes runs on a Ray cluster. This version only takes its parameters; it cannot execute yet, and says so.

    Implements: pyexp README, "Distributed Execution with Ray".

    Parameters
    ----------
    address
        The cluster: ``"auto"``, ``"ray://host:port"``, or None for this machine.
    runtime_env
        What the workers need: ``working_dir``, ``excludes``, ``pip``, ``env_vars``.
    num_cpus, num_gpus
        What one run takes.
    **ray_init_kwargs
        Passed on to ``ray.init``.

    Raises
    ------
    MissingExtra
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
        import importlib.util

        if importlib.util.find_spec("ray") is None:
            raise MissingExtra('the executor "ray" needs Ray: pip install "dodo-pyexp[ray]"')
        self.address = address
        self.runtime_env = runtime_env
        self.num_cpus = num_cpus
        self.num_gpus = num_gpus
        self.ray_init_kwargs = ray_init_kwargs

    def check(self) -> None:
        """Refuse to be used.

        Raises
        ------
        ExecutorError
            Always, for now.
        """
        raise ExecutorError(
            'the executor "ray" cannot execute runs in this version of pyexp; use "subprocess" or "fork"'
        )
