"""A disk that runs full under a build: what is finished stays so, the cause is told, and with space the rest is done.

`test_every_write` does the same write by write; here the disk is a real one, a small file system in memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

EXPERIMENT = """
import os
import pyexp
from tally import mark

@pyexp.experiment(executor=os.environ["EXECUTOR"])
def exp(cfg, out):
    mark(cfg)
    print("x" * 500)
    (out / "file").write_bytes(b"x" * 30_000)
    return cfg.name

@exp.configs
def configs():
    return [{"name": f"r{n:02}"} for n in range(30)]

if __name__ == "__main__":
    exp.run()
"""
NAMES = {f"r{n:02}" for n in range(30)}
# A mount that nobody else sees, kept by a shell that does as it is told, line by line.
SHELL = ("unshare", "--mount", "--map-root-user", "sh", "-c", 'while read -r line; do eval "$line"; echo "=$?"; done')
DOORS = {
    "script": ("exp.py", "-j", "2"),
    "pyexp": ("-m", "pyexp", "build", "exp.py", "-j", "2"),
    "doit": ("-m", "doit", "-f", "exp.py"),
}


class Disk:
    """A shell that has a small disk at ``out``."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._shell = subprocess.Popen(
            SHELL, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.run("mkdir -p out && mount -t tmpfs -o size=600k tmpfs out")

    def run(self, line: str) -> tuple[int, str]:
        """Run a command; give its status, and what it said."""
        assert self._shell.stdin is not None and self._shell.stdout is not None
        self._shell.stdin.write(line + "\n")
        self._shell.stdin.flush()
        said = ""
        for answer in self._shell.stdout:
            if answer.startswith("="):
                return int(answer[1:]), said
            said += answer
        raise OSError(f"the shell has ended: {said}")

    def finished(self) -> set[str]:
        """Which runs have a record."""
        found = self.run("for file in out/exp/*/.finished; do cat $file; done")[1]
        return {json.loads(line)["name"] for line in found.splitlines() if line.startswith("{")}

    def close(self) -> None:
        self._shell.communicate()


@pytest.fixture
def disk(project: Any, request: pytest.FixtureRequest) -> Iterator[Disk]:
    project.write("exp.py", EXPERIMENT)
    disk = Disk(project.folder, project.environment | {"EXECUTOR": request.param})
    try:
        if disk.run("grep -q 'out tmpfs' /proc/mounts")[0]:
            pytest.skip("no file system may be mounted here, not even in a namespace of its own")
        yield disk
    finally:
        disk.close()


@pytest.mark.parametrize(
    ("disk", "door"),
    [("fork", "script"), ("inline", "doit")]
    + [
        pytest.param(executor, door, marks=pytest.mark.soak)
        for executor in ("inline", "fork", "subprocess")
        for door in DOORS
    ],
    indirect=["disk"],
)
def test_a_build_on_a_disk_that_runs_full(project: Any, disk: Disk, door: str, figures: Callable[..., None]) -> None:
    command = f"{sys.executable} {' '.join(DOORS[door])} 2>&1"
    code, said = disk.run(command)
    assert code == (2 if door == "doit" else 1), said  # to doit, what it cannot try is an error
    assert "/dodo_pyexp/" not in said, said  # doit shows the log of a run, with the traceback of the user's code
    assert "No space left on device" in said
    first, had = project.tally(), disk.finished()
    assert 0 < len(had) < len(NAMES) and had <= set(first)
    assert disk.run(command)[0] in (1, 2)  # it may be too full to begin at all
    assert disk.finished() >= had and not set(project.tally() - first) & had
    figures(finished_on_the_full_disk=len(disk.finished()))
    before, had = project.tally(), disk.finished()
    disk.run("mount -o remount,size=20m out")
    code, said = disk.run(command)
    assert code == 0, said
    assert project.tally() - before == Counter(NAMES - had)
    assert disk.finished() == NAMES
    assert disk.run(command)[0] == 0
    assert project.tally() - before == Counter(NAMES - had)
    figures(executed_when_there_was_space=len(NAMES - had))
