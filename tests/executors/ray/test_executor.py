"""Runs on Ray: a real cluster on this machine, with builds in processes of their own that join it."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from dodo_pyexp.executors.ray.task import UNSEEN

from ..conftest import Built, Script
from .nodes import Nodes, alive, lines, some, statuses, train, until

pytestmark = [pytest.mark.ray, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    cluster = Nodes(cpus=4)
    yield cluster
    cluster.close()


@pytest.fixture
def build(script: Script, nodes: Nodes):
    def run(body: str, *arguments: str, **more) -> Built:
        return script(body, "--executor", f"ray:{nodes.address}", *arguments, **more)

    return run


@pytest.fixture
def start(script: Script, nodes: Nodes) -> Iterator:
    started: list[subprocess.Popen[str]] = []

    def begin(body: str, *arguments: str, address: str | None = None) -> subprocess.Popen[str]:
        path = script.write(body)
        process = subprocess.Popen(
            [sys.executable, str(path), "--executor", f"ray:{address or nodes.address}", *arguments],
            cwd=script.folder, env=script.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def test_results_logs_files_and_the_node_are_where_they_are_for_every_executor(script, build):
    body = "print('hello', cfg.name)\nos.system('echo child')\n(out / 'made.txt').write_text('x')\nreturn {'n': cfg.n}"
    after = "\ndef after(results):\n    print([(r.name, r['n'], r.log) for r in results])\n"
    built = build(train(body, some(3)) + after)
    assert built.code == 0, built.stderr
    assert built.log("r1") == "hello r1\nchild\n"
    assert (built.attempt("r1") / "made.txt").read_text() == "x"
    assert "('r2', 2, 'hello r2\\nchild\\n')" in built.stdout
    node = built.status("r1")["node"]
    assert node["host"] == os.uname().nodename and len(node["id"]) == 56
    again = build(train(body, some(3)) + after)
    assert again.code == 0 and "3 runs: all up to date" in again.stderr


def test_a_build_with_nothing_to_do_joins_no_cluster(script, build):
    assert build(train("return 1")).code == 0
    built = script(train("return 1"), "--executor", "ray:127.0.0.1:1")
    assert built.code == 0, built.stderr


def test_a_crash_is_that_runs_failure_and_its_cause_is_told(build):
    crashes = [
        ("import ctypes; ctypes.string_at(0)", "ProcessKilled", "killed by SIGSEGV"),
        ("os._exit(3)", "ProcessExited", "exit status 3 before the function had returned"),
        ("os.kill(os.getpid(), 9)", "ProcessKilled", "often the sign of running out of memory"),
        ("sys.exit(2)", "SystemExit", "the function called sys.exit(2)"),
        ("raise ValueError('no')", "ValueError", "no"),
        ("import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 30,) * 2); bytearray(1 << 31)",
         "MemoryError", ""),
        ("os.kill(os.getppid(), 9); time.sleep(60)", "ProcessExited", "ended from outside"),
    ]  # fmt: skip
    branches = "".join(f"if cfg.n == {n}:\n    {body}\n" for n, (body, *_) in enumerate(crashes))
    built = build(train(f"print('before')\n{branches}return 1", some(len(crashes) + 1)))
    assert built.code == 1
    for n, (_, kind, message) in enumerate(crashes):
        assert built.error(f"r{n}")[0] == kind and message in built.error(f"r{n}")[1]
        assert built.log(f"r{n}").startswith("before\n")
        assert built.status(f"r{n}")["tries"] == 1 and "lost" not in built.status(f"r{n}")
        assert built.status(f"r{n}")["node"]["host"] == os.uname().nodename
    assert built.finished(f"r{len(crashes)}")


def test_a_crashing_run_is_executed_as_often_as_retry_says(script, build):
    body = f"open({str(script.folder / 'tries')!r}, 'a').write('x\\n'); os._exit(1)"
    built = build(train(body, some(1)), "--retry", "1")
    assert built.code == 1
    assert len(lines(script.folder / "tries")) == 2
    assert built.status("r0")["tries"] == 2


def test_a_run_that_uses_ray_itself_finds_the_cluster_that_executes_it(build, nodes):
    body = (
        "import ray\nray.init(log_to_driver=False)\n"
        "@ray.remote(num_cpus=0)\ndef square(n): return n * n\n"
        "address = ray.get_runtime_context().gcs_address\n"
        "return [os.environ['RAY_ADDRESS'], address, ray.get([square.remote(n) for n in range(3)])]"
    )
    built = build(train(body, some(1)))
    assert built.code == 0, built.stderr
    found = json.loads((built.attempt("r0") / "result.json").read_text())
    assert found == [nodes.address, nodes.address, [0, 1, 4]]


def test_no_run_finds_what_another_left_in_memory(build):
    body = "found = getattr(sys, 'left', None); sys.left = cfg.n; os.environ['LEFT'] = '1'; os.chdir('/'); return found"
    built = build(train(body, some(12)))
    assert built.code == 0, built.stderr
    results = {json.loads(path.read_text()) for path in built.folder.glob("out/train/*/*/result.json")}
    assert results == {None}


def test_everything_that_is_ready_is_on_its_way_at_once(build):
    body = (
        "(out / 'began').touch()\nuntil = time.time() + 60\n"
        "while len(list(out.parent.parent.glob('*/*/began'))) < 4: time.sleep(0.05); assert time.time() < until"
    )
    built = build(train(body, some(4)))
    assert built.code == 0, built.stderr


def test_the_timeout_counts_from_when_the_run_began(build):
    body = "time.sleep(60 if cfg.n == 0 else 0.5)"
    built = build(train(body, some(13, ", 'resources': {'num_cpus': 2}")), "--timeout", "4")
    assert built.error("r0") == ("Timeout", "the run took longer than 4 s and was killed with its children")
    assert all(built.finished(f"r{n}") for n in range(1, 13)), built.stderr


def test_an_idle_run_is_killed(build):
    built = build(train("time.sleep(60)", some(1)), "--idle-timeout", "2")
    assert built.error("r0")[0] == "IdleTimeout"


def test_runs_of_other_executors_in_the_same_build_keep_to_the_number_of_jobs(script, nodes):
    body = train("return 1", "CONFIGS = [{'name': 'r', 'depends_on': 'local:'}]\n", executor="RAY")
    local = (
        "@pyexp.experiment(stash=False, executor='subprocess')\ndef local(cfg):\n"
        "    began = time.time(); time.sleep(0.3); return [began, time.time()]\n\n"
        "@local.configs\ndef _():\n    return [{'name': f'l{n}'} for n in range(4)]\n\n"
    )
    built = script(f"RAY = pyexp.RayExecutor({nodes.address!r})\n{local}{body}")
    assert built.code == 0, built.stderr
    spans = sorted(json.loads(path.read_text()) for path in built.folder.glob("out/local/*/*/result.json"))
    assert len(spans) == 4
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


def test_resources_of_the_experiment_and_of_a_config(build):
    body = "import ray; return os.environ.get('OMP_NUM_THREADS')"
    configs = "CONFIGS = [{'name': 'own', 'resources': {'num_cpus': 3}}, {'name': 'fn'}]\n"
    built = build(train(body, configs, resources="lambda cfg: {'num_cpus': 2, 'head': 1}"))
    assert built.code == 0, built.stderr
    assert json.loads((built.attempt("own") / "result.json").read_text()) == "3"
    assert json.loads((built.attempt("fn") / "result.json").read_text()) == "2"
    other = configs.replace("3", "1")
    again = build(train(body, other, resources="{'num_cpus': 1}"))
    assert "2 runs: all up to date" in again.stderr


def test_what_no_node_has_is_told_and_not_waited_for(build):
    configs = "CONFIGS = [{'name': 'r', 'resources': {'num_gpus': 2}}, {'name': 'other'}]\n"
    built = build(train("return 1", configs))
    assert built.code == 1
    kind, message = built.error("r")
    assert kind == "NoSuchResources"
    assert "the run needs num_cpus=1, num_gpus=2, and no node of the cluster has that: at most num_gpus=0" in message
    assert built.finished("other")


def test_resources_that_make_no_sense_are_refused_before_anything_happens(build):
    built = build(train("return 1", "CONFIGS = [{'name': 'r', 'resources': 'many'}]\n"))
    assert built.code == 2
    assert 'resources must be a table such as {"num_cpus": 2}' in built.stderr
    assert len(built.stderr.strip().splitlines()) == 1


def test_live_output_is_shown_and_kept(build):
    built = build(train("print('hello', cfg.name)\nos.system('echo child')", some(2)), "-s")
    assert built.code == 0
    for text in ("hello r0", "hello r1", "child"):
        assert text in built.stdout
    assert built.log("r0") == "hello r0\nchild\n"


def test_secrets_are_masked_in_what_a_run_prints_and_it_ends_as_it_does_without_them(build):
    body = (
        "print('key', cfg.api_key, flush=True)\nos.system('printf hunter2; sleep 0.1; echo secret')\n"
        "if cfg.n == 0: import ctypes; ctypes.string_at(0)\nif cfg.n == 1: raise ValueError(cfg.api_key)"
    )
    built = build(train(body, some(3, ", 'api_key': 'hunter2secret'")), "-s")
    assert built.code == 1
    assert built.error("r0")[0] == "ProcessKilled" and "SIGSEGV" in built.error("r0")[1]
    assert built.error("r1") == ("ValueError", "***")
    assert built.log("r2") == "key ***\n***\n"
    assert built.log("r0").startswith(built.log("r2")) and built.log("r1").startswith(built.log("r2"))
    assert built.stdout.count("key ***") == 3 and "hunter2secret" not in built.stdout + built.stderr


def test_what_is_printed_through_a_stream_that_was_taken_at_import_is_in_the_log(script, build):
    (script.folder / "talking.py").write_text("import sys\nout = sys.stdout\n")
    built = build(f"import talking\n\n{train('talking.out.write(cfg.name)', some(2))}")
    assert built.code == 0, built.stderr
    assert (built.log("r0"), built.log("r1")) == ("r0", "r1")


def test_what_a_try_printed_is_not_shown_again_with_the_next(build):
    body = "again = os.path.exists(SEEN)\nopen(SEEN, 'w')\nprint('second' if again else 'first')\nassert again"
    built = build(f"SEEN = os.path.abspath('seen')\n\n{train(body, some(1))}", "-s", "--retry", "1")
    assert built.code == 0, built.stderr
    assert built.stdout.count("first\n") == built.stdout.count("second\n") == 1
    assert built.log("r0").count("first\n") == 1


def test_the_log_grows_while_the_run_lives(script, start):
    process = start(train("print('first')\nwhile not (out / 'go').exists(): time.sleep(0.01)\nprint('last')", some(1)))
    logs = until(lambda: [log for log in script.folder.glob("out/train/r0/*/log.out") if log.read_text()])
    assert logs[0].read_text() == "first\n"
    status = json.loads((logs[0].parent / "status.json").read_text())
    assert status["state"] == "running" and status["node"]["id"]
    (logs[0].parent / "go").touch()
    assert process.wait(30) == 0
    assert logs[0].read_text() == "first\nlast\n"


def test_an_address_where_nobody_is_gives_one_sentence(script):
    built = script(train("return 1"), "--executor", "ray:127.0.0.1:1")
    assert built.code == 2
    assert "found no cluster at 127.0.0.1:1: nothing answers there" in built.stderr
    assert "Traceback" not in built.stderr
    assert not list(built.folder.glob("out/train/*/*/status.json"))


SLOW = "print(os.getpid(), flush=True); time.sleep(0 if cfg.n < 2 else 60)"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_build_that_is_stopped_leaves_nothing_running(script, start, build, number):
    process = start(train(SLOW, some(12)))
    assert until(lambda: len([log for log in script.folder.glob("out/train/*/*/log.out") if log.read_text()]) >= 6)
    pids = [int(log.read_text()) for log in script.folder.glob("out/train/*/*/log.out") if log.read_text()]
    process.send_signal(number)
    if number == signal.SIGINT:
        assert process.poll() is None
        time.sleep(0.5)
        process.send_signal(number)
    code = process.wait(30)
    assert code == (-9 if number == signal.SIGKILL else 130)
    assert until(lambda: not any(alive(pid) for pid in pids), 20)
    assert not list(script.folder.glob("out/train/r[2-9]/.finished"))
    logs = {path: path.read_text() for path in script.folder.glob("out/train/r[01]/*/log.out")}
    again = build(train(SLOW.replace("60", "0"), some(12)))
    assert again.code == 0, again.stderr
    assert {path: path.read_text() for path in logs} == logs  # these two were executed once


def test_the_first_interrupt_cancels_what_is_queued_and_lets_the_others_end(script, start):
    process = start(train("print('began', flush=True); time.sleep(4)", some(30)))
    assert until(lambda: [log for log in script.folder.glob("out/train/*/*/log.out") if log.read_text()])
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, stderr
    states = [status["state"] for status in statuses(script.folder).values()]
    assert states.count("finished") >= 1
    assert states.count("finished") + states.count("interrupted") == len(states)
    assert states.count("interrupted") >= 20


@pytest.mark.slow
def test_two_thousand_trivial_runs(build):
    built = build(train("return cfg.n", some(2000)))
    assert built.code == 0, built.stderr[-2000:]
    assert "2000 executed" in built.stderr
    assert len(list(built.folder.glob("out/train/*/.finished"))) == 2000


@pytest.mark.parametrize("seen", [True, False])
def test_the_files_that_runs_have_read_are_on_record(script, seen, monkeypatch):
    if not seen:
        monkeypatch.setenv(UNSEEN, "1")
    (script.folder / "pyproject.toml").touch()
    (script.folder / "top.txt").write_text("top")
    (script.folder / "child.txt").write_text("child")
    body = """
        import subprocess
        TOP = open("top.txt").read()

        @pyexp.experiment(executor="ray")
        def train(cfg):
            subprocess.run([sys.executable, "-c", "open('child.txt')"], check=True)
    """
    built = script(body)
    assert built.code == 0, built.stderr
    for name in ("r", "other"):
        assert set(json.loads((built.run(name) / ".finished").read_text())["found"]) == {"top.txt", "child.txt"}
        assert "child.txt" in (built.attempt(name) / "inputs.json").read_text()
        assert not list(built.attempt(name).glob(".*.tmp"))
    (script.folder / "child.txt").write_text("other")
    assert "child.txt, which 2 runs read, changed" in script(body).stderr
