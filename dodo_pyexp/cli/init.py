"""``pyexp init``."""

from __future__ import annotations

import os
from argparse import Namespace

from ..arguments import Parser
from ..errors import UsageError

EXPERIMENT = '''\
"""A first experiment: how fast does gradient descent find the lowest point of a parabola?"""

import json
from pathlib import Path

import pyexp
from pyexp import Config, sweep


@pyexp.experiment(name="descent")
def descent(cfg: Config, out: Path):
    """Walk downhill, and save the way."""
    x, path = cfg.start, []
    for _ in range(cfg.steps):
        x -= cfg.lr * 2 * x
        path.append(x)
    (out / "path.json").write_text(json.dumps(path))  # whatever is saved in `out` stays with the run
    return {"x": x, "loss": x**2}


@descent.configs
def configs():
    base = {"start": 1.0, "steps": 20}
    rates = [{"name": f"lr{lr}", "lr": lr} for lr in (0.01, 0.1, 0.4)]
    return sweep([base], rates)


@descent.report
def report(results):
    best = min((run for run in results if not run.error), key=lambda run: run.result["loss"])
    print(f"Best: {best.name}, loss {best.result['loss']:.3g}")


if __name__ == "__main__":
    descent.run()
'''

DODO = '''\
"""What is built here: `pyexp build` and `doit` both read this file."""

from experiment import descent

DOIT_CONFIG = {
    "backend": "pyexp",  # a database that survives a killed build
    "dep_file": "out/.doit.db",
    "continue": True,  # after a failure, go on with independent runs
}

__all__ = ["DOIT_CONFIG", "descent"]
'''


def add_arguments(parser: Parser) -> None:
    """Say which arguments the command takes."""
    parser.add_argument("folder", metavar="DIR", nargs="?", default=".", help="where (default: here)")


def run(arguments: Namespace) -> int:
    """Write the two files, unless one of them is there already."""
    folder = arguments.folder
    contents = {"experiment.py": EXPERIMENT, "dodo.py": DODO}
    taken = [name for name in contents if os.path.lexists(os.path.join(folder, name))]
    if taken:
        raise UsageError(f"{os.path.join(folder, taken[0])} is there already; nothing was written")
    try:
        os.makedirs(folder, exist_ok=True)
        for name, text in contents.items():
            with open(os.path.join(folder, name), "x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise UsageError(f"cannot write to {folder}: {error.strerror}") from None
    print(f"Wrote {' and '.join(os.path.normpath(os.path.join(folder, name)) for name in contents)}. Next:")
    if os.path.abspath(folder) != os.getcwd():
        print(f"  cd {folder}")
    print("  pyexp build\n  pyexp results")
    return 0
