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


def killed_build(body: str) -> int:
    """Give the process of a run whose build was killed in the middle."""
    code = f"""
import os, signal, subprocess, sys, time
from dodo_pyexp.executors import guardian
{body}
"""
    build = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert build.stdout is not None
    pid = int(build.stdout.readline())
    build.kill()
    build.wait(30)
    return pid


RUN = """
watching = guardian.Guardian()
watching.start()
run = subprocess.Popen(["sleep", "300"], start_new_session=True)
watching.note(run.pid)
holder = os.fork()
if holder == 0:
    os.setsid()
    os.close(1)
    time.sleep(30)
    os._exit(0)
"""


def test_somebody_else_who_holds_the_pipe_open_keeps_no_run_alive() -> None:
    pids = killed_build(
        RUN + "print(run.pid, holder, sep='', flush=True) if False else print(run.pid, flush=True)\ntime.sleep(300)"
    )
    assert gone(pids)


def test_without_pidfds_the_guardian_looks_from_time_to_time() -> None:
    before = "guardian._WATCH = guardian._WATCH.replace('import os,', 'import os; del os.pidfd_open; import', 1)"
    assert gone(killed_build(f"{before}\n{RUN}\nprint(run.pid, flush=True)\ntime.sleep(300)"))


def gone(pid: int, seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False
