"""The pyexp README: each of its code blocks runs as printed, and does what the README says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

# Copied from the README, letter by letter.
QUICK_START = """
import pyexp
from pyexp import Config

@pyexp.experiment(name="mnist")
def experiment(config: Config):
    lr = config.learning_rate
    epochs = config.epochs
    # Run your experiment...
    return {"accuracy": 0.95}

@experiment.configs
def configs():
    return [
        {"name": "fast", "learning_rate": 0.01, "epochs": 10},
        {"name": "slow", "learning_rate": 0.001, "epochs": 100},
    ]

@experiment.report
def report(results):
    # Each result contains 'name', 'config', and experiment outputs
    for r in results:
        print(f"{r['name']}: {r['accuracy']}")

    # Filter by config values
    fast_results = results[{"config.learning_rate": 0.01}]

if __name__ == "__main__":
    experiment.run()
"""
STAMP = "2024-01-25_14-30-00"


def attempts(project: Any) -> int:
    return len(list(project.out.glob("mnist/*/*/status.json")))


def test_the_quick_start_runs_reports_and_caches(project: Any) -> None:
    project.write("main.py", QUICK_START)
    first = project.python("main.py")
    assert first.stdout == "fast: 0.95\nslow: 0.95\n"
    assert attempts(project) == 2
    again = project.python("main.py")
    assert again.stdout == first.stdout
    assert attempts(project) == 2


def test_the_command_lines_run_as_printed(project: Any) -> None:
    project.write("main.py", QUICK_START)
    project.python("main.py", "--timestamp", STAMP)
    project.python("main.py", "--timestamp", STAMP)
    assert attempts(project) == 2
    project.python("main.py", "--timestamp", STAMP, "--rerun")
    assert attempts(project) == 4
    done = project.python("main.py", "--timestamp", STAMP, "--report")
    assert (done.stdout, done.stderr) == ("fast: 0.95\nslow: 0.95\n", "")
    assert project.python("main.py", "--report").stdout == done.stdout


def decorated(text: str) -> Any:
    namespace: dict[str, Any] = {"__name__": "blocks"}
    exec("import pyexp\nfrom pyexp import *\n" + text, namespace)
    return namespace["my_experiment"]


def test_the_decorator_works_bare_with_name_and_timestamp_and_run_overrides_them(here: Path) -> None:
    my_experiment = decorated("@pyexp.experiment\ndef my_experiment(config): ...\n")
    my_experiment.run(configs=[{"name": "c"}], executor="inline", stash=False)
    assert len(list(here.glob("out/my_experiment/c/*/config.json"))) == 1

    my_experiment = decorated('@pyexp.experiment(name="mnist", timestamp=False)\ndef my_experiment(config): ...\n')
    my_experiment.configs(lambda: [{"name": "c"}])
    my_experiment.run(executor="inline", stash=False)
    (folder,) = here.glob("out/mnist/c-*")
    assert re.fullmatch("c-[0-9a-f]{12}", folder.name)
    assert (folder / "config.json").exists()

    # Override at runtime
    experiment = my_experiment
    experiment.run(name="experiment_v2", timestamp=False, executor="inline", stash=False)
    assert len(list(here.glob("out/experiment_v2/c-*/.finished"))) == 1


def test_failures_read_as_printed(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import pyexp

    @pyexp.experiment(stash=False)
    def experiment(config):
        if config.bad:
            import ctypes

            ctypes.string_at(0)
        if config.name == "raises":
            raise KeyError("nothing")
        return {"accuracy": 1.0}

    @experiment.report
    def report(results):
        for r in results:
            if r.get("__error__"):
                print(f"{r['name']} failed: {r['type']}: {r['message']}")
            else:
                print(f"{r['name']}: {r['accuracy']}")

    experiment.run(configs=[{"name": "a", "bad": True}, {"name": "raises", "bad": False}, {"name": "b", "bad": False}])
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].startswith("a failed: ProcessKilled: ") and "SIGSEGV" in lines[0]
    assert lines[1].startswith("raises failed: KeyError: ")
    assert lines[2] == "b: 1.0"


@pytest.mark.parametrize("executor", ["subprocess", "fork", "inline", "ray"])
def test_the_decorator_takes_every_execution_mode(executor: str) -> None:
    assert decorated(f"@pyexp.experiment(executor={executor!r})\ndef my_experiment(config): ...\n").name


def test_the_ray_executor_takes_what_is_printed() -> None:
    import importlib.util

    from pyexp import RayExecutor

    if importlib.util.find_spec("ray") is None:
        with pytest.raises(RuntimeError, match=r'pip install "dodo-pyexp\[ray\]"'):
            RayExecutor()
        return
    executor = RayExecutor(
        address="auto",  # Or "ray://cluster-head:10001"
        runtime_env={
            "working_dir": ".",            # Sync current directory to workers
            "excludes": ["data/", "*.pt"], # Don't upload large files
            "pip": ["pandas", "numpy"],    # Install packages on workers
        },
        num_cpus=4,
        num_gpus=1,
    )  # fmt: skip
    assert executor.name == "ray"


def test_configs_read_both_ways() -> None:
    from pyexp import Config

    config = Config({"learning_rate": 0.1, "optimizer": {"lr": 0.2}})
    assert config["learning_rate"] == config.learning_rate
    assert config.optimizer.lr == 0.2


def test_artifacts_are_saved_in_config_out(here: Path) -> None:
    class torch:  # noqa: N801  # stands in for the real one
        @staticmethod
        def save(model, path):
            path.write_text(model)

    def train(config):
        return f"trained with {config.lr}"

    import pyexp
    from pyexp import Config

    @pyexp.experiment
    def experiment(config: Config):
        model = train(config)
        torch.save(model, config.out / "model.pt")
        return {"accuracy": 0.95}

    (result,) = experiment.run(configs=[{"name": "a", "lr": 1}], executor="fork", stash=False)
    assert (result.out / "model.pt").read_text() == "trained with 1"
    assert "out" not in result.cfg
    assert '"out"' not in (result.out / "config.json").read_text()


SWEEP = """
import pyexp
from pyexp import sweep

@pyexp.experiment(executor="inline", stash=False)
def my_experiment(config):
    return {"accuracy": config.learning_rate * config.epochs}

experiment = my_experiment

@experiment.configs
def configs():
    cfgs = [{"name": "exp", "base_lr": 0.01, "mlp": {"width": 128}}]

    # Sweep over learning rates
    cfgs = sweep(cfgs, [
        {"name": "lr0.1", "learning_rate": 0.1},
        {"name": "lr0.01", "learning_rate": 0.01},
    ])

    # Sweep over epochs (creates 2x2 = 4 configs)
    cfgs = sweep(cfgs, [
        {"name": "e10", "epochs": 10},
        {"name": "e100", "epochs": 100},
    ])

    return cfgs  # Shape: (1, 2, 2), names: exp_lr0.1_e10, exp_lr0.1_e100, ...
"""


def names(found: Any) -> list[str]:
    return [r.name for r in found]


def test_sweeps_filters_and_tensor_indices_are_as_printed(here: Path) -> None:
    experiment = decorated(SWEEP)
    seen: dict[str, Any] = {}

    @experiment.report
    def report(results):
        # Pattern matching on name (glob-style)
        lr01_results = results["exp_lr0.1_*"]  # All with lr0.1
        epoch10_results = results["*_e10"]  # All with e10
        seen["patterns"] = names(lr01_results), names(epoch10_results)

        # Dict matching on config values
        lr01_results = results[{"config.learning_rate": 0.1}]

        # Multiple constraints
        specific = results[{"config.learning_rate": 0.1, "config.epochs": 10}]

        # Nested config access
        wide_results = results[{"config.mlp.width": 128}]
        seen["queries"] = names(lr01_results), specific.name, len(wide_results)

        # Shape is (1, 2, 2) from sweeps
        seen["shape"] = results.shape

        # Index by position
        first_lr = results[:, 0, :]  # All configs with first lr value
        seen["first"] = names(first_lr)

        # Access individual result
        r = results[0, 1, 0]
        seen["one"] = r["name"], r["accuracy"]
        return "what the report returns"

    assert experiment.run() == "what the report returns"
    first = ["exp_lr0.1_e10", "exp_lr0.1_e100"]
    assert seen == {
        "patterns": (first, ["exp_lr0.1_e10", "exp_lr0.01_e10"]),
        "queries": (first, "exp_lr0.1_e10", 4),
        "shape": (1, 2, 2),
        "first": first,
        "one": ("exp_lr0.01_e10", 0.1),
    }
    assert experiment.results().shape == (1, 2, 2)


def test_dots_in_a_sweep_update_one_nested_value() -> None:
    from pyexp import sweep

    cfgs = [{"name": "exp", "mlp": {"width": 32, "depth": 2}}]
    cfgs = sweep(cfgs, [
        {"name": "w64", "mlp.width": 64},   # Only updates width, keeps depth
        {"name": "w128", "mlp.width": 128},
    ])  # fmt: skip
    assert [dict(cfg.mlp) for cfg in cfgs] == [{"width": 64, "depth": 2}, {"width": 128, "depth": 2}]


def test_a_custom_executor_in_the_printed_form_works(project: Any) -> None:
    project.write(
        "main.py",
        """
        import pickle
        import pyexp
        from pyexp import Executor

        class MyExecutor(Executor):
            def run(self, fn, config, result_path):
                # Custom execution logic
                result = fn(config)
                with open(result_path, "wb") as f:
                    pickle.dump(result, f)
                return result

        @pyexp.experiment
        def experiment(config):
            return config.x + 1

        def my_configs_fn():
            return [{"name": "a", "x": 1}]

        def my_report_fn(results):
            return [r["value"] for r in results]

        if __name__ == "__main__":
            experiment.configs(my_configs_fn)
            experiment.run(executor=MyExecutor())
            print(experiment["a"].result)
            print(experiment.run(configs=my_configs_fn, report=my_report_fn))
            experiment.run(output_dir="results/")
        """,
    )
    assert project.python("main.py").stdout == "2\n[2]\n"
    assert (project.folder / "results" / "experiment" / "a" / ".finished").exists()


def test_the_api_reference_is_complete() -> None:
    import pyexp

    for name in ["sweep", "merge", "get_executor", "Config", "Tensor", "Experiment", "Executor", "InlineExecutor",
                 "SubprocessExecutor", "ForkExecutor", "RayExecutor", "ExecutorName", "experiment", "Runs", "Result",
                 "load_config"]:  # fmt: skip
        assert name in pyexp.__all__ and hasattr(pyexp, name)
    assert isinstance(pyexp.get_executor("fork"), pyexp.ForkExecutor)
    mine = pyexp.InlineExecutor()
    assert pyexp.get_executor(mine) is mine
