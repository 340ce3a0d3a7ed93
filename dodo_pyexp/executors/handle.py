"""`Handle`: an execution on its way; `Ended`: how it ended."""

from __future__ import annotations

from .logs.scribes import GONE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .logs.capture import Log


class Ended:
    """How an execution ended, as seen from outside.

    Parameters
    ----------
    returncode
        As `subprocess` has it: negative for a signal; None where there is no process.
    cause
        What happened, if the executor itself knows.
    kind
        The type of that cause, as an exception has one.
    lost
        The run was lost through no fault of its own (its node died): it is tried again, and that is no failure.

    Attributes
    ----------
    overwritten
        The scribe, which wrote its log, has found that the run wrote over it.
    """

    __slots__ = ("cause", "kind", "lost", "overwritten", "returncode")

    def __init__(
        self, returncode: int | None = None, cause: str | None = None, kind: str = "ExecutorLost", lost: bool = False
    ) -> None:
        self.returncode = returncode
        self.cause = cause
        self.kind = kind
        self.lost = lost
        self.overwritten = False

    def close(self, log: Log) -> Ended:
        """Close the log of what has ended; to have lost that may be what it has died of."""
        if not log.close():
            self.cause, self.lost = self.cause or GONE, True
        self.overwritten = log.overwritten
        return self


class Handle:
    """An execution that was started. This base is one that has ended already."""

    #: The process on this machine that executes the run; `idle_timeout` watches it, with all that it started.
    pid: int | None = None
    #: Timeouts are kept where the run is executed: only there is it known when it began.
    limits_itself = False
    #: Nothing is left to be done but for its process to end.
    leaving = False

    def __init__(self, ended: Ended | None = None) -> None:
        self._how = ended or Ended()

    def fileno(self) -> int:
        """Give a descriptor that becomes readable when the execution ends; -1 if there is none to wait for."""
        return -1

    @property
    def due(self) -> bool:
        """It is worth a call of `poll`; for executors that learn of many ends at once."""
        return True

    @property
    def queued(self) -> bool:
        """It has not begun yet, as far as is known."""
        return False

    def poll(self) -> Ended | None:
        """Tell how it ended; None while it goes on. Never blocks."""
        return self._how

    def kill(self) -> None:
        """End it now, with all its children; `poll` then tells that it ended."""
