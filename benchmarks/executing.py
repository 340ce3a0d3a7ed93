"""What executing a run costs on top of the process it is executed in."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator

from .figure import Figure
from .measure import command, in_words
from .workspace import PYEXP, Workspace


def _probe(kind: str, runs: int, repeat: int, jobs: int) -> tuple[float, float, float]:
    """Give the seconds a run: of the floor, of ours, and of making a run's files; in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    words = [sys.executable, "-m", "benchmarks.probe", kind, str(runs), str(repeat), str(jobs)]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with status {done.returncode}:\n{done.stderr[-2000:]}")
    measured = json.loads(done.stdout)
    return measured["floor"], measured["ours"], measured["files"]


def fork(space: Workspace, repeat: int, full: bool) -> Iterator[Figure]:
    """A run in a fork, beside a bare fork and wait in the same process."""
    floor, ours, made = _probe("fork", 200, repeat, 1)
    said = f"bare fork+wait {in_words(floor)}, its 11 files and folders {in_words(made)}"
    yield Figure("fork, a run above bare fork", (ours - floor) * 1e3, "ms", 3.0, in_words(ours), said)
    yield Figure("fork, a run, over bare fork and its files", ours / (floor + made), "x", None, in_words(ours), said)
    floor, ours, _ = _probe("fork", 200, repeat, 2)
    said = f"bare fork+wait, 2 at a time {in_words(floor)}"
    yield Figure("fork, a run, -j 2", ours / floor, "x", 4.0, in_words(ours), said)
    if importlib.util.find_spec("numpy") is not None:
        floor, ours, _ = _probe("fork-numpy", 200, repeat, 1)
        said = f"bare fork+wait with numpy {in_words(floor)}"
        yield Figure("fork, a run that imports numpy", (ours - floor) * 1e3, "ms", 3.0, in_words(ours), said)


def subprocesses(space: Workspace, repeat: int, full: bool) -> Iterator[Figure]:
    """A run in a fresh interpreter, beside one that imports cloudpickle and ends."""
    for kind, what in (("subprocess", "by reference"), ("subprocess-value", "by value")):
        floor, ours, _ = _probe(kind, 30, repeat, 1)
        said = f"python -c 'import cloudpickle' {in_words(floor)}"
        yield Figure(f"subprocess, a run, function {what}", ours / floor, "x", 1.3, in_words(ours), said)
    floor, ours, _ = _probe("subprocess", 40, repeat, 2)
    said = f"the same, 2 at a time {in_words(floor)}"
    yield Figure("subprocess, a run, -j 2", ours / floor, "x", 1.2, in_words(ours), said)


def parallel(space: Workspace, repeat: int, full: bool) -> Iterator[Figure]:
    """Runs that compute: ``-j 2`` over ``-j 1``, beside bare forks; means something only where two cores are idle."""
    for executor in ("fork", "subprocess"):
        bare_one, one, _ = _probe(f"{executor}-compute", 8, min(repeat, 3), 1)
        bare_two, two, _ = _probe(f"{executor}-compute", 8, min(repeat, 3), 2)
        mine, floor = f"{in_words(one)} -> {in_words(two)}", f"bare forks {bare_one / bare_two:.2f} x"
        yield Figure(f"{executor}, speed-up of -j 2", one / two, "x", 1.8, mine, floor, at_least=True)


LOUD = """
import pyexp

@pyexp.experiment(executor="fork", stash=False)
def loud(cfg):
    line = "x" * 1023
    for _ in range(cfg.megabytes * 1024):
        print(line)

@loud.configs
def configs():
    return [{"name": "a", "megabytes": MEGABYTES}]
"""


def output(space: Workspace, repeat: int, full: bool) -> Iterator[Figure]:
    """Memory of a build whose run prints a great deal."""
    megabytes = 1024 if full else 128
    folder = space.script("loud", LOUD.replace("MEGABYTES", str(megabytes)))
    usage = command([*PYEXP, "build", "loud.py"], folder)
    yield Figure(f"memory, a run that prints {megabytes} MB", usage.peak, "MB", 100.0, in_words(usage.seconds))
