"""Batches as they are listed: what a batch was stays what is told of it, whatever later batches do."""

from __future__ import annotations

import copy
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

import pyexp
from dodo_pyexp.planning.options import resolve
from dodo_pyexp.planning.plan import PlannedExperiment
from dodo_pyexp.reporting.batches import batches, batches_text
from dodo_pyexp.store.manifest import Manifest
from dodo_pyexp.store.paths import ExperimentFolder


def make(configs: list[dict[str, Any]], **options: Any) -> Any:
    @pyexp.experiment(name="exp", executor="inline", stash=False, **options)
    def exp(cfg: Any) -> int:
        if cfg.get("fail"):
            raise ValueError("no")
        return 1

    exp.configs(lambda: copy.deepcopy(configs))
    return exp


def folder_of(exp: Any) -> ExperimentFolder:
    return PlannedExperiment(exp.definition, resolve(exp.definition.options)).files


def counts(batch: dict[str, Any]) -> dict[str, int]:
    return {state: count for state, count in batch["counts"].items() if count}


@pytest.mark.usefixtures("here")
def test_batches_are_told_oldest_first_with_counts() -> None:
    exp = make([{"name": "good"}, {"name": "bad", "fail": True}, {"name": "after", "depends_on": "bad"}])
    exp.run(timestamp="2030-01-01_00-00-00")
    exp.run(timestamp="2031-01-01_00-00-00")
    folder = folder_of(exp)
    Path(folder.manifest("2029-01-01_00-00-00")).write_text("{}")
    told = batches(folder)
    assert [batch["batch"][:4] for batch in told] == ["2029", "2030", "2031"]
    assert told[0]["damaged"] is True
    assert counts(told[1]) == {"finished": 1, "failed": 1, "skipped": 1}
    assert counts(told[2]) == {"finished": 1, "cached": 1, "failed": 1, "skipped": 1}
    assert "(1/3 runs)  1 failed, 1 skipped" in batches_text("exp", folder)


@pytest.mark.usefixtures("here")
def test_an_experiment_without_batches_says_so() -> None:
    assert batches_text("exp", folder_of(make([{"name": "a"}]))) == "exp has no batches yet."


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("timestamp", [True, False])
def test_a_batch_keeps_its_counts_when_its_runs_are_executed_again_and_old_attempts_go(timestamp: bool) -> None:
    exp = make([{"name": "a"}, {"name": "b", "fail": True}], timestamp=timestamp)
    exp.run(timestamp="2020-01-01_00-00-00") if timestamp else exp.run()
    (before,) = batches(folder_of(exp))
    for attempt in Path(folder_of(exp).path).glob("*/*/status.json"):
        attempt.unlink()
    exp.run(rerun=True)
    assert batches(folder_of(exp))[0] == before
    assert counts(before) == {"finished": 1, "failed": 1}


@pytest.mark.usefixtures("here")
def test_only_the_runs_that_were_asked_for_are_counted() -> None:
    exp = make([{"name": "a"}, {"name": "b"}])
    exp.run(filter="^a$", timestamp="2030-01-01_00-00-00")
    assert "(1/1 runs)" in batches_text("exp", folder_of(exp))
    exp.run(timestamp="2030-01-01_00-00-00", filter="^b$")
    (batch,) = batches(folder_of(exp))
    assert (batch["total"], counts(batch)) == (2, {"finished": 2})


WAITING = """
    import pathlib, time
    import pyexp
    from tally import mark

    @pyexp.experiment(executor="fork", stash=False{options})
    def exp(cfg):
        mark(cfg)
        while cfg.name == "waits" and not pathlib.Path("go").exists():
            time.sleep(0.02)

    @exp.configs
    def configs():
        names = ["early", "waits", "late"]
        return [{{"name": name}} for name in names] + [{{"name": "after", "depends_on": "^waits$"}}]
"""


def stop(project: Any, number: int) -> None:
    """Build until the second run is on its way, then end the build."""
    build = project.start("-m", "pyexp", "build")
    deadline = time.monotonic() + 60
    while "waits" not in project.tally() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(build.pid, number)
    build.communicate(timeout=60)


def listed(project: Any) -> list[str]:
    """What is said of each batch behind its host."""
    lines = project.pyexp("list", "--batches").stdout.splitlines()
    return [line.split("] ")[1] for line in lines]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("options", ["", ", timestamp=False"])
def test_an_interrupted_run_is_no_failed_one_and_later_batches_change_nothing(
    project: Any, number: int, options: str
) -> None:
    project.write("dodo.py", WAITING.format(options=options))
    stop(project, number)
    said = "(1/4 runs)  1 interrupted, 2 not started"
    assert listed(project) == [said]
    (project.folder / "go").touch()
    project.pyexp("build")
    project.pyexp("build", "--rerun")
    assert listed(project) == [said, "(4/4 runs)  1 cached", "(4/4 runs)"]


def test_what_still_runs_is_told_and_a_batch_that_goes_on_is_open_again(project: Any) -> None:
    project.write("dodo.py", WAITING.format(options=""))
    stop(project, signal.SIGTERM)
    build = project.start("-m", "pyexp", "build", "--continue")
    deadline = time.monotonic() + 60
    while project.tally()["waits"] < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert listed(project) == ["(1/4 runs)  1 running, 2 not started"]
    (project.folder / "go").touch()
    build.communicate(timeout=60)
    assert listed(project) == ["(4/4 runs)"]


def test_runs_behind_a_failure_are_skipped_under_plain_doit_too(project: Any) -> None:
    project.write(
        "dodo.py",
        """
        import pyexp

        @pyexp.experiment(executor="fork", stash=False)
        def exp(cfg):
            assert cfg.name != "bad"

        @exp.configs
        def configs():
            return [
                {"name": "bad"}, {"name": "after", "depends_on": "^bad$"}, {"name": "last", "depends_on": "^after$"},
                {"name": "good"},
            ]
    """,
    )
    project.doit(status=2)
    assert listed(project) == ["(1/4 runs)  1 failed, 2 skipped"]


def test_several_processes_of_doit_leave_a_whole_manifest(project: Any) -> None:
    project.write(
        "dodo.py",
        """
        import pyexp

        @pyexp.experiment(executor="fork", stash=False)
        def exp(cfg):
            return cfg.x

        exp.configs(lambda: [{"name": f"x{x}", "x": x} for x in range(4)])
    """,
    )
    project.doit("-n", "2")
    from dodo_pyexp.store.manifest import newest

    manifest = newest(ExperimentFolder(str(project.out / "exp")))
    assert manifest is not None
    assert set(manifest.attempts) == {"x0", "x1", "x2", "x3"}
    assert listed(project) == ["(4/4 runs)"]


TRAVELLER = """
    import pyexp

    @pyexp.experiment(executor="inline", stash=False, resume=RESUME)
    def train(cfg, out):
        (out / "saved").write_text(str(cfg.x))
        print("said with", cfg.x)
        if cfg.x == FAILS:
            raise ValueError("no")
        return {"x": cfg.x}

    @train.configs
    def configs():
        return [{"name": "r", "x": X}]

    if __name__ == "__main__":
        train.run()
"""


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize("door", ["train.py", "-m pyexp build train.py", "-m doit -f train.py"])
def test_the_newest_batch_stays_the_newest_when_the_clock_goes_back(project: Any, door: str, resume: bool) -> None:
    def build(x: int, zone: str, status: int | None = 0) -> None:
        text = TRAVELLER.replace("FAILS", "4").replace("X", str(x)).replace("RESUME", str(resume))
        project.write("train.py", text)
        project.python(*door.split(), env={"TZ": zone}, status=status)

    def newest() -> tuple[int, str]:
        code = "from train import train; print(train.results()[0].cfg.x)"
        shown = int(project.python("-c", code, env={"TZ": "America/New_York"}).stdout)
        return shown, project.python("-m", "pyexp", "log", "r", env={"TZ": "America/New_York"}).stdout

    build(1, "Asia/Tokyo")
    for x in (2, 3):  # the second time there are batches of both sides of the ocean
        build(x, "America/New_York")
        assert newest() == (x, f"said with {x}\n")
    build(4, "America/New_York", status=None)
    assert newest()[0] == 4
    assert "said with 4\nTraceback" in newest()[1]
    build(5, "Asia/Tokyo")
    assert newest() == (5, "said with 5\n")
    files = ExperimentFolder(str(project.out / "train"))
    assert [Manifest.read(files, name).configs["r"]["x"] for name in files.batch_names()] == [
        1,
        2,
        3,
        4,
        5,
    ]
    assert [
        (Path(files.run("r").path) / name / "saved").read_text() for name in files.run("r").attempt_names()
    ] == list("12345")


def test_a_batch_that_was_named_has_its_name_whatever_the_time_is(project: Any) -> None:
    project.write("train.py", TRAVELLER.replace("FAILS", "4").replace("X", "1").replace("RESUME", "False"))
    for name in ("2999-01-01_00-00-00", "2001-01-01_00-00-00"):
        project.python("train.py", "--timestamp", name)
    project.python("train.py")
    names = ExperimentFolder(str(project.out / "train")).batch_names()
    assert names == ["2001-01-01_00-00-00", "2999-01-01_00-00-00", "2999-01-01_00-00-00-2"]
