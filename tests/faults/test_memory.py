"""What runs print, return and save goes past the build: its memory does not grow with it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

EXPERIMENT = """
import os
import pyexp

MB = int(os.environ["MB"])

@pyexp.experiment(stash=False)
def exp(cfg, out, deps):
    block = b"x" * 999_999 + b"\\n"
    if cfg.does == "print":
        for _ in range(MB):
            os.write(1, block)
    elif cfg.does == "save":
        with open(out / "saved", "wb") as file:
            for _ in range(MB):
                file.write(block)
    elif cfg.does == "return":
        return os.urandom(1) + block * MB
    else:
        return len(deps[0].result)

@exp.configs
def configs():
    yield {"name": "print", "does": "print"}
    yield {"name": "save", "does": "save"}
    yield {"name": "return", "does": "return"}
    yield {"name": "behind", "does": "read", "depends_on": "^return$"}

if __name__ == "__main__":
    exp.run()
    # Not ru_maxrss: a process inherits that from the one that started it.
    lines = open("/proc/self/status").read().splitlines()
    print(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of the memory from /proc")
@pytest.mark.parametrize("live", [(), ("-s",)], ids=["kept", "shown"])
@pytest.mark.parametrize("executor", ["fork", "subprocess"])
@pytest.mark.parametrize("size", [pytest.param(60, id="60 MB"), pytest.param(1000, id="1 GB", marks=pytest.mark.soak)])
def test_a_build_needs_no_memory_for_what_its_runs_put_out(
    project: Any, executor: str, live: tuple[str, ...], size: int, figures: Callable[..., None]
) -> None:
    project.write("exp.py", EXPERIMENT)
    command = ("exp.py", "--executor", executor, *live)
    process = project.start(*command, env=project.environment | {"MB": str(size)}, stderr=None, bufsize=1 << 20)
    peak = 0
    for line in process.stdout:
        if len(line) < 100:
            peak = int(line)
    assert process.wait(100) == 0
    assert (project.attempts("print")[0] / "log.out").stat().st_size == size * 1_000_000
    assert (project.attempts("return")[0] / "experiment.pkl").stat().st_size > size * 1_000_000
    figures(MB_of_output=3 * size, most_MB_of_the_build=peak // 1000)
    assert 0 < peak < 100_000
    for attempt in ("print", "save", "return"):
        for path in project.attempts(attempt)[0].iterdir():
            path.unlink()
