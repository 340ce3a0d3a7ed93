from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dodo_pyexp.collection.estimate import Estimate
from dodo_pyexp.collection.replicates import numbers
from dodo_pyexp.collection.runs import Runs
from dodo_pyexp.collection.tensor import Tensor
from dodo_pyexp.config.config import Config
from dodo_pyexp.config.sweep import sweep
from dodo_pyexp.errors import ConfigTypeError, LookupFailed
from dodo_pyexp.results.result import Result


def result(config: dict[str, Any], value: Any = None, error: str | None = None, **more: Any) -> Result:
    return Result(Config(config), result=value, error=error, **{"finished": True, **more})


def grid() -> list[Result]:
    configs = [
        {"name": f"net_lr{lr}_s{seed}", "lr": lr, "seed": seed, "depends_on": f"pre_s{seed}"}
        for lr in (0.1, 0.2)
        for seed in range(3)
    ]
    return [result(config, {"acc": config["lr"] + config["seed"], "tag": "x"}) for config in configs]


def test_runs_that_differ_only_in_the_key_are_one_group() -> None:
    groups = Runs(grid()).over("seed")
    assert groups.names == ["net_lr0.1", "net_lr0.2"]
    first = groups["net_lr0.1"]
    assert first.cfg == {"lr": 0.1}
    assert (first.values, first.failed, first.missing) == ([0, 1, 2], [], [])
    assert [run.name for run in first.runs] == ["net_lr0.1_s0", "net_lr0.1_s1", "net_lr0.1_s2"]
    assert first["acc"] == Estimate([0.1, 1.1, 2.1])
    assert first.keys() == ["acc"]
    assert "acc" in first and "tag" not in first
    assert groups[{"lr": 0.2}]["acc"].mean == pytest.approx(1.2)


def test_failed_and_missing_ones_are_named() -> None:
    runs = grid()[:5]  # of lr 0.2 there is no seed 2
    runs[1] = result({"name": "net_lr0.1_s1", "lr": 0.1, "seed": 1}, error="ValueError: no")
    runs[3] = result({"name": "net_lr0.2_s0", "lr": 0.2, "seed": 0}, {"acc": 9.0}, finished=False, out=Path("out"))
    first, second = Runs(runs).over("seed")
    assert (first.values, first.failed, first.missing) == ([0, 2], [1], [])
    assert (second.values, second.failed, second.missing) == ([1], [0], [2])
    assert first["acc"].n == 2
    assert str(second) == "net_lr0.2: acc 1.2 (n=1) (seed 0 failed, seed 2 missing)"


def test_what_was_never_executed_is_missing_and_has_not_failed() -> None:
    runs = grid()[:3]
    runs[1] = result({"name": "net_lr0.1_s1", "lr": 0.1, "seed": 1}, finished=False)
    (group,) = Runs(runs).over("seed")
    assert (group.values, group.failed, group.missing) == ([0, 2], [], [1])
    assert group.note() == "seed 1 missing"


def test_what_the_runs_share_is_a_config() -> None:
    runs = [result({"name": f"a{s}", "data": {"seed": s, "kind": {"of": "x"}}}, float(s)) for s in range(2)]
    (group,) = Runs(runs).over("data.seed")
    assert isinstance(group.cfg, Config) and group.cfg.data.kind.of == "x"
    assert runs[0].cfg.data.seed == 0


def test_a_key_may_lie_deeper() -> None:
    runs = [result({"name": f"a{s}", "data": {"seed": s, "kind": "x"}}, float(s)) for s in range(2)]
    (group,) = Runs(runs).over("data.seed")
    assert group.cfg == {"data": {"kind": "x"}}
    assert group["value"].mean == 0.5
    assert runs[0].cfg == {"name": "a0", "data": {"seed": 0, "kind": "x"}}


def test_runs_without_the_key_are_a_group_of_their_own_that_misses_nothing() -> None:
    runs = [*grid()[:3], result({"name": "baseline", "lr": 0.1}, {"acc": 0.0})]
    first, baseline = Runs(runs).over("seed")
    assert first["acc"].n == 3
    assert (baseline.name, baseline["acc"].n, baseline.missing) == ("baseline", 1, [])


def test_types_of_values_tell_groups_apart_and_the_order_of_keys_does_not() -> None:
    runs = [
        result({"name": "a", "x": 1, "y": (1, 2), "seed": 0}, 1.0),
        result({"name": "b", "y": (1, 2), "x": 1, "seed": 1}, 2.0),
        result({"name": "c", "x": True, "y": (1, 2), "seed": 0}, 3.0),
    ]
    assert [group["value"].n for group in Runs(runs).over("seed")] == [2, 1]


def test_a_tensor_loses_the_axis_of_the_key() -> None:
    configs: Any = [{"name": "n"}]
    for key, values in (("a", (1, 2)), ("seed", (0, 1, 2)), ("b", (5, 6))):
        configs = sweep(configs, [{"name": f"{key}{value}", key: value} for value in values])
    results = Tensor([result(config, 1.0) for config in configs], configs.shape)
    groups = results.over("seed")
    assert groups.shape == (1, 2, 2)
    assert groups[0, 1, 0].cfg == {"a": 2, "b": 5}
    assert groups.names == ["n_a1_b5", "n_a1_b6", "n_a2_b5", "n_a2_b6"]
    assert Tensor(results.tolist()[:7]).over("seed").shape == (3,)


def test_names_that_have_nothing_in_common_or_too_little_are_those_of_the_first_run() -> None:
    runs = [
        result({"name": name, "seed": seed, "x": x}, 1.0)
        for name, seed, x in (
            ("one", 0, 1),
            ("two", 1, 1),
            ("three_a", 0, 2),
            ("four", 1, 2),
            ("p_0", 0, 3),
            ("p_1", 1, 3),
            ("p_2", 0, 4),
        )
    ]
    assert Runs(runs).over("seed").names == ["one", "three_a", "p", "p_2"]


def test_a_key_that_nobody_has_is_an_error_with_a_hint() -> None:
    with pytest.raises(LookupFailed, match=r'no config has the key "sed".*did you mean "seed"'):
        Runs(grid()).over("sed")
    with pytest.raises(LookupFailed, match=r'no config has the key "nope"; there are "lr", "seed"'):
        Runs(grid()).over("nope")
    with pytest.raises(LookupFailed, match=r'no run of .* returned "ac".*did you mean "acc"'):
        Runs(grid()).over("seed")[0]["ac"]


def test_configs_are_no_results() -> None:
    with pytest.raises(ConfigTypeError, match="over\\(\\) is for results"):
        Runs([{"name": "a", "seed": 1}]).over("seed")


def test_no_results_have_no_groups() -> None:
    assert len(Runs([]).over("seed")) == 0
    assert Tensor([]).over("seed").shape == (0,)


def test_numbers_of_any_kind_count_and_truth_values_do_not() -> None:
    value = {
        "int": 3, "float": 0.5, "np": np.float32(0.25), "zero_d": np.array(2), "bool": True, "np_bool": np.bool_(True),
        "none": None, "text": "1", "list": [1], "array": np.ones(3), "deep": {"a": 1, "b": {"c": 2}}, "huge": 10**400,
    }  # fmt: skip
    assert numbers(value) == {"int": 3.0, "float": 0.5, "np": 0.25, "zero_d": 2.0, "deep.a": 1.0}
    assert numbers(np.float64(2.0)) == {"value": 2.0}
    json.dumps(numbers(value))
