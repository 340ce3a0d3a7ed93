"""``pyexp diff A B``: config, code, packages, host and results of two runs, attempts or batches."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

EXP = """
    import pyexp
    import helper

    @pyexp.experiment(executor="fork")
    def exp(cfg, out):
        (out / "curve.csv").write_text(f"{helper.f(cfg.x)}\\n")
        if cfg.name == "bad":
            raise ValueError("no")
        return {"y": helper.f(cfg.x), "by": {"z": 1}}

    @exp.configs
    def configs():
        return [{"name": name, "x": x, "model": {"width": 8}, "api_token": "plan" + "ted-1"}
                for name, x in (("a", 1), ("b", 2), ("bad", 3))]

    @pyexp.experiment(executor="fork")
    def after(cfg, out, deps):
        return deps[0]["y"]

    @after.configs
    def afters():
        return [{"name": "last", "depends_on": "^a$"}]

    if __name__ == "__main__":
        after.run()
        exp.run()
"""
FIRST, SECOND = "2030-01-01_00-00-00", "2031-01-01_00-00-00"


def install(site: Path, version: str) -> None:
    shutil.rmtree(site, ignore_errors=True)
    info = site / f"tool-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: tool\nVersion: {version}\n")


def build_twice(project: Any, with_git: bool) -> None:
    if with_git:
        subprocess.run(["git", "init", "--quiet"], cwd=project.folder, check=True)
    project.write("exp.py", EXP)
    project.write("helper.py", "def f(x):\n    return x\n")
    site = project.folder.parent / "site"
    env = {"PYTHONPATH": f"{site}{os.pathsep}{project.environment['PYTHONPATH']}"}
    install(site, "1.0")
    project.python("exp.py", "--timestamp", FIRST, env=env | {"CUDA_VISIBLE_DEVICES": "0"}, status=1)
    project.edit("helper.py", "return x", "return 2 * x")
    project.edit("exp.py", '"width": 8', '"width": 9')
    project.edit("exp.py", '("b", 2)', '("c", 2)')
    install(site, "1.1")
    project.python("exp.py", "--timestamp", SECOND, env=env | {"CUDA_VISIBLE_DEVICES": "1"}, status=1)


@pytest.fixture(params=["git", "no git"])
def folder(once: Any, request: pytest.FixtureRequest) -> Any:
    return once(build_twice, request.param == "git")


def diff(project: Any, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(project.pyexp("diff", *words, "--json").stdout)
    return found


def pairs(found: list[dict[str, Any]]) -> dict[str, tuple[Any, Any]]:
    return {one["key"]: (one.get("before"), one.get("after")) for one in found}


def test_two_attempts_of_a_run(folder: Any) -> None:
    found = diff(folder, f"exp:a@{FIRST}", "exp:a")
    assert (found["a"], found["b"]) == (f"exp:a {FIRST}", f"exp:a {SECOND}")
    assert pairs(found["config"]) == {"model.width": (8, 9)}
    assert found["code"]["functions"] == ["helper.py::f changed"]
    lines = found["code"]["diff"].splitlines()
    assert {"--- a/helper.py", "+++ b/helper.py", "-    return x", "+    return 2 * x"} <= set(lines)
    assert pairs(found["packages"]) == {"tool": ("1.0", "1.1")}
    assert pairs(found["host"]) == {"variables.CUDA_VISIBLE_DEVICES": ("0", "1")}
    assert pairs(found["results"]["values"]) == {"y": (1, 2)}
    assert [one["key"] for one in found["results"]["files"]] == ["curve.csv"]
    assert "planted-" not in json.dumps(found)


@pytest.mark.parametrize("words", [(f"a@{FIRST}", "a"), (f"exp@{FIRST}", "exp")])
def test_snapshots_that_are_gone_are_taken_from_git_and_nothing_is_written(folder: Any, words: tuple[str, str]) -> None:
    expected = diff(folder, *words)
    assert "+    return 2 * x" in expected["code"]["diff"]
    shutil.rmtree(folder.out / "exp" / ".snapshots")
    before = sorted(folder.out.rglob("*"))
    found = diff(folder, *words)
    if (folder.folder / ".git").exists():
        assert found == expected
    else:
        assert found["code"]["diff"] == "" and found["notes"] == ["code: there is no snapshot of A and B to compare"]
    assert sorted(folder.out.rglob("*")) == before


@pytest.mark.parametrize("flat", [False, True])
def test_results_of_a_batch_that_are_gone_do_not_count_as_the_same(project: Any, flat: bool) -> None:
    project.write("helper.py", "def f(x):\n    return x\n")
    project.write(
        "exp.py", EXP.replace('("bad", 3)', '("c", 3)').replace("experiment(", f"experiment(timestamp={not flat}, ")
    )
    for stamp in (FIRST, SECOND):
        project.python("exp.py", "--rerun", "--timestamp", stamp)
    if not flat:
        assert "results" in project.pyexp("diff", f"exp@{FIRST}", "exp").stdout.rpartition("The same: ")[2]
        project.pyexp("clean", "--old", "-y")
    text = project.pyexp("diff", f"exp@{FIRST}", "exp").stdout
    assert text.endswith(f"results: of exp {FIRST}, a, b, c are gone\n")
    assert "results" not in text.partition("The same: ")[2].partition("\n")[0]


def test_nothing_is_unpickled_unless_that_is_wanted(folder: Any) -> None:
    for pickled in folder.out.glob("exp/a/*/experiment.pkl"):
        pickled.write_bytes(b"cposix\nsystem\n(S'touch planted'\ntR.")
    for words in ((f"exp:a@{FIRST}", "exp:a"), (f"exp@{FIRST}", "exp")):
        found = diff(folder, *words)
        assert [one["key"].removeprefix("a: ") for one in found["results"]["values"]][:1] == ["y"]
        assert found["notes"] == []
    for path in folder.out.glob("exp/a/*/result.json"):
        path.unlink()
    found = diff(folder, f"exp:a@{FIRST}", "exp:a")
    assert found["notes"] == ["value: it is pickled; --unpickle loads it, which executes what the file says"]
    assert not (folder.folder / "planted").exists()
    folder.pyexp("diff", f"exp:a@{FIRST}", "exp:a", "--unpickle")
    assert (folder.folder / "planted").exists()


def test_another_secret_is_no_difference_but_another_login_in_an_address_is(project: Any) -> None:
    project.write("helper.py", "def f(x):\n    return x\n")
    project.write("exp.py", EXP.replace('"x": x', '"x": x, "url": "http://a:plan" + "ted-1@b"', 1))
    project.python("exp.py", "--timestamp", FIRST, status=1)
    project.write("exp.py", (project.folder / "exp.py").read_text().replace('"ted-1"', '"ted-2"'))
    project.python("exp.py", "--timestamp", SECOND, status=1)
    assert diff(project, f"exp:a@{FIRST}", "exp:a")["config"] == []


def test_the_text_has_a_section_for_everything_that_differs(folder: Any) -> None:
    text = folder.pyexp("diff", f"a@{FIRST}", "a").stdout
    assert text.startswith(f"A  exp:a {FIRST}\nB  exp:a {SECOND}\n")
    for part in (
        "\nconfig\n  model.width 8 -> 9\n", "\ncode\n  helper.py::f changed\n", "\npackages\n  tool 1.0 -> 1.1\n",
        "\nhost\n  variables.CUDA_VISIBLE_DEVICES '0' -> '1'\n", "\nresults\n  y 1 -> 2\n  file curve.csv\n",
    ):  # fmt: skip
        assert part in text


def test_two_runs_of_one_batch(folder: Any) -> None:
    found = diff(folder, "a", "c")
    assert pairs(found["config"]) == {"x": (1, 2)}
    assert found["code"] == {"functions": [], "diff": ""}
    assert found["packages"] == found["host"] == []
    assert "The same: code, packages, host." in folder.pyexp("diff", "a", "c").stdout


def test_an_attempt_does_not_differ_from_itself(folder: Any) -> None:
    assert folder.pyexp("diff", "a", "a").stdout.splitlines()[2:] == [
        "", "The same: config, code, packages, host, results.",
    ]  # fmt: skip


def test_failures_are_compared_by_their_cause(folder: Any) -> None:
    assert diff(folder, f"bad@{FIRST}", "bad")["results"]["values"] == []
    ((key, values),) = pairs(diff(folder, "bad", "a")["results"]["values"]).items()
    assert key == "state"
    assert values[0].startswith("failed: ValueError: no")
    assert values[1] == "finished"


@pytest.mark.parametrize("changed", [{"code": [1]}, {"deps": {"up:a": [1]}}, {"deps": 3}, {"requirements": {}}])
def test_a_status_that_holds_other_types_ends_no_comparison(project: Any, changed: dict[str, Any]) -> None:
    project.write(
        "exp.py",
        "import pyexp\n\n@pyexp.experiment(executor='inline')\ndef exp(cfg):\n    return cfg.x\n\n"
        "exp.configs(lambda: [{'name': 'a', 'x': 1}, {'name': 'b', 'x': 2}])\n",
    )
    project.pyexp("build", "exp.py")
    (path,) = project.folder.glob("out/exp/a/*/status.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))
    assert "x 1 -> 2" in project.pyexp("diff", "exp:a", "exp:b").stdout


def test_upstreams_that_put_out_something_else_are_named(folder: Any) -> None:
    found = diff(folder, f"last@{FIRST}", "last")
    assert pairs(found["upstreams"]) == {"exp:a": (f"exp/a/{FIRST}", f"exp/a/{SECOND}")}


@pytest.mark.parametrize("words", [("exp@" + FIRST, "exp"), ("exp@2030", "exp@2031"), ("exp@2030-01", "exp@" + SECOND)])
def test_two_batches(folder: Any, words: tuple[str, str]) -> None:
    found = diff(folder, *words)
    assert pairs(found["runs"]) == {"b": ("there", "(none)"), "c": ("(none)", "there")}
    assert pairs(found["config"]) == {"a: model.width": (8, 9), "bad: model.width": (8, 9)}
    assert found["code"]["functions"] == ["helper.py::f changed"]
    assert pairs(found["packages"]) == {"tool": ("1.0", "1.1")}
    assert pairs(found["results"]["values"]) == {"a: y": (1, 2)}
    assert [one["key"] for one in found["results"]["files"]] == ["a: curve.csv"]


def test_batches_of_one_experiment_are_named_by_their_time_alone(folder: Any) -> None:
    shutil.rmtree(folder.out / "after")
    assert diff(folder, FIRST, "2031")["a"] == f"exp {FIRST}"


def test_without_snapshots_the_rest_is_compared(folder: Any) -> None:
    shutil.rmtree(folder.out / "exp" / ".snapshots")
    shutil.rmtree(folder.folder / ".git", ignore_errors=True)
    shutil.rmtree(folder.out / "exp" / ".environment")
    text = folder.pyexp("diff", f"a@{FIRST}", "a").stdout
    assert "helper.py::f changed" in text
    assert "code: there is no snapshot of A and B to compare" in text
    assert "packages: they are not on record" in text
    assert "y 1 -> 2" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nobody", "a"), ('no run "nobody"',)),
        (("a@1999", "a"), ('no attempt "1999"',)),
        (("exp@1999", "exp"), ('no batch "1999"',)),
        (("a", "exp"), ("cannot be compared", "one is a run")),
        (("203", "exp"), ('"203"', "batches")),
        (("a",), ("B",)),
    ],
)
def test_bad_input_is_one_sentence(
    folder: Any, words: tuple[str, ...], said: tuple[str, ...], one_sentence: Callable[..., None]
) -> None:
    one_sentence(folder.pyexp("diff", *words, status=None), *said)


def test_of_a_status_that_cannot_be_read_nothing_is_said_to_be_the_same(folder: Any) -> None:
    for path in folder.out.glob("exp/*/*/status.json"):
        if path.parent.parent.name in ("a", "bad"):
            path.write_text("{")
    said = folder.pyexp("diff", "exp:a", "exp:b").stdout
    assert "The same: " not in said
    assert "code, packages, host, results: they are not known; A: out/exp/a/" in said
    assert "status.json cannot be read: it is damaged" in said
    assert "B: " not in said
    done = folder.pyexp("log", "exp:bad", "-f", status=1)
    assert "exp:bad ended in a way that is not known: out/exp/bad/" in done.stderr
    listed = folder.pyexp("list", "exp.py").stdout
    assert "how the last attempt ended is not known: its status.json cannot be read: it is damaged" in listed
