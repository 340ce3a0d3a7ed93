"""One scribe for all runs of a build: it writes everything, delays nothing, and no run fails when it is killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.executors.logs.scribes import Scribe

SECRET = "hf_0123456789"


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def scribe(notes: list[str]) -> Iterator[Scribe]:
    scribe = Scribe(notes.append)
    yield scribe
    scribe.close()


def begin(scribe: Scribe, path: Path, shown: int | None = None) -> tuple[int, Any]:
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        return scribe.begin(log, shown, [SECRET])
    finally:
        os.close(log)


def until(true: Callable[[], object]) -> None:
    late = time.monotonic() + 30
    while not true():
        assert time.monotonic() < late
        time.sleep(0.01)


def ended(pid: int) -> bool:
    """Tell whether a process is gone, or waits to be cleared away by whoever has taken it over."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_one_process_writes_all_logs_each_with_its_own_secrets_held_back(scribe: Scribe, tmp_path: Path) -> None:
    begun = [begin(scribe, tmp_path / f"{number}") for number in range(20)]
    assert len({page.process._process.pid for _, page in begun}) == 1
    for part in (SECRET[:5], SECRET[5:], " seen\n", SECRET[:4]):
        for fd, _ in begun:
            os.write(fd, part.encode())
    until(lambda: (tmp_path / "7").read_bytes() == b"*** seen\n")  # while the run lives
    for fd, page in begun:
        os.close(fd)
        assert scribe.end(page, 30)
    assert {(tmp_path / f"{number}").read_text() for number in range(20)} == {f"*** seen\n{SECRET[:4]}"}


def test_what_the_build_has_said_by_halves_delays_no_log(scribe: Scribe, tmp_path: Path) -> None:
    fd, page = begin(scribe, tmp_path / "first")
    connection, (reader, writer) = page.process._socket, os.pipe()
    log = os.open(tmp_path / "second", os.O_WRONLY | os.O_CREAT)
    said = b"+%12d%12d" % (2, len(SECRET)) + SECRET.encode()
    socket.send_fds(connection, [said[:9]], [reader, log])
    for part, rest in ((b"one", said[9:25]), (b"two", said[25:30]), (b"three", said[30:])):
        os.write(fd, part)
        until(lambda part=part: (tmp_path / "first").read_bytes().endswith(part))
        connection.sendall(rest)
    os.write(writer, b"%b\n" % SECRET.encode())
    until(lambda: (tmp_path / "second").read_bytes() == b"***\n")
    for descriptor in (fd, reader, writer, log):
        os.close(descriptor)
    assert scribe.end(page, 10)


KILLED = """
import os, socket, sys, time
from dodo_pyexp.executors.logs.scribes import Scribe
scribe = Scribe()
log = os.open("log", os.O_WRONLY | os.O_CREAT)
fd, page = scribe.begin(log, None, ["hunter2"])
connection = page.process._socket
socket.send_fds(connection, [b"+%12d%12d" % (2, 20)], [fd, log])
if os.fork() == 0:  # what somebody has forked holds the build's end of the connection
    os.close(1)
    time.sleep(0.5)
    os.write(fd, b"after\\n")
    os.close(fd)
    time.sleep(300)
print(page.process._process.pid, flush=True)
time.sleep(300)
"""


def test_a_build_that_is_killed_while_it_speaks_leaves_no_scribe_that_waits(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED], cwd=tmp_path, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as build:
        assert build.stdout is not None
        pid = int(build.stdout.readline())
        build.kill()
        build.wait()
        until(lambda: (tmp_path / "log").read_text() == "after\n" and ended(pid))
        os.killpg(build.pid, signal.SIGKILL)


def test_all_that_stands_in_the_pipe_is_written_when_the_run_has_ended(scribe: Scribe, tmp_path: Path) -> None:
    lines = "".join(f"line {number} {SECRET}\n" for number in range(20_000))
    fd, page = begin(scribe, tmp_path / "log")
    with os.fdopen(fd, "w") as file:
        file.write(lines)
    assert scribe.end(page, 30)
    assert (tmp_path / "log").read_text() == lines.replace(SECRET, "***")


def test_what_a_run_left_behind_delays_nothing_and_its_output_is_masked_to_the_end(tmp_path: Path) -> None:
    scribe = Scribe()
    fd, page = begin(scribe, tmp_path / "log")
    pid = page.process._process.pid
    os.write(fd, b"from the run\n")
    assert scribe.end(page, 3600), "the other end is still open, and nobody waits for it"
    assert (tmp_path / "log").read_text() == "from the run\n"
    scribe.close()
    os.write(fd, f"later {SECRET}\n".encode())
    until(lambda: (tmp_path / "log").read_text() == "from the run\nlater ***\n")
    os.close(fd)
    until(lambda: ended(pid))


def test_what_a_run_left_behind_holds_nobody_who_looks(scribe: Scribe, tmp_path: Path) -> None:
    reader, shown = os.pipe()
    fd, page = begin(scribe, tmp_path / "log", shown)
    os.close(shown)
    os.write(fd, b"said\n")
    assert scribe.end(page, 30)
    os.write(fd, b"unseen\n")
    assert os.read(reader, 100) == b"said\n"
    assert os.read(reader, 100) == b"", "the other end is closed"
    os.close(reader)
    os.close(fd)


def test_a_scribe_that_was_killed_is_told_and_the_next_run_has_another(
    scribe: Scribe, notes: list[str], tmp_path: Path
) -> None:
    fd, page = begin(scribe, tmp_path / "log")
    page.process._process.kill()
    page.process._process.wait()
    with pytest.raises(BrokenPipeError):
        os.write(fd, b"lost")
    os.close(fd)
    next_fd, next_page = begin(scribe, tmp_path / "next")
    os.write(next_fd, b"said")
    os.close(next_fd)
    assert scribe.end(next_page, 30) and not notes
    assert (tmp_path / "next").read_text() == "said"
    assert not scribe.end(page, 30)
    assert len(notes) == 1 and "was killed" in notes[0]


def test_a_scribe_that_does_not_answer_is_not_waited_for(scribe: Scribe, tmp_path: Path) -> None:
    (stopped, page), (fd, other) = begin(scribe, tmp_path / "log"), begin(scribe, tmp_path / "other")
    os.write(stopped, b"said")
    os.close(stopped)
    pid = page.process._process.pid
    os.kill(pid, signal.SIGSTOP)
    assert scribe.end(page, 0.05)
    os.kill(pid, signal.SIGCONT)
    os.write(fd, b"said, too")
    os.close(fd)
    assert scribe.end(other, 30), "the late answer is not taken for this one's"
    assert [(tmp_path / name).read_text() for name in ("log", "other")] == ["said", "said, too"]


EXP = r"""
    import os, pathlib, time
    import pyexp

    def scribe():
        build = pathlib.Path("build.pid").read_bytes()
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                if pathlib.Path("/proc", name, "cmdline").read_bytes().count(b"scribe.py\0" + build + b"\0"):
                    return name
            except OSError:
                pass

    @pyexp.experiment(stash=False)
    def train(cfg):
        pathlib.Path("pids", str(os.getpid())).touch()
        pathlib.Path("scribe.pid").write_text(scribe())
        print("before", flush=True)
        pathlib.Path("started", cfg.name).touch()
        while not pathlib.Path("go").exists():
            time.sleep(0.01)
        try:
            print("after", flush=True)
        except BrokenPipeError:
            if cfg.careful:
                return "done"
            raise

    @train.configs
    def configs():
        return [{"name": "a", "careful": False}, {"name": "b", "careful": True}]

    if __name__ == "__main__":
        pathlib.Path("build.pid").write_text(str(os.getpid()))
        train.run()
"""


@pytest.fixture
def building(project: Any) -> Any:
    project.write("exp.py", EXP)
    for name in ("pids", "started"):
        (project.folder / name).mkdir()
    return project


def start(project: Any, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "exp.py", *words], cwd=project.folder, text=True, stdin=subprocess.DEVNULL,
        env=project.environment | {"MY_TOKEN": SECRET}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="finds the scribe in /proc")
@pytest.mark.parametrize("executor", ["subprocess", "fork"])
def test_a_run_that_could_not_print_any_more_is_executed_again_and_the_build_says_so(
    building: Any, executor: str
) -> None:
    with start(building, "--executor", executor, "-j", "2") as process:
        until(lambda: len(os.listdir(building.folder / "started")) == 2)
        scribe = int((building.folder / "scribe.pid").read_text())
        os.kill(scribe, signal.SIGKILL)
        until(lambda: ended(scribe))
        (building.folder / "go").touch()
        _, told = process.communicate(timeout=60)
        assert process.returncode == 0, told
    assert told.count("the process that writes the logs was killed") == 1
    assert "train:a: lost: the process that writes its log was killed; executed again" in told
    (again,), (through,) = building.attempts("a", "train"), building.attempts("b", "train")
    assert "what was printed from here on is missing ---\n" in (through / "log.out").read_text()
    assert (again / "log.out").read_text().endswith("executed again ---\nbefore\nafter\n")


@pytest.mark.skipif(sys.platform != "linux", reason="finds the scribe in /proc")
@pytest.mark.parametrize("executor", ["subprocess", "fork"])
def test_a_build_that_is_killed_takes_scribe_and_runs_with_it(building: Any, executor: str) -> None:
    with start(building, "--executor", executor) as process:
        until(lambda: os.listdir(building.folder / "started"))
        process.kill()
        pids = [int((building.folder / "scribe.pid").read_text()), *map(int, os.listdir(building.folder / "pids"))]
        until(lambda: all(map(ended, pids)))
    (attempt,) = building.attempts("a", "train")
    assert (attempt / "log.out").read_text() == "before\n"
