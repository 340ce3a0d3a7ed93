from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def test_a_run_may_be_named_alone_or_with_its_experiment(built: Any) -> None:
    assert built.pyexp("log", "slow").stdout == "training slow\n"
    assert built.pyexp("log", "train:slow").stdout == "training slow\n"


def test_the_traceback_of_a_failure_is_in_the_log(built: Any) -> None:
    assert "ValueError: 9.0 is too fast" in built.pyexp("log", "wild").stdout


def test_the_path_can_be_printed(built: Any) -> None:
    path = built.pyexp("log", "slow", "--path").stdout.strip()
    assert (built.folder / path).read_text() == "training slow\n"


def test_the_newest_attempt_is_shown_unless_another_is_named(built: Any) -> None:
    (first,) = built.attempts("slow", "train")
    built.edit("dodo.py", 'f"training {', 'f"again {')
    built.pyexp("build", "train:slow", "--rerun", "--timestamp", "2100-01-01_00-00-00")
    assert built.pyexp("log", "slow").stdout == "again slow\n"
    assert built.pyexp("log", "slow", "--at", first.name).stdout == "training slow\n"
    assert built.pyexp("log", "slow", "--at", "2100").stdout == "again slow\n"


def test_bytes_that_are_no_text_come_through(built: Any) -> None:
    (attempt,) = built.attempts("slow", "train")
    (attempt / "log.out").write_bytes(b"\xff\xfe fine\n")
    code = (
        "import subprocess, sys; command = [sys.executable, '-m', 'pyexp', 'log', 'slow']; "
        "print(subprocess.run(command, capture_output=True).stdout)"
    )
    assert r"b'\xff\xfe fine\n'" in built.python("-c", code).stdout


def test_an_unknown_run_has_its_nearest(built: Any, one_sentence: Callable[..., None]) -> None:
    one_sentence(built.pyexp("log", "train:slw", status=2), "train:slw", "train:slow")


def test_a_run_that_was_never_executed_is_told(built: Any, one_sentence: Callable[..., None]) -> None:
    one_sentence(built.pyexp("log", "train:after", status=2), "train:after", "not been executed")


def test_an_unknown_attempt_is_refused(built: Any, one_sentence: Callable[..., None]) -> None:
    one_sentence(built.pyexp("log", "slow", "--at", "1999", status=2), "1999")


def test_a_name_that_two_experiments_have_is_refused(built: Any, one_sentence: Callable[..., None]) -> None:
    built.edit("dodo.py", '"name": "small"', '"name": "slow"')
    built.edit("dodo.py", '"depends_on": "prepare:small"', '"depends_on": "prepare:slow"')
    built.edit("dodo.py", '"^wild$", "prepare:small"', '"^wild$"')
    built.pyexp("build", "prepare")
    one_sentence(built.pyexp("log", "slow", status=2), "prepare:slow, train:slow")


WAITING = """
    import pathlib, time
    import pyexp

    @pyexp.experiment(executor="fork", stash=False)
    def exp(cfg):
        print("begun", flush=True)
        while not pathlib.Path("go").exists():
            time.sleep(0.02)
        print("ended", flush=True)

    exp.configs(lambda: [{"name": "a"}])
"""


def wait_for(path: Path, text: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if any(text in found.read_text() for found in path.glob("*/log.out")):
            return
        time.sleep(0.02)
    raise AssertionError(f"{text!r} never came up")


def test_following_ends_with_the_run(project: Any) -> None:
    project.write("dodo.py", WAITING)
    build = project.start("-m", "pyexp", "build")
    wait_for(project.out / "exp" / "a", "begun")
    follower = project.start("-m", "pyexp", "log", "a", "-f")
    assert follower.stdout.readline() == "begun\n"
    assert follower.poll() is None
    (project.folder / "go").touch()
    stdout, stderr = follower.communicate(timeout=60)
    assert stdout == "ended\n"
    assert re.fullmatch(r"exp:a finished after \d+\.\d s\n", stderr)
    assert follower.returncode == 0
    build.communicate(timeout=60)


def test_following_ends_when_the_build_was_killed(project: Any) -> None:
    project.write("dodo.py", WAITING)
    build = project.start("-m", "pyexp", "build")
    wait_for(project.out / "exp" / "a", "begun")
    follower = project.start("-m", "pyexp", "log", "a", "-f")
    assert follower.stdout.readline() == "begun\n"
    os.kill(build.pid, signal.SIGKILL)
    build.communicate(timeout=60)
    assert follower.communicate(timeout=60)[1] == "exp:a was interrupted: the build that executed it is gone\n"
    assert follower.returncode == 1


def test_following_tells_when_the_build_was_stopped(project: Any) -> None:
    project.write("dodo.py", WAITING)
    build = project.start("-m", "pyexp", "build")
    wait_for(project.out / "exp" / "a", "begun")
    follower = project.start("-m", "pyexp", "log", "a", "-f")
    assert follower.stdout.readline() == "begun\n"
    os.kill(build.pid, signal.SIGTERM)
    build.communicate(timeout=60)
    assert re.fullmatch(r"exp:a was interrupted after \d+\.\d s\n", follower.communicate(timeout=60)[1])
    assert follower.returncode == 1


def test_following_tells_how_a_run_failed(built: Any) -> None:
    done = built.pyexp("log", "wild", "-f", status=1)
    assert "ValueError: 9.0 is too fast" in done.stdout
    assert re.match(r"train:wild failed after \d+\.\d s: ValueError: 9.0 is too fast at .*dodo.py:\d+\n", done.stderr)
    assert built.pyexp("log", "wild").stderr == ""


def test_following_a_run_that_has_ended_ends_at_once(built: Any) -> None:
    assert built.pyexp("log", "slow", "--follow").stdout == "training slow\n"


@pytest.mark.parametrize("layout", ["timestamp=False", "hash_configs=True"])
def test_a_run_is_found_where_every_manifest_is_damaged(project: Any, layout: str) -> None:
    project.write(
        "exp.py",
        f"""
        import pyexp

        @pyexp.experiment(stash=False, executor="fork", {layout})
        def exp(cfg):
            print("hello")

        exp.configs(lambda: [{{"name": "a b"}}, {{"name": "other"}}])
    """,
    )
    project.pyexp("build", "exp.py")
    for path in project.out.glob("exp/.batches/2*.json"):
        path.write_text("{")
    assert project.pyexp("log", "exp:a b").stdout == "hello\n"
