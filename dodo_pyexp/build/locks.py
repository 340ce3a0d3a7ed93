"""One owner a run at a time (P4): a lock that dies with its process.

The lock is a `flock` on the run's own folder, so it leaves no file behind and needs no unlock command: the kernel
drops it when the process ends, however that happens.
"""

from __future__ import annotations

import fcntl
import os

from ..errors import UsageError


class RunLock:
    """The lock of one run, held until `release`."""

    __slots__ = ("_fd",)

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @classmethod
    def take(cls, folder: str) -> RunLock | None:
        """Make `folder` if need be and lock it; None when somebody else has it. Never waits.

        Raises
        ------
        UsageError
            The folder cannot be made or opened.
        """
        while True:
            try:
                os.makedirs(folder, exist_ok=True)
                fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
            except OSError as error:
                raise UsageError(f"cannot write to {folder}: {error.strerror}; choose another --output-dir") from None
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(fd)
                return None
            except OSError:
                os.close(fd)
                raise
            if os.fstat(fd).st_nlink:  # else the folder was deleted in between
                return cls(fd)
            os.close(fd)

    def release(self) -> None:
        """Give the lock back."""
        # Explicitly: a forked child may still hold a copy of the descriptor, and closing ours alone would not unlock.
        fcntl.flock(self._fd, fcntl.LOCK_UN)
        os.close(self._fd)
