"""Builds that are told to stop, by a signal, by a failure, or because nobody listens any more."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

EXPERIMENT = """
import os, subprocess, sys, time
import pyexp
from tally import mark

@pyexp.experiment(stash=False)
def exp(cfg, out):
    mark(cfg)
    if cfg.get("fails"):
        raise ValueError("no luck")
    if cfg.get("waits"):
        if not os.environ.get("CHILD"):  # inline, it is a child of the build's own, and outlives the run
            subprocess.Popen(["sleep", "1000"])
        while not os.path.exists("go"):
            time.sleep(0.005)
    return cfg.name

@exp.configs
def configs():
    if os.environ.get("SLOW"):
        mark(pyexp.Config(name="planning"))
        time.sleep(1000)
    names = os.environ["NAMES"].split()
    return [{"name": name, "waits": "slow" in name, "fails": "bad" in name} for name in names]

if __name__ == "__main__":
    exp.run()
"""
DOORS = {
    "script": ("exp.py", "-j", "2", "--executor"),
    "pyexp": ("-m", "pyexp", "build", "exp.py", "-j", "2", "--executor"),
}
doors = pytest.mark.parametrize("door", DOORS)
ways = pytest.mark.parametrize(("door", "executor"), [("script", "subprocess"), ("pyexp", "fork")])


class Building:
    """A build that was started, and waits for two of its runs."""

    def __init__(self, project: Any, *command: str, names: str = "slow1 slow2 after", **environment: str) -> None:
        self.project = project
        project.write("exp.py", EXPERIMENT)
        self._environment = {"NAMES": names, **environment}
        self.process = project.start(*command, env=project.environment | self._environment, start_new_session=True)
        self.said = ""

    def until_executed(self, *names: str) -> Building:
        end = time.monotonic() + 60
        while not set(names) <= set(self.project.tally()):
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < end
            time.sleep(0.005)
        return self

    def until_said(self, words: str) -> None:
        while words not in self.said:
            line = self.process.stderr.readline()
            assert line, f"it ended without a word about {words!r}: {self.said}"
            self.said += line

    def signal(self, number: int) -> Building:
        """As a terminal does: to the whole process group."""
        os.killpg(self.process.pid, number)
        return self

    def go(self) -> None:
        (self.project.folder / "go").touch()

    def end(self, code: int) -> str:
        out, errors = self.process.communicate(timeout=60)
        self.said += errors
        assert self.process.returncode == code, self.said
        assert "Traceback" not in out + self.said, self.said
        return self.said

    def again(self) -> Counter[str]:
        """Build with nothing in the way; tell what was executed."""
        self.go()
        before = self.project.tally()
        self.project.python(*DOORS["pyexp"], "fork", env=self._environment)
        return self.project.tally() - before

    def states(self) -> dict[str, str]:
        found = [json.loads(path.read_text()) for path in self.project.out.glob("exp/*/*/status.json")]
        return {status["run"]: status["state"] for status in found}


@ways
def test_the_first_ctrl_c_lets_what_runs_end_and_starts_nothing_more(project: Any, door: str, executor: str) -> None:
    build = Building(project, *DOORS[door], executor).until_executed("slow1", "slow2").signal(signal.SIGINT)
    build.until_said("stopping: waiting for 2 running; press Ctrl-C again to end them")
    build.go()
    said = build.end(130)
    assert "2 executed, 1 not started" in said
    assert project.finished() == {"slow1", "slow2"}
    assert build.again() == Counter(["after"])


@ways
def test_the_second_ctrl_c_ends_what_runs_with_its_children(
    project: Any, door: str, executor: str, nothing_survives: Callable[[], None]
) -> None:
    build = Building(project, *DOORS[door], executor).until_executed("slow1", "slow2").signal(signal.SIGINT)
    build.until_said("stopping")
    build.signal(signal.SIGINT)
    assert "2 interrupted, 1 not started" in build.end(130)
    nothing_survives()
    assert build.states() == {"slow1": "interrupted", "slow2": "interrupted"}
    assert "the last attempt was interrupted" in project.python("exp.py", "-n", env={"NAMES": "slow1"}, status=3).stdout
    assert build.again() == Counter(["slow1", "slow2", "after"])


@ways
def test_sigterm_ends_what_runs_at_once(
    project: Any, door: str, executor: str, nothing_survives: Callable[[], None]
) -> None:
    build = Building(project, *DOORS[door], executor).until_executed("slow1", "slow2")
    os.kill(build.process.pid, signal.SIGTERM)
    assert "2 interrupted, 1 not started" in build.end(130)
    nothing_survives()
    assert build.states() == {"slow1": "interrupted", "slow2": "interrupted"}
    assert build.again() == Counter(["slow1", "slow2", "after"])


@pytest.mark.parametrize("signals", [[signal.SIGINT, signal.SIGINT], [signal.SIGTERM]], ids=["ctrl-c twice", "term"])
def test_an_inline_run_is_broken_into(project: Any, signals: list[int]) -> None:
    build = Building(project, *DOORS["script"], "inline", names="slow1 after", CHILD="no").until_executed("slow1")
    for number in signals:
        time.sleep(0.05)
        os.kill(build.process.pid, number)
    assert "1 interrupted, 1 not started" in build.end(130)
    assert build.states() == {"slow1": "interrupted"}
    assert build.again() == Counter(["slow1", "after"])


def test_pressing_ctrl_c_many_times_is_no_traceback(project: Any, nothing_survives: Callable[[], None]) -> None:
    build = Building(project, *DOORS["script"], "fork").until_executed("slow1", "slow2")
    for _ in range(20):
        if build.process.poll() is None:
            os.kill(build.process.pid, signal.SIGINT)
        time.sleep(0.001)
    build.process.communicate(timeout=60)
    assert build.process.returncode in (130, -signal.SIGINT)
    nothing_survives()
    assert build.again() == Counter(["slow1", "slow2", "after"])


@doors
def test_ctrl_c_while_the_configs_are_made_is_no_traceback(project: Any, door: str) -> None:
    build = Building(project, *DOORS[door], "fork", SLOW="1").until_executed("planning").signal(signal.SIGINT)
    build.end(130)
    assert not project.out.exists()


@pytest.mark.parametrize(("executor", "number"), [("fork", signal.SIGINT), ("subprocess", signal.SIGTERM)])
def test_plain_doit_leaves_nothing_behind_either(
    project: Any, executor: str, number: int, nothing_survives: Callable[[], None]
) -> None:
    project.write("pyproject.toml", f'[tool.pyexp]\nexecutor = "{executor}"\n')
    build = Building(project, "-m", "doit", "-f", "exp.py").until_executed("slow1").signal(number)
    build.process.communicate(timeout=60)
    assert build.process.returncode != 0
    nothing_survives()
    assert build.again() == Counter(["slow1", "slow2", "after"])


def test_a_build_that_waits_for_another_stops_at_the_first_ctrl_c(project: Any) -> None:
    first = Building(project, *DOORS["script"], "fork", names="slow1").until_executed("slow1")
    second = Building(project, *DOORS["script"], "fork", names="slow1")
    second.until_said("is being executed by another build")
    second.signal(signal.SIGINT)
    assert "1 not started" in second.end(130)
    first.go()
    first.end(0)
    assert project.tally() == Counter(["slow1"])


TASKS = """
import time
from exp import exp

def slow(what):
    open(what, "w").close()
    time.sleep(1000)

def task_own():
    return {"actions": [(slow, ["own"])], "file_dep": ["out/exp/a/.finished"]}

exp.report(lambda results: slow("report"))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("task", ["own", "report"])
def test_reports_and_other_tasks_end_at_the_first_request(project: Any, task: str, number: int) -> None:
    project.write("dodo.py", TASKS)
    target = "own" if task == "own" else "exp:report"
    build = Building(project, "-m", "pyexp", "build", target, names="a")
    wait_until(lambda: (project.folder / task).exists())
    os.kill(build.process.pid, number)
    assert f"{target}  interrupted" in build.end(130)
    assert project.finished() == {"a"}


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


# -- failures ---------------------------------------------------------------------------------------------------


@ways
def test_fail_fast_lets_what_runs_end_and_starts_nothing_more(project: Any, door: str, executor: str) -> None:
    names = "slow1 bad after1 after2"
    build = Building(project, *DOORS[door], executor, "--fail-fast", names=names).until_executed("slow1", "bad")
    build.until_said("exp:bad  FAILED  ValueError: no luck")
    build.go()
    assert "1 executed, 1 failed, 2 not started" in build.end(1)
    assert project.finished() == {"slow1"}
    project.python("exp.py", "--keep-going", env={"NAMES": names}, status=1)
    assert project.finished() == {"slow1", "after1", "after2"}
    assert project.tally() == Counter(["slow1", "bad", "bad", "after1", "after2"])


def test_keep_going_is_the_default(project: Any) -> None:
    build = Building(project, *DOORS["script"], "fork", names="bad1 bad2 one two three")
    said = build.end(1)
    assert "3 executed, 2 failed" in said and "not started" not in said


# -- nobody listens ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("door", "executor"), [("script", "inline"), ("pyexp", "fork")])
def test_a_build_goes_on_when_nobody_reads_what_it_says(project: Any, door: str, executor: str) -> None:
    build = Building(project, *DOORS[door], executor, names=" ".join(f"r{n}" for n in range(6)))
    build.process.stderr.close()
    assert build.process.wait(60) == 0
    assert len(project.finished()) == 6


@pytest.mark.skipif(not os.access("/dev/full", os.W_OK), reason="needs /dev/full")
def test_a_build_goes_on_when_its_own_log_is_on_a_full_disk(project: Any) -> None:
    project.write("exp.py", EXPERIMENT)
    with open("/dev/full", "wb") as full:
        process = project.start(*DOORS["pyexp"], "fork", stderr=full, env=project.environment | {"NAMES": "a b bad c"})
        process.communicate(timeout=60)
    assert process.returncode == 1
    assert project.finished() == {"a", "b", "c"}


@pytest.mark.skipif(sys.platform != "linux", reason="makes a terminal as Linux does")
def test_a_build_goes_on_without_the_terminal_that_it_drew_on(project: Any) -> None:
    import pty

    project.write("exp.py", EXPERIMENT)
    ours, theirs = pty.openpty()
    environment = project.environment | {"NAMES": "slow1 bad a b", "TERM": "xterm"}
    environment.pop("CI", None)
    process = project.start(
        *DOORS["pyexp"], "fork", stderr=theirs, env=environment,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),  # nohup
    )  # fmt: skip
    os.close(theirs)
    while b"running" not in os.read(ours, 10_000):
        pass
    os.close(ours)
    time.sleep(0.3)
    (project.folder / "go").touch()
    process.communicate(timeout=60)
    assert process.returncode == 1
    assert project.finished() == {"slow1", "a", "b"}
