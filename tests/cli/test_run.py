"""``pyexp run``: its options; what run files mean is tested where they are read."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def file(project: Any) -> Any:
    project.write("train.py", "from tally import mark\ndef train(cfg):\n    mark(cfg)\n    return cfg.x\n")
    project.write("run.yml", "entry: train.py:train\nexecutor: fork\nconfig: {x: 1}\nsweep: {x: [1, 2]}\n")
    return project


def test_help_tells_how_to_set_a_key(project: Any) -> None:
    text = project.pyexp("run", "--help").stdout
    assert "FILE.yml [OPTION ...] [--KEY VALUE ...]" in text
    assert "--model.width 64" in text


def test_a_file_is_built_and_cached(file: Any) -> None:
    file.pyexp("run", "run.yml")
    assert file.executed() == ["run_x1", "run_x2"]
    assert "all up to date" in file.pyexp("run", "run").stderr


def test_a_build_and_a_run_file_share_their_runs(file: Any) -> None:
    file.write(
        "exp.py",
        """
        import pyexp
        from train import train

        experiment = pyexp.experiment(executor="fork")(train)

        @experiment.configs
        def configs():
            return [{"name": "run_x1", "x": 1}]
        """,
    )
    file.pyexp("run", "run.yml")
    file.executed()
    file.pyexp("build", "exp.py")
    assert file.executed() == []


def test_flags_of_a_build_work(file: Any) -> None:
    file.pyexp("run", "run.yml", "--filter", "x1", "-j", "2", "--output-dir", "there", "--no-stash")
    assert file.executed() == ["run_x1"]
    assert (file.folder / "there/train/run_x1").is_dir()
    file.pyexp("run", "run.yml", "--filter", "x1", "--rerun", "--output-dir", "there")
    assert file.executed() == ["run_x1"]


def test_show_and_origins(file: Any) -> None:
    import json

    told = json.loads(file.pyexp("run", "--show", "--origins", "-c", "x=3", "-c", "sweep=null", "run.yml").stdout)
    assert told["config"]["config"] == {"name": "run", "x": 3}
    assert told["origins"]["config.x"] == "command line"
    assert told["origins"]["entry"] == "run.yml:1"


def test_unknown_words_are_one_sentence(file: Any, one_sentence: Any) -> None:
    one_sentence(file.pyexp("run", "--shwo", "run.yml", status=2), '"--shwo"', 'did you mean "--show"')
    one_sentence(file.pyexp("run", "run.yml", "--executr", "fork", status=2), 'did you mean "executor"')
    one_sentence(file.pyexp("run", status=2), "name a run file")
    one_sentence(file.pyexp("run", "run.yml", "more.yml", status=2), "more.yml")
