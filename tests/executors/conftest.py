"""A build of one small experiment in a process of its own, and what came of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

# Which file tests a module that has none of its own name: here, or with its path in `tests/`.
COVERED = {
    "direct": "test_base.py",
    "handle": "test_base.py",
    "inline": "test_base.py",
    "leaving": "test_script.py",
    "names": "test_registry.py",
    "process": "test_processes.py",
    "process_state": "test_processes.py",
    "standard_streams": "test_standard.py",
    "staying": "test_processes.py",
    "subprocess": "test_base.py",
    "sweeper": "test_offspring.py",
    "worker": "test_base.py",
    "watching": "running/test_found_inputs.py",
}

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Built:
    """A finished script with what it left behind."""

    folder: Path
    code: int
    stdout: str
    stderr: str

    def run(self, name: str = "r") -> Path:
        return self.folder / "out" / "train" / name

    def attempt(self, name: str = "r") -> Path:
        return max(path for path in self.run(name).iterdir() if path.is_dir())

    def status(self, name: str = "r") -> dict[str, Any]:
        return json.loads((self.attempt(name) / "status.json").read_text())

    def log(self, name: str = "r") -> str:
        return (self.attempt(name) / "log.out").read_text(errors="replace")

    def error(self, name: str = "r") -> tuple[str, str]:
        error = self.status(name)["error"]
        return error["type"], error["message"]

    def finished(self, name: str = "r") -> bool:
        return (self.run(name) / ".finished").exists()


HEAD = """
import os, sys, time
import pyexp
from pyexp import Config, Executor, InlineExecutor, SubprocessExecutor, ForkExecutor

"""
TAIL = """

@train.configs
def configs():
    return globals().get("CONFIGS") or [{"name": "r", "lr": 0.1}, {"name": "other", "lr": 0.2}]

if __name__ == "__main__":
    results = train.run(**globals().get("ARGUMENTS", {}))
    if "after" in globals():
        after(results)
"""


class Script:
    """Writes an experiment file and runs it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, body: str, name: str = "script.py") -> Path:
        """Write a file that defines `train(cfg, ...)`; it may define CONFIGS, ARGUMENTS and after(results)."""
        path = self.folder / name
        path.write_text(HEAD + textwrap.dedent(body) + TAIL)
        return path

    @property
    def environment(self) -> dict[str, str]:
        keep = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "COV"))}
        return {**keep, "PYTHONPATH": str(ROOT)}

    def __call__(self, body: str, *arguments: str, cwd: Path | None = None, **more: Any) -> Built:
        path = self.write(body)
        done = subprocess.run(
            [sys.executable, *more.pop("flags", []), str(path), *arguments],
            cwd=cwd or self.folder, env=self.environment, capture_output=True, text=True, **{"timeout": 100, **more},
        )  # fmt: skip
        return Built(cwd or self.folder, done.returncode, done.stdout, done.stderr)

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Start Python in the folder."""
        return subprocess.run(
            [sys.executable, *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True,
            timeout=100, check=False,
        )  # fmt: skip


@pytest.fixture
def script(tmp_path: Path) -> Script:
    return Script(tmp_path)


@pytest.fixture(params=["inline", "subprocess", "fork"])
def executor(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["subprocess", "fork"])
def isolated(request: pytest.FixtureRequest) -> str:
    return str(request.param)
