"""Random numbers in a fork: its own, as in a process that was not forked, unless the user has seeded the generator."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_seeded = False
_kept: Any = None

_LONGER_THAN_GIVEN = 2**32  # a seed that torch takes from the system has more digits than one that people write


def watch() -> None:
    """Take note from here on when Python's own generator is given a seed: it cannot be seen in it afterwards."""
    import random

    if not hasattr(random.seed, "__self__"):  # it is not the method that it was
        return

    def noting(change: Any, name: str) -> Any:
        def noted(*args: Any, **kwargs: Any) -> None:
            global _seeded
            change(*args, **kwargs)
            _seeded = next(iter((*args, *kwargs.values())), None) is not None

        noted.__module__, noted.__name__, noted.__qualname__ = random.__name__, name, name  # so it is pickled by name
        return noted

    random.seed, random.setstate = noting(random.seed, "seed"), noting(random.setstate, "setstate")


def remember() -> None:
    """Before a fork: keep what Python's generator was seeded with, for Python seeds that of every fork anew."""
    global _kept
    _kept = sys.modules["random"].getstate() if _seeded else None


def reseed() -> None:
    """Seed the global generators of numpy and torch anew, as Python does with its own; else all forks draw the same.

    One that the user has seeded stays as it is: what it gives is meant to be the same each time.
    """
    if _kept is not None:
        sys.modules["random"].setstate(_kept)
    try:
        if "numpy.random.mtrand" in sys.modules:
            numpy = sys.modules["numpy.random.mtrand"]
            if numpy._rand._bit_generator._seed_seq is not None:  # numpy forgets it when it is given a seed
                numpy.seed()
        if "torch" in sys.modules:
            generator = sys.modules["torch"].default_generator
            if generator.initial_seed() >= _LONGER_THAN_GIVEN:
                generator.seed()
    except Exception:  # a version that has these elsewhere, or is only half imported
        pass
