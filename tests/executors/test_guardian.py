"""The guardian ends with its build, and nothing of a build outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from dodo_pyexp.executors.guardian import Guardian, report_in


def sleeper(guardian: Guardian) -> subprocess.Popen[bytes]:
    """Start a process that leads a group of its own and has reported in."""
    code = "import sys, time; from dodo_pyexp.executors.guardian import report_in; report_in(int(sys.argv[1])); print()"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{code}; sys.stdout.flush(); time.sleep(300)", str(guardian.fd)],
        pass_fds=(guardian.fd,),
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_what_is_still_on_the_list_is_killed_when_the_build_ends() -> None:
    guardian = Guardian()
    guardian.start()
    process = sleeper(guardian)
    guardian.close()
    assert process.wait(30) == -signal.SIGKILL


def test_what_was_taken_off_the_list_is_left_alone() -> None:
    guardian = Guardian()
    guardian.start()
    process = sleeper(guardian)
    guardian.forget(process.pid)
    guardian.close()
    assert process.poll() is None
    process.kill()
    process.wait(30)


def test_a_fork_that_holds_the_pipe_open_does_not_hold_up_the_end_of_the_build() -> None:
    guardian = Guardian()
    guardian.start()
    child = os.fork()
    if child == 0:
        time.sleep(300)
        os._exit(0)
    try:
        guardian.close()  # waits for the guardian; with the fork alive, only its farewell can end it
        assert os.waitpid(child, os.WNOHANG) == (0, 0)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_guardian_that_was_killed_disturbs_nobody() -> None:
    guardian = Guardian()
    guardian.start()
    assert guardian._process is not None
    guardian._process.kill()
    guardian._process.wait(30)
    guardian.forget(1234)
    read, write = os.pipe()
    os.close(read)
    child = os.fork()
    if child == 0:
        try:
            report_in(write)
        finally:
            os._exit(0)
    os.close(write)
    assert os.waitpid(child, 0)[1] == 0
    guardian.close()
