"""Measures executors from inside a process of its own: ``python -m benchmarks.probe KIND RUNS REPEAT JOBS``.

A fork copies the process it comes from, so the floor has to be measured in the very process that builds. Prints
seconds a run as JSON: ``{"floor": ..., "files": ..., "ours": ...}``; `files` is what it takes to make as many new
folders and files as a run has, which depends more on the file system than on anything else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Any

from .measure import alternate, seconds

FILE = """
import pyexp

@pyexp.experiment(stash=False)
def train(cfg):
    return {"loss": cfg.lr}
"""

NUMPY = """
import numpy
import pyexp

@pyexp.experiment(stash=False)
def train(cfg):
    import numpy
    return {"loss": float(numpy.float64(cfg.lr) + 1)}
"""

COMPUTE = """
import pyexp

@pyexp.experiment(stash=False)
def train(cfg):
    total = 0
    for number in range(3_000_000):
        total += number * number
    return total
"""


def by_value() -> Any:
    """Make a function that no other process can import."""

    def train(cfg: Any) -> dict[str, Any]:
        return {"loss": cfg.lr}

    return train


def load(text: str, folder: str) -> Any:
    """Write an experiment file and import it; give its experiment."""
    with open(f"{folder}/bench_experiment.py", "w", encoding="utf-8") as file:
        file.write(text)
    sys.path.insert(0, folder)
    import bench_experiment  # type: ignore[import-not-found]  # written just now

    return bench_experiment.train


def bare(start: Callable[[], int], runs: int, jobs: int) -> None:
    """Start `runs` processes, `jobs` at a time, and wait for each."""
    flying = 0
    for _ in range(runs):
        if flying == jobs:
            os.wait()
            flying -= 1
        start()
        flying += 1
    for _ in range(flying):
        os.wait()


def fork() -> int:
    """Fork a child that ends at once."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    return pid


def computing() -> int:
    """Fork a child that computes what a run of `COMPUTE` does."""
    pid = os.fork()
    if pid == 0:
        total = 0
        for number in range(3_000_000):
            total += number * number
        os._exit(0)
    return pid


def files(folder: str, runs: int) -> None:
    """Make two folders and nine small files a run, as every run does."""
    for number in range(runs):
        inside = f"{folder}/{number}/attempt"
        os.makedirs(inside)
        for name in range(9):
            with open(f"{inside}/{name}", "wb") as file:
                file.write(b"x" * 300)


def interpreter() -> int:
    """Start an interpreter that imports cloudpickle."""
    process = subprocess.Popen([sys.executable, "-c", "import cloudpickle"])
    process.returncode = 0  # `bare` waits for it
    return process.pid


def experiment(kind: str, folder: str) -> Any:
    """Make the experiment of that kind."""
    if kind.endswith("value"):
        import pyexp

        train = by_value()
        train.__module__ = "session"  # which has no file
        return pyexp.experiment(name="train", stash=False, output_dir=f"{folder}/out")(train)
    return load(COMPUTE if kind.endswith("compute") else NUMPY if kind.endswith("numpy") else FILE, folder)


def main(kind: str, runs: int, repeat: int, jobs: int) -> dict[str, float]:
    """Measure one kind of execution."""
    executor = kind.split("-")[0]
    with tempfile.TemporaryDirectory(prefix="pyexp-bench-") as folder:
        os.chdir(folder)
        train = experiment(kind, folder)
        configs = [{"name": f"run{number}", "lr": 0.1, "model": {"width": 32}} for number in range(runs)]

        def build(number: int = 2) -> None:
            sys.argv[1:] = []
            results = train.run(configs=configs[:number], executor=executor, jobs=jobs, rerun=True)
            assert not any(result.error for result in results), results[0].error

        build()  # imports are not what is measured
        start = computing if kind.endswith("compute") else fork if executor == "fork" else interpreter
        floor, made, ours = alternate(
            repeat,
            lambda: seconds(lambda: bare(start, runs, jobs)),
            lambda: seconds(lambda: files(tempfile.mkdtemp(dir=folder), runs)),
            lambda: seconds(lambda: build(runs)),
        )
    return {"floor": floor / runs, "files": made / runs, "ours": ours / runs}


if __name__ == "__main__":
    stdout, sys.stdout = sys.stdout, sys.stderr
    measured = main(sys.argv[1], *map(int, sys.argv[2:5]))
    print(json.dumps(measured), file=stdout)
