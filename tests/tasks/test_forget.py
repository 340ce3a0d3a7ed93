"""`doit forget` makes a run run again, although it is pyexp's record that tells what is finished."""

from __future__ import annotations

from tests.conftest import Project

EXPERIMENT = """
import pyexp
from tally import mark

@pyexp.experiment(executor="inline", stash=False)
def train(cfg):
    mark(cfg)

@train.configs
def configs():
    return [{"name": "k0"}, {"name": "k1"}, {"name": "k2"}]
"""


def test_a_run_that_doit_forgets_is_executed_again(project: Project) -> None:
    project.write("dodo.py", EXPERIMENT)
    project.doit()
    assert project.executed() == ["k0", "k1", "k2"]
    project.doit("forget", "train:k1")
    assert "1 of 3 runs would" in project.pyexp("build", "-n", status=3).stdout
    project.doit()
    assert project.executed() == ["k1"]
    assert len(project.attempts("k1", "train")) == 2
    project.doit("forget", "train")
    project.doit()
    assert project.executed() == ["k0", "k1", "k2"]
    project.doit("forget", "--all")
    project.pyexp("build")
    assert project.executed() == ["k0", "k1", "k2"]


def test_a_lost_database_is_not_forgetting(project: Project) -> None:
    project.write("dodo.py", EXPERIMENT)
    project.doit()
    project.executed()
    (project.out / ".doit.db").unlink()
    project.doit()
    assert project.executed() == []


def test_doit_with_a_database_of_its_own_says_that_runs_are_out_of_reach(project: Project) -> None:
    project.write("dodo.py", EXPERIMENT + '\nDOIT_CONFIG = {"verbosity": 2}\n')
    project.doit()
    told = project.doit("forget", "train:k1")
    assert 'put "backend": "pyexp" into it' in told.stderr
    assert "forgotten" not in project.doit("list").stderr
    project.edit("dodo.py", '{"verbosity": 2}', '{"verbosity": 2, "backend": "pyexp", "dep_file": "out/.doit.db"}')
    assert not project.doit("forget", "train:k1").stderr
    assert "1 of 3 runs would" in project.pyexp("build", "-n", status=3).stdout
