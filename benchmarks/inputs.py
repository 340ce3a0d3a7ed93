"""What it costs to know which files runs have read."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator

from .figure import Figure
from .measure import alternate, command, in_words
from .workspace import PYEXP, Workspace

COUNT = 10_000  # runs, and files
OPENING = """
import json
import os
import pyexp

@pyexp.experiment(executor=EXECUTOR, stash=False)
def exp(cfg):
    total = 0
    for i in range(FILES):
        with open(f"data/{i}.json") as file:
            text = file.read()
        if PARSED:
            total += len(json.loads(text))
    return total

@exp.configs
def configs():
    return [{"name": f"r{i}"} for i in range(RUNS)]
"""


def inputs(space: Workspace, repeat: int, full: bool) -> Iterator[Figure]:
    """Runs that are watched, beside the same ones with read_files="ignore"; and builds of runs that have read files."""
    folder = space.folder("inputs")
    _fill(f"{folder}/data")
    said = "processor's seconds of the build"
    for name, files, parsed, executor, runs, limit in (
        ("a run that parses 10,000 files of 8 kB", COUNT, True, "subprocess", 1, 1.02),
        ("a run that reads them and does nothing else", COUNT, False, "subprocess", 1, None),
        ("10 runs that read 10 files each", 10, True, "subprocess", 10, 1.02),
        ("100 forks that read 10 files each", 10, True, "fork", 100, None),
    ):
        text = OPENING.replace("EXECUTOR", repr(executor)).replace("FILES", str(files))
        space.write(f"{folder}/exp.py", text.replace("PARSED", str(parsed)).replace("RUNS", str(runs)))
        plain, watched = alternate(max(repeat, 9), *(_build(folder, policy) for policy in ("ignore", "warn")))
        yield Figure(name, watched / plain, "x", limit, in_words(watched), f"not watched {in_words(plain)}, {said}")
    folders = []
    for files in (0, 3):
        path = space.folder(f"inputs-{files}")
        shutil.copytree(f"{folder}/data", f"{path}/data", ignore=lambda _, names: [n for n in names if len(n) > 6])
        text = OPENING.replace("EXECUTOR", '"inline"').replace("FILES", str(files)).replace("PARSED", "True")
        space.write(f"{path}/exp.py", text.replace("RUNS", str(COUNT)))
        command([*PYEXP, "build", "exp.py"], path)
        folders.append(path)
    without, ours = alternate(repeat, *(_again(path) for path in folders))
    name = f"pyexp build, {COUNT} unchanged that read 3 files each"
    yield Figure(name, ours / without, "x", 1.3, in_words(ours), f"without files {in_words(without)}")


def _fill(folder: str) -> None:
    """Write the files, in a folder of the project."""
    os.makedirs(folder, exist_ok=True)
    chance = random.Random(0)
    for i in range(COUNT):
        with open(f"{folder}/{i}.json", "w", encoding="utf-8") as file:
            json.dump({f"key{key}": chance.random() for key in range(270)}, file)


def _build(folder: str, policy: str) -> Callable[[], float]:
    def measure() -> float:
        shutil.rmtree(f"{folder}/out", ignore_errors=True)
        return command([*PYEXP, "build", "exp.py", "--read-files", policy], folder).cpu

    return measure


def _again(folder: str) -> Callable[[], float]:
    return lambda: command([*PYEXP, "build", "exp.py"], folder).seconds
