"""Going on from an earlier attempt: only if nothing that it was made of has changed, and never otherwise."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import pyexp
from dodo_pyexp.planning.plan import PlannedExperiment
from pyexp import Config, PyexpError

EXECUTORS = ["inline", "fork", "subprocess"]

# Training counts its steps from outside, saves a checkpoint after each, and fails where it is told to.
TRAIN = """
    import json, os
    import pyexp
    from tally import mark

    GONE_AFTER = ()

    def update(x):
        return x + 1

    @pyexp.experiment(executor=os.environ.get("EXECUTOR", "fork"), stash=False, resume=True)
    def train(cfg, out, deps):
        state = {"step": 0, "x": 0}
        if cfg.previous is not None:
            state = json.loads((cfg.previous / "checkpoint.json").read_text())
            print(f"going on from step {state['step']}")
        while state["step"] < cfg.steps:
            if state["step"] == int(os.environ.get("FAIL_AT", -1)):
                raise ValueError("the loss is not a number")
            mark(cfg)
            state = {"step": state["step"] + 1, "x": update(state["x"])}
            (out / "checkpoint.json").write_text(json.dumps(state))
            if state["step"] in GONE_AFTER:
                raise OSError("gone")
        return state["x"]

    @train.configs
    def configs():
        return [{"name": "net", "steps": 6, "lr": 0.1}]

    if __name__ == "__main__":
        train.run()
"""


@pytest.fixture
def training(project: Any) -> Any:
    project.write("train.py", TRAIN)
    return project


def build(
    training: Any, *arguments: str, fail_at: int | None = None, executor: str = "fork", script: bool = False
) -> tuple[int, str]:
    """Build, and tell how many steps were executed, and what was printed."""
    training.executed()
    door = ["train.py"] if script else ["-m", "pyexp", "build", "train.py"]
    environment = {"EXECUTOR": executor} | ({} if fail_at is None else {"FAIL_AT": str(fail_at)})
    done = training.python(*door, *arguments, env=environment, status=0 if fail_at is None else 1)
    return len(training.executed()), done.stderr


def previous(training: Any) -> list[str | None]:
    """What each attempt went on from, oldest first."""
    return [
        json.loads((path / "status.json").read_text()).get("previous") for path in training.attempts("net", "train")
    ]


@pytest.mark.parametrize("script", [False, True], ids=["by reference", "by value"])
@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_failed_run_goes_on_from_its_checkpoint(training: Any, executor: str, script: bool) -> None:
    assert build(training, fail_at=4, executor=executor, script=script)[0] == 4
    steps, printed = build(training, executor=executor, script=script)
    assert steps == 2
    first, second = training.attempts("net", "train")
    assert f"train:net: goes on from its attempt {first.name}" in printed
    assert (second / "log.out").read_text() == "going on from step 4\n"
    assert json.loads((second / "result.json").read_text()) == 6
    assert previous(training) == [None, first.name]
    assert json.loads((first / "checkpoint.json").read_text())["step"] == 4, "what was there stays as it was"


def test_each_attempt_goes_on_from_the_one_before(training: Any) -> None:
    for fail_at, steps in ((2, 2), (3, 1), (5, 2)):
        assert build(training, fail_at=fail_at)[0] == steps
    assert build(training)[0] == 1
    names = [path.name for path in training.attempts("net", "train")]
    assert previous(training) == [None, *names[:3]]


def test_an_attempt_that_left_nothing_is_passed_over(training: Any) -> None:
    assert build(training, fail_at=3)[0] == 3
    assert build(training, fail_at=3)[0] == 0
    assert build(training, fail_at=3)[0] == 0
    first, *_ = training.attempts("net", "train")
    assert build(training)[0] == 3
    assert previous(training) == [None, first.name, first.name, first.name]


def test_half_written_temporary_files_count_as_nothing(training: Any) -> None:
    training.edit("train.py", 'state = {"step": 0', '(out / ".checkpoint.tmp").write_text("{")\n    state = {"step": 0')
    assert build(training, fail_at=3)[0] == 3
    assert build(training, fail_at=3)[0] == 0
    first, second = training.attempts("net", "train")
    assert (second / ".checkpoint.tmp").exists()
    build(training)
    assert previous(training)[-1] == first.name


@pytest.mark.parametrize(
    "old, new, why",
    [
        ("return x + 1", "return x + 2", "its code has changed since"),
        ('"lr": 0.1', '"lr": 0.2', "its config has changed since"),
    ],
)
def test_what_was_made_of_something_else_is_not_gone_on_from(training: Any, old: str, new: str, why: str) -> None:
    build(training, fail_at=4)
    first, *_ = training.attempts("net", "train")
    training.edit("train.py", old, new)
    steps, printed = build(training)
    assert steps == 6
    assert f"train:net: starts anew, not from its attempt {first.name}: {why}" in printed


def test_a_comment_or_a_function_that_nobody_reaches_is_no_change(training: Any) -> None:
    build(training, fail_at=4)
    training.edit("train.py", "def update", "def unused():\n    return 3\n\n# one step\ndef update")
    assert build(training)[0] == 2


def test_an_edit_that_is_taken_back_finds_the_attempt_of_then(training: Any) -> None:
    build(training, fail_at=4)
    training.edit("train.py", "return x + 1", "return x + 2")
    assert build(training, fail_at=1)[0] == 1
    training.edit("train.py", "return x + 2", "return x + 1")
    first, *_ = training.attempts("net", "train")
    assert build(training)[0] == 2
    assert previous(training)[-1] == first.name


def test_other_outputs_of_an_upstream_are_another_start(training: Any) -> None:
    training.edit("train.py", '[{"name"', '[{"name": "data", "steps": 0}, {"depends_on": "data", "name"')
    training.edit("train.py", "return state", 'return (cfg.name == "data" and cfg.get("version", 1)) or state')
    build(training, fail_at=4)
    training.edit("train.py", '"steps": 0', '"steps": 0, "version": 1')
    assert build(training, fail_at=5)[0] == 1, "the upstream was executed again and put out the same"
    training.edit("train.py", '"version": 1', '"version": 2')
    steps, printed = build(training)
    assert steps == 6
    assert "its upstreams have changed since" in printed


def test_a_finished_run_that_is_wanted_again_starts_anew(training: Any) -> None:
    build(training, fail_at=4)
    assert build(training)[0] == 2
    steps, printed = build(training, "--rerun")
    assert steps == 6 and "attempt" not in printed
    (training.attempts("net", "train")[-1] / "experiment.pkl").unlink()
    assert build(training)[0] == 6


def test_a_run_that_finished_as_its_build_was_killed_is_gone_on_from(training: Any) -> None:
    assert build(training)[0] == 6
    (attempt,) = training.attempts("net", "train")
    (attempt / ".finished").unlink()
    (attempt.parent / ".finished").unlink()
    steps, printed = build(training)
    assert steps == 0 and f"train:net: goes on from its attempt {attempt.name}" in printed
    assert json.loads((training.attempts("net", "train")[-1] / "result.json").read_text()) == 6


def test_a_rerun_that_failed_is_gone_on_from(training: Any) -> None:
    build(training)
    assert build(training, "--rerun", fail_at=4)[0] == 4
    assert build(training)[0] == 2


def test_no_resume_starts_anew_once(training: Any) -> None:
    build(training, fail_at=4)
    assert build(training, "--no-resume", fail_at=2)[0] == 2
    assert build(training)[0] == 4
    names = [path.name for path in training.attempts("net", "train")]
    assert previous(training) == [None, None, names[1]]


def test_each_retry_is_an_attempt_that_goes_on(training: Any) -> None:
    training.edit("train.py", "GONE_AFTER = ()", "GONE_AFTER = (2, 4)")
    steps, printed = build(training, "--retry", "2")
    assert steps == 6
    one, two, three = training.attempts("net", "train")
    assert previous(training) == [None, one.name, two.name]
    assert [json.loads((path / "status.json").read_text())["tries"] for path in (one, two, three)] == [1, 2, 3]
    assert "--- try 1 failed (OSError: gone" in (one / "log.out").read_text()
    assert (three / "log.out").read_text() == "going on from step 4\n"
    assert (one / ".finished").exists() and (one / "config.json").read_text() == (three / "config.json").read_text()
    record = json.loads((training.out / "train" / "net" / ".finished").read_text())
    assert record["attempt"] == three.name
    assert printed.count("trying again") == 2
    assert build(training)[0] == 0


def test_the_newest_attempt_is_found_though_its_build_began_before_another(training: Any) -> None:
    build(training, "--timestamp", "2024-01-02_00-00-00", fail_at=2)
    build(training, "--timestamp", "2024-01-01_00-00-00", fail_at=4)
    assert build(training)[0] == 2


def test_attempts_of_the_time_before_resume_was_set_are_not_gone_on_from(training: Any) -> None:
    training.edit("train.py", ", resume=True", "")
    training.edit("train.py", "cfg.previous is not None", 'cfg.get("previous") is not None')
    build(training, fail_at=4)
    training.edit("train.py", "stash=False", "stash=False, resume=True")
    steps, printed = build(training)
    assert steps == 6 and "that was made when resume had not been set" in printed


@pytest.mark.parametrize(
    "damage", ["", "{", '{"state": "failed"}', '{"state": "failed", "config_hash": 3, "upstream": 4}']
)
def test_a_damaged_status_vouches_for_nothing(training: Any, damage: str) -> None:
    build(training, fail_at=4)
    (training.attempts("net", "train")[-1] / "status.json").write_text(damage)
    assert build(training)[0] == 6


def test_plain_doit_goes_on_as_well(training: Any) -> None:
    build(training, fail_at=4)
    training.executed()
    training.doit("-f", "train.py")
    assert len(training.executed()) == 2


# -- what the function is told ----------------------------------------------------------------------------------


class Aside(pyexp.Executor):
    """A custom executor of the simple kind; it sees what the function sees."""

    seen: list[Any]

    def run(self, fn: Any, config: Config, result_path: str) -> Any:
        self.seen.append(config.get("previous", "nothing"))
        return fn(config)


@pytest.mark.parametrize("arity", [1, 2, 3])
def test_functions_of_every_kind_and_custom_executors_are_told(here: Path, arity: int) -> None:
    told: list[Any] = []

    def body(cfg: Config) -> None:
        told.append(cfg.previous)
        (cfg.out / "checkpoint").touch()
        if len(told) == 1:
            raise ValueError

    functions: dict[int, Any] = {
        1: lambda cfg: body(cfg),
        2: lambda cfg, out: body(cfg),
        3: lambda cfg, out, deps: body(cfg),
    }
    executor = Aside()
    executor.seen = []
    train = pyexp.experiment(functions[arity], name="train", stash=False, executor=executor, resume=True)
    (first,) = train.run([{"name": "a"}])
    (second,) = train.run([{"name": "a"}])
    assert told == executor.seen == [None, first.out]
    assert "previous" not in second.cfg
    saved = [path for path in second.out.iterdir() if path.name not in ("status.json", ".finished")]
    assert len(saved) >= 4 and not any(b"previous" in path.read_bytes() for path in saved)


def test_without_resume_nothing_is_told_and_the_key_is_the_users(here: Path) -> None:
    seen: list[Any] = []
    train = pyexp.experiment(lambda cfg: seen.append(dict(cfg)), name="train", stash=False, executor="inline")
    train.run([{"name": "a"}])
    train.run([{"name": "a", "previous": 3}])
    train.run([{"name": "a", "previous": 4}], resume=False)
    assert [set(config) for config in seen] == [
        {"name", "out"},
        {"name", "out", "previous"},
        {"name", "out", "previous"},
    ]
    assert [config.get("previous") for config in seen] == [None, 3, 4]


def test_with_resume_the_key_is_refused_in_a_config(here: Path) -> None:
    train = pyexp.experiment(lambda cfg: None, name="train", stash=False, executor="inline", resume=True)
    with pytest.raises(PyexpError, match=r'config "a" of train has the key "previous".* rename it'):
        train.run([{"name": "a", "previous": 3}])
    assert not os.path.exists("out")


def test_one_folder_a_run_and_resume_do_not_go_together(here: Path) -> None:
    train = pyexp.experiment(lambda cfg: None, name="train", stash=False, resume=True, timestamp=False)
    with pytest.raises(PyexpError, match=r"resume=True needs a folder for each attempt.* leave one of them out"):
        train.run([{"name": "a"}])
    assert not os.path.exists("out")
    assert PlannedExperiment(train.definition.replaced(), pyexp_options(resume=False, timestamp=False)).flat


def pyexp_options(**said: Any) -> Any:
    from dodo_pyexp.planning.options import Options

    return Options(executor="inline", **said)


def test_it_can_be_set_for_a_project_and_for_one_call(here: Path) -> None:
    (here / "pyproject.toml").write_text("[tool.pyexp]\nresume = true\n")
    seen: list[Any] = []

    def body(cfg: Config) -> None:
        seen.append(cfg.previous)
        (cfg.out / "checkpoint").touch()
        raise ValueError

    train = pyexp.experiment(body, name="train", stash=False, executor="inline")
    train.run([{"name": "a"}])
    (second,) = train.run([{"name": "a"}], resume=False)
    train.run([{"name": "a"}])
    assert seen == [None, None, second.out]
