"""What a run prints is masked in its log where it is the value of a known secret; a terminal obeys nothing of it."""

from __future__ import annotations

import errno
import os
import pty
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodo_pyexp.executors.logs import capture, scribes
from dodo_pyexp.executors.logs.capture import Log
from dodo_pyexp.executors.logs.scribe import Stream
from dodo_pyexp.store.paths import AttemptFolder

TEXTS = st.binary(max_size=30).map(lambda data: bytes(b"abc"[byte % 3] for byte in data))


@settings(max_examples=200, deadline=None)
@given(st.lists(TEXTS.filter(bool), max_size=3), TEXTS, st.lists(st.integers(1, 5), max_size=30))
def test_however_the_pieces_come_the_same_is_masked(secrets: list[bytes], data: bytes, sizes: list[int]) -> None:
    whole = Stream(secrets)
    expected = whole.fed(data) + whole.rest()
    stream, made, left = Stream(secrets), b"", data
    for size in sizes:
        made += stream.fed(left[:size])
        left = left[size:]
    assert made + stream.fed(left) + stream.rest() == expected
    assert not any(secret in expected for secret in secrets)


def test_little_is_held_back_and_many_secrets_take_no_long_time() -> None:
    stream = Stream([b"hunter2" * 100, *(b"secret%d" % number for number in range(50))])
    for _ in range(200):
        stream.fed(b"hunter2" * 99)
        assert len(stream._held) < 700
    assert len(stream.fed(b"secret1 " * 20_000) + stream.rest()) < 20_000 * 8


EXP = r"""
    import os, subprocess, sys, time
    import pyexp

    @pyexp.experiment(stash=False)
    def train(cfg):
        for text in ("with plan", "ted-1 and ", "planted-2\n"):
            sys.stdout.write(text)
            sys.stdout.flush()
            time.sleep(0.02)
        subprocess.run(["echo", f"child {cfg.db.password!r} \x1b[31mred\x1b[0m \x1b]0;title\x07"])
        print("pin", cfg.db.pin_secret)

    @train.configs
    def configs():
        return [{"name": "a", "db": {"password": "plan" + "ted-1\n\"'", "pin_secret": 12}, "token": "plan" + "ted-1"}]

    if __name__ == "__main__":
        train.run()
"""
MASKED = "with *** and ***\nchild '***' \x1b[31mred\x1b[0m \x1b]0;title\x07\npin 12\n"


@pytest.mark.parametrize("executor", ["subprocess", "inline", "fork"])
def test_secrets_are_masked_in_the_log_and_with_s(project: Any, executor: str) -> None:
    project.write("exp.py", EXP)
    done = project.python("exp.py", "--executor", executor, "-s", env={"MY_TOKEN": "planted-2"})
    (attempt,) = project.attempts("a", "train")
    assert (attempt / "log.out").read_text() == done.stdout == MASKED
    project.python("exp.py", "--executor", executor, "--rerun", env={"MY_TOKEN": "planted-2"})
    assert (project.attempts("a", "train")[-1] / "log.out").read_text() == MASKED


def on_terminal(project: Any, *words: str, **env: str) -> str:
    """Run a command on a terminal of its own, and give what reached it."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, *words], cwd=project.folder, env=project.environment | {"TERM": "xterm", **env},
        stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        os.close(theirs)
        seen = b""
        while True:
            try:
                data = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            if not data:
                break
            seen += data
        assert process.wait(60) == 0
    os.close(ours)
    return seen.decode().replace("\r\n", "\n")


def test_a_terminal_sees_colours_and_nothing_else_of_what_it_would_obey(project: Any) -> None:
    project.write("exp.py", EXP)
    shown = MASKED.replace("\x1b]0;title\x07", "\\x1b]0;title\\x07")
    assert on_terminal(project, "exp.py", "-s", MY_TOKEN="planted-2") == shown
    assert on_terminal(project, "-m", "pyexp", "log", "a") == f"{shown}\x1b[0m"
    assert on_terminal(project, "-m", "pyexp", "log", "a", "--raw") == MASKED
    assert project.pyexp("log", "a").stdout == MASKED


def test_a_log_is_closed_at_once_whatever_the_run_has_left_behind_and_that_is_masked_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scribes, "PATIENCE_SECONDS", 1000.0)  # whoever waits for the daemon waits for ever
    monkeypatch.setattr(capture, "PATIENCE_SECONDS", 1000.0)
    scribe = scribes.Scribe()
    log = Log(AttemptFolder(str(tmp_path)), scribe, secrets=["hunter2"])
    prints = "read go; echo late hunter2; echo $go"
    daemon = subprocess.Popen(["sh", "-c", prints], stdin=subprocess.PIPE, stdout=log.fd, start_new_session=True)
    os.write(log.fd, b"printed\nhunt")
    assert log.close()
    scribe.close()
    assert (tmp_path / "log.out").read_text() == "printed\n", "the rest of a secret may still come"
    daemon.communicate(b"last\n")
    late = time.monotonic() + 30
    while not (text := (tmp_path / "log.out").read_text()).endswith("last\n"):
        assert time.monotonic() < late, text
    assert text == "printed\nhuntlate ***\nlast\n"


@pytest.mark.parametrize("said", [b"", b"+", b"+%12d%12dhunter2" % (1, 20)])
def test_a_scribe_of_a_build_that_was_killed_before_it_had_said_what_is_secret_ends(said: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(said)
        ours.shutdown(socket.SHUT_WR)
        scribe = [sys.executable, "-I", "-S", scribes._PROGRAM, str(os.getpid())]
        done = subprocess.run(scribe, stdin=theirs.fileno(), capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize("command", [None, ["true"]], ids=["not started", "ended at once"])
def test_a_log_that_could_not_be_opened_leaves_nothing_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str] | None
) -> None:
    start = subprocess.Popen

    def popen(_: object, **how: Any) -> Any:
        if command is None:
            raise OSError(errno.EAGAIN, "no more processes")
        started = start(command, **how)
        started.wait()
        return started

    monkeypatch.setattr(subprocess, "Popen", popen)
    opened, scribe = len(os.listdir("/dev/fd")), scribes.Scribe()
    with pytest.raises(OSError):
        Log(AttemptFolder(str(tmp_path)), scribe, secrets=["hunter2" * 100_000])
    scribe.close()
    assert len(os.listdir("/dev/fd")) == opened
