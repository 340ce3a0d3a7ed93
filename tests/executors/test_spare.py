"""Forks made ahead: what a run sees in one, what becomes of one that is lost or not needed; no two runs overlap."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dodo_pyexp.executors.fork import ForkExecutor
from dodo_pyexp.executors.spare import MOST_BYTES, POSSIBLE, Spare
from tests.executors.test_processes import alive, train, until

pytestmark = pytest.mark.skipif(not POSSIBLE, reason="there are no forks made ahead but on Linux")

# Counts, in the build's own process, how each run was started.
COUNTING = """
from dodo_pyexp.executors import fork
TAKEN = []
class Counted(fork.Spare):
    def take(self, job, log):
        before = globals().get("before_taking")
        if before:
            before(self, job)
        taken = super().take(job, log)
        TAKEN.append((job.name, taken))
        return taken
fork.Spare = Counted
os.cpu_count = lambda: 64
"""


def runs(count: int) -> str:
    return f"CONFIGS = [{{'name': f'r{{n}}', 'n': n}} for n in range({count})]\n"


def test_all_but_the_first_runs_are_executed_in_forks_made_ahead(script):
    built = script(
        train("print('here', cfg.n)\nreturn os.getppid(), cfg.n, out.name", "fork", head=COUNTING)
        + runs(4)
        + "def after(results):\n"
        + "    assert TAKEN == [('r1', True), ('r2', True), ('r3', True)], TAKEN\n"
        + "    for n, r in enumerate(results):\n"
        + "        assert r.result == (os.getpid(), n, r.out.name) and r.log == f'here {n}\\n', r\n"
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
    {"name": "b", "nested": {"token": "t1ken"}, "depends_on": "a"},
    {"name": "c", "nested": {"token": "t2ken"}, "depends_on": ["a", "b"]},
]
def after(results):
    a, b, c = results
    assert TAKEN == [("b", True), ("c", True)] or TAKEN == [], TAKEN
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


def test_a_fork_made_ahead_that_was_killed_costs_nothing_but_another(script):
    built = script(
        train("return cfg.n", "fork", head=COUNTING)
        + """
import signal
def before_taking(spare, job):
    if job.name == "r2":
        os.kill(spare.pid, signal.SIGKILL)
        os.waitid(os.P_PID, spare.pid, os.WEXITED | os.WNOWAIT)
"""
        + runs(4)
        + "def after(results):\n"
        + "    assert TAKEN == [('r1', True), ('r2', False), ('r3', True)], TAKEN\n"
        + "    assert [r.result for r in results] == [0, 1, 2, 3]\n"
    )
    assert built.code == 0, built.stderr


def test_what_is_too_long_to_say_or_cannot_be_sent_goes_to_a_fork_of_its_own(script):
    built = script(
        train("return len(str(cfg.value))", "fork", head=COUNTING)
        + f"""
class Odd(str):
    def __reduce_ex__(self, protocol):
        raise RuntimeError("stays here")
CONFIGS = [{{"name": "a", "value": 1}}, {{"name": "long", "value": "x" * {MOST_BYTES}}}]
def after(results):
    assert TAKEN == [("long", False)], TAKEN
    assert [r.result for r in results] == [1, {MOST_BYTES}]
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
def test_no_fork_made_ahead_outlives_its_build(script, tmp_path, number):
    body = train("open(f'started{cfg.n}', 'w').close()\ntime.sleep(100 * cfg.n)", "fork", head=COUNTING)
    path = script.write(body + runs(5) + "SPARES = open('spares', 'a')\n")
    text = path.read_text().replace(
        "fork.Spare = Counted",
        "def made(self, *arguments):\n"
        "    build = os.getpid()\n"
        "    Spare.__init__(self, *arguments)\n"
        "    print(self.pid, file=SPARES, flush=True)\n"
        "Spare = fork.Spare\n"
        "Counted.__init__ = made\n"
        "fork.Spare = Counted",
    )
    path.write_text(text)
    build = subprocess.Popen(
        [sys.executable, str(path)], cwd=tmp_path, env=script.environment, stderr=subprocess.DEVNULL
    )
    pids = until(lambda: (tmp_path / "started1").exists() and _pids(tmp_path / "spares", 2))
    assert pids and all(alive(pid) for pid in pids), "r1 is on its way, and the fork for r2 waits"
    while build.poll() is None:  # the second SIGINT does not wait for what is running
        build.send_signal(number)
        time.sleep(0.2)
    assert until(lambda: not any(alive(pid) for pid in pids))


def _pids(path: Path, count: int) -> list[int] | None:
    found = [int(line) for line in path.read_text().split()]
    return found if len(found) == count else None


def test_a_spare_ends_when_it_is_closed_or_forgotten(tmp_path):
    def begin(receive):
        try:
            receive()
        finally:
            os._exit(3)

    spare = Spare(len, None, begin)
    assert alive(spare.pid)
    spare.close()
    assert not alive(spare.pid)
    forgotten = Spare(len, None, begin)
    forgotten._socket.close()
    assert os.waitstatus_to_exitcode(os.waitpid(forgotten.pid, 0)[1]) == 0


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
    assert TAKEN == [("other", True), ("o1", True)], TAKEN
"""
    )
    assert built.code == 0, built.stderr


def test_threads_keep_from_forking_ahead():
    import threading

    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        executor = ForkExecutor()
        guardian = type("Guardian", (), {"fd": os.open(os.devnull, os.O_WRONLY)})()
        executor.warm(len, None, guardian)
        assert executor._spare is None
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
