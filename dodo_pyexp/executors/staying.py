"""Runs that share the build's process must not end it: while one goes on, `os._exit` fails that run instead."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


class ProcessExited(BaseException):
    """The function wanted to end the process; no `Exception`, as what it handles is not meant to handle this."""


class Staying:
    """Replaces `os._exit` in this process while a ``with`` block lasts; children that the run forks may leave."""

    def __enter__(self) -> None:
        self._leave = leave = os._exit
        process = os.getpid()

        def refuse(status: int) -> NoReturn:
            if os.getpid() != process:
                leave(status)
            raise ProcessExited(f"os._exit was called with exit status {status} before the function had returned")

        os._exit = refuse

    def __exit__(self, *_: object) -> None:
        os._exit = self._leave
