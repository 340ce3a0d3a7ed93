"""What a build of a part of the runs hands to its report, and gives back: the same through every door."""

from __future__ import annotations

import json
from typing import Any

import pytest

EXP = """
    import pyexp

    @pyexp.experiment(executor="inline", stash=False)
    def exp(cfg):
        if cfg.a == 9:
            raise ValueError("nine")
        return {"loss": cfg.a * cfg.b}

    @exp.configs
    def configs():
        base = [{"name": f"a{a}", "a": a} for a in (1, 2, 9)]
        return pyexp.sweep(base, [{"name": f"b{b}", "b": b} for b in (1, 2)])

    @exp.report
    def report(results):
        best = min((run for run in results if not run.error), key=lambda run: run.result["loss"])
        print(results.shape, [run.name for run in results], best.name)

    if __name__ == "__main__":
        exp.run()
"""
DOORS = {"script": ("exp.py",), "pyexp": ("-m", "pyexp", "build", "exp.py")}


@pytest.mark.parametrize("door", DOORS)
def test_a_filtered_build_reports_on_what_it_was_asked_for_and_on_what_there_is(project: Any, door: str) -> None:
    project.write("exp.py", EXP)

    def build(*arguments: str, status: int = 0) -> str:
        return str(project.python(*DOORS[door], *arguments, status=status).stdout)

    assert build("--filter", "a1") == "(2,) ['a1_b1', 'a1_b2'] a1_b1\n"
    assert build("--filter", "a2_b1") == "(3,) ['a1_b1', 'a1_b2', 'a2_b1'] a1_b1\n"
    assert build("--filter", "a1_b1|a9_b1", status=1).startswith("(4,) ['a1_b1', 'a1_b2', 'a2_b1', 'a9_b1']")
    assert build(status=1).startswith("(3, 2) ['a1_b1', 'a1_b2', 'a2_b1', 'a2_b2', 'a9_b1', 'a9_b2']")
    assert build("--filter", "a2") == "(4,) ['a1_b1', 'a1_b2', 'a2_b1', 'a2_b2'] a1_b1\n"
    read = "import exp; print(exp.exp.results().shape, len(exp.exp.results('latest')))"
    assert project.python("-c", read).stdout == "(4,) 4\n"
    assert project.python("exp.py", "--report").stdout == "(4,) ['a1_b1', 'a1_b2', 'a2_b1', 'a2_b2'] a1_b1\n"


def test_an_experiment_of_which_nothing_was_chosen_makes_no_report(project: Any) -> None:
    project.write("exp.py", EXP)
    other = EXP.replace("def exp", "def other").replace("@exp.", "@other.").replace(" exp.", " other.")
    project.write("other.py", other)
    project.pyexp("build", "exp.py", "--filter", "a1")
    assert project.pyexp("build", "exp.py", "other.py", "--filter", "^other:a1").stdout.count("(2,)") == 1


def test_the_first_experiment_of_init_can_be_filtered(project: Any) -> None:
    project.pyexp("init", "new")
    done = project.pyexp("build", "new/experiment.py", "--filter", "lr0.1")
    assert "Best: lr0.1" in done.stdout
    data = json.loads(project.pyexp("results", "--output-dir", "new/out", "--json").stdout)
    assert [run["name"] for run in data[0]["runs"]] == ["lr0.1"]
