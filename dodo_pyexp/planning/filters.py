"""``--filter REGEX``: which runs it means.

Implements: docs/how-to.md, "Select runs".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..collection.patterns import Pattern


def is_full(pattern: str) -> bool:
    """Tell whether a pattern is for full names: ``train:a`` means a run of `train`; ``a`` must not mean all of it."""
    return ":" in pattern.replace("(?:", "")


def matcher(pattern: str) -> Callable[[Any], bool]:
    """Give the test for what has a `name` and a `full_name`.

    Raises
    ------
    PatternError
        It is no regular expression; or, when it is tried, takes too long.
    """
    found_in = Pattern(pattern, "--filter").found_in
    full = is_full(pattern)
    return lambda run: found_in(run.name) or (full and found_in(run.full_name))
