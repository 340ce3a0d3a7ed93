"""``--filter REGEX``: which runs it means.

Implements: docs/how-to.md, "Select runs".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ..errors import ConfigError


def is_full(pattern: str) -> bool:
    """Tell whether a pattern is for full names: ``train:a`` means a run of `train`; ``a`` must not mean all of it."""
    return ":" in pattern.replace("(?:", "")


def matcher(pattern: str) -> Callable[[Any], bool]:
    """Give the test for what has a `name` and a `full_name`.

    Raises
    ------
    ConfigError
        It is no regular expression.
    """
    try:
        search = re.compile(pattern).search
    except re.error as error:
        raise ConfigError(f"--filter {pattern!r} is no regular expression: {error}") from None
    full = is_full(pattern)
    return lambda run: bool(search(run.name) or (full and search(run.full_name)))
