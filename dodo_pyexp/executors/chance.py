"""Random numbers in a fork: its own, as in a process that was not forked."""

from __future__ import annotations

import sys

_LONGER_THAN_GIVEN = 2**32  # a seed that torch takes from the system has more digits than one that people write


def reseed() -> None:
    """Seed the global generators of numpy and torch anew, as Python does with its own; else all forks draw the same.

    One that the user has seeded stays as it is: what it gives is meant to be the same each time.
    """
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
