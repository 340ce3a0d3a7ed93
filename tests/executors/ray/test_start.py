"""Ctrl-C while Ray starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from dodo_pyexp.executors.ray.start import PuttingOff

from ..conftest import Script
from .nodes import until


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_and_is_passed_on_to_who_listened_before(number: int) -> None:
    heard: list[int] = []
    before = signal.signal(number, lambda number, frame: heard.append(number))
    try:
        with PuttingOff() as signals:
            os.kill(os.getpid(), number)
            os.kill(os.getpid(), number)
            signal.signal(number, signal.SIG_IGN)  # as Ray sets handlers of its own
            assert list(signals.came) == [number] and heard == []
        assert heard == [number]
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("times", [1, 2])
def test_while_ray_starts_the_second_ends_the_process_at_once(script: Script, times: int) -> None:
    done = script.python(
        "-c",
        "import os\nfrom dodo_pyexp.executors.ray.start import PuttingOff\n"
        f"with PuttingOff(starting=True):\n    for _ in range({times}): os.kill(os.getpid(), 2)\n    print('started')",
    )
    assert done.stderr.startswith("stopping as soon as Ray has started; Ctrl-C again ends this at once\n")
    assert (done.returncode, done.stdout) == ((130, "") if times == 2 else (-2, "started\n"))


@pytest.fixture
def start(script: Script):
    """Start a build on a Ray of its own, and wait until it says so."""
    started: list[subprocess.Popen[str]] = []

    def begin(body: str) -> subprocess.Popen[str]:
        path = script.write(body)
        process = subprocess.Popen(
            [sys.executable, str(path), "--executor", "ray"],
            cwd=script.folder, env=script.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip
        started.append(process)
        assert process.stderr is not None
        assert process.stderr.readline() == "starting Ray\n"
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


TRAIN = "@pyexp.experiment(stash=False)\ndef train(cfg, out):\n    time.sleep(60)\n"


@pytest.mark.ray
@pytest.mark.timeout(240)
@pytest.mark.parametrize("seconds", [0.3, 1, 3, 6])
def test_ctrl_c_twice_ends_with_130_and_leaves_nothing_running(
    start: Callable[[str], subprocess.Popen[str]], seconds: float
) -> None:
    process = start(TRAIN)
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGINT)
    assert process.stderr is not None
    assert process.stderr.readline().startswith(("stopping", "interrupted"))
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(60) == 130
    assert until(lambda: not _of_session(process.pid), 20), _of_session(process.pid)


@pytest.mark.ray
@pytest.mark.timeout(240)
def test_ctrl_c_once_ends_with_130_when_ray_has_started(start: Callable[[str], subprocess.Popen[str]]) -> None:
    process = start(TRAIN)
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(200) == 130
    assert not any("Traceback" in text for text in process.communicate())
    assert until(lambda: not _of_session(process.pid), 20), _of_session(process.pid)


def _of_session(session: int) -> list[str]:
    """List what has been started in a session and is alive."""
    listed = subprocess.run(["ps", "-eo", "sess=,stat=,args="], capture_output=True, text=True, check=True).stdout
    found = [line.split(None, 2) for line in listed.splitlines()]
    return [line[2] for line in found if line[0] == str(session) and not line[1].startswith("Z")]
