"""What the build's connection to Ray was told, inside its runs: `ray.init` begins a job of its own there.

Options that say what a cluster has that is started do not count there; what holds for a job on a cluster does.
"""

from __future__ import annotations

import functools
import os
import uuid
from collections.abc import Mapping
from typing import Any

OF_A_JOB = (
    "namespace", "job_config", "log_to_driver", "configure_logging", "logging_level", "logging_format",
    "logging_config",
)  # fmt: skip


def for_runs(ray: Any, said: Mapping[str, Any], *, connected_before: bool) -> dict[str, Any]:
    """Choose what holds inside the runs.

    Parameters
    ----------
    ray
        The module, connected.
    said
        What this build has for `ray.init`.
    connected_before
        It was the user's own code that has called it, which counts.
    """
    options = {name: said[name] for name in OF_A_JOB if name in said}
    if connected_before:
        namespace = ray.get_runtime_context().namespace
        if not _is_anonymous(namespace):
            options["namespace"] = namespace
    return options


def of_worker(options: dict[str, Any]) -> dict[str, Any]:
    """Add the `runtime_env` of this Ray worker, which has what it needs on the cluster already."""
    import ray

    environment = ray.get_runtime_context().runtime_env.to_dict()
    return {**options, "runtime_env": environment} if environment else options


def hold(options: dict[str, Any]) -> None:
    """Let `ray.init` begin with these options wherever it joins this cluster; what it is told itself comes first."""
    import ray

    init = ray.init

    @functools.wraps(init)
    def joining(*args: Any, **kwargs: Any) -> Any:
        address = args[0] if args else kwargs.get("address")
        if address in (None, "auto", os.environ.get("RAY_ADDRESS")):
            own = kwargs.get("runtime_env")
            kwargs = {**options, **kwargs}
            if isinstance(own, Mapping) and "runtime_env" in options:
                kwargs["runtime_env"] = _inherited(options["runtime_env"], own)
        return init(*args, **kwargs)

    vars(ray)["init"] = joining


def _inherited(environment: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Join two environments as Ray does that of a task and that of its job."""
    variables = {**environment.get("env_vars", {}), **own.get("env_vars", {})}
    return {**environment, **own, **({"env_vars": variables} if variables else {})}


def _is_anonymous(namespace: str) -> bool:
    """Tell whether nobody has named a namespace: then Ray has, and each job has one to itself."""
    try:
        return bool(uuid.UUID(namespace))
    except ValueError:
        return False
