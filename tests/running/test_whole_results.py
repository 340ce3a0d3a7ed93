"""A result that is not whole is never handed on: the run fails with the cause; the next build mends the upstream."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

STUDY = """
    import os, time
    import pyexp
    from tally import mark

    @pyexp.experiment(executor="fork", stash=False, timestamp=FLAT)
    def up(cfg, out):
        mark(cfg)
        (out / "weights").write_text("w" * 10)
        return {"v": 1}

    @up.configs
    def ups():
        return [{"name": "u"}]

    @pyexp.experiment(executor=os.environ.get("EXECUTOR", "fork"), stash=False)
    def down(cfg, out, deps):
        mark(cfg)
        while os.path.exists("hold"):
            time.sleep(0.02)
        return {"got": deps[0].result["v"]}

    @down.configs
    def downs():
        return [{"name": "d", "depends_on": "u", "asked": int(os.environ.get("ASKED", "0"))}]
"""


def wait_for(condition: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)
    return found


@pytest.fixture
def study(project: Any) -> Any:
    project.write("study.py", STUDY.replace("FLAT", "True"))
    return project


@pytest.fixture
def flat(project: Any) -> Any:
    project.write("study.py", STUDY.replace("FLAT", "False"))
    return project


def build(study: Any, asked: int = 0, *more: str, status: int = 0, executor: str = "fork") -> Any:
    env = {"ASKED": str(asked), "EXECUTOR": executor}
    return study.python("-m", "pyexp", "build", "study.py", *more, env=env, status=status)


def got(study: Any) -> Any:
    [experiment] = json.loads(study.pyexp("results", "down", "--json").stdout)
    return experiment["runs"][0]["result"]["got"]


@pytest.mark.parametrize("executor", ["inline", "fork", "subprocess"])
@pytest.mark.parametrize("state", ["running", "failed", "interrupted", None])
def test_deps_believe_the_record_and_not_the_status(study: Any, executor: str, state: str | None) -> None:
    build(study)
    [attempt] = study.attempts("u", "up")
    if state is None:
        (attempt / "status.json").unlink()
    else:
        said = json.loads((attempt / "status.json").read_text())
        old = {key: said[key] for key in ("experiment", "run", "batch", "executor", "host", "owner", "start")}
        (attempt / "status.json").write_text(json.dumps({**old, "state": state}))
    build(study, 1, executor=executor)
    assert got(study) == 1
    assert study.tally() == {"u": 1, "d": 2}


WAITING = """
    import os, time

    def wait(cfg):
        while cfg.name == "slow" and not os.path.exists("go"):
            time.sleep(0.02)
"""


def test_a_result_that_vanished_while_the_build_went_on_fails_who_needs_it(study: Any) -> None:
    build(study)
    study.write("waiting.py", WAITING)
    study.edit("study.py", "mark(cfg)\n    (out", "mark(cfg)\n    wait(cfg)\n    (out")
    study.edit("study.py", "from tally import mark", "from tally import mark\nfrom waiting import wait")
    study.edit("study.py", '[{"name": "u"}]', '[{"name": "u"}, {"name": "slow"}]')
    study.edit("study.py", '"depends_on": "u"', '"depends_on": "up:"')
    study.executed()
    going = study.start("-m", "pyexp", "build", "study.py")
    wait_for(lambda: "slow" in study.executed())
    [attempt] = study.attempts("u", "up")
    shutil.rmtree(attempt)  # u was found up to date; d waits for slow
    study.write("go", "")
    _, told = going.communicate(timeout=60)
    assert going.returncode == 1
    assert "the result of its upstream up:u is not whole" in told and "the next build executes up:u again" in told
    study.executed()
    build(study)
    assert study.executed() == ["u", "d"]
    assert got(study) == 1


def test_an_upstream_without_attempts_is_not_executed_again_while_a_run_reads_it(flat: Any) -> None:
    build(flat)
    flat.write("hold", "")
    flat.executed()
    reading = flat.start("-m", "pyexp", "build", "study.py", env=flat.environment | {"ASKED": "1"})
    wait_for(lambda: "d" in flat.executed())
    again = flat.start("-m", "pyexp", "build", "study.py", "--rerun", "up:u")
    time.sleep(0.7)  # it has to wait, and nothing tells from outside that it does
    assert again.poll() is None
    assert flat.executed() == []
    (flat.folder / "hold").unlink()
    assert reading.wait(60) == 0
    assert again.wait(60) == 0
    assert flat.executed() == ["u"]
    assert got(flat) == 1


def test_an_upstream_that_was_overwritten_in_spite_of_all_fails_who_read_it(flat: Any) -> None:
    build(flat)
    flat.write("hold", "")
    flat.executed()
    reading = flat.start("-m", "pyexp", "build", "study.py", env=flat.environment | {"ASKED": "1"})
    wait_for(lambda: "d" in flat.executed())
    [record] = (flat.out / "up").glob("u*/.finished")
    said = json.loads(record.read_text())
    record.write_text(json.dumps({**said, "digest": "0" * 32}))
    (flat.folder / "hold").unlink()
    _, told = reading.communicate(timeout=60)
    assert reading.returncode == 1
    assert "its upstream up:u was executed again while it read it" in told


# -- whose a record is -------------------------------------------------------------------------------------------------

SIMPLE = """
    import pyexp
    from tally import mark

    @pyexp.experiment(executor="fork", stash=False, timestamp=FLAT)
    def exp(cfg):
        mark(cfg)
        return 1

    @exp.configs
    def configs():
        return [{"name": "a", "x": 1}, {"name": "b", "x": 1}]

    @pyexp.experiment(executor="fork", stash=False, timestamp=FLAT)
    def other(cfg):
        mark(cfg)
        return 1

    other.configs(configs)
"""


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("source", ["exp", "other"])
def test_a_run_that_was_copied_over_another_is_noticed(project: Any, flat: bool, source: str) -> None:
    project.write("exp.py", SIMPLE.replace("FLAT", str(not flat)))
    project.pyexp("build", "exp.py")
    project.executed()
    [copied] = (project.out / source).glob("a*" if source == "exp" else "b*")
    [place] = (project.out / "exp").glob("b*")
    shutil.rmtree(place)
    shutil.copytree(copied, place)
    told = project.pyexp("build", "-n", "exp.py", status=3).stdout
    assert f"exp:b  its record is that of {source}:{'a' if source == 'exp' else 'b'}: it was copied here" in told
    assert "1 of 4 runs would be executed" in told
    project.pyexp("build", "exp.py")
    assert project.executed() == ["b"]


def test_a_record_that_was_copied_alone_is_noticed(project: Any) -> None:
    project.write("exp.py", SIMPLE.replace("FLAT", "True"))
    project.pyexp("build", "exp.py")
    shutil.copy(project.out / "exp" / "a" / ".finished", project.out / "exp" / "b" / ".finished")
    states = json.loads(project.pyexp("list", "exp.py", "exp:b", "--json").stdout)["runs"]
    assert [(run["state"], run["kind"]) for run in states] == [("stale", "damaged")]


def test_an_output_folder_may_go_by_another_name(project: Any, tmp_path: Path) -> None:
    project.write("exp.py", SIMPLE.replace("FLAT", "True"))
    project.pyexp("build", "exp.py")
    project.out.rename(project.folder / "moved")
    project.pyexp("build", "-n", "exp.py", "--output-dir", "moved")
