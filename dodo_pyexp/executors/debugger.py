"""A debugger in a run that shares the build's process: it has the terminal, and the run goes on being captured.

Implements: docs/how-to.md, "Debug a run". As in pytest: from the breakpoint on, until the debugger is told to continue,
what is shown and printed goes to the terminal; what the run prints otherwise goes to its log.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any

    from .logs.capture import Capture

_QUIT = "the debugger was quit"
_had_terminal = False  # the debugger of the run that began here last


def quit_text() -> str:
    """Say what a debugger that ended a run means by it; it gives no message of its own."""
    return _QUIT if _had_terminal else f"{_QUIT}; it needs a terminal, which only --executor inline gives it"


class Debugging:
    """While a ``with`` block lasts, `breakpoint` and ``pdb.set_trace`` take the terminal from a capture."""

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self._before: tuple[Any, Any] | None = None
        self._debugged = False

    def __enter__(self) -> Debugging:
        global _had_terminal
        _had_terminal = False
        if sys.__stdin__ is None or sys.__stdin__.closed or not sys.__stdin__.isatty():
            return self
        import pdb

        self._before = sys.breakpointhook, pdb.set_trace
        sys.breakpointhook, pdb.set_trace = self._hook, self._set_trace
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            import pdb

            sys.breakpointhook, pdb.set_trace = self._before

    def call(self, function: Callable[[], Any]) -> Any:
        """Call a function; a debugger that steps out of it has nothing more to show."""
        try:
            return function()
        finally:
            if self._debugged:
                sys.settrace(None)
                self._capture.resume()

    def _hook(self, *arguments: Any, **named: Any) -> Any:
        """Do what `breakpoint` is to do."""
        global _had_terminal
        assert self._before is not None
        if os.environ.get("PYTHONBREAKPOINT") == "0":
            return None
        _had_terminal = True
        if os.environ.get("PYTHONBREAKPOINT") or self._before[0] is not sys.__breakpointhook__:
            self._capture.suspend()  # a debugger that we do not know: it has the terminal until the run ends
            return self._before[0](*arguments, **named)
        return self._debug(sys._getframe(1), **named)

    def _set_trace(self, *_: Any, header: str | None = None, **__: Any) -> None:
        self._debug(sys._getframe(1), header=header)

    def _debug(self, frame: FrameType, *, header: str | None = None, **_: Any) -> None:
        import pdb

        global _had_terminal
        _had_terminal = True
        capture = self._capture

        class Debugger(pdb.Pdb):
            def interaction(self, *arguments: Any, **named: Any) -> Any:
                capture.suspend()
                return super().interaction(*arguments, **named)

            def set_continue(self) -> None:
                super().set_continue()
                capture.resume()

            def set_quit(self) -> None:
                super().set_quit()
                capture.resume()

        self._debugged = True
        capture.suspend()
        debugger = Debugger(skip=["dodo_pyexp.*"])  # whoever steps on leaves the function, and sees nothing of ours
        if header is not None:
            debugger.message(header)
        debugger.set_trace(frame)
