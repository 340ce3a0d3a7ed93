"""Compiled files that are older than their source are not taken for it, however alike the two look.

Python compares the seconds of a file's time and its size. An edit of the same length, within the second in which the
file was imported, goes unseen, and what is executed is not what stands in the file, and on record.
"""

from __future__ import annotations

import os
from importlib import _bootstrap_external

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LIBRARIES = ("site-packages", "dist-packages", os.path.dirname(os.__file__) + os.sep)


def distrust() -> None:
    """From here on, compile a project's file anew if its compiled form was not written after it."""
    loader: Any = _bootstrap_external.SourceFileLoader
    before = loader.get_data
    if before.__module__ == __name__:
        return

    def get_data(self: Any, path: str) -> Any:
        own = path.endswith(".pyc") and not any(part in self.path for part in _LIBRARIES)
        if own and os.stat(path).st_mtime_ns <= os.stat(self.path).st_mtime_ns:
            raise OSError(f"{path} is not newer than its source")  # so Python compiles that, and writes it anew
        return before(self, path)

    loader.get_data = get_data
