"""Two files that define an experiment of one name do not share its runs, and a file that is moved takes its along."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.errors import UsageError
from dodo_pyexp.importing import import_file
from dodo_pyexp.planning.source import project

SCRIPT = """\
import pyexp

@pyexp.experiment(executor="inline", stash=False)
def train(cfg):
    return "{name}"

@train.configs
def configs():
    return [{{"name": "a"}}]
"""


@pytest.fixture
def lab(here: Path) -> Path:
    (here / "pyproject.toml").touch()
    return here


def write(lab: Path, name: str, text: str = SCRIPT) -> Any:
    (lab / name).parent.mkdir(exist_ok=True)
    (lab / name).write_text(text.format(name=name))
    return import_file(str(lab / name)).train


def told(lab: Path) -> Any:
    return json.loads((lab / "out/train/.experiment.json").read_text())


def test_another_file_of_the_same_name_is_refused_with_both_places(lab: Path) -> None:
    assert write(lab, "mnist_w.py").run()[0].result == "mnist_w.py"
    other = write(lab, "sub/cifar_w.py")
    before = sorted(lab.rglob("out/train/*"))
    for door in (other.run, other.results, other.accept, lambda: other.reproduce("a"), lambda: other.run(rerun=True)):
        with pytest.raises(UsageError, match=r"the runs of mnist_w\.py:3, and sub/cifar_w\.py:3 is .train. as well; "):
            door()
    assert sorted(lab.rglob("out/train/*")) == before
    assert other.run(name="other")[0].result == other.run(output_dir="second")[0].result == "sub/cifar_w.py"


def test_a_file_that_was_moved_takes_its_runs_along(lab: Path) -> None:
    write(lab, "old_m.py").run()
    (lab / "old_m.py").unlink()
    moved = write(lab, "sub/new_m.py")
    assert moved.results()[0].result == moved.run()[0].result == "old_m.py"
    assert told(lab) == {"file": "sub/new_m.py"}
    with pytest.raises(UsageError, match=r"the runs of sub/new_m\.py:3, and old_m\.py:3"):
        write(lab, "old_m.py").run()


def test_a_function_that_was_moved_takes_its_runs_along(lab: Path) -> None:
    write(lab, "all_f.py").run()
    (lab / "all_f.py").write_text("from one_f import train\n")
    assert write(lab, "one_f.py").run()[0].result == "all_f.py"


def test_records_from_before_are_taken_over(lab: Path) -> None:
    write(lab, "first_r.py").run()
    (lab / "out/train/.experiment.json").unlink()
    assert write(lab, "second_r.py").run()[0].result == "first_r.py"
    assert told(lab) == {"file": "second_r.py"}


@pytest.mark.parametrize("damage", ["", "[]", '{"file": 5}', '{"file": "x_d.py", "function": []}'])
def test_what_cannot_be_read_is_written_anew(lab: Path, damage: str) -> None:
    (lab / "x_d.py").write_text(SCRIPT)
    train = write(lab, "y_d.py")
    train.run()
    (lab / "out/train/.experiment.json").write_text(damage)
    train.run()
    assert told(lab) == {"file": "y_d.py"}


def test_an_experiment_named_elsewhere_belongs_to_its_function(lab: Path) -> None:
    for name in ("one_e", "two_e"):
        write(lab, f"{name}.py", "def main(cfg): ...\ntrain = main\n")
    from dodo_pyexp.cli.main import main

    for name in ("one_e", "two_e"):
        (lab / f"{name}.yml").write_text(f"experiment: train\nentry: {name}.py:main\nexecutor: inline\nstash: false\n")
    assert main(["run", "one_e.yml"]) == 0
    assert told(lab) == {"file": "one_e.py", "function": "main"}
    assert main(["run", "two_e.yml"]) == 2


def test_an_experiment_of_a_notebook_belongs_to_no_file(lab: Path) -> None:
    cells: dict[str, Any] = {}
    exec(SCRIPT.format(name="notebook"), cells)
    assert project(cells["train"].fn) == str(lab)
    cells["train"].run()
    assert not (lab / "out/train/.experiment.json").exists()


def test_of_two_that_begin_at_once_one_goes_on(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have looked before either has written anything down."""
    from dodo_pyexp.planning import ownership

    first, second = write(lab, "left_o.py"), write(lab, "right_o.py")
    check = ownership.check

    def look(files: Any, definition: Any) -> None:
        check(files, definition)
        if definition.fn is second.fn and not (lab / "out").exists():
            first.run()

    monkeypatch.setattr(ownership, "check", look)
    with pytest.raises(UsageError, match=r"the runs of left_o\.py:3, and right_o\.py:3"):
        second.run()
    assert told(lab) == {"file": "left_o.py"}


def test_an_owner_outside_of_the_project_is_nobody(lab: Path, tmp_path: Path) -> None:
    exp = write(lab, "mine_w.py")
    exp.run()
    strange = tmp_path.parent / "strange_w.py"
    strange.write_text(SCRIPT.format(name="strange"))
    for file in ("../" * 9 + "etc/passwd", str(strange)):
        (lab / "out/train/.experiment.json").write_text(json.dumps({"file": file}))
        assert exp.run()[0].result == "mine_w.py"
