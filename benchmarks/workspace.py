"""Folders to measure in: an experiment with many finished runs, and the same graph for plain doit."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
import tempfile

from .measure import command

SCRIPT = os.path.join(sysconfig.get_path("scripts"), "pyexp")
PYEXP = [SCRIPT] if os.path.exists(SCRIPT) else [sys.executable, "-m", "pyexp"]
DOIT = [sys.executable, "-m", "doit"]

CONFIG = '{"seed": seed, "lr": 0.1, "data": "mnist", "model": {"width": 32, "depth": 2, "act": "relu"}}'

EXPERIMENT = """
import os
import pyexp

@pyexp.experiment(executor="inline")
def train(cfg):
    return {"loss": cfg.lr}

@train.configs
def configs():
    found = [{"name": f"run{seed:06d}", **CONFIG} for seed in range(COUNT)]
    if os.path.exists("changed"):
        with open("changed") as file:
            found[COUNT // 2]["seed"] = file.read()
    return found
"""

REPORT = """
@train.report
def report(results):
    return None
"""

COLLECT = """
@pyexp.experiment(executor="inline")
def collect(cfg, out, deps):
    return len(deps)

@collect.configs
def collect_configs():
    return [{"name": "all", "depends_on": "train:.*"}]
"""

MAIN = """
if __name__ == "__main__":
    train.run()
"""

DODO = """
from doit.tools import config_changed

DOIT_CONFIG = {"backend": "json", "dep_file": ".doit.json"}

def act(target):
    open(target, "w").close()

def task_train():
    for seed in range(COUNT):
        target = f"out/run{seed:06d}"
        yield {
            "name": f"run{seed:06d}", "actions": [(act, [target])], "targets": [target],
            "uptodate": [config_changed(CONFIG)],
        }
"""


class Workspace:
    """A temporary folder that holds what the benchmarks share.

    Attributes
    ----------
    path
        The folder.
    """

    def __init__(self) -> None:
        self.path = tempfile.mkdtemp(prefix="pyexp-bench-")
        self._made: set[str] = set()
        # Compiled modules are part of any installation; here they are kept out of the source tree.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = self.folder("pycache")

    def folder(self, name: str) -> str:
        """Give a folder of that name, made when it is not there yet."""
        path = os.path.join(self.path, name)
        os.makedirs(path, exist_ok=True)
        return path

    def experiment(self, count: int) -> str:
        """Give a folder with `exp.py` and `count` finished runs.

        Beside it stand `report.py` and `collect.py`: the same with a report of all runs, and with a run of another
        experiment that depends on them all.
        """
        path = self.folder(f"experiment-{count}")
        if path not in self._made:
            self._made.add(path)
            for name, text in (("exp", ""), ("report", REPORT), ("collect", COLLECT)):
                self.write(f"{path}/{name}.py", _filled(EXPERIMENT + text + MAIN, count))
            command([*PYEXP, "build", "exp.py"], path)
        return path

    def doit(self, count: int) -> str:
        """Give a folder in which plain doit has done `count` tasks with the same configs and one target each."""
        path = self.folder(f"doit-{count}")
        if path not in self._made:
            self._made.add(path)
            os.makedirs(f"{path}/out", exist_ok=True)
            self.write(f"{path}/dodo.py", _filled(DODO, count))
            command(DOIT, path)
        return path

    def script(self, name: str, text: str) -> str:
        """Write a script into a folder of its own and give the folder."""
        path = self.folder(name)
        self.write(f"{path}/{name}.py", text)
        return path

    def write(self, path: str, text: str) -> None:
        """Write a file."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def close(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.path, ignore_errors=True)


def _filled(text: str, count: int) -> str:
    return text.replace("CONFIG)", f"{CONFIG})").replace("**CONFIG", f"**{CONFIG}").replace("COUNT", str(count))
