"""The lock of a run: one owner at a time, gone with its process, and no file left behind."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.running.batch import close_abandoned
from dodo_pyexp.store import locks
from dodo_pyexp.store.locks import RunLock, hand_on
from dodo_pyexp.store.owner import Owner
from dodo_pyexp.store.paths import OutputFolder
from pyexp import PyexpError

HOLDER = """
import sys
import time
from dodo_pyexp.store.locks import RunLock
lock = RunLock.take(sys.argv[1])
print("locked" if lock else "taken", flush=True)
sys.stdin.read()
"""


def taken(folder: Path) -> RunLock:
    lock = RunLock.take(str(folder))
    assert lock is not None
    return lock


def test_one_owner_at_a_time(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "run"
    lock = taken(folder)
    assert RunLock.take(str(folder)) is None
    lock.release()
    taken(folder).release()
    assert list(folder.iterdir()) == []


def test_it_dies_with_its_process(project: Any) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(project.out)],
        env=project.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdout.readline() == "locked\n"
    assert RunLock.take(str(project.out)) is None
    holder.kill()
    holder.communicate(timeout=60)
    taken(project.out).release()


def forked() -> tuple[int, int]:
    """Fork a process that ends when the pipe does."""
    reader, writer = os.pipe()
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writer)
        os.write(tell, b"x")
        os.read(reader, 1)
        os._exit(0)
    os.read(told, 1)
    for fd in (reader, told, tell):
        os.close(fd)
    return child, writer


def lose(lock: RunLock) -> None:
    """Be killed, as far as the lock can tell: nobody unlocks it."""
    locks._held.discard(lock)
    os.close(lock.fd)


@pytest.mark.parametrize("handed_on", [True, False])
def test_a_fork_keeps_the_lock_of_the_run_that_it_executes_and_no_other(tmp_path: Path, handed_on: bool) -> None:
    lock, other = taken(tmp_path / "run"), taken(tmp_path / "other")
    hand_on(lock if handed_on else None)
    try:
        child, writer = forked()
    finally:
        hand_on(None)
    lose(lock)
    lose(other)
    taken(tmp_path / "other").release()
    again = RunLock.take(str(tmp_path / "run"))
    assert (again is None) == handed_on
    os.close(writer)
    os.waitpid(child, 0)
    if again is None:
        again = taken(tmp_path / "run")
    again.release()


def test_what_one_thread_hands_on_is_nothing_to_another(tmp_path: Path) -> None:
    lock, forks = taken(tmp_path / "run"), []
    handed_on, go_on = threading.Event(), threading.Event()

    def build() -> None:
        hand_on(lock)
        handed_on.set()
        go_on.wait(30)
        forks.append(forked())
        hand_on(None)

    thread = threading.Thread(target=build)
    thread.start()
    handed_on.wait(30)
    hand_on(None)  # as another build does, which has just forked
    go_on.set()
    thread.join(30)
    ((child, writer),) = forks
    lose(lock)
    assert RunLock.take(str(tmp_path / "run")) is None
    os.close(writer)
    os.waitpid(child, 0)


def test_what_is_released_is_free_whatever_forks_remain(tmp_path: Path) -> None:
    lock = taken(tmp_path / "run")
    hand_on(lock)
    child, writer = forked()
    hand_on(None)
    lock.release()
    taken(tmp_path / "run").release()
    os.close(writer)
    os.waitpid(child, 0)


def test_a_folder_that_is_deleted_while_it_is_being_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, folder = fcntl.flock, tmp_path / "run"

    def flock(fd: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", real)
        folder.rmdir()
        real(fd, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    lock = taken(folder)
    assert folder.is_dir() and RunLock.take(str(folder)) is None
    lock.release()


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PyexpError, match=r"file is a file, not a folder; .*--output-dir"):
        RunLock.take(str(tmp_path / "file" / "run"))


def test_where_only_files_can_be_locked_a_file_outside_of_the_run_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fcntl.flock

    def of_nfs(fd: int, operation: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(errno.EBADF, "Bad file descriptor")
        real(fd, operation)

    monkeypatch.setattr(fcntl, "flock", of_nfs)
    lock = taken(tmp_path / "exp" / "run")
    assert RunLock.take(str(tmp_path / "exp" / "run")) is None
    assert list((tmp_path / "exp" / "run").iterdir()) == []
    lock.release()
    taken(tmp_path / "exp" / "run").release()


def test_where_nothing_can_be_locked_a_build_goes_on_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(fd: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", without)
    taken(tmp_path / "run").release()


def test_a_lock_that_fails_for_another_reason_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(fd: int, operation: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", broken)
    with pytest.raises(PyexpError, match=r"cannot lock .*run: Input/output error"):
        RunLock.take(str(tmp_path / "run"))


def test_a_folder_that_was_put_aside_while_it_was_opened_is_not_the_one_that_is_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, real = tmp_path / "run", os.open
    folder.mkdir()

    def put_aside(path: str, *arguments: Any, **options: Any) -> int:
        fd = real(path, *arguments, **options)
        monkeypatch.undo()
        folder.rename(tmp_path / ".run.1.tmp")
        return fd

    monkeypatch.setattr(os, "open", put_aside)
    lock = RunLock.take(str(folder))
    assert lock is not None and os.path.samestat(os.fstat(lock.fd), folder.stat())
    lock.release()


# -- in another container ---------------------------------------------------------------------------------------


def elsewhere() -> dict[str, Any]:
    """An owner in a container that shares this machine: nobody sees from here whether it lives."""
    return {**Owner.current().to_dict(), "space": "pid:[1]"}


def test_where_the_owner_cannot_be_seen_the_lock_tells(tmp_path: Path) -> None:
    folder = str(tmp_path / "run")
    lock = taken(tmp_path / "run")
    assert locks.at_work(elsewhere(), folder)
    lock.release()
    assert not locks.at_work(elsewhere(), folder)
    assert RunLock.take(folder)  # looking has left no lock behind


def test_of_another_machine_nothing_is_known_and_of_this_one_no_lock_is_asked(tmp_path: Path) -> None:
    assert locks.at_work({**elsewhere(), "boot": "another", "host": "another"}, str(tmp_path))
    lock = taken(tmp_path)
    assert not locks.at_work({**Owner.current().to_dict(), "started": "1"}, str(tmp_path))
    lock.release()
    assert locks.at_work(Owner.current().to_dict(), str(tmp_path))


def test_where_folders_cannot_be_locked_the_file_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = fcntl.flock

    def files_only(fd: int, how: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(errno.EBADF, "as NFS has it")
        real(fd, how)

    monkeypatch.setattr(fcntl, "flock", files_only)
    folder = tmp_path / "exp" / "run"
    folder.mkdir(parents=True)
    assert locks.is_locked(str(folder))  # nobody knows
    lock = taken(folder)
    assert locks.is_locked(str(folder))
    lock.release()
    assert not locks.is_locked(str(folder))


IN_A_SPACE_OF_ITS_OWN = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]


def can_unshare() -> bool:
    try:
        return subprocess.run([*IN_A_SPACE_OF_ITS_OWN, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(not can_unshare(), reason="needs `unshare --pid`, which Linux allows root alone")
def test_a_build_in_a_container_that_was_killed_is_not_running_for_ever(project: Any) -> None:
    project.write("dodo.py", """
        import time
        import pyexp

        @pyexp.experiment(executor="inline", stash=False)
        def exp(cfg):
            print("here", flush=True)
            time.sleep(300)

        exp.configs(lambda: [{"name": "a"}])
    """)  # fmt: skip
    command = [*IN_A_SPACE_OF_ITS_OWN, sys.executable, "-m", "pyexp", "build"]
    with subprocess.Popen(command, cwd=project.folder, env=project.environment, stdout=subprocess.DEVNULL) as build:
        end = time.monotonic() + 60
        while not any(path.stat().st_size for path in project.out.glob("exp/a/*/log.out")):
            assert time.monotonic() < end
            time.sleep(0.05)
        assert "running" in project.pyexp("list").stdout
        (manifest,) = project.out.glob("exp/.batches/*.json")
        owner = json.loads(manifest.read_text())["owner"]
        assert locks.at_work(owner, str(manifest))
        build.kill()
    while "running" in (shown := project.pyexp("list").stdout):  # the kernel kills what was in the space a moment later
        assert time.monotonic() < end
    assert "interrupted" in shown
    assert "1 interrupted" in project.pyexp("list", "--batches").stdout
    assert "interrupted" in project.pyexp("build", "-n", status=3).stdout
    close_abandoned(OutputFolder(project.out).experiment("exp"), [manifest.stem])
    assert json.loads(manifest.read_text())["counts"]["interrupted"] == 1
