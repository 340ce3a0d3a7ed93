"""`Job`: all that an executor needs to execute one run, and `perform`, which does it.

Implements: docs/how-it-works.md, "What is written when": an executor only executes; everything about the attempt is
written here, the same for all of them.
"""

from __future__ import annotations

import os

from .. import engine
from ..config.config import Config
from ..config.inputs import inputs_in, replaced
from ..config.merge import copied
from ..errors import damaged_attempt
from ..flushing import flush
from ..main_module import script
from ..provenance.inputs.places import program_folders
from ..results import outcome
from ..store import opening, status
from ..store.paths import AttemptFolder
from . import debugger
from .logs.own_log import OwnLog, log_text
from .watching import Watching

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType
    from typing import Any

    from ..collection.runs import Runs
    from ..config.inputs import Input
    from ..provenance.inputs.places import Forms
    from ..results.result import Result
    from .imports.relocation import Relocation


SUCCEEDED = 0
FAILED = 1
LOST = 74  # exit statuses of an executing process; `LOST`: how the run went could not be written to its folder


# Rehearsals after which code is no longer changed by Python as it learns what it works on; forks then share it.
PRACTICE = 10


class Job:
    """One execution of one run.

    Parameters
    ----------
    name
        The name of the run.
    fn
        The experiment function.
    arity
        How many positional arguments it takes: config; config, out; or config, out, deps.
    config
        The config without `depends_on`; the function sees it with `out` added.
    deps
        The results of the upstreams.
    attempt
        Where everything goes.
    state
        What the status says at the start; the ending adds to it.
    given
        What the function sees in its config beside `out`: names, and paths or None.

    Attributes
    ----------
    log_fd
        An open end of the log, out of the function's reach; -1 if there is none.
    log_moved
        The log is another file by now, and what is written to `log_fd` is only shown.
    places
        Where inputs lie that are on this machine in another place than the config says.
    lock_fd
        What the run is locked by; -1 if it is not. A process that executes the run keeps it, so that nobody else
        executes the run as long as it lives, whatever became of the build.
    kept_config
        The config as it may be written down: without secrets.
    relocation
        Where the project's modules are to be imported from; None: from where they lie.
    timeout, idle_timeout
        For executors that see to them where the run is executed; the build does for all others.
    after
        A process that has to end before the run begins.
    resources
        What the run asks of the machine that executes it; for executors that have several.
    live
        What it prints is to be shown; for executors that do that by themselves.
    watched
        What `Watching` is to know of folders, if the files that it reads are to be noted; else None.
    watching
        What notes them, from when it has begun to when the function has ended.
    """

    __slots__ = (
        "after", "arity", "attempt", "config", "deps", "fn", "given", "idle_timeout", "kept_config", "live", "lock_fd",
        "log_fd", "log_moved", "name", "places", "relocation", "resources", "state", "timeout",
        "watched", "watching",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        fn: Callable[..., Any],
        arity: int,
        config: Config,
        deps: Runs[Result],
        attempt: AttemptFolder,
        state: dict[str, Any],
        given: dict[str, str | None] | None = None,
    ) -> None:
        self.name = name
        self.fn = fn
        self.arity = arity
        self.config = config
        self.deps = deps
        self.attempt = attempt
        self.state = state
        self.given = given or {}
        self.log_fd = self.lock_fd = -1
        self.log_moved = False
        self.places: dict[str, str] = {}
        self.after: int | None = None
        self.kept_config = config
        self.relocation: Relocation | None = None
        self.timeout: float | None = None
        self.idle_timeout: float | None = None
        self.resources: dict[str, Any] | None = None
        self.live = False
        self.watched: tuple[Forms, Forms] | None = None
        self.watching: Watching | None = None

    def call(self, config: Config | None = None) -> Any:
        """Call the experiment function with as many arguments as it takes."""
        config = self.shown(config)
        return self.fn(*(config, config["out"], self.deps)[: self.arity])

    def shown(self, config: Config | None = None) -> Config:
        """Copy the config as the function sees it: with its folder, and with what else it is given.

        The copy is deep: what one try changes in its config, no other try, run or report sees.
        """
        from pathlib import Path

        config = copied(self.config if config is None else config, Config)
        config.setdefault("out", Path(self.attempt.path))
        for name, path in self.given.items():
            config.setdefault(name, None if path is None else Path(path))
        return replaced(config, self._path_of) if any(inputs_in(config)) else config

    def watch(self) -> None:
        """Note from here on which files are read, unless that is not wanted, or has begun already."""
        if self.watched is not None and self.watching is None:
            self.watching = Watching(self.watched, [] if self.relocation is None else self.relocation.pairs)
            self.watching.adopt(self.attempt)

    def _path_of(self, value: Input) -> Path:
        from pathlib import Path

        return Path(self.places.get(value.place, value.place))

    def rehearse(self) -> None:
        """Do what `perform` does but for calling the function, and write nothing."""
        program_folders()
        self.shown()
        outcome.rehearse(self.state, self.kept_config)

    def perform(self, call: Callable[[], Any] | None = None) -> int:
        """Execute the run here, write how it went, and give the exit status that says so.

        Whatever the function raises is recorded; only `KeyboardInterrupt` in the build's own process goes on up.
        """
        own = outcome.OwnFiles(self.attempt, getattr(self.fn, "lays_out", ()))
        log = OwnLog(self.attempt, self.log_fd)
        self.watch()
        try:
            value = (call or self.call)()
        except BaseException as error:
            if self.watching is not None:
                self.watching.end()
            if isinstance(error, KeyboardInterrupt) and self.state["owner"]["pid"] == os.getpid():
                raise
            flush()
            self._rescue(own, log)
            self._tell()
            return self.fail(describe(error))
        flush()
        if self.watching is not None:
            self.watching.end()
        self._rescue(own, log)
        try:
            if self.watching is not None:
                self.watching.hand_over(self.attempt, self.state, own)
            outcome.save_success(self.attempt, self.state, self.kept_config, value, own)
        except outcome.UnsavableResult as error:
            return self.fail({"type": "UnsavableResult", "message": str(error), "where": None, "traceback": ""})
        except OSError as error:
            message = f"how the run went could not be written to its folder: {error.strerror or error}"
            return self.fail({"type": "OutcomeLost", "message": message, "where": None, "traceback": ""})
        self._tell()
        return SUCCEEDED

    def _rescue(self, own: outcome.OwnFiles, log: OwnLog) -> None:
        """Write anew what the function has put its own in the place of, or has deleted."""
        try:
            if became := log.rescue():
                self.state[status.LOG] = became
                self.log_moved = log.moved
            if taken := own.rescue():
                self.state[status.TAKEN] = taken
        except OSError:  # a full disk: then the outcome cannot be written either
            return

    def _tell(self) -> None:
        """Tell, in the log, which of pyexp's own names the function took for files of its own."""
        if said := taken_text(self.state):
            self._log(f"pyexp: {said}\n")

    def fail(self, error: dict[str, Any]) -> int:
        """Record that the run failed, in its log too, and give the exit status that says so."""
        flush()
        error = {key: self._presentable(text) if isinstance(text, str) else text for key, text in error.items()}
        self._log(error.get("traceback") or f"{error['type']}: {error['message']}\n")
        try:
            outcome.save_failure(self.attempt, self.state, self.kept_config, error)
        except OSError:  # a full disk: the build finds an attempt that never ended, and says so
            return LOST
        return FAILED

    def _presentable(self, text: str) -> str:
        """Name the files that the user knows, and mask secrets."""
        from ..provenance.secrets.holes import secrets_of
        from ..provenance.secrets.repeats import masked_text

        secrets = [] if self.kept_config is self.config else secrets_of(self.config, self.kept_config)
        text = masked_text(text, secrets)
        return text if self.relocation is None else self.relocation.readable(text)

    def _log(self, text: str) -> None:
        """Add to the log where everything else goes, so that it is shown too; else to the file."""
        data = text.encode("utf-8", "backslashreplace")
        try:
            if self.log_fd >= 0:
                os.write(self.log_fd, data)
                if not self.log_moved:
                    return
        except OSError:  # the function closed what it did not open
            pass
        try:
            opening.add(self.attempt.log, data)
        except OSError:
            pass


def taken_text(state: dict[str, Any]) -> str:
    """Say which names of pyexp's the function took, as a status has it, and where pyexp's own files are."""
    names, became = state.get(status.TAKEN), state.get(status.LOG)
    said = [log_text(became)] if became else []
    if names:
        beside = " and ".join(f"{name}{AttemptFolder.BESIDE}" for name in names)
        said.append(f"the function saved {' and '.join(names)}, as pyexp does; pyexp's own stands beside as {beside}")
    return "; ".join(said)


def describe(error: BaseException) -> dict[str, Any]:
    """Put an exception into a form that JSON can hold: type, message, place and traceback of the user's code."""
    if isinstance(error, RunError):
        return error.described
    import traceback

    trace = error.__traceback__
    while (
        trace is not None and trace.tb_frame.f_code.co_filename.startswith(engine.FOLDER) and trace.tb_next is not None
    ):
        trace = trace.tb_next
    try:
        text = "".join(traceback.format_exception(type(error), error, trace))
    except Exception:  # an exception whose own code raises
        text = f"{type(error).__name__}\n"
    from ..provenance.frames import place_of

    # A misspelt key is raised by `Config`, a shape by numpy: but it is the user's line that has to be mended.
    place = place_of(traceback.extract_tb(trace)) if trace is not None else None
    try:
        message = str(error)
    except Exception:
        message = "(its message cannot be shown)"
    if isinstance(error, NameError) and (main := script()) is not None and main.guards(error.name or ""):
        message += ', as it is set under `if __name__ == "__main__":`, which is not executed for runs'
    if type(error).__name__ == "BdbQuit" and not message:
        message = debugger.quit_text()
    if isinstance(error, SystemExit):
        message = f"the function called sys.exit({error.code!r})"
    described: dict[str, Any] = {"type": type(error).__name__, "message": message, "traceback": text}
    described |= {"where": place.line if place else None, "below": place.below if place else ""}
    damaged = damaged_attempt(error)
    return described if damaged is None else {**described, "damaged": damaged}


class RunError(Exception):
    """A failure that a custom executor handed back as a value: ``{"__error__": True, "type": ..., ...}``."""

    def __init__(self, value: dict[str, Any]) -> None:
        said = {key: str(value.get(key) or "") for key in ("type", "message", "traceback")}
        said["type"] = said["type"] or "Error"
        super().__init__(f"{said['type']}: {said['message']}")
        self.described: dict[str, Any] = {**said, "where": None}


def ended(attempt: AttemptFolder) -> bool:
    """Tell whether whoever executed the attempt got as far as writing how it went."""
    return status.read(attempt).get("state") in (status.FINISHED, status.FAILED)


def _is_ours(trace: TracebackType) -> bool:
    return trace.tb_frame.f_code.co_filename.startswith(engine.FOLDER)
