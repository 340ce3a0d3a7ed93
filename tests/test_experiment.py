"""`Experiment`: the decorator, `run` with every parameter, `results`, lookups."""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path
from typing import Any

import pytest

import pyexp
from pyexp import Config, Executor, Result, Runs, Tensor, sweep

inline = functools.partial(pyexp.experiment, executor="inline", stash=False)


def make(**options: Any) -> Any:
    """An experiment with two runs, and the list of what it has executed."""
    calls: list[str] = []

    @inline(name="exp", **options)
    def exp(cfg):
        calls.append(cfg.name)
        return {"twice": cfg.x * 2}

    exp.configs(lambda: [{"name": "a", "x": 1}, {"name": "b", "x": 2}])
    return exp, calls


# -- the decorator --------------------------------------------------------------------------------------------------


def test_the_decorator_works_bare_and_with_arguments() -> None:
    @pyexp.experiment
    def bare(cfg):
        """Its own words."""

    @pyexp.experiment(name="other")
    def named(cfg): ...

    assert (bare.name, named.name) == ("bare", "other")
    assert isinstance(bare, pyexp.Experiment)
    assert bare.__doc__ == "Its own words."
    assert bare.__name__ == "bare"


def test_an_experiment_is_still_the_function() -> None:
    @pyexp.experiment
    def add(cfg, out=3, *, scale=1):
        return (cfg + out) * scale

    assert add(1) == 4
    assert add(1, 2, scale=10) == 30


def test_registering_gives_the_plain_function_back() -> None:
    @pyexp.experiment
    def exp(cfg): ...

    def configs():
        return []

    def report(results):
        return 1

    assert exp.configs(configs) is configs
    assert exp.report(report) is report


def scaled(factor, cfg):
    return cfg.x * factor


class Doubling:
    def __call__(self, cfg):
        return cfg.x * 2


@pytest.mark.parametrize("executor", ["inline", "subprocess"])
@pytest.mark.parametrize("fn", [functools.partial(scaled, 2), Doubling()], ids=["partial", "object"])
def test_a_callable_without_a_name_of_its_own_can_be_an_experiment(here: Path, fn: Any, executor: str) -> None:
    exp = pyexp.experiment(name="exp", executor=executor, stash=False)(fn)
    (result,) = exp.run(configs=[{"name": "a", "x": 2}])
    assert (result.result, result.error) == (4, None)


@pytest.mark.parametrize("name", [5, b"x", ["a"]])
def test_a_name_that_is_no_text_is_refused(name: Any) -> None:
    with pytest.raises(pyexp.PyexpError, match="name"):
        pyexp.experiment(name=name)(lambda cfg: None)


# -- signatures -----------------------------------------------------------------------------------------------------


def one(cfg):
    return ["cfg"]


def two(cfg, out):
    return ["cfg", str(out == cfg.out)]


def three(cfg, out, deps):
    return ["cfg", str(out == cfg.out), type(deps).__name__]


def with_default(cfg, lr=5):
    return lr


def many(*args):
    return len(args)


def keyword_only(cfg, *, lr=7):
    return lr


def keywords(cfg, **kwargs):
    return kwargs


def positional_only(cfg, out, /):
    return cfg.out == out


@pytest.mark.parametrize(
    ("fn", "value"),
    [
        (one, ["cfg"]),
        (two, ["cfg", "True"]),
        (three, ["cfg", "True", "Runs"]),
        (with_default, 5),
        (keyword_only, 7),
        (keywords, {}),
        (positional_only, True),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_function_is_called_with_what_it_takes(here: Path, fn: Any, value: Any) -> None:
    assert inline(fn).run(configs=[{"name": "a"}])[0].result == value


def nothing(): ...


def four(cfg, out, deps, more): ...


def keyword_needed(cfg, *, lr): ...


@pytest.mark.parametrize(
    ("fn", "said"), [(nothing, "0 positional"), (four, "4 positional"), (keyword_needed, "lr"), (many, "args")],
    ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
def test_what_cannot_be_called_is_refused_when_decorated(fn: Any, said: str) -> None:
    with pytest.raises(TypeError, match=said) as caught:
        pyexp.experiment(fn)
    assert "test_experiment.py:" in str(caught.value)
    assert fn.__name__ in str(caught.value)


def test_a_report_that_cannot_be_called_is_refused_when_registered() -> None:
    exp = pyexp.experiment(one)
    with pytest.raises(TypeError, match=r"report\(results\)"):
        exp.report(three)


# -- configs --------------------------------------------------------------------------------------------------------


def test_configs_may_be_a_list_a_function_a_generator_or_a_sweep(here: Path) -> None:
    exp, _ = make()
    wanted = [{"name": "c", "x": 3}]
    for configs in (wanted, tuple(wanted), lambda: wanted, lambda: iter(wanted), Runs(wanted), lambda: wanted[0]):
        assert exp.run(configs=configs).names == ["c"]


def test_the_shape_of_a_sweep_is_kept(here: Path) -> None:
    exp, _ = make()
    cfgs = sweep([{"name": "s"}], [{"name": "1", "x": 1}, {"name": "2", "x": 2}])
    assert exp.run(configs=cfgs).shape == (1, 2)
    assert exp.results().shape == (1, 2)


def test_no_configs_at_all_are_no_mistake(here: Path) -> None:
    exp, calls = make()
    assert len(exp.run(configs=[])) == 0
    assert calls == []


def test_an_empty_list_still_makes_a_report(here: Path) -> None:
    exp, _ = make()
    assert exp.run(configs=[], report=len) == 0


def test_a_missing_configs_function_is_told(here: Path) -> None:
    @inline
    def lonely(cfg): ...

    with pytest.raises(RuntimeError, match=r"lonely has no configs; .*@lonely\.configs"):
        lonely.run()


def test_the_key_out_is_refused(here: Path) -> None:
    exp, calls = make()
    with pytest.raises(AssertionError, match='"out"'):
        exp.run(configs=[{"name": "a", "x": 1, "out": "mine"}])
    assert calls == [] and not (here / "out").exists()


@pytest.mark.parametrize(
    ("configs", "kind", "words"),
    [
        ([{"name": "a"}, {"name": "a"}], ValueError, ['"a"', "number 0", "number 1"]),
        ([{"x": 1}], ValueError, ["config 0", '"name"', "x=1"]),
        ([{"name": ""}], ValueError, ["config 0"]),
        ([{"name": None}], ValueError, ["config 0"]),
        ([{"name": ["a"]}], TypeError, ["config 0", "['a']"]),
        (["a"], TypeError, ["config 0", "str"]),
        (5, TypeError, ["int"]),
        ([{"name": "a", "model": {"layers": [1, object()]}}], TypeError, ["a", "model.layers.1"]),
        ([{"name": "a", "fn": len}], TypeError, ["a", "fn"]),
        ([{"name": "a", "depends_on": 3}], TypeError, ["exp:a", "depends_on", "int"]),
        ([{"name": "a", "depends_on": "("}], ValueError, ["exp:a", "'('"]),
    ],
)
def test_a_wrong_config_is_named(here: Path, configs: Any, kind: type[Exception], words: list[str]) -> None:
    exp, calls = make()
    with pytest.raises(kind) as caught:
        exp.run(configs=configs)
    assert isinstance(caught.value, pyexp.PyexpError)
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)
    assert calls == [] and not (here / "out").exists()


def test_a_number_as_name_is_its_text(here: Path) -> None:
    exp, _ = make()
    assert exp.run(configs=[{"name": 7, "x": 1}]).names == ["7"]


# -- run() ----------------------------------------------------------------------------------------------------------


def test_run_gives_the_results_without_a_report(here: Path) -> None:
    exp, _ = make()
    results = exp.run()
    assert isinstance(results, Tensor)
    assert [r.result for r in results] == [{"twice": 2}, {"twice": 4}]


def test_run_gives_what_the_report_gives(here: Path) -> None:
    exp, _ = make()
    assert exp.run(report=lambda results: sum(r["twice"] for r in results)) == 6

    @exp.report
    def report(results, out):
        (out / "table.txt").write_text("saved")
        return out

    folder = exp.run()
    assert (folder / "table.txt").read_text() == "saved"
    assert folder.parent == here / "out" / "exp" / "report"


def test_the_report_is_called_every_time_and_sees_failures(here: Path) -> None:
    @inline
    def exp(cfg):
        raise ValueError("no")

    seen = []
    for _ in range(2):
        exp.run(configs=[{"name": "a"}], report=lambda results: seen.append(results[0].get("type")))
    assert seen == ["ValueError", "ValueError"]


def test_what_is_up_to_date_is_not_executed_again(here: Path) -> None:
    exp, calls = make()
    exp.run()
    exp.run()
    assert calls == ["a", "b"]


def test_rerun_executes_all_the_same(here: Path) -> None:
    exp, calls = make()
    exp.run()
    exp.run(rerun=True)
    assert calls == ["a", "b"] * 2


def test_filter_selects_by_regular_expression(here: Path) -> None:
    exp, calls = make()
    results = exp.run(filter="^b")
    assert calls == ["b"]
    assert [(r.name, r.finished) for r in results] == [("b", True)]
    exp.run(filter="^a")
    assert [r.name for r in exp.run(filter="^b")] == ["a", "b"], "and what has a result besides"
    assert [r.name for r in exp.results()] == ["a", "b"]


def test_a_filter_brings_upstreams_along(here: Path) -> None:
    exp, calls = make()
    exp.run(configs=[{"name": "up", "x": 1}, {"name": "no", "x": 1}, {"name": "down", "x": 1, "depends_on": "up"}],
            filter="down")  # fmt: skip
    assert calls == ["up", "down"]


def test_a_filter_that_is_no_regular_expression_is_told(here: Path) -> None:
    exp, _ = make()
    with pytest.raises(ValueError, match="--filter '\\('"):
        exp.run(filter="(")


def test_a_filter_that_matches_nothing_executes_nothing(here: Path) -> None:
    exp, calls = make()
    exp.run(filter="zzz")
    assert calls == []


def test_output_dir_and_name_are_remembered(here: Path) -> None:
    exp, _ = make()
    exp.run(output_dir="elsewhere", name="renamed")
    assert (here / "elsewhere" / "renamed" / "a" / ".finished").exists()
    assert not (here / "out").exists()
    assert exp["a"].result == {"twice": 2}
    assert exp.results(output_dir=here / "elsewhere", name="renamed").names == ["a", "b"]
    assert len(exp.results(output_dir="out", name="exp")) == 0


def test_output_dir_may_be_a_path(here: Path) -> None:
    exp, _ = make(output_dir=here / "deep" / "er")
    exp.run()
    assert (here / "deep" / "er" / "exp" / "a" / ".finished").exists()


def test_hash_configs_adds_the_hash(here: Path) -> None:
    exp, calls = make()
    exp.run(hash_configs=True)
    (folder,) = here.glob("out/exp/a-*")
    assert len(folder.name) == len("a-") + 12
    exp.run(hash_configs=True)
    assert calls == ["a", "b"]
    exp.run(configs=[{"name": "a", "x": 9}], hash_configs=True)
    assert len(list(here.glob("out/exp/a-*"))) == 2
    exp.run(hash_configs=True)  # the former config's folder is still there
    assert calls == ["a", "b", "a"]
    assert exp["a"].result == {"twice": 2}


def test_timestamp_false_is_one_folder_a_run_overwritten_in_place(here: Path) -> None:
    exp, calls = make(timestamp=False)
    exp.run()
    exp.run()
    assert calls == ["a", "b"]
    (folder,) = here.glob("out/exp/a-*")
    assert {"config.json", "experiment.pkl", "log.out", ".finished"} <= {path.name for path in folder.iterdir()}
    (folder / "leftover").write_text("from before")
    results = exp.run(rerun=True)
    assert not (folder / "leftover").exists()
    assert results["a"].out == folder
    assert results["a"].result == {"twice": 2}


def test_a_timestamp_names_the_batch(here: Path) -> None:
    exp, _ = make()
    exp.run(timestamp="2024-01-25_14-30-00")
    assert (here / "out" / "exp" / ".batches" / "2024-01-25_14-30-00.json").exists()
    assert (here / "out" / "exp" / "a" / "2024-01-25_14-30-00" / "config.json").exists()


@pytest.mark.parametrize("stamp", ["yesterday", "2024-01-25_../../../x", ""])
def test_a_timestamp_that_is_none_is_refused(here: Path, stamp: str) -> None:
    exp, calls = make()
    with pytest.raises(RuntimeError, match=r"no name for a batch|no batch"):
        exp.run(timestamp=stamp)
    assert calls == []


def test_changing_the_layout_deletes_no_former_attempt(here: Path) -> None:
    exp, _ = make(hash_configs=True)
    exp.run()
    (former,) = here.glob("out/exp/a-*/*/experiment.pkl")
    exp.run(timestamp=False)
    exp.run(timestamp=False, rerun=True)
    assert former.exists()
    assert exp.results()["a"].result == {"twice": 2}
    exp.run()
    assert exp.results()["a"].result == {"twice": 2}


def test_executor_may_be_an_instance(here: Path) -> None:
    class Twice(Executor):
        def run(self, fn, config, result_path):
            fn(config)
            return fn(config)

    exp, calls = make()
    exp.run(executor=Twice())
    assert calls == ["a", "a", "b", "b"]


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"executor": "inlin"}, ValueError, 'did you mean "inline"'),
        ({"executor": 5}, TypeError, "executor"),
        ({"executor": pyexp.InlineExecutor}, TypeError, r"InlineExecutor\(\)"),
        ({"retry": -1}, ValueError, "retry"),
        ({"retry": "3"}, ValueError, "retry"),
        ({"retry": True}, ValueError, "retry"),
        ({"timeout": 0}, ValueError, "timeout"),
        ({"stash": "yes"}, ValueError, "stash"),
        ({"output_dir": 5}, ValueError, "output_dir"),
        ({"jobs": -1}, RuntimeError, "jobs"),
        ({"jobs": "2"}, RuntimeError, "jobs"),
        ({"filter": 5}, RuntimeError, "filter"),
        ({"timestamp": 5}, RuntimeError, "timestamp"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(
    here: Path, options: dict[str, Any], kind: type[Exception], words: str
) -> None:
    exp, calls = make()
    with pytest.raises(kind, match=words):
        exp.run(**options)
    assert calls == [] and not (here / "out").exists()


def test_retry_tries_again(here: Path) -> None:
    tries = []

    @inline
    def flaky(cfg):
        tries.append(1)
        if len(tries) < 3:
            raise OSError("not yet")
        return "at last"

    (result,) = flaky.run(configs=[{"name": "a"}], retry=2)
    assert (len(tries), result.result, result.error) == (3, "at last", None)


def test_jobs_run_at_once(here: Path) -> None:
    """Each of two runs waits for the other: one after the other, they would never end."""

    @pyexp.experiment(executor="fork", stash=False, timeout=60)
    def meet(cfg):
        import time

        (here / cfg.name).write_text("")
        while not (here / cfg.other).exists():
            time.sleep(0.01)

    results = meet.run(configs=[{"name": "a", "other": "b"}, {"name": "b", "other": "a"}], jobs=2)
    assert [r.error for r in results] == [None, None]


def test_the_timeout_ends_a_run(here: Path) -> None:
    @pyexp.experiment(executor="fork", stash=False)
    def slow(cfg):
        import time

        time.sleep(600)

    (result,) = slow.run(configs=[{"name": "a"}], timeout=0.2)
    assert "Timeout" in result.error and "0.2" in result.error


# -- where options come from ----------------------------------------------------------------------------------------


def executor_of(exp: Any, here: Path) -> str:
    (status,) = here.glob("*/exp/a/*/status.json")
    name = json.loads(status.read_text())["executor"]
    assert isinstance(name, str)
    return name


def pyproject(here: Path, text: str) -> None:
    (here / "pyproject.toml").write_text(f"[tool.pyexp]\n{text}\n")


def plain(cfg):
    return 1


ONE = [{"name": "a"}]


def test_options_of_the_project_are_above_the_defaults(here: Path) -> None:
    pyproject(here, 'executor = "fork"\noutput_dir = "results"')
    exp = pyexp.experiment(plain, name="exp")
    exp.run(configs=ONE)
    assert executor_of(exp, here) == "fork"
    assert (here / "results").is_dir()
    assert exp.results().names == ["a"]


def test_the_decorator_is_above_the_project(here: Path) -> None:
    pyproject(here, 'executor = "subprocess"')
    exp = pyexp.experiment(plain, name="exp", executor="fork")
    exp.run(configs=ONE)
    assert executor_of(exp, here) == "fork"


def test_run_is_above_the_decorator(here: Path) -> None:
    exp = pyexp.experiment(plain, name="exp", executor="fork")
    exp.run(configs=ONE, executor="inline")
    assert executor_of(exp, here) == "inline"


def test_the_command_line_is_above_run(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["x", "--executor", "inline"])
    exp = pyexp.experiment(plain, name="exp")
    exp.run(configs=ONE, executor="fork")
    assert executor_of(exp, here) == "inline"


def test_an_unknown_option_of_the_project_is_told(here: Path) -> None:
    pyproject(here, 'executer = "fork"')
    with pytest.raises(ValueError, match=r'pyproject.toml: tool.pyexp has no key "executer".*"executor"'):
        pyexp.experiment(plain).run(configs=ONE)


# -- arguments of somebody else -------------------------------------------------------------------------------------


@pytest.mark.parametrize("argv", [["--filter", "b", "--unknown"], ["-q", "tests"], ["--help"], ["-f", "kernel.json"]])
def test_outside_a_script_arguments_that_are_not_all_ours_are_ignored(
    here: Path, monkeypatch: pytest.MonkeyPatch, argv: list[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["notebook", *argv])
    exp, calls = make()
    exp.run()
    assert calls == ["a", "b"]


def test_outside_a_script_arguments_that_are_all_ours_count(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["runner", "--filter", "b"])
    exp, calls = make()
    exp.run()
    assert calls == ["b"]


# -- reading back ---------------------------------------------------------------------------------------------------


def test_results_of_a_batch_by_date_and_prefix(here: Path) -> None:
    exp, _ = make()
    exp.run(timestamp="2024-01-25_14-30-00")
    exp.run(configs=[{"name": "c", "x": 3}], timestamp="2024-02-01_08-00-00")
    assert exp.results("2024-01-25_14-30-00").names == ["a", "b"]
    assert exp.results("2024-01-25").names == ["a", "b"]
    assert exp.results("2024-02").names == ["c"]
    assert exp.results("latest").names == exp.results().names == ["c"]
    with pytest.raises(pyexp.PyexpError, match="fits 2 batches"):
        exp.results("2024")
    with pytest.raises(pyexp.PyexpError, match='no batch "2023"'):
        exp.results("2023")


def test_results_keep_the_order_of_the_configs(here: Path) -> None:
    exp, _ = make()
    exp.run(configs=[{"name": n, "x": 1} for n in ("r10", "r2", "b", "a")])
    assert exp.results().names == ["r10", "r2", "b", "a"]


def test_finished_asks_for_the_newest_batch_that_has_ended(here: Path) -> None:
    exp, _ = make()
    exp.run(timestamp="2024-01-25_14-30-00")
    exp.run(configs=[{"name": "a", "x": 5}, {"name": "new", "x": 3}], filter="new", timestamp="2024-02-01_08-00-00")
    assert exp.results().names == ["new"]
    assert exp.results(finished=True).names == ["a", "b"]


def test_the_newest_results_can_be_looked_up(here: Path) -> None:
    exp, _ = make()
    exp.run()
    assert isinstance(exp["a"], Result) and exp["a"].cfg == Config(name="a", x=1)
    assert exp["^[ab]$"].names == ["a", "b"]
    assert exp[{"cfg.x": 2}].name == "b"
    assert exp[{"x": 2}].name == "b"
    assert exp[-1].name == "b"
    assert [r.name for r in exp] == ["a", "b"]
    assert len(exp) == 2
    with pytest.raises(IndexError, match="zzz"):
        exp["zzz"]


def test_a_lookup_before_the_first_run_says_so(here: Path) -> None:
    exp, _ = make()
    assert len(exp.results()) == 0
    with pytest.raises(IndexError, match="no results yet"):
        exp["a"]
    assert not (here / "out").exists()


def test_results_leave_out_configs_that_were_deleted(here: Path) -> None:
    exp, _ = make()
    exp.run()
    exp.run(configs=[{"name": "b", "x": 2}])
    assert exp.results().names == ["b"]


def test_a_cached_run_is_among_the_results_of_the_batch_that_did_not_execute_it(here: Path) -> None:
    exp, _ = make()
    exp.run(timestamp="2024-01-25_14-30-00")
    exp.run(timestamp="2024-02-01_08-00-00")
    assert exp.results("2024-02-01")["a"].result == {"twice": 2}
    assert exp.results("2024-02-01")["a"].out == here / "out" / "exp" / "a" / "2024-01-25_14-30-00"


def test_what_the_function_does_to_its_config_is_not_recorded(here: Path) -> None:
    @inline
    def messy(cfg):
        cfg.added = 1
        cfg.model.width = 99

    for _ in range(2):
        (result,) = messy.run(configs=[{"name": "a", "model": {"width": 1}}])
    assert result.cfg == {"name": "a", "model": {"width": 1}}
    assert len(list(here.glob("out/messy/a/*/status.json"))) == 1


def test_the_configs_that_were_passed_are_left_as_they_are(here: Path) -> None:
    exp, _ = make()
    configs = [{"name": "up", "x": 1}, {"name": "down", "x": 1, "depends_on": "up"}]
    exp.run(configs=configs)
    assert configs == [{"name": "up", "x": 1}, {"name": "down", "x": 1, "depends_on": "up"}]
