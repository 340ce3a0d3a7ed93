"""Python's garbage collector, at rest while a build only plans and decides.

A graph of 100,000 tasks makes no garbage, but a great many objects that the collector would look through again and
again; a third of such a build's time went there. It is awake whenever a run, a report or a task of the user's is.
"""

from __future__ import annotations

import atexit
import gc

from ..flushing import flush_files

_USUAL = gc.get_threshold()
_SELDOM = 100_000


def relax() -> None:
    """Let the collector look around seldom until something is executed, and not at all when this process ends.

    For commands: a tenth of the time of a build that finds nothing to do went there.
    """
    gc.set_threshold(max(_SELDOM, _USUAL[0]) if _USUAL[0] else 0, *_USUAL[1:])
    atexit.register(_let_be)


def _let_be() -> None:
    """Take nothing apart at the end; so nothing closes the files that modules have left open."""
    flush_files()
    gc.freeze()


class Collector:
    """Puts the collector to rest for a while; one that the user has switched off stays so."""

    def __init__(self) -> None:
        self._wanted = False
        self._frozen = False

    def __enter__(self) -> Collector:
        self._wanted = gc.isenabled()
        gc.disable()
        return self

    def wake(self) -> None:
        """Let it work again, on what is made from here on; forks share the rest untouched."""
        if not self._frozen:
            self._frozen = True
            gc.freeze()
            gc.set_threshold(*_USUAL)
        if self._wanted:
            gc.enable()

    def rest(self) -> None:
        """Put it to rest again: nothing is being executed any more."""
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if self._frozen:
            self._frozen = False
            gc.unfreeze()
        if self._wanted:
            gc.enable()
