"""The subprocess executor: each run in a fresh interpreter. The default."""

from __future__ import annotations

import marshal
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from ..results.pickling import dumps, plain_dumps
from .base import Executor
from .handle import Handle
from .imports.reference import redirected, refer
from .imports.relocation import editable_folders
from .process import ProcessHandle

if TYPE_CHECKING:
    from collections.abc import Callable

    from .guardian import Guardian
    from .imports.reference import Parts
    from .job import Job
    from .logs.capture import Log

# First comes the module search path: only then can anything of ours be found.
_BOOT = (
    "import sys, marshal; f = open(0, 'rb', closefd=False); sys.path[:] = marshal.load(f); "
    "from dodo_pyexp.executors.worker import main; main(f)"
)

# Of this interpreter, so that `python -O`, for example, means the same for the runs.
_FLAGS: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]  # as multiprocessing does


class SubprocessExecutor(Executor):
    """Executes each run in a fresh interpreter: a crash, even a segmentation fault, stays there.

    Implements: pyexp README, "Execution Modes".
    """

    name = "subprocess"
    blocking = False
    imports_anew = True

    def __init__(self) -> None:
        self._references: dict[int, tuple[Callable[..., Any], Parts]] = {}
        self._guardian: Guardian | None = None

    def check(self) -> None:
        """Nothing to check: an interpreter can be started everywhere."""

    def start(self, job: Job, log: Log, guardian: Guardian) -> Handle:
        """Start an interpreter on the job."""
        reference = self._reference(job.fn, guardian)
        payload = {
            "argv": sys.argv,
            "guardian": guardian.fd,
            "lock": job.lock_fd,
            "name": job.name,
            "fn": reference,
            "arity": job.arity,
            "config": dumps(job.config),
            "deps": [dep.reference() for dep in job.deps],
            "attempt": job.attempt.path,
            "state": job.state,
            "given": job.given,
            "watched": job.watched,
        }
        if job.kept_config is not job.config:
            payload["kept_config"] = dumps(job.kept_config)
        path = [os.fspath(entry) or os.getcwd() for entry in sys.path]
        if job.relocation is not None:
            path = job.relocation.search_path(path, editable_folders())
            payload["relocation"] = job.relocation.state()
            payload["fn"] = redirected(reference, job.relocation.of)
        # An unlinked file: nothing is left behind, and writing it never waits for the reader.
        with open(f"{job.attempt.path}/.payload.tmp", "w+b") as file:
            os.unlink(file.name)
            marshal.dump(path, file)
            file.write(plain_dumps(payload, 5))
            file.seek(0)
            process = subprocess.Popen(
                [sys.executable, *_FLAGS, "-P", "-c", _BOOT],
                stdin=file,
                stdout=log.fd,
                stderr=log.fd,
                pass_fds=[fd for fd in (guardian.fd, job.lock_fd) if fd >= 0],
                start_new_session=True,
            )
        log.abandon()
        process.returncode = 0  # ProcessHandle waits for it; Popen must not
        return ProcessHandle(process.pid, log, guardian)

    def _reference(self, fn: Callable[..., Any], guardian: Guardian) -> Parts:
        """Refer to the function as it is in this build: what it uses may have changed since the one before."""
        if self._guardian is not guardian:
            self._guardian = guardian
            self._references.clear()
        if id(fn) not in self._references:
            self._references[id(fn)] = fn, refer(fn)
        return self._references[id(fn)][1]
