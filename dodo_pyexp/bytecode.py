"""Compiled files that are older than their source are not taken for it, however alike the two look.

Python compares the seconds of a file's time and its size. An edit of the same length, within the second in which the
file was imported, goes unseen, and what is executed is not what stands in the file, and on record.
"""

from __future__ import annotations

import os
import sys
from importlib import _bootstrap_external

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LIBRARIES = ("site-packages", "dist-packages", os.path.dirname(os.__file__) + os.sep)


def distrust() -> None:
    """From here on, compile a project's file anew if its compiled form was not written after it."""
    loader: Any = _bootstrap_external.SourceFileLoader
    before = loader.path_stats
    if before.__module__ == __name__:
        return

    def path_stats(self: Any, path: str) -> Any:
        told = before(self, path)
        if not any(part in path for part in _LIBRARIES) and sys.implementation.cache_tag is not None:
            try:
                compiled = os.stat(_bootstrap_external.cache_from_source(path)).st_mtime_ns
            except OSError:
                return told
            if compiled <= os.stat(path).st_mtime_ns:
                raise OSError(f"{path} is newer than its compiled form")  # for Python: there is none
        return told

    loader.path_stats = path_stats
