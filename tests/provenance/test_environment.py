from __future__ import annotations

import json
import platform
import stat
import sys
from pathlib import Path

import pytest

from dodo_pyexp.provenance.environment import environment


def test_it_says_what_and_where() -> None:
    found = environment()
    assert json.loads(json.dumps(found)) == found
    assert found["python"] == platform.python_version()
    assert found["hostname"] == platform.node()
    assert found["command"]
    assert found["cpu"]["count"] >= 1
    assert found["user"]
    assert isinstance(found["gpu"], list)
    assert "/" not in found["executable"]


def test_variables_are_selected_and_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    monkeypatch.setenv("SLURM_JWT", "planted-secret")
    monkeypatch.setenv("PYTHONPATH", "/x")
    monkeypatch.setenv("MY_API_KEY", "planted-secret")
    found = environment()
    assert found["variables"]["CUDA_VISIBLE_DEVICES"] == "0,1"
    assert found["variables"]["SLURM_JOB_ID"] == "77"
    assert "planted-secret" not in json.dumps(found)


def test_the_command_line_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["train.py", "--token=planted-secret", "--api-key", "planted-secret", "lr=1"])
    assert environment()["command"] == ["train.py", "--token=***", "--api-key", "***", "lr=1"]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("#!/bin/sh\necho 'NVIDIA A100'\necho 'NVIDIA H100'\n", ["NVIDIA A100", "NVIDIA H100"]),
        ("#!/bin/sh\necho 'cannot talk to the driver'\nexit 9\n", []),
        (None, []),
    ],
)
def test_graphics_processors_are_asked_of_their_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, expected: list[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    if script is not None:
        program = tmp_path / "nvidia-smi"
        program.write_text(script)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    assert environment()["gpu"] == expected


def test_a_container_without_users_has_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert environment()["user"].isdigit()


def test_git_is_only_imported_where_it_is_needed() -> None:
    import subprocess

    code = (
        "import sys, dodo_pyexp.provenance.environment, dodo_pyexp.provenance.snapshots.snapshot; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "git" not in done.stdout.split()
