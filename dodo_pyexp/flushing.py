"""Writing out what this process still holds back: processes of runs, and commands, end without taking memory apart.

So Python closes no files, and C writes out nothing, as they would at the end of a script: it is done here.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

_OPEN = "/proc/self/fd" if sys.platform == "linux" else "/dev/fd"
_flush_c: Callable[[], object] | None = None
_looked_through = 0


def flush() -> None:
    """Write out what stdout and stderr, C code, and all files that are still open hold back."""
    try_flush(sys.stdout)
    try_flush(sys.stderr)
    flush_c()
    flush_files()


def try_flush(output: TextIO | None) -> None:
    """Write out what a stream of Python's still holds, if it can be done."""
    try:
        if output is not None:
            output.flush()
    except Exception:  # it was closed, or something else was put in its place
        pass


def flush_c() -> None:
    """Write out what C code has printed: where the output is no terminal, C holds it back."""
    global _flush_c, _looked_through
    if _flush_c is None:
        if len(sys.modules) == _looked_through:  # before this process was forked, as a rule: each look is dear there
            return
        _looked_through = len(sys.modules)
        try:
            if not _has_foreign_code():
                return
            _flush_c = _c_flusher()
        except Exception:  # a Python without ctypes, or with another C; a module that is not what it seems
            _flush_c = _nothing
    _flush_c()


def flush_files() -> None:
    """Write out what Python's files hold back that were opened to be written to and are still open."""
    wanted = _written_to()
    if not wanted:
        return
    import gc
    from _io import _IOBase

    for thing in gc.get_objects():
        if issubclass(type(thing), _IOBase):
            try:
                if thing.fileno() in wanted:
                    thing.flush()
            except Exception:  # it was closed, or is no such file; and flushing may run the user's own code
                pass


def _written_to() -> set[int]:
    """Give the descriptors of regular files that are open for writing, but for where stdout and stderr go to."""
    from fcntl import F_GETFL, fcntl
    from stat import S_ISREG

    try:
        names = os.listdir(_OPEN)
    except OSError:
        return set()
    output = {_identity(fd) for fd in (1, 2)}
    found = set()
    for fd in map(int, names):
        try:
            if fd > 2 and S_ISREG(os.fstat(fd).st_mode) and fcntl(fd, F_GETFL) & os.O_ACCMODE != os.O_RDONLY:
                found.add(fd)
        except OSError:  # the one that read the list
            continue
    return {fd for fd in found if _identity(fd) not in output}


def _identity(fd: int) -> tuple[int, int] | None:
    try:
        found = os.fstat(fd)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _has_foreign_code() -> bool:
    """Tell whether C code is loaded that is not Python's own: that may have used C's stdout."""
    if "ctypes" in sys.modules:
        return True
    return any(
        path.endswith(".so") and "lib-dynload" not in path and "/yaml/" not in path  # which prints nothing
        for module in list(sys.modules.values())
        if type(path := getattr(module, "__file__", None)) is str
    )


def _c_flusher() -> Callable[[], object]:
    import ctypes

    library = ctypes.CDLL(None)
    # Only this one: to flush them all would wait for ever for one that a thread reads from.
    stdout = ctypes.c_void_p.in_dll(library, "__stdoutp" if sys.platform == "darwin" else "stdout")
    return lambda: library.fflush(stdout)


def _nothing() -> None:
    """There is nothing of C's to write out."""
