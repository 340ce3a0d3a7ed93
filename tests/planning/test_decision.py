"""What is up to date and what is not: only what changed is executed, and the reason is told."""

from __future__ import annotations

import copy
import os
import random
import shutil
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pyexp
from dodo_pyexp.planning.config_changes import differences
from dodo_pyexp.planning.decision import decide, foresee
from dodo_pyexp.planning.options import resolve
from dodo_pyexp.planning.plan import Plan, PlannedExperiment
from dodo_pyexp.planning.planner import make_plan
from pyexp import Config

CONFIGS = [
    {"name": "up_a", "x": 1, "model": {"width": 1}},
    {"name": "up_b", "x": 2, "model": {"width": 1}},
    {"name": "down_a", "x": 3, "depends_on": "up_a"},
    {"name": "both", "x": 4, "depends_on": "^up_"},
    {"name": "last", "x": 5, "depends_on": "down_a"},
]


class Pipeline:
    """An experiment with dependencies; its runs return their `x` unless told otherwise."""

    def __init__(self, **options: Any) -> None:
        self.calls: list[str] = []
        self.configs: list[dict[str, Any]] = copy.deepcopy(CONFIGS)
        self.value: Any = lambda cfg: cfg.get("shown", cfg.x)

        @pyexp.experiment(name="exp", executor="inline", stash=False, **options)
        def exp(cfg):
            self.calls.append(cfg.name)
            return self.value(cfg)

        self.exp = exp
        exp.configs(lambda: self.configs)

    def build(self, **how: Any) -> list[str]:
        """Build, and tell what was executed."""
        self.calls.clear()
        self.results = self.exp.run(**how)
        return sorted(self.calls)

    def plan(self) -> Plan:
        definition = self.exp.definition
        return make_plan([(PlannedExperiment(definition, resolve(definition.options)), self.configs)], tuple)

    def reasons(self) -> dict[str, str]:
        return {run.name: repr(decision) for run, decision in foresee(self.plan()).items() if not decision.up_to_date}

    def folder(self, run: str) -> Path:
        (folder,) = self.plan_folders(run)
        return folder

    def plan_folders(self, run: str) -> list[Path]:
        return [Path(planned.files.path) for planned in self.plan().runs() if planned.name == run]

    def attempt(self, run: str) -> Path:
        (planned,) = [planned for planned in self.plan().runs() if planned.name == run]
        newest = planned.files.newest()
        assert newest is not None
        return Path(newest.path)


@pytest.fixture
def pipeline(here: Path) -> Pipeline:
    made = Pipeline()
    assert made.build() == sorted(config["name"] for config in CONFIGS)
    return made


def test_a_second_build_executes_nothing(pipeline: Pipeline) -> None:
    assert pipeline.build() == []
    assert pipeline.reasons() == {}


def test_one_changed_value_executes_that_run_and_what_depends_on_it(pipeline: Pipeline) -> None:
    pipeline.configs[0]["x"] = 10
    assert pipeline.reasons()["up_a"] == "stale: config: x 1 -> 10"
    assert pipeline.build() == ["both", "down_a", "up_a"]  # down_a gave the same as before: last is left alone
    assert pipeline.build() == []


def test_a_changed_value_at_the_end_executes_that_run_alone(pipeline: Pipeline) -> None:
    pipeline.configs[4]["x"] = 50
    assert pipeline.build() == ["last"]


def test_a_change_goes_all_the_way_when_every_output_changes(pipeline: Pipeline) -> None:
    pipeline.value = lambda cfg: random.random()
    pipeline.configs[0]["x"] = 10
    assert pipeline.build() == ["both", "down_a", "last", "up_a"]


def test_an_upstream_that_puts_out_the_same_leaves_its_downstream_alone(pipeline: Pipeline) -> None:
    pipeline.configs[0] |= {"x": 10, "shown": 1}
    assert pipeline.build() == ["up_a"]
    assert pipeline.build(filter="up_a", rerun=True) == ["up_a"]
    assert pipeline.build() == []


def test_an_upstream_that_changed_and_is_to_be_made_again_may_turn_out_as_it_was(pipeline: Pipeline) -> None:
    pipeline.configs[0]["x"] = 9
    assert pipeline.build(filter="^up_a$") == ["up_a"]
    assert pipeline.reasons()["down_a"] == "stale: upstream exp:up_a changed"
    pipeline.configs[0]["x"] = 1
    reasons = pipeline.reasons()
    assert reasons["up_a"] == "stale: config: x 9 -> 1"
    assert reasons["down_a"] == reasons["both"] == "stale: upstream exp:up_a has to be built first"
    assert pipeline.build() == ["up_a"]


def test_another_order_of_depends_on_gives_the_function_other_deps(pipeline: Pipeline) -> None:
    pipeline.configs[3]["depends_on"] = ["^up_b$", "^up_a$"]
    assert pipeline.build() == ["both"]
    assert pipeline.build() == []


def test_a_forced_run_that_fails_is_not_taken_for_its_earlier_success(here: Path) -> None:
    pipeline = Pipeline()
    pipeline.build()

    def fail(cfg: Config) -> int:
        raise ValueError("boom")

    pipeline.value = fail
    seen: list[Any] = []
    pipeline.exp.report(lambda results: seen.append([(r.name, r.get("__error__")) for r in results]))
    pipeline.build(rerun=True, filter="^last$")
    assert dict(seen[0])["last"] is True


def test_one_folder_that_cannot_be_used_is_the_failure_of_one_run(here: Path) -> None:
    pipeline = Pipeline()
    (here / "out" / "exp").mkdir(parents=True)
    (here / "out" / "exp" / "up_b").write_text("in the way")
    assert pipeline.build() == ["down_a", "last", "up_a"]
    assert "cannot write to" in (pipeline.results["up_b"].error or "cannot write to")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda model: model.unlink(), "model/weights.bin, which the run saved, is gone"),
        (lambda model: model.write_bytes(b"123"), "model/weights.bin, which the run saved, has 3 bytes instead of 10"),
    ],
)
def test_a_saved_file_that_is_gone_or_cut_off_is_made_again(here: Path, damage: Any, reason: str) -> None:
    pipeline = saving()
    damage(pipeline.attempt("up_a") / "model" / "weights.bin")
    assert pipeline.reasons()["up_a"] == f"stale: result damaged: {reason}"
    assert pipeline.build() == ["up_a"]
    assert pipeline.build() == []


def test_a_saved_file_that_has_grown_is_left_alone(here: Path) -> None:
    pipeline = saving()
    with open(pipeline.attempt("up_a") / "model" / "weights.bin", "ab") as file:
        file.write(b"more")
    assert pipeline.build() == []


def saving() -> Pipeline:
    """Build a pipeline whose runs save a file in a folder of theirs."""
    pipeline = Pipeline()

    def save(cfg: Config) -> int:
        (cfg.out / "model").mkdir()
        (cfg.out / "model" / "weights.bin").write_bytes(b"0123456789")
        return 1

    pipeline.value = save
    pipeline.build()
    return pipeline


def test_a_saved_file_counts_as_output(here: Path) -> None:
    calls: list[str] = []
    text = ["one"]

    @pyexp.experiment(executor="inline", stash=False)
    def exp(cfg, out):
        calls.append(cfg.name)
        if cfg.name == "up":
            (out / "deep").mkdir()
            (out / "deep" / "file").write_text(text[0])

    configs = [{"name": "up"}, {"name": "down", "depends_on": "up"}]
    exp.run(configs=configs)
    exp.run(configs=configs, filter="up", rerun=True)
    exp.run(configs=configs)
    assert calls == ["up", "down", "up"]
    text[0] = "two"
    exp.run(configs=configs, filter="up", rerun=True)
    exp.run(configs=configs)
    assert calls == ["up", "down", "up", "up", "down"]


def test_a_new_run_is_executed_alone(pipeline: Pipeline) -> None:
    pipeline.configs.insert(0, {"name": "new", "x": 0})
    assert pipeline.build() == ["new"]


def test_a_deleted_run_executes_nothing(pipeline: Pipeline) -> None:
    del pipeline.configs[4]
    assert pipeline.build() == []


def test_the_order_of_configs_only_matters_to_a_run_whose_deps_it_changes(pipeline: Pipeline) -> None:
    pipeline.configs = [dict(reversed(config.items())) for config in reversed(CONFIGS)]
    pipeline.configs[1]["depends_on"] = "^up_[ab]$"
    assert pipeline.reasons() == {"both": "stale: the order of its upstreams changed"}
    assert pipeline.build() == ["both"]
    assert pipeline.build() == []


def test_the_type_of_a_value_matters(pipeline: Pipeline) -> None:
    pipeline.configs[4]["x"] = 5.0
    assert pipeline.reasons() == {"last": "stale: config: x 5 -> 5.0"}


def test_another_upstream_is_a_reason(pipeline: Pipeline) -> None:
    pipeline.configs[2]["depends_on"] = ["up_a", "up_b"]
    assert pipeline.reasons()["down_a"] == "stale: upstream exp:up_b is new"
    assert pipeline.build() == ["down_a"]
    pipeline.configs[2]["depends_on"] = "up_b"
    assert "up_a is no longer one" in pipeline.reasons()["down_a"]
    assert pipeline.build() == ["down_a"]


def test_a_failed_run_is_tried_again_and_says_why_it_failed(pipeline: Pipeline) -> None:
    def fail(cfg):
        raise ValueError("no luck")

    pipeline.value = fail
    pipeline.configs[4]["x"] = 50
    assert pipeline.build() == ["last"]
    assert pipeline.reasons()["last"].startswith("failed: last attempt failed: ValueError: no luck at ")
    assert pipeline.build() == ["last"]


def test_a_rerun_that_fails_is_not_up_to_date(pipeline: Pipeline) -> None:
    def fail(cfg):
        raise ValueError("no luck")

    before, pipeline.value = pipeline.value, fail
    assert pipeline.build(filter="last", rerun=True) == ["last"]
    pipeline.value = before
    assert pipeline.build() == ["last"]


def test_every_run_of_a_rename_is_a_run_of_its_own(pipeline: Pipeline) -> None:
    pipeline.configs[4]["name"] = "finale"
    assert pipeline.build() == ["finale"]


def test_flat_and_hashed_layouts_know_what_is_up_to_date_too(here: Path) -> None:
    for options in ({"timestamp": False}, {"hash_configs": True}, {"timestamp": False, "hash_configs": True}):
        shutil.rmtree("out", ignore_errors=True)
        pipeline = Pipeline(**options)
        assert len(pipeline.build()) == 5
        assert pipeline.build() == []
        pipeline.configs[0]["x"] = 10
        assert "up_a" in pipeline.build()
        assert pipeline.build() == []


# -- damage ---------------------------------------------------------------------------------------------------------


def value_of(pipeline: Pipeline, run: str) -> Any:
    return pipeline.exp.results()[run].result


@pytest.mark.parametrize("name", [".finished", "experiment.pkl", "result.json", "config.json", "status.json",
                                  "config.yml", "log.out", "attempt"])  # fmt: skip
@pytest.mark.parametrize("how", ["delete", "empty", "cut", "garbage"])
@pytest.mark.parametrize("flat", [False, True], ids=["attempts", "flat"])
def test_a_damaged_file_costs_at_most_its_own_run(here: Path, name: str, how: str, flat: bool) -> None:
    pipeline = Pipeline(timestamp=not flat)
    pipeline.build()
    folder, attempt = pipeline.folder("up_a"), pipeline.attempt("up_a")
    path = attempt if name == "attempt" else (folder if name == ".finished" else attempt) / name
    damage(path, how)
    assert pipeline.build() in ([], ["up_a"])
    assert value_of(pipeline, "up_a") == 1
    assert pipeline.exp.results()["up_a"].finished
    assert pipeline.build() == []
    if name in (".finished", "experiment.pkl", "result.json", "config.json"):
        assert not list(here.glob("**/*.tmp"))


def damage(path: Path, how: str) -> None:
    if path.is_dir():
        shutil.rmtree(path)
        if how != "delete":
            path.mkdir()
        return
    data = path.read_bytes()
    path.unlink()
    if how == "empty":
        path.write_bytes(b"")
    elif how == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif how == "garbage":
        path.write_bytes(b"\x80\x81 {not what it was" + data)


def test_a_record_cut_off_at_any_byte_is_no_record(pipeline: Pipeline) -> None:
    (run,) = [run for run in pipeline.plan().runs() if run.name == "up_a"]
    path = Path(run.files.finished)
    data = path.read_bytes()
    for size in range(len(data) - 1):  # the last byte is only the newline
        path.write_bytes(data[:size])
        assert not decide(run).decision.up_to_date
    path.write_bytes(data)
    assert decide(run).decision.up_to_date


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_a_record_with_any_byte_changed_is_read_without_an_exception(
    pipeline: Pipeline, position: int, byte: int
) -> None:
    (run,) = [run for run in pipeline.plan().runs() if run.name == "down_a"]
    path = Path(run.files.finished)
    data = path.read_bytes()
    try:
        changed = bytearray(data)
        changed[position % len(data)] = byte
        path.write_bytes(changed)
        decide(run)
    finally:
        path.write_bytes(data)


@pytest.mark.parametrize(
    "text",
    ["[]", "null", "5", '"x"', "{}", '{"format": 1}', '{"format": 99, "files": {}}', "[" * 100_000,
     '{"format": 1, "name": 1, "config_hash": 1, "upstream": [], "digest": 1, "attempt": "..", "files": []}',
     '{"format": 1, "name": "a", "config_hash": "HASH", "upstream": {}, "digest": "d", "attempt": "../..", '
     '"files": {}}',
     '{"format": 1, "name": "a", "config_hash": "HASH", "upstream": {}, "digest": "d", "attempt": "a", '
     '"files": {"\\u0000": 1}}'],
)  # fmt: skip
def test_a_record_that_says_something_else_is_damaged(pipeline: Pipeline, text: str) -> None:
    (run,) = [run for run in pipeline.plan().runs() if run.name == "up_a"]
    Path(run.files.finished).write_text(text.replace("HASH", run.hash))
    assert not decide(run).decision.up_to_date
    assert pipeline.build() == ["up_a"]


def test_a_manifest_cut_off_anywhere_is_passed_over(pipeline: Pipeline) -> None:
    pipeline.exp.run(timestamp="2099-01-01_00-00-00")
    manifest = Path("out/exp/.batches/2099-01-01_00-00-00.json")
    data = manifest.read_bytes()
    for size in range(0, len(data) - 1, 7):
        manifest.write_bytes(data[:size])
        assert len(pipeline.exp.results()) == 5
    assert pipeline.build() == []


def test_asking_for_a_damaged_batch_says_so(pipeline: Pipeline) -> None:
    pipeline.exp.run(timestamp="2099-01-01_00-00-00")
    Path("out/exp/.batches/2099-01-01_00-00-00.json").write_text("{")
    with pytest.raises(pyexp.PyexpError, match="damaged"):
        pipeline.exp.results("2099")


@pytest.mark.parametrize("how", ["delete", "empty", "cut", "garbage"])
def test_the_database_of_doit_is_only_a_cache(pipeline: Pipeline, how: str) -> None:
    damage(Path("out/.doit.db"), how)
    assert pipeline.build() == []
    pipeline.configs[4]["x"] = 9
    assert pipeline.build() == ["last"]


def test_losing_every_manifest_executes_nothing(pipeline: Pipeline) -> None:
    shutil.rmtree("out/exp/.batches")
    assert pipeline.build() == []
    assert value_of(pipeline, "both") == 4


def test_out_may_move(pipeline: Pipeline, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "elsewhere").mkdir()
    shutil.move(here / "out", here / "elsewhere" / "out")
    monkeypatch.chdir(here / "elsewhere")
    found = pipeline.exp.results(output_dir="out")
    assert found["both"].result == 4
    assert found["both"].out.is_relative_to(here / "elsewhere")
    assert pipeline.build() == []


def test_out_may_be_copied_under_another_name(pipeline: Pipeline, here: Path) -> None:
    shutil.copytree(here / "out", here / "results")
    assert pipeline.build(output_dir="results") == []
    assert pipeline.exp.results(output_dir="results")["both"].out.is_relative_to(here / "results")


# -- words ----------------------------------------------------------------------------------------------------------


def test_differences_in_lists_of_sections_stay_on_one_line() -> None:
    before, after = Config(l=[{"a": 1, "b": 2}]), Config(l=[{"a": 3, "b": 2}])
    assert differences(before, after) == {"l": "l [{'a': 1, 'b': 2}] -> [{'a': 3, 'b': 2}]"}


def test_differences_name_dotted_keys() -> None:
    before = Config(name="a", lr=0.1, model={"w": 1, "d": 2}, gone=1, depends_on="x")
    after = Config(name="b", lr=0.01, model={"w": 1, "d": 3}, new=[1])
    assert differences(before, after) == {
        "lr": "lr 0.1 -> 0.01",
        "model.d": "model.d 2 -> 3",
        "gone": "gone removed",
        "new": "new added",
    }


class Act(Enum):
    RELU = "relu"


def test_what_counts_as_the_same_is_no_difference() -> None:
    before = Config(act="relu", lr=0.5, nan=float("nan"), sizes=[1, 2], flag=1)
    after = Config(act=Act.RELU, lr=0.5, nan=float("nan"), sizes=(1, 2), flag=True)
    assert differences(before, after) == {"flag": "flag 1 -> True"}


# -- folders with a hash of the config --------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"hash_configs": True}, {"timestamp": False}])
def test_where_the_folder_changes_with_the_config_the_newest_sibling_tells_what_changed(
    here: Path, options: dict[str, bool]
) -> None:
    pipeline = Pipeline(**options)
    pipeline.configs = [{"name": "a-0123456789ab", "x": 1}, {"name": "a", "x": 1}]
    pipeline.build()
    pipeline.configs[1]["x"] = 2
    assert pipeline.reasons() == {"a": "stale: config: x 1 -> 2"}
    pipeline.build()
    pipeline.configs[1] |= {"x": 3, "y": 4}
    assert pipeline.reasons() == {"a": "stale: config: x 2 -> 3, y added"}
    pipeline.configs[1] = {"name": "a", "x": 1}
    assert pipeline.reasons() == {}
    pipeline.configs[1] = {"name": "new", "x": 1}
    asked = "never run; exp:a, an orphan, has the same config: renamed?"
    assert pipeline.reasons() == {"new": f"missing: {asked}"}


def test_a_damaged_sibling_is_passed_over(here: Path) -> None:
    pipeline = Pipeline(hash_configs=True)
    pipeline.configs = [{"name": "a", "x": 1}]
    pipeline.build()
    (pipeline.folder("a") / ".finished").write_text("{")
    pipeline.configs = [{"name": "a", "x": 2}]
    assert pipeline.reasons() == {"a": "missing: never run"}


def test_siblings_are_looked_for_only_where_something_is_missing_and_only_once(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = Pipeline(hash_configs=True)
    pipeline.build()
    listed: list[str] = []
    real = os.listdir

    def listdir(path: Any = ".") -> list[str]:
        listed.append(os.path.basename(path))
        return real(path)

    monkeypatch.setattr(os, "listdir", listdir)
    assert pipeline.reasons() == {}
    assert listed == []
    for config in pipeline.configs:
        config["new"] = 1
    assert len(pipeline.reasons()) == len(pipeline.configs)
    assert listed.count("exp") == 1
