"""The user's own doit tasks in `pyexp build`: their order, dependencies and folder are doit's, and they are told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dodo_pyexp.cli.main import main
from tests.conftest import Project

EXPERIMENT = """\
import pyexp

def task_first():
    return {"actions": ["echo 5 > data.txt"], "targets": ["data.txt"], "uptodate": [True]}

@pyexp.experiment(executor="inline", stash=False, code="ignore")
def train(cfg):
    with open("data.txt") as file:
        return int(file.read())

@train.configs
def configs():
    return [{"name": "k0"}, {"name": "k1"}]

def task_last():
    return {"actions": ["ls out/train/k1/.finished > last.txt"]}
"""
Build = Callable[..., list[str]]


@pytest.fixture
def build(here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Build:
    """Build a file as `pyexp build` does; give the lines that tell what was done, without the times."""

    def run(text: str, *words: str, status: int = 0, name: str = "dodo.py") -> list[str]:
        (here / name).parent.mkdir(exist_ok=True)
        (here / name).write_text(text)
        capfd.readouterr()
        file = [] if name == "dodo.py" else [name]
        assert main(["build", *file, *words]) == status
        told = capfd.readouterr()
        return [line.partition("  done in")[0].partition(" (")[0] for line in (told.out + told.err).splitlines()]

    return run


def test_the_order_is_that_of_the_definitions(build: Build, here: Path) -> None:
    """A first build finds what a task before the experiment makes; what stands behind finds the runs."""
    assert build(EXPERIMENT) == ["[1/4] first", "[2/4] train:k0", "[3/4] train:k1", "[4/4] last", "4 executed"]
    assert (here / "last.txt").read_text() == "out/train/k1/.finished\n"
    assert build(EXPERIMENT) == ["[4/4] last", "1 executed, 3 up to date"]


def test_doit_has_the_same_order(project: Project) -> None:
    project.write("dodo.py", EXPERIMENT)
    assert project.doit().stdout.split() == [".", "first", ".", "train:k0", ".", "train:k1", ".", "last"]


@pytest.mark.parametrize("door", ["doit", "pyexp"])
def test_tasks_come_before_experiments_that_are_only_imported(project: Project, door: str) -> None:
    first, rest = EXPERIMENT[EXPERIMENT.index("def task_first") :].split("\n\n", 1)
    project.write("lab.py", "import pyexp\n" + rest.partition("def task_last")[0])
    project.write("dodo.py", f"from lab import train\n\n{first}\n")
    done = project.doit() if door == "doit" else project.pyexp("build")
    names = [word for word in (done.stdout + done.stderr).split() if word in ("first", "train:k0", "train:k1")]
    assert names == ["first", "train:k0", "train:k1"]


def test_dependencies_come_before_the_order(build: Build, here: Path) -> None:
    (here / "data.txt").write_text("5")
    text = (
        EXPERIMENT
        + """
def task_before():
    return {"actions": ["true"], "task_dep": ["train:k1"], "setup": ["ready"]}
def task_ready():
    return {"actions": ["true"]}
def task_sum():
    return {"actions": ["wc -c < out/train/k0/.finished > sum.txt"], "file_dep": ["out/train/k0/.finished"]}
def task_files():
    return {"actions": [lambda: {"file_dep": ["data.txt"], "size": 3}]}
def task_reads():
    def reads(size):
        assert size == 3
    return {"actions": [reads], "calc_dep": ["files"], "getargs": {"size": ("files", "size")}}
"""
    )
    text = text[text.index("\ndef task_before") :] + text[: text.index("\ndef task_before")]
    told = build("import pyexp\n" + text)
    names = [line.partition("] ")[2] for line in told[:-1]]
    assert set(names) == {"train:k0", "train:k1", "last", "before", "ready", "sum", "files", "reads"}
    for earlier, later in (
        ("train:k1", "before"), ("ready", "before"), ("train:k0", "sum"), ("files", "reads"), ("train:k1", "last"),
    ):  # fmt: skip
        assert names.index(earlier) < names.index(later), (earlier, later)
    assert told[-1] == "8 executed, 1 up to date"


def test_tasks_that_are_made_later_are_made_and_counted(build: Build, here: Path) -> None:
    text = (
        EXPERIMENT
        + """
from doit import create_after

@create_after(executed="last")
def task_late():
    for name in open("last.txt").read().split():
        yield {"name": name[4:9], "actions": ["touch late.txt"], "file_dep": [name]}
"""
    )
    assert build(text, "-n", status=3)[-2:] == [
        "late      last would be executed",
        "2 of 2 runs and 3 of 3 tasks would be executed",
    ]
    assert build(text)[-2:] == ["[5/5] late:train", "5 executed"]
    (here / "late.txt").unlink()


def test_a_failure_is_told_with_its_output_and_skips_what_depends_on_it(build: Build) -> None:
    text = (
        EXPERIMENT.replace("echo 5 > data.txt", "echo 5 > data.txt; echo partly; false")
        + """
def task_next():
    return {"actions": ["touch next.txt"], "task_dep": ["first"]}
def task_loud():
    return {"actions": ["echo shown; false"], "verbosity": 2}
"""
    )
    told = build(text, status=1)
    assert told[0] == "shown"  # at once, and not once more
    failed = "[1/6] first  FAILED  Command failed: 'echo 5 > data.txt; echo partly; false' returned 1"
    assert told[1:3] == [failed, "partly"]
    assert "[5/6] next  skipped  first, which it depends on, failed" in told
    assert told[-2:] == [
        "[6/6] loud  FAILED  Command failed: 'echo shown; false' returned 1", "3 executed, 2 failed, 1 skipped"
    ]  # fmt: skip


def test_a_failure_ends_a_build_that_is_to_stop_at_one(build: Build) -> None:
    text = EXPERIMENT.replace("echo 5 > data.txt", "false")
    assert build(text, "--fail-fast", status=1)[-1] == "1 failed, 3 not started"


def test_one_task_says_what_it_did(build: Build) -> None:
    assert build(EXPERIMENT, "first") == ["[1/1] first", "1 executed"]
    assert build(EXPERIMENT, "first") == ["1 task: up to date"]
    assert build(EXPERIMENT, "first", "train:k0") == ["[2/2] train:k0", "1 executed, 1 up to date"]
    assert build(EXPERIMENT, "first", "train:k0") == ["1 run and 1 task: all up to date"]


def test_a_dry_run_lists_them_with_reasons(build: Build, here: Path) -> None:
    text = EXPERIMENT.replace(
        '"actions": ["ls', '"file_dep": ["out/train/k1/.finished"], "targets": ["last.txt"], "actions": ["ls'
    )
    assert build(text, "-n", status=3) == [
        "train:k0  never run",
        "train:k1  never run",
        "first     data.txt is missing",
        "last      train:k1 would be executed",
        "2 of 2 runs and 2 of 2 tasks would be executed",
    ]
    assert not (here / "out").exists()
    build(text)
    assert build(text, "-n") == ["0 of 2 runs and 0 of 2 tasks would be executed"]
    (here / "last.txt").unlink()
    assert build(text, "-n", status=3)[0] == "last  last.txt is missing"
    assert build(text, "-n", "train:k0") == ["0 of 1 runs would be executed"]
    told = json.loads("\n".join(build(text, "-n", "--json", status=3)))
    assert told["tasks"][1] == {"task": "last", "reason": "last.txt is missing", "up_to_date": False}
    told = json.loads("\n".join(line for line in build(text, "--json") if not line.startswith(("[", "1 exec"))))
    assert told["tasks"] == [{"task": "first", "state": "up-to-date"}, {"task": "last", "state": "executed"}]


def test_they_are_executed_in_the_folder_of_their_file(build: Build, here: Path) -> None:
    text = EXPERIMENT.replace('"actions": ["ls', '"file_dep": ["out/train/k1/.finished"], "actions": ["ls').replace(
        'open("data.txt")', 'open("deep/data.txt")'
    )
    told = build(text, name="deep/dodo.py")
    assert told == ["[1/4] first", "[2/4] train:k0", "[3/4] train:k1", "[4/4] last", "4 executed"]
    assert (here / "deep/last.txt").exists()
    assert build(text, "-n", name="deep/dodo.py") == ["0 of 2 runs and 0 of 2 tasks would be executed"]
    assert build(text, "deep/data.txt", name="deep/dodo.py") == ["1 task: up to date"]
