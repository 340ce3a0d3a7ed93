"""Commands that are forked from an interpreter which has imported what they need: that is half of their time.

Each is a process of its own all the same, with its own arguments, environment, folder and streams. What such a fork
cannot show is how a fresh interpreter imports: `make test-all` starts one for each command, and so does a test that is
marked `fresh`.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
#: Decides at the start of an interpreter, or at an import, and not when a command is run.
EARLY = ("PYTHON", "LC_", "LANG", "TZ", "MALLOC", "LD_")
#: What a command of each program imports in any case, in its own order. Nothing here looks at a folder or at arguments.
IMPORTS = {
    "pyexp": "import pyexp, dodo_pyexp.cli.main, doit.control, yaml, tabulate",
    "doit": "import doit.doit_cmd, doit.cmd_base, doit.control, pyexp, dodo_pyexp.cli.main, yaml",
}


def early(environment: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in environment.items() if key.startswith(EARLY)}


# -- in the interpreter that is kept ----------------------------------------------------------------------------


def serve(program: str, fd: int) -> None:
    """Fork a process for each request, and return in it, as the main module of nothing yet."""
    import_all(program)
    line = socket.socket(fileno=fd)
    while True:
        head, fds, *_ = socket.recv_fds(line, 8, 3)
        if not head:
            os._exit(0)
        with line.makefile("rb", buffering=0) as file:
            request = json.loads(_exactly(file, int.from_bytes(head)))
        child = os.fork()
        if not child:
            line.close()
            return _become(program, fds, **request)
        for one in fds:
            os.close(one)
        line.sendall(child.to_bytes(8))
        line.sendall(os.waitpid(child, 0)[1].to_bytes(8))


def import_all(program: str) -> None:
    """Import the engine, whatever it is made of; but not Ray, and not what only other processes import."""
    import pkgutil
    from importlib import import_module

    exec(IMPORTS[program], {})
    import dodo_pyexp

    for module in pkgutil.walk_packages(dodo_pyexp.__path__, "dodo_pyexp."):
        if not any(word in module.name for word in (".ray", "worker", "__main__")):
            import_module(module.name)


def _exactly(file: Any, size: int) -> bytes:
    found = b""
    while len(found) < size:
        found += file.read(size - len(found)) or sys.exit("the request is torn")
    return found


def _become(program: str, fds: list[int], arguments: list[str], folder: str, environment: dict[str, str]) -> None:
    for number, fd in enumerate(fds):
        os.dup2(fd, number)
        os.close(fd)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0] = folder
    sys.argv = ["-m", *arguments]
    for name in [name for name in sys.modules if name.partition(".")[0] in ("tests", "__mp_main__")]:
        del sys.modules[name]
    sys.modules["__main__"] = ModuleType("__main__")


# -- in the tests -----------------------------------------------------------------------------------------------


class Warm:
    """An interpreter from which the commands of one program are forked."""

    def __init__(self, program: str, environment: dict[str, str]) -> None:
        self._early = early(environment)
        self._line, theirs = socket.socketpair()
        code = f"from tests import warm; warm.serve({program!r}, {theirs.fileno()}); import runpy; "
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"{code}runpy._run_module_as_main({program!r})"],
            cwd=ROOT, env=environment, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,  # pipes like those that take their place: none can seek
        )  # fmt: skip
        theirs.close()

    def fits(self, environment: dict[str, str]) -> bool:
        """Tell whether a command with this environment can be forked: nothing in it should have been known before."""
        return early(environment) == self._early

    def close(self) -> None:
        self._line.close()
        self._process.wait()

    def run(self, arguments: tuple[str, ...], folder: Path, environment: dict[str, str], timeout: float) -> Any:
        """Do as `subprocess.run` does with ``python -m program *arguments``."""
        request = json.dumps({"arguments": arguments, "folder": str(folder), "environment": environment}).encode()
        null, (out, their_out), (err, their_err) = os.open(os.devnull, os.O_RDONLY), os.pipe(), os.pipe()
        try:
            socket.send_fds(self._line, [len(request).to_bytes(8)], [null, their_out, their_err])
        finally:
            for fd in (null, their_out, their_err):
                os.close(fd)
        self._line.sendall(request)
        child = int.from_bytes(self._line.recv(8, socket.MSG_WAITALL))
        try:
            said = _read(out, err, time.monotonic() + timeout)
        except BaseException:
            os.kill(child, signal.SIGKILL)
            raise
        finally:
            status = int.from_bytes(self._line.recv(8, socket.MSG_WAITALL))
        words = [sys.executable, "-m", *arguments]
        return subprocess.CompletedProcess(words, os.waitstatus_to_exitcode(status), *said)


def _read(out: int, err: int, end: float) -> list[str]:
    """Read both streams to their ends, and close them."""
    said: dict[int, bytes] = {out: b"", err: b""}
    with selectors.DefaultSelector() as selector:
        try:
            for fd in (out, err):
                selector.register(fd, selectors.EVENT_READ)
            while selector.get_map():
                if time.monotonic() > end:
                    raise TimeoutError(f"no end after so long: {said}")
                for key, _ in selector.select(1):
                    if data := os.read(key.fd, 1 << 16):
                        said[key.fd] += data
                    else:
                        selector.unregister(key.fd)
        finally:
            os.close(out)
            os.close(err)
    return [text.decode().replace("\r\n", "\n").replace("\r", "\n") for text in said.values()]
