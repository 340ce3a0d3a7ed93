"""How often to look at what cannot be waited for: often while it is few, less often when looking takes long."""

from __future__ import annotations

import time

SHARE = 10  # looking in vain takes no more than one part in ten of the time


class Pace:
    """Says when to look again.

    Parameters
    ----------
    seconds
        The shortest time between two looks.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._began = self._next = 0.0

    def begin(self) -> bool:
        """Tell whether it is time to look; if so, a look begins."""
        self._began = time.monotonic()
        return self._began >= self._next

    def end(self, *, in_vain: bool) -> None:
        """Note that a look ended; one that found something is no reason to look less often."""
        now = time.monotonic()
        self._next = now + (max(self._seconds, (now - self._began) * SHARE) if in_vain else self._seconds)
