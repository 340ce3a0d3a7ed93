"""The names of the executors, apart from their code: a worker process looks at options, and executes by other means."""

from __future__ import annotations

from ..errors import ConfigTypeError, ExecutorError, nearest

NAMES = ("inline", "subprocess", "fork", "ray")


def check_name(name: object, where: str = "") -> None:
    """Make sure that there is an executor of that name, or that it may be one itself; None is no name.

    Raises
    ------
    ExecutorError, ConfigTypeError
        There is none, and it cannot be one; the message begins with `where`.
    """
    prefix = f"{where}: " if where else ""
    if not isinstance(name, str):
        if name is not None and (isinstance(name, type) or not hasattr(name, "run")):
            hint = f"; write {name.__name__}()" if isinstance(name, type) and hasattr(name, "run") else ""
            kind = f"the class {name.__name__}" if isinstance(name, type) else type(name).__name__
            raise ConfigTypeError(f"{prefix}executor must be a name or an Executor, not {kind}{hint}")
    elif name not in NAMES and not name.startswith("ray:"):
        raise ExecutorError(f'{prefix}unknown executor "{name}"{nearest(name, NAMES)}; available: {", ".join(NAMES)}')
