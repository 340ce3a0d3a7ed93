"""A lock that is kept lasts as long as its process, and no longer because of what that leaves behind."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from pathlib import Path

from dodo_pyexp.executors.run_lock import keep


def is_locked(folder: Path) -> bool:
    fd = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def test_a_daemon_that_a_process_leaves_behind_does_not_hold_its_lock(here: Path) -> None:
    told, tell = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            fd = os.open(here, os.O_RDONLY)
            fcntl.flock(fd, fcntl.LOCK_EX)
            keep(fd)
            if os.fork() == 0:
                os.setsid()
                os.write(tell, b"%d" % os.getpid())
            time.sleep(60)
        finally:
            os._exit(0)
    daemon = int(os.read(told, 100))
    try:
        assert is_locked(here)
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        assert not is_locked(here)
        os.kill(daemon, 0)  # it lives
    finally:
        os.kill(daemon, signal.SIGKILL)
        os.close(told)
        os.close(tell)


def test_what_has_another_meaning_by_now_is_left_alone(here: Path) -> None:
    process = os.fork()
    if process == 0:
        code = 1
        try:
            fd = os.open(here, os.O_RDONLY)
            keep(fd)
            os.close(fd)  # as code does that closes all there is
            again = os.open(os.devnull, os.O_RDONLY)
            child = os.fork()
            if child == 0:
                os.fstat(again)
                os._exit(0 if again == fd else 2)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
