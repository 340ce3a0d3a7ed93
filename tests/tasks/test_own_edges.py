"""doit sees what we see: inputs and upstreams are file dependencies, and tasks of one's own stand among the runs."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

DODO = """
    import pyexp
    from tally import mark

    def task_report():
        return {"actions": ["cat out/evaluate/all/.finished > report.txt"], "targets": ["report.txt"],
                "file_dep": ["out/evaluate/all/.finished"]}

    @pyexp.experiment(executor="inline", stash=False)
    def evaluate(cfg, out, deps):
        mark(cfg)
        return sum(one.result for one in deps)

    @evaluate.configs
    def configs():
        return [{"name": "all", "depends_on": "train:"}]

    @pyexp.experiment(executor="inline", stash=False, inputs=["data/images/"])
    def train(cfg):
        mark(cfg)
        return len(cfg.data.read_text()) * 0

    @train.configs
    def configs():
        return [{"name": name, "data": pyexp.File("data/train.csv")} for name in "ab"]

    def task_download():
        return {"actions": ["echo got >> log.txt; cp source.csv data/train.csv"], "targets": ["data/train.csv"],
                "file_dep": ["source.csv"]}
"""


@pytest.fixture
def data(project: Any) -> Any:
    project.write("dodo.py", DODO)
    project.write("source.csv", "abc")
    project.write("data/images/1.png", "x")
    return project


def doors(project: Any) -> list[Any]:
    return [lambda: project.doit(), lambda: project.doit("-n", "2"), lambda: project.pyexp("build")]


@pytest.mark.parametrize("door", range(3))
def test_what_makes_an_input_goes_first_and_what_reads_a_record_last(data: Any, door: int) -> None:
    build = doors(data)[door]
    build()
    assert sorted(data.executed()) == ["a", "all", "b"]
    assert (data.folder / "report.txt").exists() and (data.folder / "log.txt").read_text() == "got\n"
    build()
    assert data.executed() == [] and (data.folder / "log.txt").read_text() == "got\n"
    data.write("source.csv", "other")
    build()
    # What the runs give is what they gave before, so that nothing behind them is executed again.
    assert sorted(data.executed()) == ["a", "b"] and (data.folder / "log.txt").read_text() == "got\ngot\n"


def test_doit_shows_inputs_and_upstreams_as_file_dependencies(data: Any) -> None:
    data.doit()
    info = data.doit("info", "evaluate:all").stdout
    assert "file_dep   : \n - out/train/a/.finished\n - out/train/b/.finished\n" in info
    info = data.doit("info", "train:a").stdout
    assert "file_dep   : \n - data/images\n - data/train.csv\n" in info
    record = json.loads((data.out / "train/a/.finished").read_text())
    assert record["config_hash"] in info
    listed = data.doit("list", "--all", "--deps").stdout
    assert " -  data/train.csv\n" in listed and " -  out/train/a/.finished\n" in listed


def test_without_its_database_doit_executes_no_run_again(data: Any) -> None:
    data.doit()
    data.executed()
    os.unlink(data.out / ".doit.db")
    data.doit()
    assert data.executed() == []


def test_the_target_of_a_run_can_be_asked_for_and_brings_what_it_needs(data: Any) -> None:
    data.doit("out/evaluate/all/.finished")
    assert sorted(data.executed()) == ["a", "all", "b"] and not (data.folder / "report.txt").exists()


def test_if_the_task_that_makes_an_input_fails_its_runs_are_not_tried(data: Any) -> None:
    data.edit("dodo.py", "cp source.csv data/train.csv", "exit 3")
    done = data.pyexp("build", status=1)
    assert data.executed() == [] and "download  FAILED" in done.stderr and "skipped" in done.stderr


def test_list_shows_tasks_of_ones_own_with_their_reasons(data: Any) -> None:
    lines = data.pyexp("list").stdout.splitlines()
    assert lines == [
        "evaluate:all  missing  never run",
        "train:a       missing  never run",
        "train:b       missing  never run",
        "report        stale    evaluate:all would be executed",
        "download      stale    data/train.csv is missing",
        "3 runs: 3 missing; 2 tasks: 2 stale",
    ]
    data.pyexp("build")
    assert data.pyexp("list").stdout.splitlines()[-1] == "3 runs: 3 up-to-date; 2 tasks: 2 up-to-date"
    (data.folder / "report.txt").unlink()
    told = json.loads(data.pyexp("list", "--json").stdout)["tasks"]
    assert told == [
        {"task": "report", "reason": "report.txt is missing", "up_to_date": False},
        {"task": "download", "reason": "", "up_to_date": True},
    ]


def test_the_graph_has_tasks_of_ones_own_in_every_form(data: Any) -> None:
    text = data.pyexp("graph").stdout
    assert "├─ a <- download\n└─ b <- download\n" in text
    assert text.endswith("tasks\n├─ report <- evaluate:all\n└─ download\n")
    told = json.loads(data.pyexp("graph", "--json").stdout)
    assert told["tasks"] == ["report", "download"]
    assert {"upstream": "download", "downstream": "train:a"} in told["edges"]
    assert '"download" -> "train:b";' in data.pyexp("graph", "--dot").stdout
    assert "(["  in data.pyexp("graph", "--mermaid").stdout  # fmt: skip


def test_a_circle_through_a_task_of_ones_own_is_one_sentence(data: Any) -> None:
    data.edit("dodo.py", '"file_dep": ["source.csv"]', '"file_dep": ["out/train/a/.finished"]')
    done = data.pyexp("build", status=2)
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr and data.executed() == []
