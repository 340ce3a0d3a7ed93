"""Sweeps that grow and shrink: what is executed is counted by the runs themselves."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

import pyexp
from dodo_pyexp.planning import orphans
from dodo_pyexp.planning.options import resolve
from dodo_pyexp.planning.orphans import orphans_of, other_experiments
from dodo_pyexp.planning.plan import PlannedExperiment

SWEEP = """
    import pyexp
    from tally import mark

    @pyexp.experiment(executor="fork", stash=False, OPTIONS)
    def train(cfg):
        mark(cfg)
        return cfg.x

    @train.configs
    def configs():
        return [{"name": f"x{x}", "x": x} for x in XS]

    @pyexp.experiment(executor="fork", stash=False)
    def total(cfg, out, deps):
        mark(cfg)
        return sorted(run.result for run in deps)

    @total.configs
    def total_configs():
        return [{"name": "sum", "depends_on": "train:x"}]

    @train.report
    def report(results):
        with open("report.txt", "w") as file:
            file.write(" ".join(results.names))
"""
LAYOUTS = pytest.mark.parametrize("layout", ["", "hash_configs=True, ", "timestamp=False, "])


def sweep(project: Any, xs: list[int], options: str = "") -> None:
    project.write("dodo.py", SWEEP.replace("XS", str(xs)).replace("OPTIONS", options))


def build(project: Any) -> list[str]:
    project.pyexp("build")
    return sorted(project.executed())


def listed(project: Any, *words: str) -> dict[str, str]:
    """The state of every run that ``pyexp list --all`` knows, by name without the hash."""
    told = json.loads(project.pyexp("list", "--all", "--json", *words).stdout)
    return {f"{run['experiment']}:{run['name'].partition('-')[0]}": run["state"] for run in told["runs"]}


def result(project: Any, experiment: str) -> list[Any]:
    code = f"import dodo, json; print(json.dumps([r.result for r in dodo.{experiment}.results()]))"
    found: list[Any] = json.loads(project.python("-c", code).stdout)
    return found


@LAYOUTS
def test_a_grown_sweep_executes_only_the_new_cells(project: Any, layout: str) -> None:
    sweep(project, [1, 2], layout)
    assert build(project) == ["sum", "x1", "x2"]
    sweep(project, [0, 1, 2, 3], layout)
    assert build(project) == ["sum", "x0", "x3"]
    assert build(project) == []


@LAYOUTS
def test_what_no_config_asks_for_stays_on_disk_as_an_orphan(project: Any, layout: str) -> None:
    sweep(project, [1, 2, 3], layout)
    build(project)
    sweep(project, [1, 3], layout)
    expected = {"train:x1": "up-to-date", "train:x3": "up-to-date", "train:x2": "orphan"}
    assert listed(project, "train") == expected
    assert build(project) == ["sum"]
    assert listed(project) == {**expected, "total:sum": "up-to-date"}
    assert "x2" not in project.pyexp("list").stdout
    assert (len(list(project.out.glob("train/x2*/.finished")))) == 1


@LAYOUTS
def test_an_orphan_has_no_part_in_results_reports_and_dependencies(project: Any, layout: str) -> None:
    sweep(project, [1, 2, 3], layout)
    build(project)
    sweep(project, [1, 3], layout)
    build(project)
    assert result(project, "train") == [1, 3]
    assert result(project, "total") == [[1, 3]]
    assert (project.folder / "report.txt").read_text() == "x1 x3"
    assert "x2" not in project.pyexp("results", "train").stdout
    assert "x2" not in project.pyexp("graph", "--all").stdout


@LAYOUTS
def test_a_config_that_comes_back_is_up_to_date(project: Any, layout: str) -> None:
    sweep(project, [1, 2], layout)
    build(project)
    sweep(project, [1], layout)
    build(project)
    sweep(project, [1, 2], layout)
    assert build(project) == ["sum"]
    assert set(listed(project).values()) == {"up-to-date"}


def test_plain_doit_sees_no_orphans_either(project: Any) -> None:
    sweep(project, [1, 2])
    build(project)
    sweep(project, [1])
    assert "x2" not in project.doit("list", "--all").stdout
    project.doit()
    assert result(project, "total") == [[1]]


# -- which folders are orphans ----------------------------------------------------------------------------------


@pytest.fixture
def in_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["pytest"])

    def planned(configs: list[dict[str, Any]], *, execute: bool = False, **options: Any) -> PlannedExperiment:
        @pyexp.experiment(name="exp", executor="inline", stash=False, **options)
        def exp(cfg: Any) -> int:
            if cfg.get("fail"):
                raise ValueError("no")
            return 1

        if execute:
            exp.run(configs=[dict(config) for config in configs])
        experiment = PlannedExperiment(exp.definition, resolve(exp.definition.options))
        experiment.fill(configs)
        return experiment

    return planned


def told(experiment: PlannedExperiment) -> list[tuple[str, str]]:
    return [(orphan.name, orphan.decision.reason) for orphan in orphans_of(experiment)]


def test_an_earlier_config_of_a_run_is_one_where_folders_have_hashes(in_process: Any) -> None:
    for options in ({"hash_configs": True}, {"timestamp": False}):
        in_process([{"name": "a", "x": 1}], execute=True, **options)
        ((name, reason),) = told(in_process([{"name": "a", "x": 2}], **options))
        assert name.startswith("a-") and reason == "another config of exp:a"
        assert told(in_process([{"name": "a", "x": 1}], **options)) == []


def test_one_that_never_finished_says_so(in_process: Any) -> None:
    in_process([{"name": "a", "fail": True}, {"name": "b"}], execute=True)
    assert told(in_process([{"name": "b"}])) == [("a", "no config asks for it any more; never finished")]


def test_unusual_names_are_told_as_they_were(in_process: Any) -> None:
    names = ["lr=0.1", "a/b", "x" * 200]
    in_process([{"name": name} for name in names], execute=True)
    assert sorted(name for name, _ in told(in_process([{"name": "b"}]))) == sorted(names)


def test_a_folder_of_another_layout_is_none_while_its_config_is_there(in_process: Any) -> None:
    in_process([{"name": "a", "x": 1}], execute=True)
    in_process([{"name": "a", "x": 1}], execute=True, hash_configs=True)
    for options in ({}, {"hash_configs": True}, {"timestamp": False}):
        assert told(in_process([{"name": "a", "x": 1}], **options)) == []
        assert len(told(in_process([{"name": "b", "x": 1}], **options))) == 2


def test_what_pyexp_did_not_make_is_none(in_process: Any) -> None:
    in_process([{"name": "a"}], execute=True)
    Path("out/exp/plots").mkdir()
    Path("out/exp/plots/loss.png").touch()
    Path("out/exp/notes.txt").touch()
    Path("out/exp/report/2026-01-01_00-00-00").mkdir(parents=True)
    Path("out/exp/.hidden/2026-01-01_00-00-00").mkdir(parents=True)
    assert told(in_process([{"name": "a"}])) == []


def test_the_same_folder_in_another_spelling_is_none(in_process: Any) -> None:
    in_process([{"name": "a"}], execute=True)
    os.symlink("a", "out/exp/A")  # as a file system without upper and lower case has it
    assert told(in_process([{"name": "A"}])) == []
    assert told(in_process([{"name": "b"}])) != []


def test_nothing_was_built_yet(in_process: Any) -> None:
    assert told(in_process([{"name": "a"}])) == []


def test_finding_them_is_one_listing_and_one_look_at_each(in_process: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    in_process([{"name": f"r{i}"} for i in range(30)], execute=True)
    experiment = in_process([{"name": f"r{i}"} for i in range(20)])
    looks: list[str] = []

    def counted(name: str) -> None:
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *args, **kwargs: (looks.append(name), real(*args, **kwargs))[1])

    for name in ("stat", "lstat", "listdir", "scandir", "open"):
        counted(name)
    found = orphans.orphans_of(experiment)
    monkeypatch.undo()
    assert len(found) == 10
    assert sorted(looks) == ["scandir"] + ["stat"] * 10


def test_other_experiments_are_told_and_are_no_orphans(in_process: Any) -> None:
    in_process([{"name": "a"}, {"name": "b"}], execute=True)
    os.rename("out/exp", "out/other")
    experiment = in_process([{"name": "a"}], execute=True)
    assert told(experiment) == []
    assert other_experiments([experiment]) == [("other", 2)]
