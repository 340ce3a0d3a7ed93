"""`pyexp list --inputs`: what each run reads, declared or found, and what became of it."""

from __future__ import annotations

import json
from typing import Any

EXPERIMENT = """
    import pyexp

    @pyexp.experiment(executor="inline", inputs=["data/images/"], stash=False)
    def exp(cfg):
        return cfg.data.read_text() + open("data/seen.txt").read()

    @exp.configs
    def configs():
        return [{"name": "a", "data": pyexp.File("data/train.csv")}]
"""


def test_each_input_is_listed_with_its_size_and_what_became_of_it(project: Any) -> None:
    project.write("pyproject.toml", "")
    project.write("exp.py", EXPERIMENT)
    for name in ("train.csv", "seen.txt", "images/1.png"):
        project.write(f"data/{name}", "abc")
    project.pyexp("build", "exp.py")
    lines = project.pyexp("list", "exp.py", "--inputs").stdout.splitlines()
    assert lines == [
        "exp:a  up-to-date",
        "    data/images/  1 file, 3 bytes",
        "    data/train.csv  3 bytes",
        "    data/seen.txt  3 bytes  (found)",
        "1 run: 1 up-to-date",
    ]
    project.write("data/train.csv", "abcd")
    (project.folder / "data/seen.txt").unlink()
    (run,) = json.loads(project.pyexp("list", "exp.py", "--inputs", "--json").stdout)["runs"]
    assert {one["path"]: (one["declared"], one["changed"]) for one in run["inputs"]} == {
        "data/images/": (True, ""),
        "data/train.csv": (True, "changed (3 bytes -> 4 bytes)"),
        "data/seen.txt": (False, "is gone"),
    }
    manifest = json.loads(next((project.out / "exp/.batches").glob("*.json")).read_text())
    assert manifest["inputs"] == {"data/images/": None, "data/train.csv": 3}


def test_a_run_that_was_never_executed_shows_what_it_will_read(project: Any) -> None:
    project.write("pyproject.toml", "")
    project.write("exp.py", EXPERIMENT)
    project.write("data/images/1.png", "abc")
    lines = project.pyexp("list", "exp.py", "--inputs").stdout.splitlines()
    assert lines[1:3] == ["    data/images/  1 file, 3 bytes", "    data/train.csv  is gone"]
