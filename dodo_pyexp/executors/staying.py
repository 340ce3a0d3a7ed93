"""Runs that share the build's process must not end it: while one goes on, `os._exit` fails that run instead."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


class ProcessExited(BaseException):
    """The function wanted to end the process; no `Exception`, as what it handles is not meant to handle this."""


class Staying:
    """Replaces `os._exit` in this process while a ``with`` block lasts; children that the run forks may leave.

    Blocks of several threads may overlap: the last one to end puts it back.
    """

    _depth = 0
    _leave = os._exit

    def __enter__(self) -> None:
        Staying._depth += 1
        if Staying._depth > 1:
            return
        leave = Staying._leave = os._exit
        process = os.getpid()

        def refuse(status: int) -> NoReturn:
            if os.getpid() != process:
                leave(status)
            raise ProcessExited(f"os._exit was called with exit status {status} before the function had returned")

        os._exit = refuse

    def __exit__(self, *_: object) -> None:
        Staying._depth -= 1
        if Staying._depth == 0:
            os._exit = Staying._leave
