"""How an executing process ends: what wants to happen at exit happens, but nothing can keep it from ending."""

from __future__ import annotations

import atexit
import os

from ..flushing import flush

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

# Seconds exit handlers may take: the result is on disk, and libraries do wait for children that never end.
EXIT_SECONDS = 10.0


def leave(code: int, say: Callable[[], object] = lambda: None) -> NoReturn:
    """Run the exit handlers (they delete temporary files, for example), then end.

    Threads that never end are not waited for, as the result is on disk. `say` is called last.
    """
    try:
        if atexit._ncallbacks():
            import threading

            handlers = threading.Thread(target=atexit._run_exitfuncs, daemon=True)
            handlers.start()
            handlers.join(EXIT_SECONDS)
        flush()
        say()
    finally:
        os._exit(code)
