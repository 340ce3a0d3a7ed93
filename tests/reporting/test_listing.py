"""States, dry runs and the graph, told of plans that are made here."""

from __future__ import annotations

import copy
import os
import time
from types import SimpleNamespace
from typing import Any

import pytest

import pyexp
from dodo_pyexp.errors import UsageError
from dodo_pyexp.planning.decision import Decision, foresee
from dodo_pyexp.planning.options import resolve
from dodo_pyexp.planning.plan import Plan, PlannedExperiment
from dodo_pyexp.planning.planner import make_plan
from dodo_pyexp.planning.targets import Targets
from dodo_pyexp.reporting.graph import graph_data, graph_dot, graph_mermaid, graph_text
from dodo_pyexp.reporting.listing import dry_run_text, states_data, states_text
from dodo_pyexp.store import status as statuses
from dodo_pyexp.store.owner import Owner

pytestmark = pytest.mark.usefixtures("here")


def make(name: str, configs: list[dict[str, Any]], **options: Any) -> Any:
    @pyexp.experiment(name=name, executor="inline", stash=False, **options)
    def exp(cfg: Any) -> int:
        if cfg.get("fail"):
            raise ValueError("no")
        return 1

    exp.configs(lambda: copy.deepcopy(configs))
    return exp


def plan_of(*experiments: Any) -> Plan:
    definitions = [experiment.definition for experiment in experiments]
    return make_plan([(PlannedExperiment(d, resolve(d.options)), d.call_configs()) for d in definitions], tuple)


CHAIN = [{"name": "a"}, {"name": "b", "depends_on": "^a$"}, {"name": "c", "depends_on": "^b$"}, {"name": "d"}]


# -- states -----------------------------------------------------------------------------------------------------


def test_states_come_in_the_order_of_the_plan() -> None:
    plan = plan_of(make("exp", [{"name": "z", "depends_on": "^a$"}, {"name": "a"}]))
    lines = states_text(plan, foresee(plan)).splitlines()
    assert lines == ["exp:z  missing  never run", "exp:a  missing  never run", "2 runs: 2 missing"]


def test_only_selected_runs_are_listed_and_counted() -> None:
    plan = plan_of(make("exp", CHAIN))
    plan.select(lambda run: run.name == "b")
    told = states_data(plan, foresee(plan))
    assert [run["name"] for run in told["runs"]] == ["a", "b"]
    assert told["counts"]["missing"] == 2


def test_a_dry_run_tells_the_exit_status() -> None:
    exp = make("exp", [{"name": "a"}])
    plan = plan_of(exp)
    assert dry_run_text(foresee(plan))[1] == 3
    exp.run()
    plan = plan_of(exp)
    assert dry_run_text(foresee(plan)) == ("0 of 1 runs would be executed", 0)


def told(*experiments: Any) -> tuple[list[str], str, int]:
    """Give the reasons, the summary and the exit status of a dry run."""
    plan = plan_of(*experiments)
    text, code = dry_run_text(foresee(plan))
    *lines, summary = text.splitlines()
    return [line.split("  ", 1)[1].strip() for line in lines], summary, code


def test_a_dry_run_counts_what_it_is_sure_of_and_what_depends_on_outputs() -> None:
    make("exp", CHAIN).run()
    changed = [{"name": "a", "x": 1}, *CHAIN[1:], {"name": "new", "depends_on": "^c$"}]
    reasons, summary, code = told(make("exp", changed))
    assert reasons == [
        "config: x added", "upstream exp:a has to be built first", "upstream exp:b has to be built first", "never run",
    ]  # fmt: skip
    assert summary == "2 of 5 runs would be executed, 2 more might be, depending on their upstreams"
    assert code == 3


def test_what_stands_behind_a_failure_might_be_executed() -> None:
    configs: list[dict[str, Any]] = [{"name": "a"}, {"name": "b", "depends_on": "^a$"}]
    make("exp", configs).run()
    make("exp", [{"name": "a", "fail": True}, configs[1]]).run()
    changed = [{"name": "a", "fail": True}, {**configs[1], "x": 1}, {"name": "c", "depends_on": "^b$"}]
    reasons, summary, _ = told(make("exp", changed))
    assert reasons[0].startswith("last attempt failed: ValueError: no at ")
    assert reasons[1:] == ["config: x added", "never run"]
    assert summary == "1 of 3 runs would be executed, 2 more might be, depending on their upstreams"


def test_what_somebody_executes_just_now_is_no_work_to_do() -> None:
    exp = make("exp", [{"name": "a"}, {"name": "b"}])
    exp.run(filter="^b$")
    run = plan_of(exp).roots[0].runs[0]
    attempt = run.files.attempt("2020-01-01_00-00-00")
    os.makedirs(attempt.path)
    statuses.write(attempt, {"state": "running", "owner": Owner.current().to_dict(), "start_seconds": time.time() - 13})
    assert told(exp) == (["running for 13 s"], "0 of 2 runs would be executed, 1 is being executed already", 0)


def test_a_run_that_waits_for_a_node_of_ray_is_told_from_one_that_goes_on() -> None:
    exp = make("exp", [{"name": "a"}, {"name": "b"}])
    for run, more in zip(plan_of(exp).roots[0].runs, ({}, {"node": {"host": "h", "id": "0"}}), strict=True):
        attempt = run.files.attempt("2020-01-01_00-00-00")
        os.makedirs(attempt.path)
        state = {"state": "running", "owner": Owner.current().to_dict(), "executor": "ray", **more}
        state["start_seconds"] = time.time() - 150
        statuses.write(attempt, state)
    assert told(exp)[0] == ["queued for 2 min 30 s", "running for 2 min 30 s"]


def test_the_list_and_the_dry_run_give_the_same_decisions() -> None:
    make("exp", CHAIN).run()
    plan = plan_of(make("exp", [{"name": "a", "x": 1}, *CHAIN[1:]]))
    decisions = foresee(plan)
    for entry, (run, decision) in zip(states_data(plan, decisions)["runs"], decisions.items(), strict=True):
        assert entry["run"] == run.full_name
        assert {**entry, **decision.to_dict()} == entry
        assert decision.reason in states_text(plan, decisions)
        assert decision.reason in dry_run_text(decisions)[0]


# -- the graph --------------------------------------------------------------------------------------------------


def test_a_run_stands_below_its_upstream() -> None:
    assert graph_text(plan_of(make("exp", CHAIN))) == "exp\n├─ a\n│  └─ b\n│     └─ c\n└─ d"


def test_upstreams_that_no_line_shows_are_named() -> None:
    two = [{"name": "p"}, {"name": "q"}, {"name": "r", "depends_on": ["^p$", "^q$", "one:x"]}]
    plan = plan_of(make("one", [{"name": "x"}]), make("two", two))
    assert graph_text(plan).endswith("two\n├─ p\n│  └─ r <- q, one:x\n└─ q")


def test_many_upstreams_are_counted() -> None:
    one = [{"name": f"x{i}"} for i in range(5)]
    plan = plan_of(make("one", one), make("two", [{"name": "all", "depends_on": "one:"}]))
    assert graph_text(plan).endswith("└─ all <- one (5)")


def test_upstream_experiments_come_first() -> None:
    plan = plan_of(make("late", [{"name": "z", "depends_on": "early:"}]), make("early", [{"name": "x"}]))
    assert graph_text(plan).startswith("early\n")


def test_a_chain_longer_than_the_stack_can_be_drawn() -> None:
    configs = [{"name": f"r{i}", **({"depends_on": f"^r{i - 1}$"} if i else {})} for i in range(1500)]
    plan = plan_of(make("exp", configs))
    assert len(graph_text(plan, expand=True).splitlines()) == 1501
    assert graph_text(plan).splitlines()[0] == "exp: 1500 runs <- itself (1499)"


def test_names_are_escaped_for_other_tools() -> None:
    plan = plan_of(make("exp", [{"name": 'say "<hi>"'}, {"name": "b", "depends_on": "^say"}]))
    assert '"exp:say \\"<hi>\\"" -> "exp:b";' in graph_dot(plan)
    assert "say &quot;&lt;hi&gt;&quot;" in graph_mermaid(plan)
    assert graph_data(plan)["edges"] == [{"upstream": 'exp:say "<hi>"', "downstream": "exp:b"}]


# -- targets ----------------------------------------------------------------------------------------------------


def chosen(plan: Plan, *words: str) -> list[str]:
    targets = Targets(plan)
    for word in words:
        targets.add(word)
    return [run.full_name for run in targets.runs]


@pytest.mark.parametrize(
    "word, names",
    [
        ("exp", ["exp:a", "exp:lr=1", "exp:x[1]"]),
        ("exp:lr=1", ["exp:lr=1"]),
        ("exp:lr~1", ["exp:lr=1"]),
        ("lr=1", ["exp:lr=1"]),
        ("x[1]", ["exp:x[1]"]),
        ("exp:*", ["exp:a", "exp:lr=1", "exp:x[1]"]),
        ("lr*", ["exp:lr=1"]),
        ("out/exp/a", ["exp:a"]),
        ("out/exp/a/.finished", ["exp:a"]),
        ("out/exp", ["exp:a", "exp:lr=1", "exp:x[1]"]),
    ],
)
def test_what_a_word_names(word: str, names: list[str]) -> None:
    assert chosen(plan_of(make("exp", [{"name": "a"}, {"name": "lr=1"}, {"name": "x[1]"}])), word) == names


def test_an_experiment_comes_before_a_run_of_the_same_name() -> None:
    plan = plan_of(make("one", [{"name": "two"}]), make("two", [{"name": "x"}]))
    assert chosen(plan, "two") == ["two:x"]


@pytest.mark.parametrize("word", ["ax", "exp:", "", "out/exp/zz", "/", "*q*", "exp:report"])
def test_what_names_nothing_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="there is no experiment, run, target or task"):
        chosen(plan_of(make("exp", [{"name": "a"}])), word)


def test_a_dry_run_of_many_runs_is_summed_up_by_reason() -> None:
    make("exp", [{"name": f"r{n}"} for n in range(3)]).run()
    exp = make("exp", [{"name": f"r{n}", **({"x": n} if n < 3 else {})} for n in range(40)])
    assert dry_run_text(foresee(plan_of(exp)))[0].splitlines() == [
        "37 runs  never run  (exp:r3, exp:r4, exp:r5 and 34 more)",
        "3 runs  config: x added  (exp:r0, exp:r1, exp:r2)",
        "40 of 40 runs would be executed",
    ]

    class Run(SimpleNamespace):
        __hash__ = object.__hash__

    others: dict[Any, Decision] = {
        Run(full_name=f"e:r{n}", selected=True, upstream=()): Decision("stale", "config", f"x {n}") for n in range(23)
    }
    lines = dry_run_text(others)[0].splitlines()
    assert len(lines) == 22 and lines[20] == "3 more runs, for 3 other reasons"


def test_twenty_runs_are_listed_one_by_one() -> None:
    assert len(told(make("exp", [{"name": f"r{n}"} for n in range(20)]))[0]) == 20
