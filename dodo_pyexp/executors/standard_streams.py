"""Descriptors 0, 1 and 2 are the standard streams, also in a build that was started without these."""

from __future__ import annotations

import fcntl
import os


def above_standard(fd: int) -> int:
    """Move a descriptor out of the way of 0, 1 and 2: a build that has none of these gives them to what it opens."""
    if fd > 2:
        return fd
    moved: int = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(fd)
    return moved
