"""What a Ray worker does for one run: find its folder and its code on this node, and see the run through.

Nothing of this is imported before Ray asks for it; the run itself is executed by a fork server (`ray_server`).
"""

from __future__ import annotations

import marshal
import os
import pickle
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from typing import Any

from ...results.pickling import loads
from ...store import status, timestamps
from ...store.paths import LOG, AttemptFolder
from ..handle import Ended
from ..idle import IdleWatch, Processes
from ..imports.reference import redirected
from ..memory import OomKills
from ..process import describe_end
from .channel import Channel
from .options import of_worker
from .server import READY
from .transfer import NodeFolder, unpack_refs

_BOOT = (
    "import sys, marshal; f = open(0, 'rb', closefd=False); sys.path[:] = marshal.load(f); "
    "from dodo_pyexp.executors.ray.server import main; main(f)"
)
_KEPT = 3  # fork servers that one Ray worker keeps: a build may take turns between its experiments
TICK_SECONDS = 0.5
# Set where Ray's workers are started, it makes them do as if they did not see the build's folder.
UNSEEN = "PYEXP_RAY_UNSEEN"

_kits: dict[str, dict[str, Any]] = {}
_servers: dict[tuple[str, frozenset[tuple[str, str]]], Server] = {}
_unfit: set[str] = set()
_oom_kills = OomKills()
_processes = Processes()


class Server:
    """A fork server of this worker.

    Parameters
    ----------
    kit
        What the runs of one batch have in common.
    preload
        Import the experiment's code before forking, and not in each fork.
    """

    def __init__(self, kit: dict[str, Any], *, preload: bool) -> None:
        mine, theirs = socket.socketpair()
        self._socket = mine
        self.channel = Channel(mine.fileno())
        said = {**kit, "ray": of_worker(kit["ray"]), "channel": theirs.fileno(), "preload": preload}
        with tempfile.TemporaryFile() as file:
            marshal.dump([*kit["path"], *(os.path.abspath(entry) for entry in sys.path)], file)
            pickle.dump(said, file)
            file.seek(0)
            subprocess.call(  # which is no parent of it for long
                [sys.executable, "-P", "-c", _BOOT],
                stdin=file, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=[theirs.fileno()],
                env={"RAY_ADDRESS": _head(), **os.environ},  # for runs that use Ray: there may be several here
            )  # fmt: skip
        theirs.close()
        told: tuple[str, int] | None = self.channel.receive()
        self.state = None if told is None else told[0]
        self.pid = 0 if told is None else told[1]

    def close(self) -> None:
        """End it; it kills what it has forked."""
        self._socket.close()

    def idle(self) -> bool:
        """Tell whether it waits for a run; else it is gone."""
        return not select.select([self._socket], [], [], 0)[0]

    def execute(self, order: dict[str, Any], timeout: float | None, idle: float | None) -> tuple[str, str] | None:
        """Execute a run; give the cause if it did not end by itself with how it went written down."""
        before = _oom_kills.recent()
        log = f"{order['attempt']}/{LOG}"
        self.channel.send(order)
        deadline = None if timeout is None else time.monotonic() + timeout
        watch = None if idle is None else IdleWatch(idle, self.pid, log, _processes)
        broken = None
        while deadline is not None or watch is not None:
            left = TICK_SECONDS if deadline is None else min(TICK_SECONDS, max(0.0, deadline - time.monotonic()))
            if select.select([self._socket], [], [], left)[0]:
                break
            now = time.monotonic()
            if deadline is not None and now > deadline:
                broken = "Timeout", f"the run took longer than {timeout:g} s and was killed with its children"
            elif watch is not None and watch.idle(now):
                what = f"neither printed nor computed for {idle:g} s"
                broken = "IdleTimeout", f"the run {what} and was killed with its children"
            if broken is not None:
                self.channel.send("kill")
                break
        code = self.channel.receive()
        if code is None:
            raise ServerDied
        ended = Ended(code)
        return broken or _oom_kills.explain(ended, before, log) or describe_end(ended)


class ServerDied(Exception):
    """The fork server is gone, and with it the run."""


def execute(ticket: dict[str, Any]) -> dict[str, Any]:
    """Execute a run on this node; what is given back says where it was, and how its process ended."""
    attempt = ticket["attempt"]
    shared = sees(attempt, ticket["state"])
    said = {"node": _node(), "shared": shared}
    if not shared and ticket["baggage"] is None:
        return {**said, "unseen": True}
    kit = _kit(ticket, shared=shared)
    order = {**ticket["order"], "attempt": attempt}
    seconds = time.time()
    about = {"node": said["node"], "start": timestamps.to_iso(seconds), "start_seconds": seconds}
    order["state"] = {**ticket["state"], **about}
    if not shared:
        order |= _lodge(ticket, kit["root"])
        missing = _missing_module(kit)
        if missing is not None:
            return {**said, "ended": ("MissingCode", missing)}
    for last in (False, True):
        server = _server(kit, _environment())
        try:
            ended = server.execute(order, ticket["timeout"], ticket["idle_timeout"])
            return {**said, "ended": ended}
        except (ServerDied, BrokenPipeError):
            _drop(server)
            # A server that died while it did nothing harmed no run; one try more cannot execute anything twice.
            if last or status.read(AttemptFolder(order["attempt"])) != ticket["state"]:
                return {**said, "ended": ("ProcessExited", "the process that executed the run was ended from outside")}
        except BaseException:  # cancelled
            _drop(server)
            raise
    raise AssertionError


def _node() -> dict[str, str]:
    import ray

    context = ray.get_runtime_context()
    return {"host": socket.gethostname(), "id": context.get_node_id()}


def _head() -> str:
    import ray

    return str(ray.get_runtime_context().gcs_address)


def sees(attempt: str, state: dict[str, Any]) -> bool:
    """Tell whether the folder that the build made for the run is there on this node: its status says so."""
    return UNSEEN not in os.environ and status.read(AttemptFolder(attempt)) == state


def _environment() -> dict[str, str]:
    """Give what Ray may have set for this task: which GPUs are its own, and how many threads to use."""
    known = os.environ  # asked for each run, so that no value is looked at in vain
    names = [name for name in known if "VISIBLE" in name or "OMP_NUM_THREADS" in name or "DEVICE_SELECTOR" in name]
    return {name: known[name] for name in names}


def _kit(ticket: dict[str, Any], *, shared: bool) -> dict[str, Any]:
    """Give what the runs of the batch have in common, with the paths of this node."""
    key = f"{ticket['kit']}{'' if shared else '-here'}"
    if key not in _kits:
        import ray

        data = ticket["kit_data"]
        kit: dict[str, Any] = loads(data if isinstance(data, bytes) else ray.get(data[0]))
        kit["key"] = key
        if not shared:
            _move(kit, ticket["baggage"]["code"])
        while len(_kits) >= 20:
            del _kits[next(iter(_kits))]
        _kits[key] = kit
    return _kits[key]


def _move(kit: dict[str, Any], code: dict[str, Any]) -> None:
    """Let the kit speak of the copies of the code that this node has got."""
    places = {copy: unpack_refs(kit["root"], parcel) for copy, parcel in code.items()}

    def here(path: str) -> str:
        for copy, place in places.items():
            if path == copy or path.startswith(copy + os.sep):
                return place + path[len(copy) :]
        return path

    kit["path"] = [here(entry) for entry in kit["path"]]
    kit["relocation"] = [(folder, here(copy)) for folder, copy in kit["relocation"] or ()]
    kit["fn"] = redirected(kit["fn"], lambda path: _own_file(kit["fn"][0], here(path), kit["path"]))
    if kit["cwd"] and not os.path.isdir(kit["cwd"]):
        moved = here(kit["cwd_copy"]) if kit["cwd_copy"] else ""
        kit["cwd"] = moved if os.path.isdir(moved) else None


def _own_file(module: str, path: str, search: list[str]) -> str:
    """Give the file of a module on this node: a `working_dir` may have brought it to another place."""
    if os.path.exists(path):
        return path
    name = module.replace(".", os.sep)
    places = [f"{entry}/{name}{end}" for entry in [*search, *sys.path] for end in (".py", f"{os.sep}__init__.py")]
    return next(filter(os.path.isfile, places), path)


def _missing_module(kit: dict[str, Any]) -> str | None:
    """Say what this node lacks, if it is the file that defines the experiment."""
    if isinstance(kit["fn"][2], bytes) or os.path.exists(kit["fn"][1]):
        return None
    return (
        f"the module {kit['fn'][0]} is not on its node ({socket.gethostname()}), which does not see the build's "
        "folder: with stash=False no code is sent there; leave that out, or bring the code with a working_dir"
    )


def _lodge(ticket: dict[str, Any], root: str) -> dict[str, Any]:
    """Make a folder for the run on this node, with all it needs from the build's machine."""
    baggage = ticket["baggage"]
    attempt = NodeFolder(root).run(ticket["id"])
    shutil.rmtree(attempt, ignore_errors=True)
    os.makedirs(attempt)
    for name, data in baggage["files"].items():
        with open(f"{attempt}/{name}", "wb") as file:
            file.write(data)
    status.write(AttemptFolder(attempt), ticket["state"])
    places = {folder: unpack_refs(root, parcel) for folder, parcel in baggage["folders"].items()}
    order = ticket["order"]
    deps = [(name, config, path and places.get(path, path), *rest) for name, config, path, *rest in order["deps"]]
    given = {name: path and places.get(path, path) for name, path in order["given"].items()}
    inputs = {path: os.path.join(unpack_refs(root, slip), name) for path, (slip, name) in baggage["inputs"].items()}
    return {"attempt": attempt, "deps": deps, "given": given, "inputs": inputs}


def _server(kit: dict[str, Any], environment: dict[str, str]) -> Server:
    """Give a fork server that has the code of the kit, imported where the same GPUs were to be seen."""
    key = kit["key"], frozenset(environment.items())
    server = _servers.pop(key, None)
    if server is not None and not server.idle():
        server.close()
        server = None
    if server is None:
        server = _start(kit)
        while len(_servers) >= _KEPT:
            _servers.pop(next(iter(_servers))).close()
    _servers[key] = server
    return server


def _start(kit: dict[str, Any]) -> Server:
    """Start a fork server; one that imports the code in each fork, where it cannot be forked with it."""
    if kit["key"] not in _unfit:
        server = Server(kit, preload=True)
        if server.state == READY:
            return server
        server.close()
        _unfit.add(kit["key"])
    server = Server(kit, preload=False)
    if server.state is None:
        server.close()
        raise RuntimeError("the process that executes runs could not be started on this node")
    return server


def _drop(server: Server) -> None:
    for key in [key for key, known in _servers.items() if known is server]:
        del _servers[key]
    server.close()
