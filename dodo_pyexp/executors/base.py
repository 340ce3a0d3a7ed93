"""`Executor`: how a run is started.

Implements: docs/reference.md, "Executors"; pyexp README, "Custom Executors".
"""

from __future__ import annotations

import os

from ..errors import ExecutorError
from ..results.pickling import load
from ..store.atomic import remove
from ..store.opening import open_file
from .debugger import Debugging
from .handle import Ended, Handle
from .job import RunError
from .logs.capture import Capture, Log
from .process_state import ProcessState
from .staying import Staying

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from ..config.config import Config
    from .guardian import Guardian
    from .imports.relocation import Relocation
    from .job import Job


class Executor:
    """Executes runs. Subclass it and pass an instance wherever an executor's name may stand.

    The simple way is one method, ``run(self, fn, config, result_path)``, called in the build's own process, with
    output captured: call ``fn(config)`` wherever you like, and return its value, or pickle it to `result_path`.
    The full way is `start`, which hands back a `Handle` at once so that many runs can be on their way.

    Examples
    --------
    >>> class Twice(Executor):
    ...     def run(self, fn, config, result_path):
    ...         fn(config)
    ...         return fn(config)
    """

    name = "custom"
    #: Executes inside `start`, so only one run can be on its way.
    blocking = True
    #: The project's modules are imported again for each run, as their files are then.
    imports_anew = False
    #: How many runs may be on their way at once; None: as many as ``--jobs`` says.
    window: int | None = None
    #: Shows what runs print by itself, where `Job.live` says so.
    shows_logs = False
    #: Keeps to `Job.after`.
    queues = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "run" in cls.__dict__ and "start" not in cls.__dict__:  # its `run` counts, not an inherited `start`
            cls.start = Executor.start  # type: ignore[method-assign]  # see above
            cls.blocking = True
        if "start" in cls.__dict__:  # what another `start` has promised says nothing of this one
            cls.queues = bool(cls.__dict__.get("queues"))

    def run(self, fn: Callable[[Config], Any], config: Config, result_path: str) -> Any:
        """Execute ``fn(config)``; return its value, or pickle it to `result_path`.

        Executors of pyexp do both, outside any build too; of a failure they give ``{"__error__": True, "type": ...,
        "message": ..., "traceback": ...}``.
        """
        for owner in type(self).__mro__:
            start = owner.__dict__.get("start")
            if start is not None and start is not Executor.start:
                from .direct import execute

                return execute(start.__get__(self), fn, config, result_path)
        raise NotImplementedError(f"{type(self).__name__} has no method run(self, fn, config, result_path)")

    def check(self) -> None:
        """Say whether this executor can work here, before anything is created.

        Raises
        ------
        ExecutorError
            It cannot.
        """
        if type(self).run is Executor.run and type(self).start is Executor.start:
            raise ExecutorError(
                f"the executor {type(self).__name__} can execute nothing: give it a method "
                "run(self, fn, config, result_path)"
            )

    def open(self) -> None:
        """Get ready, once, before the first run of a build is started.

        Raises
        ------
        ExecutorError
            It cannot work; nothing has been executed yet.
        """

    @property
    def opening(self) -> str:
        """What is said before `open`, where that takes long."""
        return ""

    def open_for(self, output_dirs: Iterable[str]) -> None:
        """Get ready for a build that writes to these folders; most executors need not know them."""
        self.open()

    def close(self) -> None:
        """End what `open` began: the build is over."""

    def warm(self, fn: Callable[..., Any], relocation: Relocation | None, guardian: Guardian) -> None:
        """Get ready, while other runs are on their way, for one of `fn` that may be started soon."""

    def cool(self) -> None:
        """Take note that this process may have changed: code of the user's was executed in it."""

    def start(self, job: Job, log: Log, guardian: Guardian) -> Handle:
        """Start `job`, with all it prints going to `log`, and hand back what tells when it ended."""
        return Handle(self._executed(job, log).close(log))

    def _executed(self, job: Job, log: Log) -> Ended:
        before = ProcessState()
        job.log_fd = log.fd
        try:
            with Capture(log) as capture, Debugging(capture) as debugging, Staying():
                return Ended(job.perform(lambda: debugging.call(lambda: self._value(job))))
        except BaseException:
            log.close()
            raise
        finally:
            job.log_fd = -1
            before.restore()

    def _value(self, job: Job) -> Any:
        """Call `run`, and take the value from where it was put."""
        config = job.shown()
        # A name that no function saves anything under, and that counts as no output.
        result_path = f"{job.attempt.path}/.result.pkl.tmp"
        try:
            value = self.run(job.call, config, result_path)
            if value is None and os.path.exists(result_path):
                with open_file(result_path) as file:
                    value = load(file)
        finally:
            remove(result_path)  # experiment.pkl holds it
        if isinstance(value, dict) and value.get("__error__"):
            raise RunError(value)
        return value
