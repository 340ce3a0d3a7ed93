"""Nodes that come, go and do not see the build's folder; a head that is lost; ways to join a cluster."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dodo_pyexp.errors import ExecutorError
from dodo_pyexp.executors.ray import head as ray_head

from ..conftest import Built, Script
from .nodes import Nodes, alive, head, lines, some, statuses, train, unsharing, until

pytestmark = [pytest.mark.ray, pytest.mark.timeout(240)]


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    cluster = Nodes(cpus=6)
    yield cluster
    cluster.close()


def begin(script: Script, nodes: Nodes, path: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(path), "--executor", f"ray:{nodes.address}", *arguments],
        cwd=script.folder, env=script.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_runs_of_a_node_that_dies_are_executed_elsewhere_and_no_others_twice(script, nodes):
    victim = nodes.add("victim", cpus=6)
    body = f"open({str(script.folder)!r} + '/began', 'a').write(cfg.name + '\\n')\ntime.sleep(2)\nreturn cfg.n"
    process = begin(script, nodes, script.write(train(body, some(40))))
    victim_id = victim.node_id if isinstance(victim.node_id, str) else str(victim.node_id)

    def busy() -> bool:
        known = statuses(script.folder).values()
        there = [status for status in known if status.get("node", {}).get("id") == victim_id]
        return len([status for status in there if status["state"] == "finished"]) >= 2 and any(
            status["state"] == "running" for status in there
        )

    assert until(busy), "no run was seen on the node that is to die"
    finished = {name for name, status in statuses(script.folder).items() if status["state"] == "finished"}
    nodes.cluster.remove_node(victim, allow_graceful=False)
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 0, stderr
    assert "raylet" not in stdout + stderr  # what Ray says of it, over many lines, stands in Ray's own logs
    assert "40 executed" in stderr
    began = lines(script.folder / "began")
    lost = {name: status["lost"] for name, status in statuses(script.folder).items() if "lost" in status}
    assert lost, "no run was lost, though its node died while runs were executed there"
    reasons = [why for some in lost.values() for why in some]
    assert all("died" in why for why in reasons)
    assert any(victim_id[:8] in why for why in reasons)  # those that had begun know where
    assert all(f"train:{name}: lost: " in stderr for name in lost)
    assert {name for name in began if began.count(name) > 1} <= lost.keys()
    assert not finished & lost.keys()
    assert all(status["tries"] == 1 and status["state"] == "finished" for status in statuses(script.folder).values())
    name = min(lost)
    assert "--- lost: " in next(script.folder.glob(f"out/train/{name}/*/log.out")).read_text()


def test_a_run_whose_worker_is_always_lost_fails_in_the_end(script, nodes):
    body = (
        f"open({str(script.folder)!r} + '/began', 'a').write('x\\n')\n"
        "workers = [pid for pid in os.listdir('/proc') if pid.isdigit() and mine(pid)]\n"
        "[os.kill(int(pid), 9) for pid in workers]\ntime.sleep(60)"
    )
    head = (
        "def mine(pid):\n    try:\n        return b'ray::pyexp' in open(f'/proc/{pid}/cmdline', 'rb').read()\n"
        "    except OSError:\n        return False\n\n"
    )
    process = begin(script, nodes, script.write(head + train(body, some(1))))
    _, stderr = process.communicate(timeout=100)
    assert process.returncode == 1, stderr
    status = statuses(script.folder)["r0"]
    assert status["error"]["type"] == "NodeLost" and len(status["lost"]) == 3
    assert len(lines(script.folder / "began")) == 4


def test_when_the_head_is_lost_the_build_says_so_and_keeps_what_had_finished(script):
    nodes = Nodes(cpus=2)
    try:
        body = "print(os.getpid(), flush=True); time.sleep(0 if cfg.n < 4 else 60)\nreturn cfg.n"
        path = script.write(train(body, some(8)))
        process = begin(script, nodes, path)
        assert until(lambda: len(list(script.folder.glob("out/train/*/.finished"))) == 4)

        def begun() -> list[int]:
            logs = [path for n in range(4, 8) for path in script.folder.glob(f"out/train/r{n}/*/log.out")]
            return [int(text) for log in logs if (text := log.read_text())]

        pids = until(begun)
        assert pids
        for kind in ("gcs_server",):
            for process_info in nodes.cluster.head_node.all_processes[kind]:
                process_info.process.kill()
        _, stderr = process.communicate(timeout=60)
        assert process.returncode == 2, stderr
        assert "is gone (its head does not answer); what had finished is kept" in stderr
        assert "Traceback" not in stderr
        assert len(list(script.folder.glob("out/train/*/.finished"))) == 4
        assert until(lambda: not any(alive(pid) for pid in pids), 10)  # though their nodes live on for a minute
        assert {status["state"] for status in statuses(script.folder).values()} == {"finished", "interrupted"}
    finally:
        nodes.close()
    path.write_text(path.read_text().replace("else 60", "else 0"))
    done = subprocess.run(
        [sys.executable, str(path), "--executor", "fork"], cwd=script.folder, env=script.environment,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "4 executed" in done.stderr and "4 up to date" in done.stderr


BLIND = """
import helper

@pyexp.experiment
def before(cfg, out):
    print("before", flush=True)
    (out / "sub").mkdir()
    (out / "sub" / "weights.bin").write_bytes(os.urandom(20_000_000))
    (out / "empty").mkdir()
    (out / "run.sh").write_text("x")
    os.chmod(out / "run.sh", 0o755)
    os.symlink("sub/weights.bin", out / "link")
    os.symlink(out / "sub" / "weights.bin", out / "latest")
    os.mkfifo(out / "pipe")
    return {"answer": helper.ANSWER}

@before.configs
def _():
    return [{"name": "b", "resources": {"blind": 1}}]

@pyexp.experiment
def train(cfg, out, deps):
    print("first", flush=True)
    while cfg.wait and not os.path.exists(cfg.wait):
        time.sleep(0.05)
    if cfg.name == "crash":
        import ctypes
        ctypes.string_at(0)
    file = deps[0].out / "sub" / "weights.bin"
    print("second", flush=True)
    return {"answer": deps[0]["answer"], "size": file.stat().st_size, "seen": os.path.exists(cfg.seen)}

def config(name, wait=""):
    where = "head" if name == "near" else "blind"
    seen = PROJECT + "/helper.py"
    return {"name": name, "depends_on": "before:b", "resources": {where: 1}, "seen": seen, "wait": wait}
"""


@pytest.mark.skipif(unsharing() is None, reason="needs to mount something: unshare -m, as root or in a user namespace")
def test_a_node_that_does_not_see_the_folder_gets_and_gives_back_everything(script, nodes, tmp_path):
    # The node lives in a mount namespace of its own, where an empty file system lies on the project and its `out/`.
    project = tmp_path / "project"
    project.mkdir()
    script.folder = project
    (project / "helper.py").write_text("ANSWER = 42\n")
    nodes.add_blind("blind", project, tmp_path / "node.log")
    go = Path("/tmp") / f"pyexp-test-go-{os.getpid()}"
    configs = f"CONFIGS = [config('far', {str(go)!r}), config('near'), config('crash')]\n"
    body = f"PROJECT = {str(project)!r}\n{BLIND}\n{configs}"
    try:
        process = begin(script, nodes, script.write(body), "-s")
        logs = until(lambda: [log for log in project.glob("out/train/far/*/log.out") if log.read_text()], 60)
        assert [log.read_text() for log in logs] == ["first\n"]
        assert until(lambda: "node" in json.loads((logs[0].parent / "status.json").read_text()))
        go.touch()
        stdout, stderr = process.communicate(timeout=60)
    finally:
        process.kill()
        go.unlink(missing_ok=True)
    found = {path.parent.parent.name: path.parent for path in project.glob("out/*/*/*/status.json")}
    assert process.returncode == 1, stderr
    assert "3 executed" in stderr and "1 failed" in stderr
    assert stdout.count("first\n") == 3 and stdout.count("before\n") == 1
    far = json.loads((found["far"] / "result.json").read_text())
    near = json.loads((found["near"] / "result.json").read_text())
    assert far == {"answer": 42, "size": 20_000_000, "seen": False}
    assert near == {"answer": 42, "size": 20_000_000, "seen": True}
    crashed = json.loads((found["crash"] / "status.json").read_text())
    assert crashed["error"]["type"] == "ProcessKilled"
    assert "Segmentation fault" in (found["crash"] / "log.out").read_text()
    saved = found["b"]
    assert (saved / "empty").is_dir() and os.readlink(saved / "link") == "sub/weights.bin"
    assert os.readlink(saved / "latest") == "sub/weights.bin"
    assert os.access(saved / "run.sh", os.X_OK)
    assert not list(saved.glob(".*.tmp"))
    again = script(body.replace("'crash'", "'far2'"), "--executor", f"ray:{nodes.address}")
    assert again.code == 0, again.stderr
    assert "1 executed" in again.stderr and "3 up to date" in again.stderr


WORKING = """
from lab.there import ANSWER, train

ARGUMENTS = {"executor": pyexp.RayExecutor(address=ADDRESS, runtime_env=ENVIRONMENT)}
"""
THERE = """
import os
import pyexp

ANSWER = 42

@pyexp.experiment(resources={"blind": 1}, stash=STASH)
def train(cfg, out):
    (out / "made").write_text("x")
    data = open("data/words").read() if os.path.exists("data/words") else None
    return {"data": data, "answer": ANSWER, "here": os.path.exists(PROJECT)}
"""


@pytest.mark.skipif(unsharing() is None, reason="needs to mount something: unshare -m, as root or in a user namespace")
def test_a_working_dir_is_where_runs_work_also_on_a_node_that_does_not_see_the_folder(script, nodes, tmp_path):
    project = script.folder = tmp_path / "project"
    for folder in ("lab", "data"):
        (project / folder).mkdir(parents=True)
    (project / "lab" / "__init__.py").touch()
    (project / "pyproject.toml").touch()  # so that it is the project of what lies in lab, and has its output folder
    (project / "data" / "words").write_text("words")
    nodes.add_blind("blind", project, tmp_path / "node.log")

    def build(stash: bool, environment: dict) -> Built:
        about = f"PROJECT = {str(project / 'data')!r}\nSTASH = {stash}\n"
        (project / "lab" / "there.py").write_text(about + THERE)
        body = f"ADDRESS = {nodes.address!r}\nENVIRONMENT = {environment!r}\n{WORKING}"
        return script(body + "CONFIGS = [{'name': 'r'}]\n", "--rerun")

    for stash in (True, False):  # the code is sent, or is what the working_dir brings
        built = build(stash, {"working_dir": str(project)})
        assert built.code == 0, built.stderr
        found = json.loads((built.attempt() / "result.json").read_text())
        assert found == {"data": "words", "answer": 42, "here": False}
        assert (built.attempt() / "made").read_text() == "x"
    built = build(False, {"env_vars": {"A": "1"}})
    kind, message = built.error()
    assert kind == "MissingCode" and message.startswith("the module lab.there is not on its node"), message


def test_each_run_sees_its_own_gpus_and_so_does_the_code_that_it_imports(script):
    (script.folder / "seen.py").write_text("import os\nGPUS = os.environ.get('CUDA_VISIBLE_DEVICES')\n")
    wanted = {"both0": 2, "whole0": 1, "whole1": 1, "both1": 2, "half0": 0.5, "half1": 0.5, "none": 0}
    configs = f"import seen\n\nCONFIGS = [{{'name': n, 'resources': {{'num_gpus': a}}}} for n, a in {wanted}.items()]\n"
    child = '[sys.executable, "-c", "import os; print(os.environ.get(\'CUDA_VISIBLE_DEVICES\'))"]'
    body = (
        "import subprocess\nopen(BEGAN, 'a').write(f'{cfg.name}\\n')\n"
        "limit = time.time() + 20\n"
        "while cfg.name.startswith('whole') and open(BEGAN).read().count('whole') < 2 and time.time() < limit:\n"
        "    time.sleep(0.05)\n"
        f"below = subprocess.run({child}, capture_output=True, text=True).stdout.strip()\n"
        "return [os.environ.get('CUDA_VISIBLE_DEVICES'), below, seen.GPUS]"
    )
    nodes = Nodes(cpus=2, num_gpus=2)
    try:
        body = f"BEGAN = {str(script.folder / 'began')!r}\n\n{train(body, configs)}"
        built = script(body, "--executor", f"ray:{nodes.address}")
    finally:
        nodes.close()
    assert built.code == 0, built.stderr
    found = {name: json.loads((built.attempt(name) / "result.json").read_text()) for name in wanted}
    assert all(str(own) == below and imported == own for own, below, imported in found.values()), found
    seen = {name: set((own or "").split(",")) - {""} for name, (own, *_) in found.items()}
    assert not seen["whole0"] & seen["whole1"]
    assert {name: len(gpus) for name, gpus in seen.items()} == {
        "both0": 2, "whole0": 1, "whole1": 1, "both1": 2, "half0": 1, "half1": 1, "none": 0,
    }  # fmt: skip


def test_a_build_may_join_through_a_client_server(script):
    pytest.importorskip("grpc", reason="Ray's client needs the extra ray[client]")
    with socket.socket() as free:
        free.bind(("", 0))
        port = free.getsockname()[1]
    nodes = Nodes(cpus=2, ray_client_server_port=port)
    try:
        address = f"ray://{nodes.address.partition(':')[0]}:{port}"
        until(lambda: connects(address), 30)
        built = script(train("print('hello')\nreturn cfg.n", some(4)), "--executor", address, "-s")
        assert built.code == 0, built.stderr
        assert built.stdout.count("hello\n") == 4
        assert json.loads((built.attempt("r3") / "result.json").read_text()) == 3
    finally:
        nodes.close()


def test_a_head_on_this_machine_that_asks_for_a_token_is_told_it(script, tmp_path, monkeypatch):
    (tmp_path / "token").write_text("a" * 64)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    with head(tmp_path / "head.log", RAY_AUTH_MODE="token") as (address, client):
        for where in (f"ray:{address}", client):
            built = script(train("return 1", some(2)), "--executor", where, "--rerun")
            assert built.code == 0, built.stderr
            assert "2 executed" in built.stderr and "uth" not in built.stderr  # nothing about authentication


def test_a_client_server_that_could_not_start_one_for_the_build_is_asked_again(monkeypatch):
    import ray

    from dodo_pyexp.executors.ray import start as ray_start

    asked = []

    def init(**arguments):
        asked.append(arguments["address"])
        if len(asked) == 1:
            raise ConnectionAbortedError("Starting Ray client server failed. See ray_client_server_23000.err")

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray_start, "reach", lambda place, address: None)
    ray_start.Connection("ray://there:10001", None, {}).close()
    assert asked == ["ray://there:10001"] * 2


def test_a_build_that_is_told_to_end_while_ray_starts_leaves_it_first(monkeypatch):
    import ray

    from dodo_pyexp.executors.ray.cluster import Cluster

    seen = []

    def init(**_):
        os.kill(os.getpid(), signal.SIGINT)
        seen.append("started")

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "shutdown", lambda: seen.append("left"))
    before = signal.signal(signal.SIGINT, lambda number, frame: seen.append("heard"))
    try:
        with pytest.raises(KeyboardInterrupt):
            Cluster("auto", None, {})
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == ["started", "left", "heard"]


def test_where_no_cluster_is_it_is_told_how_to_start_one(monkeypatch):
    import ray

    from dodo_pyexp.executors.ray.cluster import Cluster

    def init(**_):
        raise ConnectionError("Could not find any running Ray instance. Please specify the one to connect to")

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(ExecutorError) as told:
        Cluster("auto", None, {})
    assert str(told.value) == (
        'the executor "ray" found no cluster on this machine; start one with `ray start --head`, or use the executor '
        '"ray" without an address'
    )


def connects(address: str) -> bool:
    return ray_head.connects(address.removeprefix("ray://"), 1.0)


def test_ray_on_this_machine_is_started_and_ended(script):
    body = "return os.getppid()"
    tail = (
        "\ndef after(results):\n    import ray\n    print('up' if ray.is_initialized() else 'down')\n"
        "    print([r.result is not None for r in results])\n"
    )
    built = script(train(body, some(3)) + tail, "--executor", "ray")
    assert built.code == 0, built.stderr
    assert built.stdout.splitlines()[-2:] == ["down", "[True, True, True]"]


def test_no_process_of_a_local_ray_survives_the_build_that_started_it(script):
    path = script.write(train("print(os.getpid(), flush=True); time.sleep(60)", some(1)))
    process = subprocess.Popen(
        [sys.executable, str(path), "--executor", "ray"], cwd=script.folder, env=script.environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    logs = until(lambda: [log for log in script.folder.glob("out/train/*/*/log.out") if log.read_text()], 60)
    pid = int(logs[0].read_text())
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert until(lambda: not Path(f"/proc/{pid}").exists(), 30)
