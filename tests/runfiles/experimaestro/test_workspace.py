"""What `run(helper, cfg)` can do in its workspace, in every mode; and the same from a script."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

EXPERIMENT = """
    from __future__ import annotations

    from dataclasses import dataclass

    from pyexp.experiments import ConfigurationBase, ExperimentHelper, configuration
    from tally import mark

    @configuration
    class Model:
        width: int = 8

    @configuration
    class Configuration(ConfigurationBase):
        learning_rate: float = 1e-3
        model: Model = Model()
        fails: bool = False

    @dataclass
    class Loss:
        value: float

    def prepare(cfg):
        mark(cfg)
        return {"rows": 3}

    def train(cfg, out, deps):
        mark(cfg)
        if cfg.fails:
            raise ValueError("as it was told")
        return Loss(cfg.learning_rate * cfg.model.width + deps[0]["rows"])

    def run(helper: ExperimentHelper, cfg: Configuration):
        helper.experiment(prepare, configs=[{"name": "data"}])
        base = {
            "name": "net", "learning_rate": cfg.learning_rate, "model": cfg.model, "fails": cfg.fails,
            "depends_on": "prepare:data",
        }
        seeds = [{"name": f"s{seed}", "seed": seed} for seed in range(2)]
        fit = helper.experiment(train, configs=helper.sweep([base], seeds))
        results = fit.run()
        losses = [result.result and result.result.value for result in results]
        print(losses, results.shape, len(helper.results("train")))
"""


@pytest.fixture
def lab(project: Any) -> Any:
    project.write("experiment.py", EXPERIMENT)
    project.write(
        "full.yaml", "id: mine\nfile: experiment\ntitle: A title\npaper: A paper\ndescription: Why\nlearning_rate: 1\n"
    )
    return project


def launches(lab: Any, id: str = "mine") -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((lab.out / id / ".launches").iterdir())]


def test_experiments_are_built_in_the_workspace_and_cached(lab: Any) -> None:
    done = lab.pyexp("run", "full.yaml")
    assert done.stdout == "[11.0, 11.0] (1, 2) 2\n"
    assert done.stderr.startswith("mine: A title\nmine: Why\nmine: A paper\n")
    assert sorted(lab.executed()) == ["data", "net_s0", "net_s1"]
    assert lab.pyexp("run", "full.yaml").stdout == done.stdout
    assert lab.executed() == []
    lab.pyexp("run", "full.yaml", "-c", "model.width=9", "-j", "2", "--executor", "fork")
    assert sorted(lab.executed()) == ["net_s0", "net_s1"]
    assert "net_s0" in lab.pyexp("results", "--output-dir", "out/mine").stdout
    listed = lab.pyexp("list", "--batches", "--output-dir", "out/mine").stdout
    assert '"A title"' in listed


def test_other_commands_find_the_experiments_of_all_workspaces(lab: Any) -> None:
    lab.pyexp("run", "full.yaml")
    assert "mine/train  " in lab.pyexp("results").stdout
    assert "A title" in lab.pyexp("list", "--batches").stdout
    assert lab.pyexp("log", "mine/train:net_s0", "--path").stdout.startswith("out/mine/train/net_s0/")
    assert "identical" in lab.pyexp("reproduce", "mine/train:net_s0").stdout


def test_each_launch_is_kept_with_its_whole_config(lab: Any) -> None:
    lab.pyexp("run", "full.yaml", "-c", "model.width=9")
    (told,) = launches(lab)
    assert told["state"] == "finished"
    assert (told["title"], told["paper"], told["exit_code"]) == ("A title", "A paper", 0)
    assert told["config"]["model"] == {"width": 9}
    assert sorted(told["experiments"]) == ["prepare", "train"]
    assert told["host"]
    assert told["end"] >= told["start"]


def test_failed_runs_end_it_with_status_1_and_are_told(lab: Any) -> None:
    done = lab.pyexp("run", "full.yaml", "-c", "fails=true", status=1)
    assert "as it was told" in done.stderr
    assert launches(lab)[0]["state"] == "failed"
    assert "To build just these again: pyexp run full.yaml -c fails=true --filter" in done.stderr


def test_a_dry_run_writes_nothing(lab: Any) -> None:
    before = set(lab.folder.rglob("*"))
    done = lab.pyexp("run", "full.yaml", "--run-mode", "DRY_RUN", status=3)
    assert "train:net_s0" in done.stdout
    assert set(lab.folder.rglob("*")) == before
    assert lab.executed() == []


def test_generate_only_writes_configs_and_executes_nothing(lab: Any) -> None:
    lab.pyexp("run", "full.yaml", "--run-mode", "generate_only")
    assert lab.executed() == []
    (manifest,) = (lab.out / "mine/train/.batches").iterdir()
    assert len(json.loads(manifest.read_text())["configs"]) == 2


def test_prepare_executes_what_others_depend_on(lab: Any) -> None:
    lab.pyexp("run", "full.yaml", "--run-mode", "prepare")
    assert lab.executed() == ["data"]


def test_what_run_raises_is_shown_from_the_users_code_on(lab: Any) -> None:
    lab.write("raises.py", "def deep():\n    return {}['nope']\ndef run(helper, cfg):\n    deep()\n")
    lab.write("raises.yaml", "id: bad\nfile: raises\n")
    done = lab.pyexp("run", "raises.yaml", status=1)
    assert "KeyError: 'nope'" in done.stderr
    assert "raises.py" in done.stderr
    assert "dodo_pyexp" not in done.stderr
    assert launches(lab, "bad")[0]["error"] == "KeyError: 'nope'"


def test_a_launch_holds_no_secret_nor_does_its_error(lab: Any) -> None:
    lab.write("raises.py", "def run(helper, cfg):\n    raise ValueError(f'no login: {cfg.api_token} {cfg.db}')\n")
    text = "id: bad\nfile: raises\napi_token: planted1\nheader: Bearer planted1\ndb: {password: planted2}\n"
    lab.write("raises.yaml", text)
    words = ("-c", "db={password: planted3}", "--pre-yaml", "pre.yaml")
    lab.write("pre.yaml", "api_token: planted4\n")
    lab.pyexp("run", "raises.yaml", *words, status=1)
    assert launches(lab, "bad")[0]["error"] == "ValueError: no login: *** password: ***"
    assert launches(lab, "bad")[0]["config"]["header"] == "Bearer ***"
    for path in lab.out.rglob("*"):
        assert path.is_dir() or b"planted" not in path.read_bytes(), path


def test_experiments_that_are_only_declared_are_built_at_the_end(lab: Any) -> None:
    lab.write(
        "late.py",
        """
        from tally import mark

        def run(helper, cfg):
            @helper.experiment(configs=[{"name": "one"}], executor="fork")
            def inner(cfg):
                mark(cfg)
            print("declared")
        """,
    )
    lab.write("late.yaml", "id: late\nfile: late\n")
    assert lab.pyexp("run", "late.yaml").stdout == "declared\n"
    assert lab.executed() == ["one"]


def test_a_time_is_added_to_the_id_if_that_is_wanted(lab: Any) -> None:
    lab.pyexp("run", "full.yaml", "-c", "add_timestamp=true")
    (folder,) = (path.name for path in lab.out.iterdir() if not path.name.startswith("."))
    import re

    assert re.fullmatch(r"mine-\d{8}-\d{4}", folder)


def test_workdir_and_debug_say_where(lab: Any) -> None:
    lab.pyexp("run", "full.yaml", "--workdir", "there", "--debug")
    assert (lab.folder / "there/DEBUG/mine/train/net_s0").is_dir()
    assert not lab.out.exists()


def test_variables_are_added_to_the_environment_of_run_and_runs(lab: Any) -> None:
    lab.write(
        "env.py",
        """
        import os

        def show(cfg):
            print(os.environ["A"], os.environ.get("B"), "PATH" in os.environ, "HOME" in os.environ)

        def run(helper, cfg):
            helper.experiment(show, configs=[{"name": "one"}])
        """,
    )
    lab.write("env.yaml", "id: env\nfile: env\n")
    lab.pyexp("run", "env.yaml", "--env", "A", "1", "--env", "B", "2")
    assert lab.pyexp("log", "one", "--output-dir", "out/env").stdout == "1 2 True True\n"


HEAVY = """
    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x: torch.Tensor | None) -> "torch.Tensor":
            with torch.no_grad():
                return x

    @torch.compile(mode="max")
    def train(cfg):
        print(torch.REAL, isinstance(Net(), nn.Module))
        return torch.REAL

    def run(helper, cfg):
        print(repr(torch))
        results = helper.experiment(train, configs=[{"name": "one"}]).run()
        print(results[0].result)
"""

REAL = """
    REAL = "real"
    class Tensor: ...
    class no_grad:
        def __enter__(self): ...
        def __exit__(self, *_): ...
    def compile(fn=None, mode=None):
        return fn if fn is not None else (lambda function: function)
    from . import nn
"""


@pytest.fixture
def heavy(lab: Any) -> Any:
    lab.write("torch/__init__.py", REAL)
    lab.write("torch/nn.py", "class Module: ...\n")
    lab.write("heavy.py", HEAVY)
    lab.write("heavy.yaml", "id: heavy\nfile: heavy\npre_experiment: pre.py\n")
    lab.write(
        "pre.py", "from pyexp.experiments import mock_modules\nmock_modules(['torch'], decorators=['torch.compile'])\n"
    )
    return lab


@pytest.mark.parametrize("executor", ["subprocess", "fork", "inline"])
def test_mocks_are_there_while_the_file_is_loaded_and_never_in_the_runs(heavy: Any, executor: str) -> None:
    done = heavy.pyexp("run", "heavy.yaml", "--executor", executor)
    assert done.stdout.splitlines()[0].startswith("<module 'torch'")
    assert "torch/__init__.py" not in done.stdout
    assert done.stdout.splitlines()[-1] == "real"
    assert heavy.pyexp("log", "one", "--output-dir", "out/heavy").stdout == "real True\n"
    assert done.stderr.count("because this process has imported mocked modules") == (executor != "subprocess")


def test_mocks_that_were_put_in_by_hand_stay_out_of_the_runs_too(heavy: Any) -> None:
    heavy.write(
        "pre.py",
        """
        import os
        import sys
        from unittest.mock import MagicMock

        os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"

        class MockCompile:
            def __call__(self, fn=None, **kwargs):
                if fn is not None:
                    return fn
                def decorator(func):
                    return func
                return decorator

        class TorchMock(MagicMock):
            compile = MockCompile()

        sys.modules["torch"] = TorchMock()
        sys.modules["torch.nn"] = MagicMock()
        """,
    )
    heavy.write("heavy.py", HEAVY.replace("class Net(nn.Module):", "class Net(object):").replace("nn.Module)", "Net)"))
    heavy.edit("heavy.py", "x: torch.Tensor | None", "x")
    done = heavy.pyexp("run", "heavy.yaml", "--executor", "fork")
    assert done.stdout.splitlines()[-1] == "real"


# -- dirty_git --------------------------------------------------------------------------------------------------------


def git(lab: Any, *words: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", *identity, *words], cwd=lab.folder, env=lab.environment, check=True, capture_output=True)


@pytest.fixture
def repository(lab: Any) -> Any:
    git(lab, "init")
    lab.write(".gitignore", "out/\n")
    git(lab, "add", ".")
    git(lab, "commit", "-m", "first")
    return lab


@pytest.mark.parametrize("action", ["ignore", "warn", "error"])
def test_a_clean_repository_is_fine(repository: Any, action: str) -> None:
    done = repository.pyexp("run", "full.yaml", "-c", f"dirty_git={action}")
    assert "uncommitted" not in done.stderr


def test_changes_are_told_or_forbidden_before_anything_is_written(repository: Any, one_sentence: Any) -> None:
    repository.edit("full.yaml", "learning_rate: 1\n", "learning_rate: 2\n")
    one_sentence(repository.pyexp("run", "full.yaml", "-c", "dirty_git=error", status=2), "full.yaml", "uncommitted")
    assert not repository.out.exists()
    assert "uncommitted" in repository.pyexp("run", "full.yaml").stderr
    assert "uncommitted" not in repository.pyexp("run", "full.yaml", "-c", "dirty_git=ignore").stderr


# -- from a script ----------------------------------------------------------------------------------------------------

SCRIPT = """
    import sys

    from pyexp.experiments import DirtyGitAction, DirtyGitError, experiment
    from tally import mark

    def train(cfg):
        mark(cfg)
        if cfg.get("fails"):
            raise ValueError("as it was told")
        return cfg.x * 2

    try:
        with experiment("work", "my-experiment", dirty_git=DirtyGitAction.{action}) as xp:
            results = xp.experiment(train, configs=[{{"name": "one", "x": 1, "fails": {fails}}}]).run()
            print([result.result for result in results], xp.path, xp.resultspath.is_dir())
    except DirtyGitError as error:
        print(f"Cannot run experiment: {{error}}")
    print("after")
"""


def test_a_script_makes_a_workspace_with_a_with_statement(lab: Any) -> None:
    lab.write("script.py", SCRIPT.format(action="WARN", fails=False))
    assert lab.python("script.py").stdout == "[2] work/my-experiment True\nafter\n"
    assert lab.executed() == ["one"]
    lab.python("script.py", "--executor", "fork")
    assert lab.executed() == []
    told = [json.loads(path.read_text()) for path in (lab.folder / "work/my-experiment/.launches").iterdir()]
    assert [one["state"] for one in told] == ["finished", "finished"]


def test_the_workspace_is_the_same_from_every_folder_and_its_results_are_used_at_the_top(project: Any) -> None:
    """Where no ``if __name__`` guards the script, runs import it as far as the call that executes them."""
    project.write("pyproject.toml", "")
    project.write(
        "exps/lab.py",
        """
        from pyexp.experiments import experiment
        from tally import mark

        def train(cfg):
            mark(cfg)
            return cfg.x

        with experiment("spaces", "mine") as xp:
            print(xp.experiment(train, configs=[{"name": "one", "x": 1}]).run()[0].result)
        """,
    )
    project.write("exps/tally.py", (project.folder / "tally.py").read_text())
    assert project.python("exps/lab.py").stdout == "1\n"
    project.folder /= "exps"
    assert project.python("lab.py").stdout == "1\n"
    assert project.executed() == ["one"]


def test_a_script_that_is_asked_for_a_list_executes_and_writes_nothing(lab: Any) -> None:
    script = """
        from pyexp.experiments import experiment
        from tally import mark

        def train(cfg):
            mark(cfg)

        with experiment("work", "my-experiment") as xp:
            xp.experiment(train, configs=[{"name": "one"}])BUILT
    """
    lab.write("declares.py", script.replace("BUILT", ""))
    lab.write("builds.py", script.replace("BUILT", ".run()"))
    for name in ("declares.py", "builds.py"):
        assert lab.python(name, "--graph").stdout == "train\n└─ one\n"
        lab.python(name, "--list")
        assert lab.executed() == []
        assert not (lab.folder / "work").exists()


def test_failed_runs_end_the_script_with_status_1_at_its_very_end(lab: Any) -> None:
    lab.write("script.py", SCRIPT.format(action="WARN", fails=True))
    assert lab.python("script.py", status=1).stdout.endswith("after\n")


def test_uncommitted_changes_can_be_an_error_that_a_script_catches(repository: Any) -> None:
    repository.write("script.py", SCRIPT.format(action="ERROR", fails=False))
    done = repository.python("script.py")
    assert done.stdout.startswith("Cannot run experiment: ")
    assert "script.py" in done.stdout
    assert done.stdout.endswith("after\n")
    assert repository.executed() == []
    assert not (repository.folder / "work").exists()


def test_what_makes_no_sense_is_one_sentence(lab: Any, one_sentence: Any) -> None:
    head = "from pyexp.experiments import experiment\ndef f(cfg): pass\n"
    for code, says in [
        ('experiment("work", "../../x")', '".."'),
        ('experiment("work", "")', "name"),
        ('experiment("work", "x", dirty_git="eror")', 'did you mean "error"'),
        ('with experiment("work", "x") as xp: xp.experiment(f, output_dir="y")', "workdir"),
        ('with experiment("work", "x") as xp: xp.experiment(f, configs=[{"name": "a"}]).run(jbos=2)', "jbos"),
        ('with experiment("work", "x") as xp: xp.experiment(f)', "configs"),
    ]:
        lab.write("script.py", head + code + "\n")
        one_sentence(lab.python("script.py", status=2), says)


def test_in_a_notebook_or_a_test_nothing_ends_the_process(here: Any) -> None:
    from pyexp.experiments import experiment

    def fails(cfg: Any) -> None:
        raise ValueError("no")

    with experiment("work", "x", dirty_git="ignore") as xp:
        results = xp.experiment(fails, executor="inline", stash=False).run(configs=[{"name": "a"}])
    assert results[0].error.startswith("ValueError")
    assert xp.exit_code == 1
