"""Executors by name.

Implements: pyexp README, "Functions" (`get_executor`).
"""

from __future__ import annotations

from typing import Any, Literal

from ..errors import ConfigTypeError
from .base import Executor
from .names import check_name

ExecutorName = Literal["inline", "subprocess", "fork", "ray"]


def get_executor(name: ExecutorName | str | Executor | Any) -> Executor:
    """Give the executor called `name`; an instance is handed back as it is.

    Parameters
    ----------
    name
        ``"inline"``, ``"subprocess"``, ``"fork"``, ``"ray"``, ``"ray:<address>"``, ``"ray://host:port"``, or an
        `Executor`.

    Raises
    ------
    ExecutorError
        There is no such executor, or it cannot work here.
    ConfigTypeError
        `name` is neither a text nor an `Executor`.

    Examples
    --------
    >>> get_executor("inline").name
    'inline'
    """
    if isinstance(name, Executor):
        return name
    if not isinstance(name, str):
        check_name(name)
        raise ConfigTypeError(f"executor must be a name or an Executor, not {type(name).__name__}")
    if name == "inline":
        from .inline import InlineExecutor

        return InlineExecutor()
    if name == "subprocess":
        from .subprocess import SubprocessExecutor

        return SubprocessExecutor()
    if name == "fork":
        from .forking.executor import ForkExecutor

        return ForkExecutor()
    if name == "ray" or name.startswith("ray:"):
        from .ray.executor import RayExecutor

        address = name if name.startswith("ray://") else name[4:] or None
        return RayExecutor(address=address)
    check_name(name)
    raise AssertionError(f"{name} has a name and no executor")
