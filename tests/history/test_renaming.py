"""A run that was renamed is asked about, and taken over without being executed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest

EXPERIMENT = """
    import pyexp
    from tally import mark

    @pyexp.experiment(executor="inline", stash=False{options})
    def train(cfg, out, deps):
        mark(cfg)
        (out / "saved.txt").write_text(str(cfg.lr))
        return cfg.lr + sum(one.result for one in deps)

    @train.configs
    def configs():
        return {configs}

    @pyexp.experiment(executor="inline", stash=False)
    def evaluate(cfg, out, deps):
        mark(cfg)
        return sum(one.result for one in deps)

    @evaluate.configs
    def configs():
        return [{{"name": "all", "depends_on": "train:"}}]
"""
TWO = '[{"name": "lr0.1", "lr": 0.1}, {"name": "lr0.2", "lr": 0.2}]'
RENAMED = TWO.replace('"lr0', '"new_lr0')


def write(project: Any, configs: str = TWO, options: str = "") -> None:
    project.write("exp.py", EXPERIMENT.format(configs=configs, options=options))


def reasons(project: Any) -> dict[str, str]:
    told = json.loads(project.pyexp("list", "exp.py", "--json").stdout)
    return {run["run"]: run["reason"] for run in told["runs"]}


def built(project: Any, configs: str = TWO, options: str = "") -> None:
    write(project, configs, options)
    project.pyexp("build", "exp.py")
    project.executed()


LAYOUTS = ["", ", timestamp=False", ", hash_configs=True"]


@pytest.mark.parametrize("options", LAYOUTS)
def test_renamed_runs_are_asked_about_and_taken_over_with_what_lies_behind_them(project: Any, options: str) -> None:
    built(project, options=options)
    write(project, RENAMED, options)
    assert reasons(project) | {"evaluate:all": ""} == {
        "train:new_lr0.1": "never run; train:lr0.1, an orphan, has the same config: renamed?",
        "train:new_lr0.2": "never run; train:lr0.2, an orphan, has the same config: renamed?",
        "evaluate:all": "",
    }
    done = project.pyexp("build", "-n", "exp.py", status=3)
    hint = "2 runs look renamed: `pyexp accept --renamed` takes them over, and executes nothing"
    assert done.stdout.splitlines()[-1] == hint == project.pyexp("list", "exp.py").stdout.splitlines()[-2]
    before = sorted(path.name for path in (project.out / "train").iterdir())
    would = project.pyexp("accept", "--renamed", "-n", "exp.py").stdout
    assert would.startswith("would take over 2 runs of train: lr0.1") and "-> new_lr0.1" in would
    assert sorted(path.name for path in (project.out / "train").iterdir()) == before
    assert project.pyexp("accept", "--renamed", "exp.py").stdout == would.replace("would take", "took")
    assert set(reasons(project).values()) == {""}
    project.pyexp("build", "exp.py")
    assert project.executed() == []
    rows = json.loads(project.pyexp("results", "train", "--json").stdout)
    assert "new_lr0.1" in json.dumps(rows) and "copied" not in json.dumps(rows)
    assert project.pyexp("accept", "--renamed", "exp.py").stdout.startswith("there is nothing to take over")


def test_what_it_was_called_before_still_leads_to_it(project: Any) -> None:
    built(project)
    first = max((project.out / "train/.batches").glob("*.json")).stem
    write(project, RENAMED)
    project.pyexp("accept", "--renamed", "exp.py")
    project.pyexp("build", "exp.py")
    assert project.pyexp("log", "train:lr0.1").stdout == project.pyexp("log", "train:new_lr0.1").stdout
    old = project.pyexp("results", "train", "--at", first).stdout
    assert "new_lr0.1" in old and "0.2" in old and "missing" not in old
    code = (
        f"import exp; print([r.result for r in exp.train.results({first!r})], exp.train.results()['new_lr0.1'].result)"
    )
    assert project.python("-c", code).stdout == "[0.1, 0.2] 0.1\n"
    assert project.pyexp("diff", "train:new_lr0.1", "train:new_lr0.2").returncode == 0


def test_an_upstream_that_was_renamed_leaves_its_downstream_up_to_date(project: Any) -> None:
    chain = '[{"name": "a", "lr": 1}, {"name": "b", "lr": 2, "depends_on": "^A?a?$"}]'
    built(project, chain)
    both = chain.replace('"a"', '"A"').replace('"b"', '"B"').replace("^A?a?$", "^A$")
    write(project, both)
    assert "renamed?" in reasons(project)["train:B"]
    project.pyexp("accept", "--renamed", "exp.py")
    project.pyexp("build", "exp.py")
    assert project.executed() == []


def test_all_cells_of_a_sweep_whose_axes_were_swapped_are_taken_over(project: Any) -> None:
    sweep = 'pyexp.sweep(pyexp.sweep([{{"name": "s"}}], {}), {})'
    one, other = '[{"name": "a", "lr": 1}, {"name": "b", "lr": 2}]', '[{"name": "x", "w": 1}, {"name": "y", "w": 2}]'
    built(project, sweep.format(one, other))
    write(project, sweep.format(other, one))
    told = project.pyexp("accept", "--renamed", "exp.py").stdout
    assert told.startswith("took over 4 runs of train: ")
    project.pyexp("build", "exp.py")
    assert project.executed() == ["all"]  # the order of its upstreams is another one


def test_of_several_that_fit_none_is_taken(project: Any) -> None:
    same = '[{"name": "a", "lr": 1}, {"name": "b", "lr": 1}]'
    built(project, same)
    write(project, '[{"name": "c", "lr": 1}]')
    said = "never run; train:a, train:b, orphans, have the same config: renamed?"
    assert reasons(project)["train:c"] == said
    assert f"train:c is left alone: {said}" in project.pyexp("accept", "--renamed", "exp.py").stdout
    write(project, same.replace('"a"', '"c"').replace('"b"', '"a"'))
    write(project, '[{"name": "c", "lr": 1}, {"name": "d", "lr": 1}, {"name": "a", "lr": 1}]')
    told = project.pyexp("accept", "--renamed", "exp.py").stdout
    assert told.count("several runs have the config of train:b") == 2
    assert sorted(path.name for path in (project.out / "train").iterdir() if path.name[0] != ".") == ["a", "b"]


@pytest.mark.parametrize(
    ("edit", "renamed"),
    [
        (lambda project: project.edit("exp.py", "str(cfg.lr)", "str(cfg.lr * 2)"), False),
        (lambda project: (project.out / "train/lr0.1/.finished").write_text("{"), False),
        (lambda project: [path.unlink() for path in project.out.glob("train/lr0.1/*/saved.txt")], False),
        (lambda project: project.write("data.txt", "other"), False),
        (lambda project: None, True),
    ],
)
def test_only_what_was_made_from_the_same_is_the_same(project: Any, edit: Any, renamed: bool) -> None:
    project.write("pyproject.toml", "")
    project.write("data.txt", "x")
    configs = '[{"name": "lr0.1", "lr": 0.1}]'
    built(project, configs, ', inputs=["data.txt"]')
    write(project, configs.replace('"lr0.1"', '"new"'), ', inputs=["data.txt"]')
    edit(project)
    assert ("renamed?" in reasons(project)["train:new"]) == renamed


def test_what_is_in_the_way_is_named_and_left_alone(project: Any) -> None:
    built(project, '[{"name": "a", "lr": 1}]')
    write(project, '[{"name": "b", "lr": 1}]')
    project.write("out/train/b/mine.txt", "mine")
    told = project.pyexp("accept", "--renamed", "exp.py").stdout
    assert "train:b is left alone: out/train/b is there already" in told
    assert (project.out / "train/a/.finished").exists() and (project.out / "train/b/mine.txt").exists()


def test_a_run_that_somebody_executes_is_left_alone(project: Any) -> None:
    import fcntl

    built(project, '[{"name": "a", "lr": 1}]')
    write(project, '[{"name": "b", "lr": 1}]')
    fd = os.open(project.out / "train/a", os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        told = project.pyexp("accept", "--renamed", "exp.py").stdout
    finally:
        os.close(fd)
    assert "train:b is left alone: somebody is executing it" in told


STEPS = ["renames.add", "statuses.write", "Record.write", "os.rename"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("after", [False, True])
def test_a_kill_between_any_two_steps_leaves_a_whole_run_and_the_next_call_goes_on(
    project: Any, step: str, after: bool
) -> None:
    built(project, '[{"name": "a", "lr": 1}]')
    write(project, '[{"name": "b", "lr": 1}]')
    owner, name = step.split(".")
    code = f"""
import os, signal, sys
from dodo_pyexp.history import renaming
from dodo_pyexp.cli.main import main
owner = renaming.{owner}
real = owner.{name}
def killed(*args):
    {"real(*args)" if after else "pass"}
    os.kill(os.getpid(), signal.SIGKILL)
owner.{name} = killed
main(["accept", "--renamed", "exp.py"])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=project.folder, env=project.environment, check=False)
    assert done.returncode == -signal.SIGKILL
    folders = [path.name for path in (project.out / "train").iterdir() if path.name[0] != "."]
    assert folders in (["a"], ["b"])
    project.pyexp("accept", "--renamed", "exp.py")
    assert reasons(project)["train:b"] == ""
    project.pyexp("build", "exp.py")
    assert "b" not in project.executed()


def test_what_was_written_down_of_names_may_be_anything(project: Any) -> None:
    built(project, '[{"name": "a", "lr": 1}]')
    write(project, '[{"name": "b", "lr": 1}]')
    project.pyexp("accept", "--renamed", "exp.py")
    path = project.out / "train/.renamed.json"
    texts = ["", "[]", '{"format": 1, "runs": {"a": "../x", "..": "b", "c": 3, "d": "e", "e": "d"}}']
    for text in texts:
        path.write_text(text)
        for command in (["list", "exp.py"], ["log", "train:a"], ["results", "train"], ["log", "train:d"]):
            done = project.pyexp(*command, status=None)
            assert done.returncode in (0, 2) and "Traceback" not in done.stderr
