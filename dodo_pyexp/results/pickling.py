"""Pickling for other processes: plainly where that works everywhere, else by value.

What is defined in a script is known to plain pickle as ``__main__.Name``, which no other process can find.
"""

from __future__ import annotations

try:  # the half of `pickle` that is used: the other takes a worker's time to import
    from _pickle import dumps as plain_dumps
    from _pickle import load, loads
except ImportError:  # not CPython
    from pickle import dumps as plain_dumps
    from pickle import load, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["dumps", "load", "loads", "plain_dumps"]


def dumps(value: Any) -> bytes:
    """Pickle `value` so that any process with the same packages can read it.

    Whatever cloudpickle or the value's own code raises goes through.
    """
    try:
        data = plain_dumps(value, protocol=5)
    except Exception:  # pickling runs the value's own code; cloudpickle may manage all the same
        data = b"__main__"
    if b"__main__" not in data:
        return data
    import cloudpickle

    by_value: bytes = cloudpickle.dumps(value, protocol=5)
    return by_value
