"""What Ray says when something goes wrong, put into one sentence; the whole of it goes into the log of the run."""

from __future__ import annotations

import contextlib
import logging
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

_NODE = re.compile(r"\[Node ([^\]]+)\]")
_EXCEPTION = re.compile(r"^[A-Za-z_][\w.]*: ", re.MULTILINE)
_SAID = re.compile(r"^\s*(?:ERROR|error): (.+)$", re.MULTILINE)
_USER = re.compile(r"^(\d+)\t([\d.]+)\t", re.MULTILINE)
_MOST = 400
_CHATTER = (
    "Token authentication is enabled for this", "is now ignored by default when packaging",
    "SIGTERM handler is not set",
)  # fmt: skip
_CHATTERERS = (
    "ray._private.authentication.authentication_token_setup", "ray._private.worker", "ray.client_builder",
    "ray._private.runtime_env.packaging",
)  # fmt: skip


@contextlib.contextmanager
def without_chatter() -> Iterator[None]:
    """Keep Ray from saying at each start, on stderr, what nobody can or need do anything about."""

    def wanted(record: logging.LogRecord) -> bool:
        return record.levelno > logging.INFO and not any(words in record.getMessage() for words in _CHATTER)

    for name in _CHATTERERS:
        logging.getLogger(name).addFilter(wanted)
    try:
        yield
    finally:
        for name in _CHATTERERS:
            logging.getLogger(name).removeFilter(wanted)


def mute(quiet: bool) -> None:
    """Keep Ray from printing what its daemons have to say on stdout, among the results; or let it do so again."""
    worker = sys.modules.get("ray._private.worker")
    if hasattr(worker, "_worker_logs_enabled"):
        vars(worker)["_worker_logs_enabled"] = not quiet


def first_line(error: BaseException) -> str:
    """Give what stands first in a message."""
    try:
        return next(_lines(str(error)), type(error).__name__)
    except Exception:  # an exception whose own code raises
        return type(error).__name__


def connection_failure(error: BaseException) -> str:
    """Say why Ray could not be reached, or did not want this build."""
    said = environment_failure(error) if concerns_environment(error) else _heart(str(error))
    return f"{type(error).__name__}: {said}"


def concerns_environment(error: BaseException) -> bool:
    """Tell whether what a `runtime_env` asks for is in the way."""
    return "runtime_env" in str(error)


def task_failure(error: BaseException) -> str:
    """Say what went wrong with the Ray task around a run."""
    text = str(error)
    if "No module named 'dodo_pyexp'" in text:
        return (
            "pyexp is not installed on its node; install the same dodo-pyexp[ray] there as here, or name it in the "
            "pip packages of runtime_env"
        )
    *_, last = ["", *_lines(text)]
    return last or type(error).__name__


def environment_failure(error: BaseException) -> str:
    r"""Say why Ray could not make what a `runtime_env` asks for.

    Examples
    --------
    >>> environment_failure(RuntimeError("Failed.\n[Node 10.0.0.7] Traceback ...\n  ERROR: No such package: a\n"))
    'No such package: a (so Ray could not make the runtime environment on the node 10.0.0.7)'
    """
    text = str(error)
    node = _NODE.search(text)
    where = f" on the node {node[1]}" if node else ""
    return f"{_heart(text)} (so Ray could not make the runtime environment{where})"


def _heart(text: str) -> str:
    """Give the part of a message that tells what was wrong: pip's or uv's last words, or those of an exception."""
    said = [line for line in _SAID.findall(text) if not line.startswith("ResolutionImpossible")]
    raised = _EXCEPTION.split(text) if "Traceback" in text else []
    return _cut(said[-1] if said else raised[-1] if raised else next(_lines(text), "no reason given"))


def memory_failure(
    error: BaseException, place: tuple[str, int] | None, others: Container[tuple[str, int] | None]
) -> tuple[str, bool]:
    r"""Say why Ray killed a run for want of memory, and whether the run is to blame as far as is known.

    Ray sees how much memory its workers use, and not how much the runs do: it kills the newest ones, and many. But it
    names the processes that use most.

    Parameters
    ----------
    error
        What Ray says.
    place
        The node and the process of the run; None if it had not begun.
    others
        Those of other runs of the build.

    Examples
    --------
    >>> error = RuntimeError("... PID\tMEM(GB)\tCOMMAND\n6468\t3.61\tpython\n9\t0.05\tray::x\n")
    >>> memory_failure(error, ("node", 9), {("node", 6468)})
    ('Ray killed the run, because the memory of its node was running out: another run took 3.61 GB of it', False)
    """
    users = {int(pid): float(size) for pid, size in _USER.findall(str(error))}
    said = "Ray killed the run, because the memory of its node was running out"
    if place is None:
        return said, False
    node, pid = place
    largest = max(users, key=users.__getitem__, default=0)
    if users.get(pid, 0) < users.get(largest, 0) / 2 and (node, largest) in others:
        return f"{said}: another run took {users[largest]:g} GB of it", False
    return said + (f"; it took {users[pid]:g} GB" if pid in users else ""), True


def details(error: BaseException) -> str:
    """Give all that is known of an error, for the log; nothing if that is only a line."""
    text = str(error).strip()
    return f"{text}\n" if "\n" in text else ""


def _cut(text: str) -> str:
    text = " ".join(text.split()).rstrip(".")
    return text if len(text) <= _MOST else f"{text[:_MOST]}..."


def _lines(text: str) -> Iterator[str]:
    return (line.strip() for line in text.split("\n") if line.strip())
