"""Builds that run files start: killed in the middle, the same command again does exactly what is missing."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest

CODE = """
    import os
    import time

    from pyexp.experiments import ConfigurationBase, ExperimentHelper
    from tally import mark

    def train(cfg):
        mark(cfg)
        if os.path.exists("wait") and cfg.x > 0:
            time.sleep(60)
        return cfg.x

    def run(helper: ExperimentHelper, cfg: ConfigurationBase):
        configs = [{"name": f"x{x}", "x": x} for x in range(4)]
        helper.experiment(train, configs=configs, executor="fork")
"""
NATIVE = """
    entry: work.py:train
    executor: fork
    config: {name: ""}
    sweep: {x: [0, 1, 2, 3]}
"""
EXPYRUN = """
    __run__: {__main__: "lab:main", __output_dir__: out, __name__: n}
"""


@pytest.mark.parametrize("text", [NATIVE, "id: mine\nfile: work\n"], ids=["native", "helper"])
def test_a_build_that_was_killed_goes_on_where_it_was(project: Any, text: str) -> None:
    project.write("work.py", CODE)
    project.write("a.yml", text)
    (project.folder / "wait").touch()
    build = project.start("-m", "pyexp", "run", "a.yml", "-j", "1")
    _until(lambda: len(project.tally()) == 2)
    os.kill(build.pid, signal.SIGKILL)
    build.communicate(timeout=60)
    (project.folder / "wait").unlink()
    project.executed()
    foreseen = project.pyexp("run", "a.yml", "-n", status=3).stdout
    assert "x1" in foreseen
    assert "interrupted" in foreseen
    assert "3 of 4 runs would be executed" in foreseen
    project.pyexp("run", "a.yml")
    assert project.executed() == ["x1", "x2", "x3"]
    assert "4 runs: all up to date" in project.pyexp("run", "a.yml").stderr
    assert project.executed() == []


def test_a_launch_of_a_helper_that_was_stopped_says_so(project: Any) -> None:
    project.write("work.py", CODE)
    project.write("a.yml", "id: mine\nfile: work\n")
    (project.folder / "wait").touch()
    launch = project.start("-m", "pyexp", "run", "a.yml", "-j", "1")
    _until(lambda: len(project.tally()) == 2)
    while launch.poll() is None:
        os.kill(launch.pid, signal.SIGINT)
        time.sleep(0.3)
    assert launch.returncode == 130, launch.communicate()
    (told,) = (project.out / "mine/.launches").iterdir()
    assert '"state": "interrupted"' in told.read_text()


@pytest.mark.parametrize("text", [NATIVE, "id: mine\nfile: work\n"], ids=["native", "helper"])
def test_a_dry_run_leaves_not_even_compiled_modules_behind(project: Any, text: str) -> None:
    project.write("work.py", CODE)
    project.write("a.yml", text)
    before = set(project.folder.rglob("*"))
    for words in (["--show"], ["-n"], ["--run-mode", "dry-run"]):
        project.python("-m", "pyexp", "run", "a.yml", *words, status=None, env={"PYTHONDONTWRITEBYTECODE": ""})
        assert set(project.folder.rglob("*")) == before


def test_a_launch_that_was_killed_is_told_apart_and_keeps_its_folder(project: Any) -> None:
    project.write(
        "lab.py", "import time\ndef main(name, config):\n    print('begun', flush=True)\n    time.sleep(60)\n"
    )
    project.write("a.yml", EXPYRUN)
    launch = project.start("-m", "pyexp", "run", "a.yml")
    log = project.out / "n/exp.0/outputs.log"
    _until(lambda: log.exists() and "begun" in log.read_text())
    os.kill(launch.pid, signal.SIGKILL)
    launch.communicate(timeout=60)
    project.write("lab.py", "def main(name, config):\n    return {'loss': 1}\n")
    project.pyexp("run", "a.yml")
    rows = [line.split() for line in project.pyexp("results", "n").stdout.splitlines() if line.startswith("exp.")]
    assert [row[0] for row in rows] == ["exp.0", "exp.1"]
    assert "interrupted" in rows[0]


def _until(true: Any) -> None:
    limit = time.monotonic() + 60
    while not true():
        assert time.monotonic() < limit
        time.sleep(0.02)
