"""How many runs may be on their way at once, as far as open files are concerned.

The build holds a few files open for each of them: its lock, and what tells of its end. A process may only have so
many; most machines let it have more than they give it at first.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable

from ..errors import UsageError

EACH = 2
# For logs, pipes and payloads while a run is started, for doit's database, and for what the user's file opens.
RESERVE = 40

SHORT = (errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM)


class Shortage(Exception):
    """A run could not be started for want of files, processes or memory, while others hold some."""


def is_shortage(error: BaseException) -> bool:
    """Tell whether something failed for want of files, processes or memory."""
    cause = error.__context__ if isinstance(error, UsageError) else error
    return isinstance(cause, OSError) and cause.errno in SHORT


class Descriptors:
    """Makes room for the files of `jobs` runs, and gives the limit back to the runs as it was.

    Parameters
    ----------
    jobs
        How many runs are to be on their way at once.
    note
        Told, once, when there is no room for so many.

    Attributes
    ----------
    jobs
        How many there is room for.
    """

    def __init__(self, jobs: int, note: Callable[[str], None]) -> None:
        self.jobs = jobs
        self._note = note
        self._before: tuple[int, int] | None = None
        wanted = _open_files() + RESERVE + EACH * jobs
        limit = os.sysconf("SC_OPEN_MAX")
        if 0 <= limit < wanted:
            limit = self._raise(wanted)
            fit = max(1, jobs - -(-max(0, wanted - limit) // EACH))
            if fit < jobs:
                self.bound(fit, f"a process may have no more than {limit} files open here (ulimit -n)")

    def bound(self, jobs: int, why: str) -> None:
        """Keep no more than `jobs` runs on their way from here on; say so the first time."""
        if jobs < self.jobs:
            if self._note is not _nothing:
                self._note(f"no more than {jobs} runs at once: {why}")
            self.jobs, self._note = jobs, _nothing

    def _raise(self, wanted: int) -> int:
        """Raise the limit to what is wanted, or as far as it goes; give what it is now."""
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        target = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        if target <= soft:
            return soft
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
        except (OSError, ValueError):  # macOS has a lower limit besides
            return soft
        self._before = soft, hard
        return target

    def hand_on(self, pid: int | None) -> None:
        """Give a run that was just started the limit that the build was started with."""
        if self._before is None or pid is None or sys.platform != "linux":
            return
        import resource

        try:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, self._before)
        except OSError:  # it is gone already
            pass

    def close(self) -> None:
        """Lower the limit again."""
        if self._before is not None:
            import resource

            resource.setrlimit(resource.RLIMIT_NOFILE, self._before)
            self._before = None


def _nothing(text: str) -> None:
    """Say nothing: it has been said."""


def _open_files() -> int:
    for folder in ("/proc/self/fd", "/dev/fd"):
        try:
            return len(os.listdir(folder))
        except OSError:
            continue
    return 32
