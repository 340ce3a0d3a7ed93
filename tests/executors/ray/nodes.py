"""A real Ray cluster of several nodes on this machine, nodes of it that cannot see a folder, and experiments for it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
STORE = 100 * 1024 * 1024
STARTED = b"Ray runtime started"


def unsharing() -> list[str] | None:
    """Give the command that runs another in a mount namespace of its own; None where that is not allowed."""
    for words in (["unshare", "-m"], ["unshare", "-rm"], ["sudo", "-n", "-E", "unshare", "-m"]):
        if shutil.which(words[0]) is None:
            continue
        tried = subprocess.run([*words, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
        if tried.returncode == 0:
            return words
    return None


@contextlib.contextmanager
def memory_cgroup(size: int) -> Iterator[Path | None]:
    """Make a control group whose processes get `size` bytes in all; None where that is not allowed."""
    name = f"pyexp-test-{os.getpid()}"
    limits = {
        Path("/sys/fs/cgroup/memory"): ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"],
        Path("/sys/fs/cgroup"): ["memory.max", "memory.swap.max"],
    }
    top = next((top for top, (file, _) in limits.items() if (top / file).exists() or _gives_memory(top)), None)
    group = None if top is None else top / name
    try:
        if top is None or group is None:
            raise PermissionError
        group.mkdir()
        (group / limits[top][0]).write_text(str(size))
        with contextlib.suppress(OSError):  # there may be no swap to limit
            (group / limits[top][1]).write_text("0" if top.name == "cgroup" else str(size))
    except OSError:
        group = None
    try:
        yield group
    finally:
        if group is not None:
            until(lambda: not lines(group / "cgroup.procs"))
            group.rmdir()


def _gives_memory(top: Path) -> bool:
    try:
        return "memory" in (top / "cgroup.subtree_control").read_text().split()
    except OSError:
        return False


class Nodes:
    """A cluster; its head has the resource ``head``."""

    def __init__(self, cpus: int = 2, **more: Any) -> None:
        from ray.cluster_utils import Cluster

        os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_AUTH_MODE="disabled")
        os.environ["PYTHONPATH"] = str(ROOT)
        arguments = {
            "num_cpus": cpus, "resources": {"head": 100}, "include_dashboard": False, **more,
            # Ray takes 15 seconds to find a node dead, as it comes.
            "_system_config": {"health_check_period_ms": 500, "health_check_failure_threshold": 4},
        }  # fmt: skip
        self.cluster = Cluster(initialize_head=True, head_node_args={**arguments, "object_store_memory": STORE})
        self.address: str = self.cluster.address
        self._hidden: list[subprocess.Popen[bytes]] = []

    def add(self, name: str, cpus: int = 2, **more: Any) -> Any:
        """Add a node that has 100 of the resource called `name`."""
        return self.cluster.add_node(num_cpus=cpus, resources={name: 100}, object_store_memory=STORE, **more)

    def add_blind(self, name: str, folder: Path, log: Path, cpus: int = 2) -> subprocess.Popen[bytes]:
        """Add a node in a mount namespace of its own, in which an empty file system hides `folder`."""
        words = unsharing()
        assert words is not None
        return self._start(
            name, log, cpus, [*words, "sh", "-c"], 'mount -t tmpfs none "$0" && cd / && exec "$@"', folder
        )

    def add_limited(self, name: str, group: Path, log: Path, cpus: int = 2) -> subprocess.Popen[bytes]:
        """Add a node whose processes are all in a memory cgroup."""
        script = 'echo $$ > "$0" && exec "$@"'
        return self._start(name, log, cpus, ["sh", "-c"], script, group / "cgroup.procs")

    def _start(
        self, name: str, log: Path, cpus: int, words: list[str], script: str, about: Path
    ) -> subprocess.Popen[bytes]:
        start = [
            sys.executable, "-m", "ray.scripts.scripts", "start", f"--address={self.address}", f"--num-cpus={cpus}",
            f"--resources={json.dumps({name: 100})}", f"--object-store-memory={STORE}", "--block",
            "--disable-usage-stats",
        ]  # fmt: skip
        with open(log, "wb") as file:
            process = subprocess.Popen(
                [*words, script, str(about), *start], stdout=file, stderr=file, start_new_session=True
            )
        self._hidden.append(process)
        assert until(lambda: STARTED in log.read_bytes(), 90), log.read_text()  # else its runs find that no node has it
        return process

    def stop(self, node: subprocess.Popen[bytes]) -> None:
        """End a node that was added by itself."""
        self._hidden.remove(node)
        end(node)

    def close(self) -> None:
        for process in self._hidden:
            end(process)
        self.cluster.shutdown()


@contextlib.contextmanager
def head(log: Path, **environment: str) -> Iterator[tuple[str, str]]:
    """Start a head by `ray start`, and give its address and that of its client server."""
    with socket.socket() as one, socket.socket() as two:
        one.bind(("", 0))
        two.bind(("", 0))
        port, client = one.getsockname()[1], two.getsockname()[1]
    words = [
        sys.executable, "-m", "ray.scripts.scripts", "start", "--head", f"--port={port}", "--num-cpus=2", "--block",
        f"--ray-client-server-port={client}", f"--object-store-memory={STORE}", "--include-dashboard=false",
        "--disable-usage-stats",
    ]  # fmt: skip
    with open(log, "wb") as file:
        process = subprocess.Popen(
            words, env={**os.environ, "PYTHONPATH": str(ROOT), **environment}, stdout=file, stderr=file,
            start_new_session=True,
        )  # fmt: skip
    try:
        assert until(lambda: STARTED in log.read_bytes(), 90), log.read_text()
        yield f"127.0.0.1:{port}", f"ray://127.0.0.1:{client}"
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a node that was started by `ray start --block`, with all its processes."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def until(condition: Any, seconds: float = 90.0) -> Any:
    """Wait for a condition, and give what it gives."""
    limit = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < limit:
        time.sleep(0.05)
    return found


def train(body: str, configs: str = "", **options: str) -> str:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    more = "".join(f", {name}={value}" for name, value in options.items())
    return f"@pyexp.experiment(stash=False{more})\ndef train(cfg, out):\n{lines}\n{configs}"


def some(number: int, more: str = "") -> str:
    return f"CONFIGS = [{{'name': f'r{{n}}', 'n': n{more}}} for n in range({number})]\n"


def statuses(folder: Path) -> dict[str, dict]:
    found = {}
    for path in folder.glob("out/train/*/*/status.json"):
        found[path.parent.parent.name] = json.loads(path.read_text())
    return found


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
