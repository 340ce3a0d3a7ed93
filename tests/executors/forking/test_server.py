"""The fork server: what a run sees in its processes, what becomes of them when one is lost; no two runs overlap."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dodo_pyexp.executors.forking.executor import ForkExecutor
from dodo_pyexp.executors.forking.server import POSSIBLE
from dodo_pyexp.executors.forking.spare import MOST_BYTES
from tests.executors.conftest import ROOT
from tests.executors.test_processes import alive, train, until

pytestmark = pytest.mark.skipif(not POSSIBLE, reason="there is no fork server but on Linux")

# Counts, in the build's own process, which runs were executed by processes of the fork server.
COUNTING = """
from dodo_pyexp.executors.forking import executor as fork, server as forkserver
TAKEN, SERVERS = [], []
class Counted(ForkExecutor):
    queues = True
    def start(self, job, log, guardian):
        if self._server is not None and self._server.pid not in SERVERS:
            SERVERS.append(self._server.pid)
        before = globals().get("before_starting")
        if before:
            before(self._server, job)
        handle = super().start(job, log, guardian)
        TAKEN.append((job.name, isinstance(handle, forkserver.ServedHandle)))
        return handle
fork.ForkExecutor = Counted
"""


def runs(count: int) -> str:
    return f"CONFIGS = [{{'name': f'r{{n}}', 'n': n}} for n in range({count})]\n"


def test_a_server_executes_all_runs_but_the_first(script):
    built = script(
        train("print('here', cfg.n)\nreturn os.getppid(), cfg.n, out.name, os.getpgrp()", "fork", head=COUNTING)
        + runs(4)
        + "def after(results):\n"
        + "    assert TAKEN == [('r0', False), ('r1', True), ('r2', True), ('r3', True)], TAKEN\n"
        + "    for n, r in enumerate(results):\n"
        + "        parent = SERVERS[0] if n else os.getpid()\n"
        + "        assert r.result[:3] == (parent, n, r.out.name) and r.log == f'here {n}\\n', r\n"
        + "    assert len({r.result[3] for r in results} | {os.getpgrp()}) == 5, 'each leads a group of its own'\n"
    )
    assert built.code == 0, built.stderr


def test_a_run_in_a_fork_made_ahead_has_what_its_config_its_upstreams_and_the_script_hold(script):
    built = script(
        COUNTING
        + """
@pyexp.experiment(executor="fork", stash=False)
def train(cfg, out, deps):
    (out / "model.txt").write_text(cfg.name)
    return [STATE["set"], cfg.nested.token[::-1], [(d.name, d.result, (d.out / "model.txt").read_text()) for d in deps]]

STATE = {"set": "by the script"}
CONFIGS = [
    {"name": "a", "nested": {"token": "t0ken"}},
    {"name": "a2", "nested": {"token": "t3ken"}},
    {"name": "b", "nested": {"token": "t1ken"}, "depends_on": "^a$"},
    {"name": "c", "nested": {"token": "t2ken"}, "depends_on": ["^a$", "b"]},
]
def after(results):
    a, _, b, c = results
    assert TAKEN == [("a", False), ("a2", True), ("b", True), ("c", True)], TAKEN
    assert c.result[:2] == ["by the script", "nek2t"] and [dep[0] for dep in c.result[2]] == ["a", "b"]
    assert c.result[2][1] == ("b", b.result, "b")
"""
    )
    assert built.code == 0, built.stderr
    assert "t2ken" not in "".join(path.read_text(errors="replace") for path in built.run("c").rglob("*.json"))


def test_the_lock_is_held_by_the_run_in_a_fork_made_ahead_but_by_nothing_it_leaves_behind(script):
    built = script(
        train(
            "import fcntl, subprocess\n"
            "held = [os.path.realpath(f'/proc/self/fd/{fd}') for fd in os.listdir('/proc/self/fd')]\n"
            "child = subprocess.run(['ls', '-l', '/proc/self/fd'], capture_output=True, text=True).stdout\n"
            "return str(out.parent) in held, str(out.parent) in child",
            "fork",
            head=COUNTING,
        )
        + runs(3)
        + "def after(results):\n    assert [r.result for r in results] == [(True, False)] * 3, list(results)\n"
    )
    assert built.code == 0, built.stderr


def test_a_process_made_ahead_that_was_killed_costs_nothing_but_another(script):
    built = script(
        train("return cfg.n", "fork", head=COUNTING)
        + """
import signal
def before_starting(server, job):
    if job.name == "r2":
        server.ask()
        server._spare = server._receive()
        os.kill(server._spare.pid, signal.SIGKILL)
        while os.path.exists(f"/proc/{server._spare.pid}"):
            time.sleep(0.01)
"""
        + runs(8)
        + "def after(results):\n"
        + "    assert TAKEN[:3] == [('r0', False), ('r1', True), ('r2', False)], TAKEN\n"
        + "    assert [r.result for r in results] == list(range(8)) and len(SERVERS) == 2\n"
    )
    assert built.code == 0, built.stderr


def test_a_server_that_was_killed_costs_its_runs_nothing_but_another_server(script):
    body = (
        "import signal, pathlib\n"
        "if cfg.n == 2 and not os.path.exists('killed'):\n"
        "    pathlib.Path('killed').touch()\n"
        "    os.kill(os.getppid(), signal.SIGKILL)\n"
        "    time.sleep(0.2)\n"
        "return cfg.n"
    )
    built = script(
        train(body, "fork", head=COUNTING)
        + runs(8)
        + "def after(results):\n"
        + "    assert [r.result for r in results] == list(range(8)) and len(SERVERS) == 2, (SERVERS, TAKEN)\n"
    )
    assert built.code == 0, built.stderr
    assert "lost" not in built.stderr, "it went on without the server, and was finished"


def test_a_run_that_dies_after_its_server_did_was_lost_and_is_executed_again(script):
    body = (
        "import signal, pathlib\n"
        "if cfg.n == 2 and not os.path.exists('killed'):\n"
        "    pathlib.Path('killed').touch()\n"
        "    os.kill(os.getppid(), signal.SIGKILL)\n"
        "    os._exit(3)\n"
        "return cfg.n"
    )
    built = script(
        train(body, "fork", head=COUNTING)
        + runs(5)
        + "def after(results):\n    assert [r.result for r in results] == [0, 1, 2, 3, 4], list(results)\n"
    )
    assert built.code == 0, built.stderr
    assert "train:r2: lost: the fork server that had started it was killed; executed again" in built.stderr


def test_a_run_sees_what_code_executed_in_the_build_has_changed_since(script):
    built = script(
        "STATE = []\n"
        + train("return list(STATE)", "fork")
        + """
@pyexp.experiment(executor="inline", stash=False)
def middle(cfg):
    STATE.append(cfg.name)

@middle.configs
def middles():
    return [{"name": "m", "depends_on": "^train:r2$"}]

CONFIGS = [{"name": f"r{n}"} for n in range(3)] + [{"name": "last", "depends_on": "^middle:m$"}]
def after(results):
    assert [r.result for r in results] == [[], [], [], ["m"]], list(results)
"""
    )
    assert built.code == 0, built.stderr


def test_what_is_too_long_to_say_or_cannot_be_sent_goes_to_a_fork_of_its_own(script):
    built = script(
        train("return len(str(cfg.value))", "fork", head=COUNTING)
        + f"""
class Odd(str):
    def __reduce_ex__(self, protocol):
        raise RuntimeError("stays here")
VALUES = {{"first": "", "a": 1, "long": "x" * {MOST_BYTES}}}
CONFIGS = [{{"name": name, "value": value}} for name, value in VALUES.items()]
def after(results):
    assert TAKEN == [("first", False), ("a", True), ("long", False)], TAKEN
    assert [r.result for r in results] == [0, 1, {MOST_BYTES}]
"""
    )
    assert built.code == 0, built.stderr


def test_one_job_at_a_time_means_that_a_run_begins_after_the_process_of_the_last_has_ended(script):
    built = script(
        train(
            "import atexit, fcntl, time\n"
            "lock = open('busy', 'w')\n"
            "fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
            "atexit.register(time.sleep, 0.05)\n"
            "globals()['kept'] = lock",
            "fork",
            head=COUNTING,
        )
        + runs(6)
        + "def after(results):\n    assert not any(r.error for r in results), [r.error for r in results]\n"
    )
    assert built.code == 0, built.stderr


def test_a_run_is_told_to_have_been_started_after_the_one_that_it_waits_for_is_told_to_have_ended(script):
    built = script(
        train("pass", "fork", head=COUNTING)
        + runs(6)
        + """
from dodo_pyexp.reporting import reporter
TOLD = []
for name in ("started", "ended"):
    def told(self, run, name=name, real=getattr(reporter.BuildReporter, name)):
        TOLD.append((name, run.name))
        return real(self, run)
    setattr(reporter.BuildReporter, name, told)
def after(results):
    assert TOLD == [(what, f"r{n}") for n in range(6) for what in ("started", "ended")], TOLD
"""
    )
    assert built.code == 0, built.stderr


def test_an_executor_with_a_start_of_its_own_keeps_to_after_only_if_it_says_so():
    class Careless(ForkExecutor):
        def start(self, job, log, guardian):
            return super().start(job, log, guardian)

    class Careful(Careless):
        queues = True

        def start(self, job, log, guardian):
            return super().start(job, log, guardian)

    class Named(ForkExecutor):
        name = "other"

    assert [kind.queues for kind in (ForkExecutor, Careless, Careful, Named)] == [True, False, True, True]


@pytest.mark.parametrize("isolated", ["fork", "subprocess"])
def test_fail_fast_starts_nothing_after_a_failure_though_the_next_run_was_ready(script, isolated):
    built = script(train("assert cfg.n != 1", isolated) + runs(5), "--fail-fast")
    assert built.code == 1
    assert [built.run(f"r{n}").exists() for n in range(5)] == [True, True, False, False, False]


def test_a_retry_comes_before_the_next_run(script):
    built = script(
        train(
            "with open('order', 'a') as file:\n"
            "    file.write(f'{cfg.n} ')\n"
            "assert cfg.n != 1 or open('order').read().count('1') == 2",
            "fork",
            ", retry=1",
            head=COUNTING,
        )
        + runs(4)
    )
    assert built.code == 0, built.stderr
    assert (built.folder / "order").read_text() == "0 1 1 2 3 "


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_process_of_the_server_outlives_its_build(script, tmp_path, number):
    path = script.write(
        train("open(f'started{cfg.n}', 'w').close()\ntime.sleep(100 * cfg.n)", "fork", head=COUNTING)
        + runs(5)
        + """
receive = forkserver.ForkServer._receive
PIDS = open("pids", "a")
def received(server):
    spare = receive(server)
    print(server.pid, spare.pid, file=PIDS, flush=True)
    return spare
forkserver.ForkServer._receive = received
ask = forkserver.ForkServer.ask
def asked(server):
    ask(server)
    if server._spare is None:
        server._spare = server._receive()
forkserver.ForkServer.ask = asked
"""
    )
    build = subprocess.Popen(
        [sys.executable, str(path)], cwd=tmp_path, env=script.environment, stderr=subprocess.DEVNULL
    )
    pids = until(lambda: (tmp_path / "started1").exists() and _pids(tmp_path / "pids", 2))
    assert pids and all(alive(pid) for pid in pids), "the server, r1 on its way, and what waits for r2"
    while build.poll() is None:  # the second SIGINT does not wait for what is running
        build.send_signal(number)
        time.sleep(0.2)
    assert until(lambda: not any(alive(pid) for pid in pids))


def _pids(path: Path, lines: int) -> set[int] | None:
    found = path.read_text().split("\n") if path.exists() else []
    return {int(pid) for line in found for pid in line.split()} if len(found) == lines + 1 else None


def test_what_a_run_left_running_is_ended_with_it_and_so_is_a_run_that_takes_too_long(script):
    body = (
        "import subprocess\n"
        "left = subprocess.Popen(['sleep', '1000'])\n"
        "print(left.pid, flush=True)\n"
        "time.sleep(100 if cfg.n == 2 else 0)"
    )
    built = script(train(body, "fork", ", timeout=1.5", head=COUNTING) + runs(4))
    assert built.code == 1
    assert built.error("r2")[0] == "Timeout"
    assert [built.finished(f"r{n}") for n in range(4)] == [True, True, False, True]
    pids = [int(built.log(f"r{n}").split()[0]) for n in range(4)]
    assert until(lambda: not any(alive(pid) for pid in pids))


def test_a_fork_executor_that_is_asked_for_another_function_forks_anew(script):
    built = script(
        COUNTING
        + """
@pyexp.experiment(executor="fork", stash=False)
def other(cfg):
    return "other"

@other.configs
def others():
    return [{"name": "o0"}, {"name": "o1"}]

@pyexp.experiment(executor="fork", stash=False)
def train(cfg):
    return "train"

def after(results):
    assert [r.result for r in results] == ["train"] * 2
    assert [r.result for r in other.run()] == ["other"] * 2
    assert [name for name, served in TAKEN if served] == ["other", "o1"], TAKEN
"""
    )
    assert built.code == 0, built.stderr


def test_threads_keep_from_forking_a_server():
    import threading

    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        executor = ForkExecutor()
        guardian = type("Guardian", (), {"fd": os.open(os.devnull, os.O_WRONLY)})()
        executor.warm(len, None, guardian)
        assert executor._server is None
        os.close(guardian.fd)
    finally:
        stop.set()
        thread.join()


def test_a_build_sleeps_while_a_run_goes_on_though_forks_hold_what_it_waited_for(script):
    built = script(
        train("time.sleep(0.3 if cfg.n < 2 else 2)", "fork", head=COUNTING)
        + runs(3)
        + """
import selectors
class Counting(selectors.DefaultSelector):
    asked = 0
    def select(self, timeout=None):
        Counting.asked += 1
        return super().select(timeout)
selectors.DefaultSelector = Counting
ARGUMENTS = {"jobs": 2}
def after(results):
    assert not any(r.error for r in results)
    assert Counting.asked < 40, Counting.asked
"""
    )
    assert built.code == 0, built.stderr


def test_a_child_that_returns_from_the_function_does_not_speak_for_the_run(script):
    body = (
        "if cfg.n != 1:\n    return cfg.n\n"
        "child = os.fork()\n"
        "if child:\n"
        "    os.waitpid(child, 0)\n"
        "    time.sleep(0.3)\n"
        "    raise ValueError('the run itself failed')\n"
        "return 'the child returned'"
    )
    built = script(train(body, "fork", head=COUNTING) + runs(4))
    assert built.code == 1, built.stderr
    assert not built.finished("r1") and built.error("r1")[1] == "the run itself failed"


def test_what_a_run_leaves_behind_does_not_keep_its_build_waiting_when_the_server_was_killed(script):
    body = (
        "if cfg.n != 1:\n    return cfg.n\n"
        "import signal\n"
        "child = os.fork()\n"
        "if not child:\n    os.setsid()\n    time.sleep(60)\n    os._exit(0)\n"
        "os.kill(os.getppid(), signal.SIGKILL)\n"
        "return child"
    )
    built = script(
        train(body, "fork", head=COUNTING)
        + runs(4)
        + "def after(results):\n"
        + "    child = results[1].result\n"
        + "    assert open(f'/proc/{child}/stat').read().rpartition(')')[2].split()[0] == 'S', 'it is there still'\n"
        + "    os.kill(child, 9)\n"
        + "    assert [r.result for r in results] == [0, child, 2, 3]\n"
    )
    assert built.code == 0, built.stderr


def test_a_child_keeps_what_it_opened_where_the_run_had_closed_all_descriptors(script):
    body = (
        "import sys\n"
        "os.closerange(3, 1000)\n"
        "files = [open(os.devnull) for _ in range(50)]\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    for file in files:\n        os.fstat(file.fileno())\n"
        "    os._exit(0)\n"
        "return os.waitpid(child, 0)[1]"
    )
    built = script(
        train(body, "fork", head=COUNTING)
        + runs(3)
        + "def after(results):\n    assert [r.result for r in results] == [0, 0, 0], [r.error for r in results]\n"
    )
    assert built.code == 0, built.stderr
    assert [built.log(f"r{n}") for n in range(3)] == [""] * 3


SHORT_OF_PROCESSES = """
import errno
BUILD, fork_process = os.getpid(), os.fork
def refused():
    if short():
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return fork_process()
os.fork = refused
"""


def test_a_build_without_room_for_a_server_goes_on_without(script):
    built = script(
        train("return cfg.n", "fork", head=COUNTING)
        + runs(4)
        + SHORT_OF_PROCESSES
        + "def short():\n    return sys._getframe(2).f_code.co_filename.endswith('forking/server.py')\n"
        + "def after(results):\n"
        + "    assert [r.result for r in results] == [0, 1, 2, 3] and not SERVERS, (SERVERS, TAKEN)\n"
    )
    assert built.code == 0, built.stderr


def test_a_server_that_cannot_fork_keeps_the_runs_that_it_has(script):
    built = script(
        train(
            "if cfg.n == 2:\n"
            "    open('short', 'w').close()\n"
            "    while not os.path.exists('out/train/r6/.finished'):\n        time.sleep(0.01)\n"
            "    os._exit(3)\n"
            "return cfg.n",
            "fork",
            head=COUNTING,
        )
        + runs(8)
        + "ARGUMENTS = {'jobs': 2}\n"
        + SHORT_OF_PROCESSES
        + "def short():\n    return os.getpid() != BUILD and os.path.exists('short')\n"
        + "def after(results):\n"
        + "    assert [r.result for r in results if r.name != 'r2'] == [0, 1, 3, 4, 5, 6, 7], list(results)\n"
        + "    assert ('r2', True) in TAKEN, TAKEN\n"
    )
    assert built.code == 1, built.stderr
    assert "lost" not in built.stderr and built.error("r2")[0] == "ProcessExited"


@pytest.mark.parametrize("said", [b"-11", b"4711"])
def test_a_process_that_comes_without_its_socket_is_an_error_that_is_handled(said):
    import socket

    from dodo_pyexp.executors.forking.server import ForkServer

    server = ForkServer.__new__(ForkServer)
    server._control, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    other.send(said)
    with pytest.raises(OSError) as raised:
        server._receive()
    assert raised.value.errno == (errno.EAGAIN if said == b"-11" else errno.EMFILE)
    server._control.close()
    other.close()


def test_a_server_whose_build_has_not_read_everything_still_clears_away_what_it_made(tmp_path):
    """Else the guardian would end whoever is given the number of that process later."""
    told = tmp_path / "told"
    code = f"""
import os, time
from dodo_pyexp.executors.forking.executor import ForkExecutor
from dodo_pyexp.executors.guardian import Guardian
guardian = Guardian()
guardian.fd = os.open({str(told)!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
executor = ForkExecutor()
executor.warm(len, None, guardian)
while open({str(told)!r}).read().count("+") < 2:
    time.sleep(0.01)
executor.close()
"""
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, timeout=50)
    server, made, *gone = told.read_text().split()
    assert server[0] == made[0] == "+" and gone == [f"-{made[1:]}", f"-{server[1:]}"]


def test_a_server_that_was_stopped_does_not_outlive_its_build(script):
    built = script(
        train(
            "import signal\nif cfg.n == 1: os.kill(os.getppid(), signal.SIGSTOP)\nreturn cfg.n", "fork", head=COUNTING
        )
        + runs(3)
        + """
from dodo_pyexp.tasks import runner
forkserver.PATIENCE_SECONDS, runner.PATIENCE_SECONDS = 0.5, 0.5
import atexit, signal
signal.setitimer(signal.ITIMER_REAL, 4)
def stop(*_):
    os.kill(os.getpid(), signal.SIGTERM)
signal.signal(signal.SIGALRM, stop)
atexit.register(lambda: print(*SERVERS))
"""
    )
    assert built.code == 130, built.stderr
    (pid,) = built.stdout.split()
    assert until(lambda: not alive(int(pid)))


def test_a_run_that_could_not_overtake_waits_for_no_process_when_it_is_its_turn():
    """By then, the number of the process may be another's, which never ends."""
    from types import SimpleNamespace

    from dodo_pyexp.tasks.runner import BuildRunner

    last = SimpleNamespace(run=None, handle=SimpleNamespace(pid=4711), overtaken=False)
    waiting = SimpleNamespace(run=None, prompt=True, after=None)
    runner, one, tried = BuildRunner.__new__(BuildRunner), ForkExecutor(), []
    vars(runner).update(
        session=SimpleNamespace(executor=lambda run: one),
        interrupts=SimpleNamespace(count=0),
        _next=("node", waiting), _stopping=False, _others=SimpleNamespace(stopped=False), _overtaking=False,
        _launch=lambda node, execution: tried.append(execution.after),
    )  # fmt: skip
    runner._overtake(last)
    assert tried == [4711] and waiting.after is None
