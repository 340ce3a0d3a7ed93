"""What a run in the build's own process has started ends with that process, and nothing else does."""

from __future__ import annotations

import ast
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import pyexp
from dodo_pyexp.executors.offspring import Offspring

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what a run has started is found in /proc")
STARTS = """
import multiprocessing, subprocess, threading
nap = ["sleep", "300"]

def start():
    quiet = dict.fromkeys(["stdin", "stdout", "stderr"], subprocess.DEVNULL)
    started = {"program": subprocess.Popen(nap, **quiet).pid}
    shell = subprocess.Popen("sleep 300 & echo $!", shell=True, stdout=subprocess.PIPE)
    started["of a shell that has ended"] = int(shell.stdout.readline())
    shell.wait()
    read, write = os.pipe()
    if (pid := os.fork()) == 0:
        os.write(write, b"%d" % subprocess.Popen(nap).pid)
        time.sleep(300)
        os._exit(0)
    started |= {"fork": pid, "program of the fork": int(os.read(read, 20))}
    pool = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(300,))
    pool.start()
    started["of multiprocessing"] = pool.pid
    return started, {"daemon": subprocess.Popen(nap, start_new_session=True).pid}
"""
PROGRAM = """
import subprocess

def start():
    return {"program": subprocess.Popen(["sleep", "300"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid}, {}

"""
TRAIN = """
@pyexp.experiment(executor="inline", stash=False)
def train(cfg, out):
    gone, stay = start()
    (out / "pids.tmp").write_text(repr((gone, stay | BEFORE)))
    (out / "pids.tmp").rename(out / "pids")
    time.sleep(SECONDS)
"""


def state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def living(pids: dict[str, int]) -> list[str]:
    return [name for name, pid in pids.items() if state(pid) not in "ZX"]


def soon(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return found


def pids_of(folder: Path) -> tuple[dict[str, int], dict[str, int]]:
    (found,) = soon(lambda: list(folder.glob("out/train/r/*/pids")))
    return ast.literal_eval(found.read_text())


def test_what_a_run_has_started_ends_with_a_build_that_was_killed_and_nothing_else_does(script):
    before = 'BEFORE = {"before": subprocess.Popen(nap).pid} if __name__ == "__main__" else {}\nSECONDS = 300\n'
    path = script.write(f"{STARTS}{before}{TRAIN}")
    # The group is that of somebody who has called the build, as a shell script is.
    build = subprocess.Popen(
        ["sh", "-c", f"'{sys.executable}' '{path}' & echo $!; wait; sleep 300"],
        stdout=subprocess.PIPE, cwd=script.folder, env=script.environment, start_new_session=True,
    )  # fmt: skip
    gone, stay = pids_of(script.folder)
    try:
        assert build.stdout is not None
        os.kill(int(build.stdout.readline()), signal.SIGKILL)
        assert soon(lambda: not living(gone)), living(gone)
        assert living(stay) == ["daemon", "before"]
        assert build.poll() is None
    finally:
        for pid in {**gone, **stay}.values():
            if living({"": pid}):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        os.killpg(build.pid, signal.SIGKILL)
        build.wait()
        build.stdout.close()


DOORS = {
    "pyexp": ["-m", "pyexp", "build", "script.py"],
    "doit": ["-m", "doit", "-f", "script.py"],
}


@pytest.mark.parametrize("door", DOORS)
def test_so_it_is_through_every_door(script, door):
    script.write(f"{PROGRAM}BEFORE, SECONDS = {{}}, 300\n{TRAIN}")
    build = subprocess.Popen([sys.executable, *DOORS[door]], cwd=script.folder, env=script.environment)
    gone, _ = pids_of(script.folder)
    build.kill()
    build.wait()
    assert soon(lambda: not living(gone))


OWN_EXECUTORS = {
    "run": "    def run(self, fn, config, result_path): return fn(config)",
    "start": "    def start(self, job, log, guardian): job.perform(); log.close(); return Handle()",
    "a process of its own": """    def start(self, job, log, guardian):
        if (pid := os.fork()) == 0:
            os._exit(job.perform())
        os.waitpid(pid, 0)
        log.close()
        return Handle()""",
}


@pytest.mark.parametrize("executor", OWN_EXECUTORS.values(), ids=OWN_EXECUTORS)
def test_so_it_is_with_executors_of_the_users_own(script, executor):
    own = f"from dodo_pyexp.executors.base import Handle\nclass Own(pyexp.Executor):\n{executor}\n"
    train = TRAIN.replace('"inline"', "Own()")
    path = script.write(f"{PROGRAM}BEFORE, SECONDS = {{}}, 300\n{own}{train}")
    build = subprocess.Popen([sys.executable, path], cwd=script.folder, env=script.environment)
    gone, _ = pids_of(script.folder)
    build.kill()
    build.wait()
    assert soon(lambda: not living(gone))


def test_what_a_run_has_left_behind_ends_when_its_process_does(script):
    built = script(f"{PROGRAM}BEFORE, SECONDS = {{}}, 0\n{TRAIN}")
    assert built.code == 0 and built.finished(), built.stderr
    gone, _ = pids_of(built.folder)
    assert soon(lambda: not living(gone))


def test_a_run_can_wait_for_all_of_its_children(script):
    built = script("""
    CONFIGS = [{"name": "r"}]

    @pyexp.experiment(executor="inline", stash=False)
    def train(cfg):
        child = os.fork()
        if child == 0:
            os._exit(0)
        waited = []
        try:
            while True:
                waited.append(os.wait()[0])
        except ChildProcessError:
            return waited.count(child)

    def after(results):
        print("children of its own:", results["r"].result)
    """)
    assert built.code == 0, built.stderr
    assert "children of its own: 1" in built.stdout


def test_the_mark_is_gone_when_no_run_goes_on(tmp_path):
    seen = []

    @pyexp.experiment(executor="inline", stash=False, output_dir=str(tmp_path))
    def inner(cfg):
        seen.append("PYEXP_STARTED_BY" in os.environ)

    inner.configs(lambda: [{"name": "r"}])

    @pyexp.experiment(executor="inline", stash=False, output_dir=str(tmp_path))
    def outer(cfg):
        inner.run()
        seen.append("PYEXP_STARTED_BY" in os.environ)
        os.environ.clear()

    outer.configs(lambda: [{"name": "r"}])
    outer.run()
    assert seen == [True, True] and "PYEXP_STARTED_BY" not in os.environ and Offspring._depth == 0


def test_only_forks_of_a_run_are_marked():
    def fork_is_marked() -> bool:
        child = os.fork()
        if child == 0:
            marked = any("PYEXP_STARTED_BY" in os.readlink(entry) for entry in os.scandir("/proc/self/fd"))
            os._exit(7 if marked else 0)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7

    with Offspring():
        assert fork_is_marked()
    assert not fork_is_marked()
