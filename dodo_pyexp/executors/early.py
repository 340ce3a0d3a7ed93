"""A fork server that was forked early: before the build imported what it needs itself, and nothing that runs do.

The more memory a process has, the longer each of its forks takes; a build with its own modules has three times that of
a small experiment. What is forked early knows nothing of what happens later: where code of the user's is executed in
the build's process, it has to be dropped. A worker process imports this module.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .forkserver import ForkServer

_kept: tuple[int, ForkServer, Callable[..., Any]] | None = None


def keep(server: ForkServer, fn: Callable[..., Any]) -> None:
    """Keep a server that knows a function until a build asks for it."""
    global _kept
    drop()
    _kept = os.getpid(), server, fn


def take(fn: Callable[..., Any]) -> ForkServer | None:
    """Give the server that knows `fn`, if there is one; it is the caller's now."""
    global _kept
    if _kept is None or _kept[2] is not fn or _kept[0] != os.getpid():
        return None
    (_, server, _), _kept = _kept, None
    return server


def drop() -> None:
    """End the server: code of the user's is executed here, or nothing needs it any more."""
    global _kept
    if _kept is not None:
        (owner, server, _), _kept = _kept, None
        if owner == os.getpid():
            server.close()
