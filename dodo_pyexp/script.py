"""How an experiment behaves when its file is run as a script: ``python my_experiment.py``.

Implements: docs/reference.md, "Errors"; docs/reference.md, "Exit statuses".
"""

from __future__ import annotations

import atexit
import os
import signal
import sys

from .errors import INTERRUPTED
from .flushing import flush
from .tasks.plain_doit import is_doit
from .telling import tell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

_exit_code = 0


def is_script(module: str | None) -> bool:
    """Tell whether code of `module` is a script that was started as ``python file.py``."""
    main = sys.modules.get("__main__")
    return module == "__main__" and bool(getattr(main, "__file__", None)) and not hasattr(sys, "ps1")


def speak_plainly() -> None:
    """Let a mistake of the user's end the script with one sentence and status 2, instead of a traceback.

    The same goes for whatever the user's code raises while it gives its configs, and for Ctrl-C under plain doit.
    """
    if getattr(sys.excepthook, "speaks_plainly", False):
        return
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> Any:
        if isinstance(error, KeyboardInterrupt) and is_doit():
            print("interrupted; what has finished stays as it is", file=sys.stderr)
            _end_in_time()
            raise SystemExit(INTERRUPTED)
        told = None
        if is_script("__main__") and not sys.flags.interactive:
            from .planning.mistakes import in_script

            told = in_script(error)
        if told is None:
            return before(kind, error, trace)
        raise SystemExit(tell(told))

    hook.speaks_plainly = True  # type: ignore[attr-defined]  # a mark on our own function
    sys.excepthook = hook


def _end_in_time() -> None:
    """Let this process end, whatever else wants to happen at exit: an interrupted pool may wait for itself for ever."""
    import threading

    from .executors import leaving

    timer = threading.Timer(leaving.EXIT_SECONDS, os._exit, [INTERRUPTED])
    timer.daemon = True
    timer.start()


def interrupted() -> SystemExit:
    """Give what ends an interrupted script."""
    atexit.register(hurry)
    return SystemExit(INTERRUPTED)


def hurry() -> None:
    """Let Ctrl-C end this process at once from here on: it was interrupted, and only ends now.

    Libraries may take their time for that. Another Ctrl-C would break into what they do, with a traceback.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda number, frame: os._exit(INTERRUPTED))


def end_with(code: int) -> None:
    """Let the script go on, and let its process end with `code`: some runs failed, although nothing was raised.

    Python has no way to say so: the status of a script that ends well is 0. So the process is ended here, after
    everything else that wanted to happen at exit.
    """
    global _exit_code
    if not _exit_code:
        atexit.register(_leave)
    _exit_code = code


def _leave() -> None:
    atexit.unregister(_leave)
    atexit._run_exitfuncs()  # whatever was registered before us
    flush()
    os._exit(_exit_code)
