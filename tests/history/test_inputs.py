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
