"""The hang guard: what counts as doing something, and that what does nothing is killed with its children."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dodo_pyexp.executors import idle
from dodo_pyexp.executors.idle import AWAY_SECONDS, IdleWatch, Processes, clock_seconds

CHILD = 7


class Machine(Processes):
    """A machine whose processes the test moves."""

    def __init__(self) -> None:
        super().__init__()
        self.used: dict[int, float] = {CHILD: 0.0}

    def of(self, leader: int, now: float, age: float) -> dict[int, float]:
        assert leader == CHILD
        return dict(self.used)


class Run:
    """A run that is watched, by the clock of the test."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self.log = folder / "log.out"
        self.log.touch()
        self.machine = Machine()
        self.now = 1000.0
        self.watch = IdleWatch(seconds, CHILD, str(self.log), self.machine)
        self.watch.idle(self.now)

    def print(self) -> None:
        with open(self.log, "a") as log:
            log.write("x")

    def wait(self, seconds: int, *, work: float = 0.0) -> bool:
        """Let seconds go by, with `work` seconds of CPU time in each; tell whether the run was idle at any look."""
        idle = False
        for _ in range(seconds):
            self.now += 1
            self.machine.used[CHILD] += work
            idle = self.watch.idle(self.now) or idle
        return idle


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path, 60)


def test_a_run_that_does_nothing_is_idle_when_its_time_is_over(run: Run) -> None:
    assert not run.wait(59)
    assert run.wait(1)


def test_a_line_of_output_is_a_sign_of_life(run: Run) -> None:
    for _ in range(5):
        assert not run.wait(50)
        run.print()
    assert run.wait(61)


def test_computing_is_a_sign_of_life(run: Run) -> None:
    assert not run.wait(300, work=1.0)
    assert not run.wait(300, work=0.03)
    assert run.wait(60)


def test_a_moment_of_work_counts_however_long_the_run_has_waited_before(run: Run) -> None:
    for _ in range(3):
        assert not run.wait(55)
        run.machine.used[CHILD] += 0.1
        assert not run.wait(1)
    assert run.wait(60)


def test_waking_up_to_look_around_is_no_work(run: Run) -> None:
    assert run.wait(60, work=0.001)


def test_the_cpu_time_is_counted_in_hundredths_and_a_stray_one_is_no_work(run: Run) -> None:
    assert not run.wait(30)
    run.machine.used[CHILD] += 0.01
    assert run.wait(30)


def test_a_process_that_comes_or_goes_is_a_sign_of_life(run: Run) -> None:
    assert not run.wait(55)
    run.machine.used[8] = 0.0
    assert not run.wait(55)
    del run.machine.used[8]
    assert not run.wait(55)
    assert run.wait(10)


def test_where_processes_cannot_be_seen_nothing_is_idle(run: Run) -> None:
    run.machine.used.clear()
    for _ in range(200):
        run.now += 1
        assert not run.watch.idle(run.now)


def test_a_deleted_log_is_no_sign_of_life_for_long(run: Run) -> None:
    run.log.unlink()
    assert run.wait(62)


def test_somebody_who_looked_away_begins_anew(run: Run) -> None:
    assert not run.wait(50)
    run.now += AWAY_SECONDS + 100
    assert not run.watch.idle(run.now)
    assert not run.wait(59)
    assert run.wait(1)


def test_it_looks_about_once_a_second_and_oftener_only_for_short_times(tmp_path: Path) -> None:
    def looks(seconds: float) -> int:
        run = Run(tmp_path, seconds)
        counted: list[float] = []

        def of(leader: int, now: float, age: float) -> dict[int, float]:
            counted.append(now)
            return {CHILD: 0.0}

        run.machine.of = of  # type: ignore[method-assign]  # to count
        for tenth in range(100):
            run.watch.idle(run.now + tenth / 10)
        return len(counted)

    assert looks(3600) == looks(4) == 9
    assert 9 < looks(1) <= 50


# -- the machine as it is ---------------------------------------------------------------------------------------


def test_processes_are_found_with_what_they_started(tmp_path: Path) -> None:
    code = "import subprocess, sys; subprocess.run(['sleep', '300'], start_new_session=len(sys.argv) > 1)"
    for more in ([], ["away"]):
        with subprocess.Popen([sys.executable, "-c", code, *more], start_new_session=True) as process:
            try:
                processes = Processes()
                while len(found := processes.of(process.pid, 0.0, 0.0)) < 2:
                    assert process.poll() is None
                assert process.pid in found and os.getpid() not in found
            finally:
                os.killpg(process.pid, 9)
                for pid in found:
                    if pid != process.pid:
                        with contextlib.suppress(ProcessLookupError):  # it was in the group, and has ended
                            os.kill(pid, 9)


def test_the_cpu_time_of_children_that_have_ended_is_not_lost() -> None:
    code = "import os, sys; os.system(sys.executable + ' -c \"sum(range(10**7))\"'); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert sum(Processes().of(process.pid, 0.0, 0.0).values()) >= 0.05
        process.kill()


def test_one_reading_serves_all_runs_that_are_looked_at_together(monkeypatch: pytest.MonkeyPatch) -> None:
    readings: list[None] = []

    def rows() -> list[tuple[int, int, int, float]]:
        readings.append(None)
        return [(7, 1, 7, 1.0), (8, 7, 7, 2.0), (9, 1, 9, 0.5)]

    monkeypatch.setattr(idle, "_rows", rows)
    processes = Processes()
    assert processes.of(7, 100.0, 0.5) == {7: 1.0, 8: 2.0}
    assert processes.of(9, 100.3, 0.5) == {9: 0.5}
    assert len(readings) == 1
    processes.of(9, 100.6, 0.5)
    assert len(readings) == 2


def test_where_there_is_no_proc_ps_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ps = tmp_path / "ps"
    ps.write_text(
        f"#!/bin/sh\necho '  {os.getpid()}  1  {os.getpid()}  0:01.50'\necho '9 {os.getpid()} 9 1-00:00:01'\n"
    )
    ps.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(os, "listdir", lambda path: [])
    assert Processes().available()
    assert Processes().of(os.getpid(), 0.0, 0.0) == {os.getpid(): 1.5, 9: 86401.0}
    ps.write_text("#!/bin/sh\nexit 1\n")
    assert not Processes().available()


@pytest.mark.parametrize(
    "text, seconds", [("0:00.03", 0.03), ("12:01.50", 721.5), ("1:00:00", 3600), ("2-00:00:00", 172800)]
)
def test_cpu_times_of_ps_are_read(text: str, seconds: float) -> None:
    assert clock_seconds(text) == seconds


# -- in a build -------------------------------------------------------------------------------------------------

WORK = """
@pyexp.experiment(executor={executor!r}, stash=False, idle_timeout=1.5{more})
def train(cfg, out):
    import subprocess
    (out / "pid").write_text(str(os.getpid()))
    if cfg.name == "sleeps":
        time.sleep(300)
    if cfg.name == "waits":
        subprocess.run(["sleep", "300"])
    if cfg.name == "stopped":
        os.kill(os.getpid(), 19)
    if cfg.name == "prints":
        for number in range(30):
            print(number, flush=True)
            time.sleep(0.1)
    if cfg.name == "computes":
        end = time.process_time() + 2
        while time.process_time() < end:
            sum(range(1000))
    if cfg.name == "delegates":
        code = "import time\\nwhile time.process_time() < 2: sum(range(1000))"
        subprocess.run([sys.executable, "-c", code], start_new_session=True, check=True)
    return cfg.name

CONFIGS = [{{"name": name}} for name in {names}]
"""


# Working means to compute for longer than the limit, and one executor is as good as the other for every edit.
@pytest.mark.parametrize("isolated", [pytest.param("subprocess", marks=pytest.mark.slow), "fork"])
def test_hanging_runs_are_killed_and_working_ones_are_not(script, isolated):
    names = ["sleeps", "waits", "stopped", "prints", "computes", "delegates"]
    built = script(WORK.format(executor=isolated, names=names, more=""), "-j", "6")
    assert built.code == 1
    for name in ("sleeps", "waits", "stopped"):
        assert built.error(name) == (
            "IdleTimeout", "the run neither printed nor computed for 1.5 s and was killed with its children",
        )  # fmt: skip
        assert built.log(name).splitlines()[-1].startswith("IdleTimeout: ")
        pid = int((built.attempt(name) / "pid").read_text())
        assert not Path(f"/proc/{pid}").exists()
    for name in ("prints", "computes", "delegates"):
        assert built.finished(name)
    assert "IdleTimeout: the run neither printed nor computed for 1.5 s and was killed with its children  (3 runs)" in (
        built.stderr
    )


def test_a_hanging_run_is_tried_again_as_retry_says(script, isolated):
    body = WORK.format(executor=isolated, names=["sleeps"], more=", retry=1")
    built = script(body)
    assert built.code == 1
    assert built.status("sleeps")["tries"] == 2
    assert "train:sleeps: try 1 failed: IdleTimeout: " in built.stderr


def test_the_flag_wins_and_plain_doit_guards_as_well(script):
    body = WORK.format(executor="fork", names=["sleeps"], more="")
    path = script.write(body.replace("idle_timeout=1.5", "idle_timeout=900"))
    done = subprocess.run(
        [sys.executable, str(path), "--idle-timeout", "0.5"],
        cwd=script.folder, env=script.environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1 and "IdleTimeout: the run neither printed nor computed for 0.5 s" in done.stderr
    path.write_text(path.read_text().replace("idle_timeout=900", "idle_timeout=1"))
    done = subprocess.run(
        [sys.executable, "-m", "doit", "-f", str(path)],
        cwd=script.folder, env=script.environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode and "IdleTimeout: the run neither printed nor computed for 1 s" in done.stdout


def test_in_the_builds_own_process_it_cannot_hold_and_that_is_said(script):
    built = script(WORK.format(executor="inline", names=["none"], more=""))
    assert built.code == 0
    assert 'train: idle_timeout=1.5 does not hold for the executor "inline"' in built.stderr
