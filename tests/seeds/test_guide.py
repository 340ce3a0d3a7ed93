"""The pyexp guide: each of its code blocks runs as printed, and does what the guide says."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

TRAIN = """
def train(lr, width, out):
    assert out.is_dir()
    return lr * width

"""

# Copied from the guide, letter by letter.
MINIMAL = """
import pyexp
from pyexp import Config, sweep
from pathlib import Path

@pyexp.experiment(name="my_experiment")
def experiment(cfg: Config, out: Path):
    result_value = train(cfg.lr, cfg.width, out=out)
    return {"score": result_value}

@experiment.configs
def configs():
    base = {"name": "run", "lr": 0.01, "width": 64}
    return [base]

if __name__ == "__main__":
    experiment.run()
"""


def test_the_minimal_experiment_runs_and_is_up_to_date_afterwards(project: Any) -> None:
    project.write("my_experiment.py", TRAIN + MINIMAL)
    project.python("my_experiment.py")
    project.python("my_experiment.py")
    (attempt,) = project.attempts("run", "my_experiment")
    assert json.loads((attempt / "result.json").read_text()) == {"score": 0.64}


def test_the_output_has_the_documented_structure(project: Any) -> None:
    project.write("my_experiment.py", TRAIN + MINIMAL)
    project.python("my_experiment.py")
    experiment = project.out / "my_experiment"
    (attempt,) = project.attempts("run", "my_experiment")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d", attempt.name)
    files = {"config.json", "config.yml", "experiment.pkl", "log.out", ".finished"}
    assert files <= {path.name for path in attempt.iterdir()}
    manifests = list((experiment / ".batches").iterdir())
    assert [path.suffix for path in manifests] == [".json"]
    assert json.loads((attempt / "config.json").read_text())["lr"] == 0.01
    assert "lr: 0.01" in (attempt / "config.yml").read_text()


def test_every_documented_parameter_of_the_decorator_is_accepted(here: Path) -> None:
    namespace: dict[str, Any] = {}
    exec(
        """
import pyexp

@pyexp.experiment(
    name="exp",            # Experiment name; used as output subdirectory
    output_dir="out",      # Root directory for results (default: "out")
    executor="subprocess", # "inline", "subprocess" (default), "fork", "ray"
    retry=0,               # Number of retries on failure
    stash=True,            # Capture git state before running
    hash_configs=False,    # Use config hash instead of name for directories
)
def fn(cfg): ...
""",
        namespace,
    )
    assert namespace["fn"].name == "exp"


def test_configs_may_be_a_sweep(here: Path) -> None:
    from pyexp import experiment as decorate
    from pyexp import sweep

    @decorate(executor="inline", stash=False)
    def experiment(cfg):
        return cfg.lr

    @experiment.configs
    def configs():
        base = {"name": "default", "lr": 0.01, "epochs": 100}

        lrs = [
            {"name": "lr1e-2", "lr": 0.01},
            {"name": "lr1e-3", "lr": 0.001},
        ]

        return sweep([base], lrs)

    results = experiment.run()
    assert [(r.name, r.result) for r in results] == [("default_lr1e-2", 0.01), ("default_lr1e-3", 0.001)]


def test_config_has_dots_and_get() -> None:
    from pyexp import Config

    cfg = Config({"optimizer": {"lr": 0.5}})
    default = object()
    assert cfg.optimizer.lr == cfg["optimizer"]["lr"]
    assert cfg.get("key", default) is default
    assert isinstance(cfg.optimizer, Config)


def test_merge_has_three_modes() -> None:
    from pyexp import merge

    assert merge({"model": {"width": 32, "depth": 2}},
          {"model": {"width": 64}}) == {"model": {"width": 64}}  # fmt: skip
    assert merge({"model": {"width": 32, "depth": 2}},
          {"**model": {"width": 64}}) == {"model": {"width": 64, "depth": 2}}  # fmt: skip
    assert merge({"model": {"width": 32, "depth": 2}},
          {"model.width": 64}) == {"model": {"width": 64, "depth": 2}}  # fmt: skip


def test_sweep_is_the_product() -> None:
    from pyexp import sweep

    cfgs = [{"name": "base", "dropout": 0.1}]
    sizes = [{"name": "small", "width": 32}, {"name": "large", "width": 128}]
    result = sweep(cfgs, sizes)
    assert list(result) == [
        {"name": "base_small", "dropout": 0.1, "width": 32},
        {"name": "base_large", "dropout": 0.1, "width": 128},
    ]


def test_sweeps_compose() -> None:
    from pyexp import sweep

    base = {"name": "b"}
    method_variations = [{"name": "m1"}, {"name": "m2"}]
    dataset_variations = [{"name": "d1"}, {"name": "d2"}]
    lr_variations = [{"name": "l1"}, {"name": "l2"}]
    cfgs = sweep([base], method_variations)
    cfgs = sweep(cfgs,   dataset_variations)  # fmt: skip
    cfgs = sweep(cfgs,   lr_variations)  # fmt: skip
    assert len(cfgs) == 8
    assert cfgs[0]["name"] == "b_m1_d1_l1"


def test_load_config_follows_imports(here: Path) -> None:
    from pyexp import load_config

    (here / "base.yml").write_text("lr: 0.1\nseed: 3\n")
    (here / "config.yml").write_text(
        """\
# config.yml
imports: [base.yml]
lr: 0.001
model:
  width: 64
"""
    )
    assert load_config("config.yml") == {"lr": 0.001, "seed": 3, "model": {"width": 64}}
    assert load_config(["base.yml", "config.yml"]).lr == 0.001


def test_runs_have_every_documented_index() -> None:
    from pyexp import Config, Runs

    runs = Runs(
        [
            Config(name="my_run", lr=0.01, model={"width": 32}),
            Config(name="prefix_a", lr=0.02, model={"width": 64}),
            Config(name="prefix_b", lr=0.02, model={"width": 64}),
        ]
    )
    assert runs[0].name == "my_run"
    assert runs["my_run"] is runs[0]
    assert [r.name for r in runs["prefix.*"]] == ["prefix_a", "prefix_b"]
    assert runs[{"lr": 0.01}] is runs[0]
    assert runs[{"model.width": 32}] is runs[0]
    assert isinstance(runs[{"lr": 0.02}], Runs)


DEPENDENCIES = """
import pyexp
from pathlib import Path
from pyexp import Config, Runs

@pyexp.experiment(name="pretrain")
def pretrain(cfg: Config, out: Path):
    (out / "checkpoint.pt").write_text(cfg.name)

@pretrain.configs
def configs():
    return [{"name": "pretrain_run", "dataset": "mnist"}, {"name": "pretrain_other", "dataset": "cifar"}]

stage2_cfg = {
    "name": "finetune",
    "depends_on": "^pretrain.*",  # Regex matched against other config names
}

@pyexp.experiment(name="finetune")
def experiment(cfg: Config, out: Path, deps: Runs):
    pretrain_result = deps["pretrain_run"]
    checkpoint = pretrain_result.out / "checkpoint.pt"
    return [checkpoint.read_text(), len(deps)]

@experiment.configs
def configs():
    return [stage2_cfg]

if __name__ == "__main__":
    experiment.run()
    print(experiment["finetune"].result)
"""


def test_the_downstream_experiment_gets_its_dependencies(project: Any) -> None:
    project.write("exp.py", DEPENDENCIES)
    assert project.python("exp.py").stdout.split("\n")[-2] == "['pretrain_run', 2]"


def test_results_of_another_experiment_can_be_loaded(project: Any) -> None:
    project.write("my_module/__init__.py", "")
    project.write("my_module/experiment_pretrain.py", DEPENDENCIES.replace("def experiment", "def finetune").replace(
        "@experiment.configs\ndef configs():\n    return [stage2_cfg]", "").replace("def pretrain", "def experiment")
        .replace("@pretrain.configs", "@experiment.configs"))  # fmt: skip
    project.write("run_pretrain.py", "from my_module.experiment_pretrain import experiment\nexperiment.run()\n")
    project.python("run_pretrain.py")
    project.write(
        "later.py",
        """
        from pyexp import Config
        cfg = Config(dataset="mnist")
        from my_module.experiment_pretrain import experiment as pretrain_exp

        match = pretrain_exp[{"cfg.dataset": cfg.dataset}]
        cfg.checkpoint = str(match.out / "checkpoint.pt")
        print(open(cfg.checkpoint).read())
        """,
    )
    assert project.python("later.py").stdout == "pretrain_run\n"


def test_result_has_the_documented_fields(here: Path) -> None:
    import pyexp

    @pyexp.experiment(executor="inline", stash=False)
    def experiment(cfg):
        print("hello")
        if cfg.name == "bad":
            raise ValueError("no luck")
        return 7

    good, bad, skipped = experiment.run(
        configs=[{"name": "good"}, {"name": "bad"}, {"name": "after", "depends_on": "bad"}]
    )
    assert isinstance(good.cfg, pyexp.Config)
    assert (good.name, good.result, good.error, good.log) == ("good", 7, None, "hello\n")
    assert good.out.is_dir()
    assert good.finished and bad.finished
    assert "Traceback" in bad.error and "ValueError: no luck" in bad.error
    assert not bad.skipped and skipped.skipped


def test_results_load_by_batch_and_by_index(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import pyexp

    @pyexp.experiment(executor="inline", stash=False)
    def experiment(cfg):
        return 1 / cfg.lr

    experiment.run(
        configs=[
            {"name": "my_run", "lr": 0.001},
            {"name": "prefix_a", "lr": 1},
            {"name": "prefix_zero", "lr": 0},
        ],
        timestamp="2026-02-17_10-00-00",
    )
    results = experiment.results()  # Latest batch
    assert len(results) == 3
    results = experiment.results("2026-02-17")  # Specific timestamp
    assert len(results) == 3

    # Shorthand: index directly on the experiment (uses latest results)
    r  = experiment["my_run"]  # fmt: skip
    rs = experiment["prefix.*"]
    assert r.name == "my_run" and len(rs) == 2
    rs = experiment[{"cfg.lr": 0.001}]
    assert rs.name == "my_run"

    capfd.readouterr()
    # Iterate
    for r in results:
        if r.error:
            print(r.name, "FAILED")
        else:
            print(r.name, r.result)
    assert capfd.readouterr().out == "my_run 1000.0\nprefix_a 1.0\nprefix_zero FAILED\n"


CLI = """
import pyexp, os
from tally import mark

@pyexp.experiment(name="exp")
def experiment(cfg):
    mark(cfg)
    print("hello from", cfg.name)
    if os.path.exists("break") and cfg.name == "small_b":
        raise RuntimeError("broken")
    return cfg.name

@experiment.configs
def configs():
    return [{"name": "small_a"}, {"name": "small_b"}, {"name": "large", "depends_on": "small_a"}]

if __name__ == "__main__":
    experiment.run()
"""


def test_every_documented_command_works(project: Any) -> None:
    project.write("my_experiment.py", CLI)
    project.python("my_experiment.py", "--filter", "^small.*")
    assert project.executed() == ["small_a", "small_b"]
    project.python("my_experiment.py", "--executor", "fork")
    assert project.executed() == ["large"]
    project.python("my_experiment.py")
    project.python("my_experiment.py", "--continue", "latest")
    assert project.executed() == []
    assert len(re.findall(r"\d{4}-\d\d-\d\d_", project.python("my_experiment.py", "--list").stdout)) == 3
    graph = project.python("my_experiment.py", "--graph").stdout
    assert graph.index("small_a") < graph.index("large")
    assert "hello from small_a" in project.python("my_experiment.py", "-s", "--rerun").stdout
    assert sorted(project.executed()) == ["large", "small_a", "small_b"]


def test_retry_tries_a_failing_run_so_many_times_more(project: Any) -> None:
    project.write("my_experiment.py", CLI)
    project.write("break", "")
    project.python("my_experiment.py", "--retry", "3", "--filter", "small_b", status=1)
    assert project.executed() == ["small_b"] * 4


@pytest.mark.parametrize("executor", ["inline", "subprocess", "fork"])
def test_every_documented_executor_executes(project: Any, executor: str) -> None:
    if executor == "fork" and sys.platform == "win32":
        pytest.skip("there is no fork on Windows")
    project.write("my_experiment.py", CLI)
    project.python("my_experiment.py", "--executor", executor)
    assert sorted(project.executed()) == ["large", "small_a", "small_b"]
