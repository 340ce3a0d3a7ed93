"""`depends_on`: which runs it means, in what order, and what is said when it means none or goes in a circle."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pyexp
from dodo_pyexp.errors import DependencyError, PyexpError
from dodo_pyexp.planning.definition import Definition
from dodo_pyexp.planning.options import Options, resolve
from dodo_pyexp.planning.plan import Plan, PlannedExperiment
from dodo_pyexp.planning.planner import make_plan


def fn(cfg): ...


def planned(name: str, **options: Any) -> PlannedExperiment:
    return PlannedExperiment(Definition(name, fn, 1), resolve(Options(**options)))


def plan(configs: list[dict[str, Any]], others: dict[str, list[dict[str, Any]]] | None = None) -> Plan:
    def reach():
        return [(planned(name), lambda found=found: found) for name, found in (others or {}).items()]

    return make_plan([(planned("exp"), configs)], reach)


def upstreams(of: str, made: Plan) -> list[str]:
    (run,) = [run for run in made.runs() if run.name == of]
    return [upstream.full_name for upstream in run.upstream]


ABC = [{"name": "pre_a", "x": 1, "m": {"w": 1}}, {"name": "pre_b", "x": 2, "m": {"w": 2}}, {"name": "c", "x": 2}]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("pre_a", ["pre_a"]),
        ("^pre", ["pre_a", "pre_b"]),
        ("_b$", ["pre_b"]),
        ("*_b", ["pre_b"]),
        ({"x": 2}, ["pre_b", "c"]),
        ({"m.w": 2}, ["pre_b"]),
        ({"x": 2, "m.w": 2}, ["pre_b"]),
        (["c", "^pre"], ["c", "pre_a", "pre_b"]),
        (["pre_b", "^pre"], ["pre_b", "pre_a"]),
        (("c", {"x": 1}), ["c", "pre_a"]),
        ([], []),
        (None, []),
    ],
)
def test_depends_on_is_a_text_a_dict_or_a_list_in_its_own_order(here: Path, wanted: Any, found: list[str]) -> None:
    made = plan([{"name": "last", "depends_on": wanted}, *ABC])
    assert upstreams("last", made) == [f"exp:{name}" for name in found]


def test_an_exact_name_comes_before_a_regular_expression(here: Path) -> None:
    """So `a` does not mean `ab` as well, nor `lr0.1` `lr0x1`."""
    names = ["a", "ab", "lr0.1", "lr0x1", "(b"]
    configs = [{"name": name} for name in names]
    for name in names:
        assert upstreams("z", plan([*configs, {"name": "z", "depends_on": name}])) == [f"exp:{name}"]
    assert upstreams("z", plan([*configs, {"name": "z", "depends_on": "^a"}])) == ["exp:a", "exp:ab"]
    others = {"pre": [{"name": "data"}, {"name": "data_2"}]}
    for wanted in ("data", "pre:data"):
        assert upstreams("z", plan([{"name": "z", "depends_on": wanted}], others)) == ["pre:data"]
    assert upstreams("a", plan([{"name": "a", "depends_on": "a"}, {"name": "ab"}])) == ["exp:ab"]


def test_a_pattern_without_end_is_refused(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dodo_pyexp.collection.patterns.SECONDS", 0.05)
    with pytest.raises(PyexpError, match=r"exp:z: depends_on '\(a\+\)\+\$' takes longer than 0\.05 s"):
        plan([{"name": "a" * 40 + "!"}, {"name": "z", "depends_on": "(a+)+$"}])


@pytest.mark.parametrize("wanted", ["((", "a{99999999999}"])
def test_what_is_no_regular_expression_is_named_as_that(here: Path, wanted: str) -> None:
    with pytest.raises(DependencyError, match=r"exp:z: depends_on .* is no regular expression: "):
        plan([{"name": "a"}, {"name": "z", "depends_on": wanted}])


def test_a_run_never_depends_on_itself(here: Path) -> None:
    made = plan([{"name": "pretrain"}, {"name": "after_pretrain", "depends_on": "pretrain"}])
    assert upstreams("after_pretrain", made) == ["exp:pretrain"]


def test_a_run_that_matches_only_itself_is_an_error(here: Path) -> None:
    with pytest.raises(ValueError, match="exp:a depends on itself"):
        plan([{"name": "a", "depends_on": "a"}, {"name": "b"}])


def test_a_circle_is_printed(here: Path) -> None:
    with pytest.raises(ValueError, match="circle: exp:x -> exp:z -> exp:y -> exp:x"):
        plan([{"name": "x", "depends_on": "z"}, {"name": "y", "depends_on": "x"}, {"name": "z", "depends_on": "y"}])


def test_a_long_chain_is_no_recursion(here: Path) -> None:
    chain = [{"name": f"r{i}"} | ({"depends_on": f"^r{i + 1}$"} if i < 1999 else {}) for i in range(2000)]
    assert [run.name for run in plan(chain).ordered()] == [f"r{i}" for i in reversed(range(2000))]


def test_what_matches_nothing_is_told_with_the_nearest_names(here: Path) -> None:
    with pytest.raises(ValueError, match=r"exp:last: depends_on 'pre_aa' matches no other run.*\"pre_a\"") as raised:
        plan([{"name": "last", "depends_on": "pre_aa"}, *ABC])
    assert "exp:pre_a" not in str(raised.value)  # each run once, in the words that were used
    with pytest.raises(ValueError, match=r"\(did you mean \"exp:pre_a\""):
        plan([{"name": "last", "depends_on": "^exp:pre_aa$"}, *ABC])
    with pytest.raises(ValueError, match=r"no other run: 'pre_a\|zz\[' is no regular expression: unterminated"):
        plan([{"name": "last", "depends_on": "pre_a|zz["}, *ABC])


def test_a_dict_that_matches_nothing_is_told(here: Path) -> None:
    with pytest.raises(ValueError, match=r"exp:last: depends_on \{'x': 9\} matches no other run"):
        plan([{"name": "last", "depends_on": {"x": 9}}, *ABC])


def test_one_part_of_a_list_that_matches_nothing_is_told(here: Path) -> None:
    with pytest.raises(ValueError, match="'zzz'"):
        plan([{"name": "last", "depends_on": ["pre_a", "zzz"]}, *ABC])


def test_runs_of_other_experiments_are_found_by_run_and_by_full_name(here: Path) -> None:
    others = {"first": [{"name": "one"}, {"name": "two"}], "second": [{"name": "one"}]}
    assert upstreams("last", plan([{"name": "last", "depends_on": "^two$"}], others)) == ["first:two"]
    assert upstreams("last", plan([{"name": "last", "depends_on": "^first:"}], others)) == ["first:one", "first:two"]
    both = plan([{"name": "last", "depends_on": "one"}], others)
    assert upstreams("last", both) == ["first:one", "second:one"]


def test_the_own_experiment_comes_first(here: Path) -> None:
    made = plan([{"name": "last", "depends_on": "one"}, {"name": "one"}], {"first": [{"name": "one"}]})
    assert upstreams("last", made) == ["exp:one"]
    assert [experiment.name for experiment in made.experiments] == ["exp"]


def test_of_other_experiments_only_what_is_needed_is_selected(here: Path) -> None:
    others = {"first": [{"name": "deep"}, {"name": "one", "depends_on": "deep"}, {"name": "unneeded"}]}
    made = plan([{"name": "last", "depends_on": "^one$"}], others)
    assert [run.full_name for run in made.runs() if run.selected] == ["exp:last", "first:deep", "first:one"]


def test_configs_of_others_are_not_even_made_when_nothing_reaches_them(here: Path) -> None:
    def reach():
        raise AssertionError("asked for")

    make_plan([(planned("exp"), [{"name": "a"}, {"name": "b", "depends_on": "a"}])], reach)


def test_a_circle_across_experiments_is_printed(here: Path) -> None:
    others = {"other": [{"name": "there", "depends_on": "^exp:here$"}]}
    with pytest.raises(ValueError, match="circle: exp:here -> other:there -> exp:here"):
        plan([{"name": "here", "depends_on": "^other:there$"}], others)


def test_two_experiments_of_one_name_are_refused(here: Path) -> None:
    with pytest.raises(ValueError, match=r'two experiments are called "exp" .*test_plan.py'):
        make_plan([(planned("exp"), []), (planned("exp"), [])], tuple)


class Kind(StrEnum):
    BIG = "big"


@pytest.mark.parametrize("name", [Kind.BIG, np.str_("big")])
def test_a_name_is_plain_text_whatever_its_type_was(here: Path, name: str) -> None:
    made = plan([{"name": name, "kind": name}, {"name": "z", "depends_on": name}])
    assert upstreams("z", made) == ["exp:big"]
    (run, _) = made.runs()
    assert [type(run.name), type(run.config["name"]), type(run.config["kind"])] == [str, str, type(name)]


def test_depends_on_is_no_part_of_the_hash(here: Path) -> None:
    first = plan([{"name": "a", "x": 1}, {"name": "b"}]).experiments[0].runs[0]
    second = plan([{"name": "a", "x": 1, "depends_on": "b"}, {"name": "b"}]).experiments[0].runs[0]
    assert first.hash == second.hash


# -- what the function sees of it -----------------------------------------------------------------------------------


@pytest.mark.parametrize("executor", ["inline", "fork", "subprocess"])
def test_deps_come_in_order_with_everything_a_result_has(here: Path, executor: str) -> None:
    @pyexp.experiment(executor=executor, stash=False)
    def exp(cfg, out, deps):
        if deps:
            return {
                "names": deps.names,
                "values": [dep.result["x"] for dep in deps],
                "files": [(dep.out / "file.txt").read_text() for dep in deps],
                "queries": [deps["up_b"].name, deps[{"cfg.x": 1}].name, deps["^up_"].names],
                "state": [(dep.finished, dep.error, dep.skipped, dep.log) for dep in deps],
                "cfg": [dict(dep.cfg) for dep in deps],
                "mine": "depends_on" in cfg,
            }
        print("from", cfg.name)
        (out / "file.txt").write_text(cfg.name)
        return {"x": cfg.x}

    results = exp.run(
        configs=[
            {"name": "down", "depends_on": ["up_b", "up_a"]},
            {"name": "up_a", "x": 1},
            {"name": "up_b", "x": 2},
        ]
    )
    assert results["down"].error is None
    assert results["down"].result == {
        "names": ["up_b", "up_a"],
        "values": [2, 1],
        "files": ["up_b", "up_a"],
        "queries": ["up_b", "up_a", ["up_b", "up_a"]],
        "state": [(True, None, False, "from up_b\n"), (True, None, False, "from up_a\n")],
        "cfg": [{"name": "up_b", "x": 2}, {"name": "up_a", "x": 1}],
        "mine": False,
    }


def test_deps_are_empty_where_there_are_none(here: Path) -> None:
    @pyexp.experiment(executor="inline", stash=False)
    def exp(cfg, out, deps):
        return isinstance(deps, pyexp.Runs), len(deps)

    assert exp.run(configs=[{"name": "a"}])[0].result == (True, 0)


# -- failed upstreams -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 3])
def test_what_lies_behind_a_failure_is_skipped_and_the_rest_completes(here: Path, jobs: int) -> None:
    @pyexp.experiment(executor="fork", stash=False)
    def exp(cfg):
        if cfg.name == "bad":
            raise ValueError("no")

    configs = [
        {"name": "end", "depends_on": ["^middle$", "^good$"]},
        {"name": "middle", "depends_on": "^bad$"},
        {"name": "bad"},
        {"name": "good"},
        {"name": "behind_good", "depends_on": "^good$"},
    ]
    results = exp.run(configs=configs, jobs=jobs)
    state = {r.name: "skipped" if r.skipped else "failed" if r.error else "finished" for r in results}
    assert state == {"end": "skipped", "middle": "skipped", "bad": "failed", "good": "finished",
                     "behind_good": "finished"}  # fmt: skip
    assert "upstream exp:bad failed" in results["middle"].error
    assert "upstream exp:middle was skipped" in results["end"].error
    assert results["middle"].finished and results["middle"].out is None
    again = exp.results()
    assert [r.skipped for r in again] == [True, True, False, False, False]
    assert again["end"].error == results["end"].error


def test_what_was_skipped_is_built_when_its_upstream_succeeds(here: Path) -> None:
    broken = [True]
    calls = []

    @pyexp.experiment(executor="inline", stash=False)
    def exp(cfg):
        calls.append(cfg.name)
        if cfg.name == "up" and broken[0]:
            raise ValueError("no")

    configs = [{"name": "up"}, {"name": "down", "depends_on": "up"}]
    exp.run(configs=configs)
    broken[0] = False
    assert [r.error for r in exp.run(configs=configs)] == [None, None]
    assert calls == ["up", "up", "down"]


def test_fan_in_waits_for_everything(here: Path) -> None:
    @pyexp.experiment(executor="fork", stash=False)
    def exp(cfg, out, deps):
        return cfg.get("x", 0) + sum(dep.result for dep in deps)

    configs = [{"name": "all", "depends_on": "^part"}, *({"name": f"part{i}", "x": i} for i in range(40))]
    assert exp.run(configs=configs, jobs=4)["all"].result == sum(range(40))


# -- two experiments of one name --------------------------------------------------------------------------------

NAMESAKE = """
    import pyexp

    @pyexp.experiment(name="exp", executor="inline", stash=False)
    def exp(cfg):
        return "{run}"

    exp.configs(lambda: [{{"name": "{run}"}}])
"""

USER = """
    import pyexp
    from a import exp as one
    from b import exp as two

    @pyexp.experiment(executor="inline", stash=False)
    def train(cfg, out, deps):
        return [dep.result for dep in deps]

    train.configs(lambda: [{"name": "d", "depends_on": "^[ab]$"}])

    if __name__ == "__main__":
        train.run()
"""


@pytest.mark.parametrize(
    "command", [["-m", "pyexp", "build", "a.py", "b.py"], ["-m", "pyexp", "list", "train.py"], ["train.py"]]
)
def test_two_experiments_of_one_name_are_refused_with_both_places(
    project: Any, one_sentence: Any, command: list[str]
) -> None:
    for run in "ab":
        project.write(f"{run}.py", NAMESAKE.format(run=run))
    project.write("train.py", USER)
    one_sentence(project.python(*command, status=2), '"exp"', "a.py:3", "b.py:3", "another name")
    assert not project.out.exists()


def test_an_upstream_experiment_of_the_scripts_own_name_is_refused(project: Any, one_sentence: Any) -> None:
    project.write("a.py", NAMESAKE.format(run="a"))
    project.write("train.py", USER.replace("from b import exp as two", "").replace("def train(", "def exp(")
                  .replace("train.", "exp.").replace("^[ab]$", "exp:a"))  # fmt: skip
    one_sentence(project.python("train.py", status=2), '"exp"', "train.py:", "a.py:3")


def test_one_experiment_may_go_by_several_names_and_files(project: Any) -> None:
    project.write("a.py", NAMESAKE.format(run="a"))
    project.write("both.py", "from a import exp\nfrom a import exp as again\n")
    assert "[1/1] exp:a" in project.pyexp("build", "a.py", "both.py", "./a.py").stderr


def test_a_script_may_be_imported_by_what_it_imports(project: Any) -> None:
    project.write("helper.py", "def first():\n    import train\n    return train.train\n")
    project.write(
        "train.py",
        """
        import helper
        import pyexp

        @pyexp.experiment(executor="inline", stash=False)
        def train(cfg):
            return 1

        train.configs(lambda: [{"name": "a"}])
        if __name__ == "__main__":
            from helper import first
            same = first()
            other = pyexp.experiment(name="other", executor="inline", stash=False)(lambda cfg: 2)
            other.run(configs=[{"name": "b", "depends_on": "train:a"}])
    """,
    )
    assert "2 executed" in project.python("train.py").stderr


@pytest.mark.parametrize("kind", [iter, lambda many: many])
def test_more_configs_than_can_be_built_are_refused(here, monkeypatch, kind):
    monkeypatch.setattr("dodo_pyexp.planning.plan.MOST_CONFIGS", 3)
    experiment = PlannedExperiment(Definition("exp", lambda cfg: 1, 1), resolve(Options()))
    with pytest.raises(PyexpError, match="configs gives more than 3 configs, and no more can be built"):
        experiment.fill(kind([{"name": str(n)} for n in range(5)]))
