"""What a run is given of its upstreams: never fewer results than it asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import pyexp
from dodo_pyexp.planning.options import resolve
from dodo_pyexp.planning.plan import PlannedExperiment
from dodo_pyexp.planning.planner import make_plan
from dodo_pyexp.reporting.graph import graph_data, graph_dot, graph_mermaid
from pyexp import PyexpError

EXPERIMENT = """
    import os
    import pyexp
    from tally import mark

    @pyexp.experiment(executor=os.environ.get("EXECUTOR", "fork"), stash=False)
    def train(cfg):
        mark(cfg)
        if cfg.name in os.environ.get("FAIL", "").split():
            raise ValueError(f"{cfg.name} is bad")
        return cfg.name

    @train.configs
    def runs():
        return [{"name": "a"}, {"name": "b"}, {"name": "c", "depends_on": "^b$"}]

    @pyexp.experiment(executor=os.environ.get("EXECUTOR", "fork"), stash=False)
    def summary(cfg, out, deps):
        mark(cfg)
        return [[dep.name, dep.result, dep.error and dep.error.splitlines()[0], dep.skipped] for dep in deps]

    @summary.configs
    def summaries():
        return [
            {"name": "lenient", "depends_on": {"optional": "^train:"}},
            {"name": "mixed", "depends_on": ["^train:a$", {"optional": ["^train:b$", "^train:c$"]}]},
            {"name": "strict", "depends_on": "^train:"},
        ]
"""
GOOD_A = ["a", "a", None, False]
BAD_B = ["b", None, "ValueError: b is bad", False]
SKIPPED_C = ["c", None, "Skipped: upstream train:b failed", True]


@pytest.fixture
def study(project: Any) -> Any:
    project.write("study.py", EXPERIMENT)
    return project


def build(study: Any, *, fail: str = "", executor: str = "fork", status: int | None = None, more: str = "") -> str:
    done = study.python(
        "-m", "pyexp", "build", "study.py", *more.split(), env={"FAIL": fail, "EXECUTOR": executor}, status=status
    )  # fmt: skip
    return str(done.stdout + done.stderr)


def returned(study: Any, name: str) -> Any:
    return json.loads((study.attempts(name, "summary")[-1] / "result.json").read_text())


def record(study: Any, name: str) -> Any:
    return json.loads((study.out / "summary" / name / ".finished").read_text())


@pytest.mark.parametrize("executor", ["inline", "fork", "subprocess"])
def test_an_optional_upstream_that_failed_is_in_deps_with_its_error(study: Any, executor: str) -> None:
    printed = build(study, fail="b", executor=executor, status=1)
    assert returned(study, "lenient") == [GOOD_A, BAD_B, SKIPPED_C]
    assert returned(study, "mixed") == [GOOD_A, BAD_B, SKIPPED_C]
    assert "summary:strict  skipped: upstream train:b failed" in printed
    assert "strict" not in study.tally(), "a run is never executed with fewer deps than it asked for"
    assert record(study, "lenient")["upstream"]["train:b"] == "failed"


def test_a_needed_upstream_that_failed_skips_the_run_beside_optional_ones(study: Any) -> None:
    printed = build(study, fail="a", status=1)
    assert "summary:mixed  skipped: upstream train:a failed" in printed
    assert returned(study, "lenient")[0] == ["a", None, "ValueError: a is bad", False]


def test_a_failure_that_stays_leaves_the_run_up_to_date(study: Any) -> None:
    build(study, fail="b", status=1)
    study.executed()
    build(study, fail="b", status=1)
    assert study.executed() == ["b"]


def test_a_failure_that_goes_away_makes_the_run_stale_and_so_does_one_that_comes(study: Any) -> None:
    build(study, fail="b", status=1)
    study.executed()
    told = json.loads(study.pyexp("build", "study.py", "--json").stdout)
    assert sorted(study.executed()) == ["b", "c", "lenient", "mixed", "strict"]
    reasons = {run["name"]: run["reason"] for run in told["runs"]}
    assert reasons["lenient"] == reasons["mixed"] == "upstream train:b changed"
    assert returned(study, "lenient") == [GOOD_A, ["b", "b", None, False], ["c", "c", None, False]]
    assert build(study, status=0).startswith("6 runs: all up to date")
    build(study, fail="a", more="train:a --rerun", status=1)
    build(study, fail="a", status=1)
    assert returned(study, "lenient")[0] == ["a", None, "ValueError: a is bad", False]


def test_a_dry_run_does_not_say_that_it_will_be_skipped(study: Any) -> None:
    build(study, fail="b", status=1, more="train")
    told = json.loads(study.pyexp("list", "study.py", "--json").stdout)
    states = {run["name"]: run["state"] for run in told["runs"]}
    assert (states["b"], states["c"]) == ("failed", "skipped")
    assert (states["lenient"], states["mixed"], states["strict"]) == ("missing", "missing", "skipped")


def test_a_build_that_stops_at_the_first_failure_does_not_go_on_behind_it(study: Any) -> None:
    build(study, fail="b", status=1, more="--fail-fast")
    assert set(study.tally()) <= {"a", "b"}


def test_an_upstream_whose_folder_cannot_be_made_is_in_deps_as_well(study: Any) -> None:
    (study.out / "train").mkdir(parents=True)
    (study.out / "train" / "a").write_text("in the way")
    build(study, status=1)
    name, result, error, _ = returned(study, "lenient")[0]
    assert (name, result) == ("a", None) and "train/a" in error


def test_plain_doit_skips_the_run_and_the_next_build_makes_it(study: Any) -> None:
    study.write("dodo.py", "from study import summary, train\n")
    done = study.python("-m", "doit", env={"FAIL": "b"}, status=None)
    assert done.returncode != 0
    assert "lenient" not in study.tally()
    build(study, fail="b", status=1)
    assert returned(study, "lenient") == [GOOD_A, BAD_B, SKIPPED_C]


# -- what depends_on says ---------------------------------------------------------------------------------------


def planned(*configs: dict[str, Any]) -> Any:
    @pyexp.experiment(name="exp")
    def exp(cfg): ...

    definition = exp.definition
    return make_plan([(PlannedExperiment(definition, resolve(definition.options)), list(configs))], tuple)


@pytest.mark.parametrize(
    "wanted, optional",
    [
        ({"optional": "^[ab]$"}, {"exp:a", "exp:b"}),
        (["^a$", {"optional": "b"}], {"exp:b"}),
        (["^a$", {"optional": ["a", "b"]}], {"exp:b"}),  # needed wins, in either order
        ([{"optional": ["a", "b"]}, "^a$"], {"exp:b"}),
        ([{"optional": {"x": 1}}, "^b$"], {"exp:a"}),
        (["^a$", "^b$"], set()),
    ],
)
def test_depends_on_may_say_which_upstreams_are_optional(here: Path, wanted: Any, optional: set[str]) -> None:
    plan = planned({"name": "a", "x": 1}, {"name": "b", "x": 2}, {"name": "down", "depends_on": wanted})
    down = list(plan.runs())[-1]
    assert {upstream.task for upstream in down.upstream} == {"exp:a", "exp:b"}
    assert down.optional == optional


def test_a_config_key_of_that_name_can_still_be_looked_for(here: Path) -> None:
    configs = [{"name": "a", "optional": True}, {"name": "b", "optional": "x"}]
    for wanted, found in (({"optional": True}, "a"), ({"cfg.optional": "x"}, "b")):
        down = list(planned(*configs, {"name": "down", "depends_on": wanted}).runs())[-1]
        assert [upstream.name for upstream in down.upstream] == [found] and not down.optional


@pytest.mark.parametrize("wanted", [{"optional": "nothing"}, {"optional": [3]}, {"optional": {"y": 1}}])
def test_optional_does_not_mean_that_it_may_not_exist(here: Path, wanted: Any) -> None:
    with pytest.raises(PyexpError, match="down"):
        planned({"name": "a"}, {"name": "down", "depends_on": wanted})


@pytest.mark.parametrize("draw, dashed", [(graph_dot, "dashed"), (graph_mermaid, "-.->")])
def test_graphs_show_which_edges_are_optional(here: Path, draw: Callable[[Any], str], dashed: str) -> None:
    plan = planned({"name": "a"}, {"name": "b"}, {"name": "down", "depends_on": ["^a$", {"optional": "^b$"}]})
    assert draw(plan).count(dashed) == 1
    edges = {edge["upstream"]: edge.get("optional", False) for edge in graph_data(plan)["edges"]}
    assert edges == {"exp:a": False, "exp:b": True}
