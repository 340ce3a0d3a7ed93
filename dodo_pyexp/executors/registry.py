"""Executors by name.

Implements: pyexp README, "Functions" (`get_executor`).
"""

from __future__ import annotations

from typing import Any, Literal

from ..errors import ConfigTypeError, ExecutorError, nearest
from .base import Executor

ExecutorName = Literal["inline", "subprocess", "fork", "ray"]
NAMES = ("inline", "subprocess", "fork", "ray")


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
        hint = f"; write {name.__name__}()" if isinstance(name, type) and issubclass(name, Executor) else ""
        raise ConfigTypeError(f"executor must be a name or an Executor, not {type(name).__name__}{hint}")
    if name == "inline":
        from .inline import InlineExecutor

        return InlineExecutor()
    if name == "subprocess":
        from .subprocess import SubprocessExecutor

        return SubprocessExecutor()
    if name == "fork":
        from .fork import ForkExecutor

        return ForkExecutor()
    if name == "ray" or name.startswith("ray:"):
        from .ray import RayExecutor

        address = name if name.startswith("ray://") else name[4:] or None
        return RayExecutor(address=address)
    raise ExecutorError(f'unknown executor "{name}"{nearest(name, NAMES)}; available: {", ".join(NAMES)}')
