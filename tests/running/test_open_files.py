"""Open files: the limit is raised where that is allowed, and where it is not, fewer runs are on their way."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.running.open_files import EACH, RESERVE, Descriptors, is_shortage
from pyexp import PyexpError

LIMIT = resource.RLIMIT_NOFILE


def in_a_process(code: str, *, soft: int, hard: int) -> list[str]:
    """Run code in a process of its own, which has these limits; give what it prints."""
    head = """
        import os, resource, sys
        from dodo_pyexp.running.open_files import Descriptors
        notes = []
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(head) + textwrap.dedent(code)],
        capture_output=True, text=True, timeout=60, check=False, cwd=Path(__file__).resolve().parents[2],
        preexec_fn=lambda: resource.setrlimit(LIMIT, (soft, hard)),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_few_runs_leave_the_limit_as_it_is() -> None:
    before, notes = resource.getrlimit(LIMIT), list[str]()
    descriptors = Descriptors(4, notes.append)
    assert descriptors.jobs == 4 and notes == []
    assert resource.getrlimit(LIMIT) == before
    descriptors.close()


def test_the_limit_is_raised_as_far_as_needed_and_lowered_again() -> None:
    code = """
        descriptors = Descriptors(300, notes.append)
        print(descriptors.jobs, notes, 600 < resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 1000)
        descriptors.close()
        print(*resource.getrlimit(resource.RLIMIT_NOFILE))
    """
    assert in_a_process(code, soft=100, hard=1000) == ["300 [] True", "100 1000"]


def test_a_hard_limit_bounds_what_is_on_its_way_and_is_told_once() -> None:
    code = """
        descriptors = Descriptors(5000, notes.append)
        print(descriptors.jobs, len(notes), notes[0])
        print([os.open("/dev/null", os.O_RDONLY) for _ in range(2 * descriptors.jobs)][-1] < 200)
        print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    """
    told, fits, raised = in_a_process(code, soft=100, hard=200)
    jobs, notes, said = told.split(" ", 2)
    assert 40 < int(jobs) <= (200 - RESERVE) // EACH and notes == "1"
    assert said == f"no more than {jobs} runs at once: a process may have no more than 200 files open here (ulimit -n)"
    assert fits == "True" and raised == "200"


def test_however_low_the_limit_one_run_can_be_on_its_way() -> None:
    assert in_a_process("print(Descriptors(50, notes.append).jobs)", soft=20, hard=20) == ["1"]


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux can change the limit of another process")
def test_runs_get_the_limit_that_the_build_was_started_with() -> None:
    code = """
        descriptors = Descriptors(300, notes.append)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.read(reader, 1)
            print(*resource.getrlimit(resource.RLIMIT_NOFILE), flush=True)
            os._exit(0)
        descriptors.hand_on(child)
        os.write(writer, b"x")
        os.waitpid(child, 0)
        descriptors.hand_on(child)  # gone already
        descriptors.hand_on(None)
    """
    assert in_a_process(code, soft=100, hard=1000) == ["100 1000"]


def test_what_turns_out_to_be_too_much_is_bounded_and_told_once() -> None:
    notes: list[str] = []
    descriptors = Descriptors(8, notes.append)
    descriptors.bound(5, "no more processes")
    descriptors.bound(3, "still no more")
    descriptors.bound(4, "this is more")
    assert descriptors.jobs == 3
    assert notes == ["no more than 5 runs at once: no more processes"]


def test_shortages_are_told_from_other_troubles() -> None:
    def wrapped(number: int) -> BaseException:
        try:
            try:
                raise OSError(number, os.strerror(number))
            except OSError:
                raise PyexpError("cannot write") from None
        except PyexpError as error:
            return error

    assert all(is_shortage(OSError(number, "")) for number in (errno.EMFILE, errno.EAGAIN, errno.ENOMEM))
    assert is_shortage(BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"))
    assert not is_shortage(OSError(errno.ENOSPC, "")) and not is_shortage(ValueError())
    assert not is_shortage(wrapped(errno.ENOSPC))


def test_a_shortage_behind_a_sentence_counts() -> None:
    from dodo_pyexp.errors import UsageError

    error: Any = None
    try:
        try:
            raise OSError(errno.EMFILE, "Too many open files")
        except OSError:
            raise UsageError("cannot write to out") from None
    except UsageError as caught:
        error = caught
    assert is_shortage(error)
