"""A past attempt is held against what it has read: reproduce names what changed since, and diff what differs."""

from __future__ import annotations

import json
from typing import Any

import pytest

EXPERIMENT = """
    import pyexp

    @pyexp.experiment(executor="inline", code="ignore")
    def exp(cfg):
        return len(cfg.data.read_text() + open("data/seen.txt").read()) * 0

    @exp.configs
    def configs():
        return [{"name": "a", "data": pyexp.File("data/train.csv")}]
"""


@pytest.fixture
def built(once: Any) -> Any:
    return once(make)


def make(project: Any) -> None:
    project.write("pyproject.toml", "")
    project.write("exp.py", EXPERIMENT)
    project.write("data/train.csv", "abc")
    project.write("data/seen.txt", "abc")
    project.pyexp("build", "exp.py")


def test_what_was_made_from_the_same_inputs_is_identical(built: Any) -> None:
    told = json.loads(built.pyexp("reproduce", "exp:a", "--json").stdout)
    assert (told["verdict"], told["inputs"]) == ("identical", {})


@pytest.mark.parametrize("name", ["train.csv", "seen.txt"])
def test_with_an_input_that_has_changed_it_goes_on_names_it_and_is_never_identical(built: Any, name: str) -> None:
    built.write(f"data/{name}", "abcd")
    done = built.pyexp("reproduce", "exp:a", status=1)
    assert f"warning: input data/{name} changed (3 bytes -> 4 bytes) since then" in done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == ["exp:a  different", f"  input data/{name} changed (3 bytes -> 4 bytes) since then"]
    (new,) = json.loads(built.pyexp("reproduce", "exp:a", "--json", status=1).stdout)["inputs"].items()
    assert new == (f"data/{name}", "changed (3 bytes -> 4 bytes)")


def test_without_a_declared_input_nothing_is_executed(built: Any) -> None:
    (built.folder / "data/train.csv").unlink()
    before = len(built.attempts("a"))
    done = built.pyexp("reproduce", "exp:a", status=2)
    assert done.stderr.count("\n") == 1 and "cannot be reproduced: its input data/train.csv is gone" in done.stderr
    assert len(built.attempts("a")) == before


def test_diff_names_the_inputs_that_differ(built: Any) -> None:
    (first,) = built.attempts("a")
    built.write("data/train.csv", "abcd")
    built.write("data/seen.txt", "abcd")
    built.pyexp("build", "exp.py")
    told = json.loads(built.pyexp("diff", f"exp:a@{first.name}", "exp:a", "--json").stdout)
    assert [one["key"] for one in told["inputs"]] == ["data/seen.txt", "data/train.csv"]
    text = built.pyexp("diff", f"exp:a@{first.name}", "exp:a").stdout
    assert "\ninputs\n  data/seen.txt 3 bytes (" in text


def test_what_a_status_says_of_inputs_may_be_anything(built: Any) -> None:
    (attempt,) = built.attempts("a")
    status = json.loads((attempt / "status.json").read_text())
    for inputs in (3, {"data/train.csv": 3}, {"data/train.csv": ["x"]}, {"x/": [1, 2, None]}, []):
        (attempt / "status.json").write_text(json.dumps({**status, "inputs": inputs}))
        done = built.pyexp("reproduce", "exp:a", status=None)
        assert "Traceback" not in done.stderr and done.returncode in (0, 1, 2)


def test_a_reproduction_does_not_differ_in_what_it_has_read(built: Any) -> None:
    (first,) = built.attempts("a")
    built.pyexp("reproduce", "exp:a")
    again = built.attempts("a")[-1]
    assert list(json.loads((again / "inputs.json").read_text())["files"]) == ["data/seen.txt"]
    told = json.loads(built.pyexp("diff", f"exp:a@{first.name}", f"exp:a@{again.name}", "--json").stdout)
    assert told["inputs"] == []


def test_a_folder_of_more_files_than_are_told_is_compared_by_the_names_in_it(built: Any) -> None:
    built.edit("exp.py", 'open("data/seen.txt").read()', '"".join(p.read_text() for p in Path("data/many").glob("*"))')
    built.edit("exp.py", "import pyexp\n", "import pyexp\nfrom pathlib import Path\n")
    for number in range(1010):
        built.write(f"data/many/{number}", "x")
    built.pyexp("build", "exp.py", "--rerun")
    built.pyexp("build", "exp.py", "--rerun")
    built.write("data/many/more", "x")
    built.pyexp("build", "exp.py", "--rerun")
    _, first, second, third = built.attempts("a")
    told = json.loads(built.pyexp("diff", f"exp:a@{first.name}", f"exp:a@{second.name}", "--json").stdout)
    assert told["inputs"] == []
    text = built.pyexp("diff", f"exp:a@{second.name}", f"exp:a@{third.name}").stdout
    assert "\ninputs\n  data/many 1,010 files -> 1,011 files\n" in text
