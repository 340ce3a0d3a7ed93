"""The lock of a run: one owner at a time, gone with its process, and no file left behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.build.locks import RunLock
from pyexp import PyexpError

HOLDER = """
import sys
from dodo_pyexp.build.locks import RunLock
lock = RunLock.take(sys.argv[1])
print("locked" if lock else "taken", flush=True)
sys.stdin.read()
"""


def test_one_owner_at_a_time(tmp_path: Path) -> None:
    folder = str(tmp_path / "deep" / "run")
    lock = RunLock.take(folder)
    assert lock is not None
    assert RunLock.take(folder) is None
    lock.release()
    again = RunLock.take(folder)
    assert again is not None
    again.release()
    assert list(Path(folder).iterdir()) == []


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
    lock = RunLock.take(str(project.out))
    assert lock is not None
    lock.release()


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PyexpError, match=r"cannot write to .*file/run.*--output-dir"):
        RunLock.take(str(tmp_path / "file" / "run"))
