from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from typing import Any

import pytest


def test_a_build_executes_what_is_missing_and_the_next_only_what_failed(pipeline: Any) -> None:
    done = pipeline.pyexp("build", status=1)
    assert sorted(pipeline.executed()) == ["large", "quick", "slow", "small", "wild"]
    assert "4 executed, 1 failed, 1 skipped" in done.stderr
    done = pipeline.pyexp("build", status=1)
    assert pipeline.executed() == ["wild"]
    assert "4 up to date, 1 failed, 1 skipped" in done.stderr


def test_when_nothing_is_to_be_done_there_is_one_line(built: Any) -> None:
    done = built.pyexp("build", "prepare")
    assert done.stderr.startswith("2 runs: all up to date (")
    assert done.stderr.count("\n") == 1


def test_failures_are_told_once_more_at_the_end_with_cause_log_and_command(built: Any) -> None:
    text = built.pyexp("build", status=1).stderr
    assert "ValueError: 9.0 is too fast at dodo.py:" in text
    assert "    train:wild  out/train/wild/" in text
    assert "train:after  skipped: upstream train:wild failed" in text
    assert "To build just it again: pyexp build train:wild" in text


def test_the_report_goes_to_stdout_and_only_when_something_changed(pipeline: Any) -> None:
    assert pipeline.pyexp("build", "prepare").stdout == "prepared 2\n"
    assert pipeline.pyexp("build", "prepare").stdout == ""


@pytest.mark.parametrize(
    "targets, executed",
    [
        (["prepare"], {"small", "large"}),
        (["train:slow"], {"small", "slow"}),
        (["quick"], {"large", "quick"}),
        (["out/train/slow/.finished"], {"small", "slow"}),
        (["./out/prepare/large"], {"large"}),
        (["train:*ow", "prepare:large"], {"small", "slow", "large"}),
        (["dodo.py", "small"], {"small"}),
        (["prepare:report"], {"small", "large"}),
    ],
)
def test_targets_select_runs_and_bring_their_upstreams(pipeline: Any, targets: list[str], executed: set[str]) -> None:
    pipeline.pyexp("build", *targets)
    assert set(pipeline.executed()) == executed


def test_an_absolute_path_is_a_target(pipeline: Any) -> None:
    pipeline.pyexp("build", str(pipeline.out / "prepare" / "small" / ".finished"))
    assert pipeline.executed() == ["small"]


def test_an_unknown_target_has_its_nearest(pipeline: Any, one_sentence: Callable[..., None]) -> None:
    one_sentence(pipeline.pyexp("build", "trian", status=2), '"trian"', 'did you mean "train"')
    one_sentence(pipeline.pyexp("build", "train:slw", status=2), "train:slow")


def test_a_name_that_two_runs_have_is_refused(project: Any, one_sentence: Callable[..., None]) -> None:
    project.write(
        "dodo.py",
        """
        import pyexp

        @pyexp.experiment
        def one(cfg): ...

        @pyexp.experiment
        def two(cfg): ...

        one.configs(lambda: [{"name": "a"}])
        two.configs(lambda: [{"name": "a"}])
    """,
    )
    one_sentence(project.pyexp("build", "a", status=2), "one:a, two:a")


def test_targets_and_the_filter_must_both_hold(pipeline: Any) -> None:
    done = pipeline.pyexp("build", "train", "--filter", "^(slow|small)$")
    assert pipeline.executed() == ["small", "slow"]
    assert "1 of 4 runs selected, and 1 more that they depend on" in done.stderr


def test_a_filter_that_matches_nothing_says_so(pipeline: Any) -> None:
    told = pipeline.pyexp("build", "--filter", "zzz", status=2)
    assert told.stderr.startswith("error: --filter 'zzz' matches no run") and told.stdout == ""


def test_a_filter_without_a_colon_does_not_look_at_the_name_of_the_experiment(pipeline: Any) -> None:
    assert "matches no run" in pipeline.pyexp("build", "--filter", "^train", status=2).stderr
    assert len(pipeline.pyexp("build", "--filter", "x" * 5000, status=2).stderr) < 400
    assert len(pipeline.pyexp("log", "x" * 5000, status=2).stderr) < 400
    assert "runs selected" in pipeline.pyexp("build", "--filter", "^train:", "-n", status=3).stderr


def test_a_filter_that_is_no_regex_is_refused(pipeline: Any, one_sentence: Callable[..., None]) -> None:
    one_sentence(pipeline.pyexp("build", "--filter", "x(", status=2), "--filter", "regular expression")


def test_rerun_forces_what_was_asked_for_and_not_its_upstreams(built: Any) -> None:
    built.pyexp("build", "--rerun", "train:slow")
    assert built.executed() == ["slow"]


@pytest.mark.parametrize("executor", ["inline", "fork", "subprocess"])
def test_the_executor_can_be_chosen(pipeline: Any, executor: str) -> None:
    pipeline.pyexp("build", "small", "--executor", executor)
    (attempt,) = pipeline.attempts("small", "prepare")
    assert json.loads((attempt / "status.json").read_text())["executor"] == executor


def test_an_unknown_executor_is_one_sentence(pipeline: Any, one_sentence: Callable[..., None]) -> None:
    one_sentence(pipeline.pyexp("build", "--executor", "frok", status=2), '"frok"', '"fork"')


def test_a_batch_can_be_named_and_continued(pipeline: Any) -> None:
    pipeline.pyexp("build", "small", "--timestamp", "2020-01-01_00-00-00")
    assert (pipeline.out / "prepare" / ".batches" / "2020-01-01_00-00-00.json").exists()
    pipeline.edit("dodo.py", '"rows": 1000', '"rows": 5')
    pipeline.pyexp("build", "prepare", "--continue", "2020")
    assert json.loads(next((pipeline.out / "prepare" / "large").glob("*/result.json")).read_text()) == {"rows": 1000}


def test_continue_goes_on_although_an_experiment_never_had_a_batch(pipeline: Any) -> None:
    pipeline.pyexp("build", "prepare")
    pipeline.pyexp("build", "train:slow", "--continue")
    assert pipeline.executed() == ["small", "large", "slow"]


@pytest.mark.parametrize("words", [["train:slow"], ["slow", "dodo.py"], ["out/train/slow"], ["dodo.py", "slow"]])
def test_a_target_behind_continue_is_no_batch(pipeline: Any, words: list[str]) -> None:
    pipeline.pyexp("build", "small", "--timestamp", "2020-01-01_00-00-00")
    pipeline.executed()
    pipeline.pyexp("build", "--continue", *words)
    assert pipeline.executed() == ["slow"]
    assert (pipeline.out / "train" / ".batches" / "2020-01-01_00-00-00.json").exists()


def test_what_is_neither_a_batch_nor_a_target_is_refused_as_both(
    pipeline: Any, one_sentence: Callable[..., None]
) -> None:
    pipeline.pyexp("build", "small")
    words = ['"trian"', 'did you mean "train"', "no batch"]
    one_sentence(pipeline.pyexp("build", "--continue", "trian", status=2), *words)
    one_sentence(pipeline.pyexp("build", "--continue", "trian", "-n", status=2), *words)
    one_sentence(pipeline.pyexp("build", "--continue", "dod.py", status=2), '"dodo.py"', "no batch")
    one_sentence(pipeline.pyexp("build", "--continue", "1999", status=2), 'no batch "1999"')


def test_continue_without_any_batch_is_refused(pipeline: Any, one_sentence: Callable[..., None]) -> None:
    one_sentence(pipeline.pyexp("build", "--continue", status=2), "no batch")


def test_retry_tries_again(pipeline: Any) -> None:
    pipeline.pyexp("build", "wild", "--retry", "2", status=1)
    assert pipeline.executed().count("wild") == 3


def test_live_shows_what_runs_print_and_keeps_it(pipeline: Any) -> None:
    done = pipeline.pyexp("build", "slow", "-s")
    assert "training slow" in done.stdout + done.stderr
    assert "training slow" in (pipeline.attempts("slow", "train")[0] / "log.out").read_text()


def test_the_output_folder_can_be_chosen(pipeline: Any) -> None:
    pipeline.pyexp("build", "small", "--output-dir", "elsewhere")
    assert (pipeline.folder / "elsewhere" / "prepare" / "small" / ".finished").exists()
    assert not pipeline.out.exists()


def test_jobs_run_side_by_side(pipeline: Any) -> None:
    pipeline.pyexp("build", "prepare", "-j", "2")
    pipeline.pyexp("build", "prepare", "--jobs", "0")
    assert sorted(pipeline.executed()) == ["large", "small"]


def test_fail_fast_starts_nothing_after_a_failure(project: Any) -> None:
    project.write(
        "dodo.py",
        """
        import pyexp
        from tally import mark

        @pyexp.experiment(executor="fork", stash=False)
        def exp(cfg):
            mark(cfg)
            raise ValueError

        exp.configs(lambda: [{"name": f"r{i}"} for i in range(5)])
    """,
    )
    assert "4 not started" in project.pyexp("build", "--fail-fast", status=1).stderr
    assert len(project.executed()) == 1
    project.pyexp("build", "--keep-going", status=1)
    assert len(project.executed()) == 5


# -- dry runs ---------------------------------------------------------------------------------------------------


def test_a_dry_run_tells_reasons_and_executes_nothing(built: Any) -> None:
    built.edit("dodo.py", '"lr": 0.1', '"lr": 0.01')
    done = built.pyexp("build", "-n", status=3)
    lines = done.stdout.splitlines()
    assert lines[0] == "train:slow   config: model.lr 0.1 -> 0.01"
    assert lines[1].startswith("train:wild   last attempt failed: ValueError: 9.0 is too fast at ")
    assert lines[2] == "train:after  upstream train:wild failed"
    assert lines[3:] == ["2 of 6 runs would be executed, 1 more might be, depending on its upstreams"]
    assert built.executed() == []


def test_a_dry_run_with_nothing_to_do_ends_with_0(built: Any) -> None:
    assert built.pyexp("build", "--dry-run", "prepare").stdout == "0 of 2 runs would be executed\n"


def test_a_dry_run_can_be_read_by_programs(built: Any) -> None:
    told = json.loads(built.pyexp("build", "-n", "--json", status=3).stdout)
    states = {run["run"]: run["state"] for run in told["runs"]}
    assert states == {
        "prepare:small": "up-to-date",
        "prepare:large": "up-to-date",
        "train:slow": "up-to-date",
        "train:quick": "up-to-date",
        "train:wild": "failed",
        "train:after": "skipped",
    }
    assert told["counts"]["up-to-date"] == 4


def test_a_dry_run_of_a_rerun_tells_only_what_is_forced(built: Any) -> None:
    done = built.pyexp("build", "-n", "--rerun", "train:slow", status=3)
    assert "train:slow" in done.stdout
    assert "1 of 2 runs" in done.stdout


# -- JSON -------------------------------------------------------------------------------------------------------


def test_what_was_done_can_be_read_by_programs(pipeline: Any) -> None:
    pipeline.pyexp("build", "small")
    done = pipeline.pyexp("build", "--json", "train", status=1)
    told = json.loads(done.stdout)
    runs = {run["run"]: run for run in told["runs"]}
    assert told["exit_code"] == 1
    assert told["counts"] == {
        "executed": 3, "up-to-date": 1, "failed": 1, "skipped": 1, "interrupted": 0, "not started": 0,
    }  # fmt: skip
    assert (runs["prepare:small"]["state"], runs["prepare:small"]["executed"]) == ("up-to-date", False)
    assert (runs["train:slow"]["state"], runs["train:slow"]["reason"]) == ("up-to-date", "never run")
    assert runs["train:slow"]["attempt"] == told["batches"]["train"]
    assert runs["train:wild"]["state"] == "failed"
    assert "too fast" in runs["train:wild"]["error"]
    assert (runs["train:after"]["state"], runs["train:after"]["executed"]) == ("skipped", False)


def test_whatever_prints_meanwhile_what_programs_read_is_pure(built: Any) -> None:
    built.edit("dodo.py", "import pyexp\n", "import os, pyexp\nprint('imported')\nos.system('echo by a command')\n")
    built.edit("dodo.py", '"rows": 10}', '"rows": 20}')
    with (built.folder / "dodo.py").open("a") as file:
        file.write(
            textwrap.dedent("""
            def speak():
                print("a function")

            def task_loud():
                return {"actions": ["echo a task", speak], "verbosity": 2}

            def task_raw():
                from doit.tools import Interactive
                return {"actions": [Interactive("echo raw")]}
        """)
        )
    done = built.pyexp("build", "--json", "--rerun", "-s", status=1)
    assert json.loads(done.stdout)["exit_code"] == 1
    for word in ("imported", "by a command", "a function", "a task", "raw", "training slow", "prepared 2"):
        assert word in done.stderr
    for command in (["list", "--json"], ["list", "--batches", "dodo.py", "--json"], ["graph", "--json"]):
        json.loads(built.pyexp(*command).stdout)
    json.loads(built.pyexp("build", "-n", "--json", status=3).stdout)
    assert built.pyexp("graph", "--dot").stdout.startswith("digraph")
    assert "imported\n" in built.pyexp("graph").stdout


# -- other doit tasks -------------------------------------------------------------------------------------------

TASKS = """

    def task_publish():
        return {"actions": ["touch published"], "task_dep": ["prepare"], "targets": ["published"], "uptodate": [True]}

    def task_other():
        return {"actions": ["touch other"]}
"""


def test_other_tasks_of_the_file_are_built_too(pipeline: Any) -> None:
    (pipeline.folder / "dodo.py").open("a").write(__import__("textwrap").dedent(TASKS))
    pipeline.pyexp("build", status=1)
    assert (pipeline.folder / "published").exists()
    assert (pipeline.folder / "other").exists()


@pytest.mark.parametrize("target", ["publish", "published"])
def test_a_task_as_target_brings_the_runs_that_it_needs(pipeline: Any, target: str) -> None:
    (pipeline.folder / "dodo.py").open("a").write(__import__("textwrap").dedent(TASKS))
    pipeline.pyexp("build", target)
    assert sorted(pipeline.executed()) == ["large", "small"]
    assert (pipeline.folder / "published").exists()
    assert not (pipeline.folder / "other").exists()


def test_a_run_as_target_leaves_other_tasks_alone(pipeline: Any) -> None:
    (pipeline.folder / "dodo.py").open("a").write(__import__("textwrap").dedent(TASKS))
    pipeline.pyexp("build", "small")
    assert pipeline.executed() == ["small"]
    assert not (pipeline.folder / "other").exists()


@pytest.mark.parametrize("flags", [[], ["-n"]])
def test_an_action_that_doit_refuses_is_one_sentence(
    pipeline: Any, one_sentence: Callable[..., None], flags: list[str]
) -> None:
    (pipeline.folder / "dodo.py").open("a").write("\ndef task_odd():\n    return {'actions': [(print, ['hello'])]}\n")
    one_sentence(pipeline.pyexp("build", *flags, status=2), "odd", "PythonAction can not be a built-in")


def test_a_task_with_the_name_of_an_experiment_is_one_sentence(
    pipeline: Any, one_sentence: Callable[..., None]
) -> None:
    (pipeline.folder / "dodo.py").open("a").write("\ndef task_train():\n    return {'actions': ['true']}\n")
    one_sentence(pipeline.pyexp("build", status=2), "train")


# -- files ------------------------------------------------------------------------------------------------------


def test_without_a_file_the_hint_is_init(project: Any, one_sentence: Callable[..., None]) -> None:
    one_sentence(project.pyexp("build", status=2), "dodo.py", "pyexp init")


def test_the_project_file_may_name_the_experiments(project: Any) -> None:
    project.write(
        "one.py",
        """
        import pyexp
        from tally import mark

        @pyexp.experiment(executor="fork", stash=False)
        def one(cfg):
            mark(cfg)

        one.configs(lambda: [{"name": "a"}])
    """,
    )
    project.write("pyproject.toml", '[tool.pyexp]\nexperiments = ["one.py"]\n')
    project.pyexp("build")
    assert project.executed() == ["a"]


@pytest.mark.parametrize(
    "code, words",
    [
        ("def broken(:", ["dodo.py:1", "SyntaxError"]),
        ("x = 1\n", ["defines no experiment"]),
        ("import pyexp\n@pyexp.experiment\ndef f(): ...\n", ["dodo.py:2", "0 positional"]),
    ],
)
def test_a_wrong_file_is_one_sentence(
    project: Any, one_sentence: Callable[..., None], code: str, words: list[str]
) -> None:
    (project.folder / "dodo.py").write_text(code)
    one_sentence(project.pyexp("build", status=2), *words)


def test_an_exception_in_user_code_shows_its_place_and_no_frame_of_ours(project: Any) -> None:
    project.write(
        "dodo.py",
        """
        import pyexp

        @pyexp.experiment
        def exp(cfg): ...

        @exp.configs
        def configs():
            return [{"name": "a", "x": 1 / 0}]
    """,
    )
    done = project.pyexp("build", status=2)
    assert done.stderr == "error: dodo.py:8: ZeroDivisionError: division by zero\n"


def test_a_script_that_runs_itself_when_imported_is_only_read(project: Any) -> None:
    project.write(
        "exp.py",
        """
        import pyexp
        from tally import mark

        @pyexp.experiment(executor="fork", stash=False)
        def exp(cfg):
            mark(cfg)

        exp.configs(lambda: [{"name": "a"}])
        exp.run()
    """,
    )
    project.pyexp("list", "exp.py")
    assert project.executed() == []
    project.pyexp("build", "exp.py")
    assert project.executed() == ["a"]
