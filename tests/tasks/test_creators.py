"""Plain doit on experiment files: its commands make sense, and every door shares the same records."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

EXPERIMENT = """
import pyexp
from tally import mark

@pyexp.experiment(name="exp")
def train(cfg, out, deps):
    '''Train something.'''
    mark(cfg)
    print("hello from", cfg.name)
    return {"x": cfg.x + sum(dep.result["x"] for dep in deps)}

@train.configs
def configs():
    return [
        {"name": "a", "x": 1},
        {"name": "b", "x": 2},
        {"name": "c", "x": 3, "depends_on": "^[ab]$"},
    ]

if __name__ == "__main__":
    train.run()
"""
DOORS = {
    "doit -f": ("-m", "doit", "-f", "exp.py"),
    "doit -n 2": ("-m", "doit", "-f", "exp.py", "-n", "2"),
    "doit threads": ("-m", "doit", "-f", "exp.py", "-n", "2", "-P", "thread"),
    "doit dodo": ("-m", "doit"),
    "script": ("exp.py",),
    "script jobs": ("exp.py", "-j", "2", "--executor", "fork"),
    "pyexp": ("-m", "pyexp", "build"),
    "pyexp file": ("-m", "pyexp", "build", "exp.py"),
}


@pytest.fixture
def doors(project: Any) -> Any:
    project.write("exp.py", EXPERIMENT)
    project.write("dodo.py", "from pyexp import *\nfrom exp import *\n")
    return project


@pytest.mark.parametrize("first", DOORS)
def test_what_one_door_has_built_no_other_executes(doors: Any, first: str) -> None:
    doors.python(*DOORS[first])
    executed = doors.executed()
    assert sorted(executed) == ["a", "b", "c"] and executed[-1] == "c"
    for other in ("doit -f", "script", "pyexp"):
        doors.python(*DOORS[other])
        assert doors.executed() == [], other
    assert json.loads((doors.attempts("c")[0] / "result.json").read_text()) == {"x": 6}


def test_one_changed_value_executes_the_same_through_every_door(doors: Any) -> None:
    doors.python("exp.py")
    doors.executed()
    for number, arguments in enumerate(DOORS.values()):
        doors.edit("exp.py", f'"a", "x": {number + 1}', f'"a", "x": {number + 2}')
        doors.python(*arguments)
        assert doors.executed() == ["a", "c"], arguments


def test_every_door_works_when_the_database_is_gone_or_damaged(doors: Any) -> None:
    doors.doit("-f", "exp.py")
    database = doors.out / ".doit.db"
    assert database.exists()
    doors.executed()
    for damage in (None, b"", b"x" * 999):
        for door in ("doit -f", "script", "pyexp"):
            database.unlink() if damage is None else database.write_bytes(damage)
            doors.python(*DOORS[door])
            database.touch()
    assert doors.executed() == []


def test_doit_writes_nothing_outside_the_output_folder(doors: Any) -> None:
    before = {path.name for path in doors.folder.iterdir()}
    doors.doit("-f", "exp.py")
    doors.doit()
    assert {path.name for path in doors.folder.iterdir()} == before | {"out"}


def test_doit_list_tells_state_and_config(doors: Any) -> None:
    assert status_of(doors) == {"exp": "R", "exp:a": "R", "exp:b": "R", "exp:c": "R"}
    doors.doit("-f", "exp.py")
    assert status_of(doors) == {"exp": "R", "exp:a": "U", "exp:b": "U", "exp:c": "U"}
    doors.edit("exp.py", '"b", "x": 2', '"b", "x": 20')
    assert status_of(doors)["exp:b"] == "R"
    listed = doors.doit("-f", "exp.py", "list", "--all").stdout
    assert ("x=20" in listed and "Train something." in listed) or "3 runs of exp" in listed
    assert doors.executed() == ["a", "b", "c"]


def status_of(doors: Any) -> dict[str, str]:
    lines = doors.doit("-f", "exp.py", "list", "--all", "--status").stdout.splitlines()
    return {line.split()[1]: line.split()[0] for line in lines}


def test_doit_info_tells_the_reason(doors: Any) -> None:
    assert "never run" in doors.doit("-f", "exp.py", "info", "exp:a", status=None).stdout
    doors.doit("-f", "exp.py")
    doors.edit("exp.py", '"b", "x": 2', '"b", "x": 20')
    told = doors.doit("-f", "exp.py", "info", "exp:b", status=None).stdout
    assert "x 2 -> 20" in told and "out/exp/b/.finished" in told
    told = doors.doit("-f", "exp.py", "info", "exp:a", status=None).stdout
    assert "up-to-date" in told and "'x': 1" in told


def test_doit_builds_a_target_and_what_it_depends_on(doors: Any) -> None:
    doors.doit("-f", "exp.py", "out/exp/b/.finished")
    assert doors.executed() == ["b"]
    doors.doit("-f", "exp.py", "out/exp/c/.finished")
    assert doors.executed() == ["a", "c"]


def test_doit_builds_a_task_or_a_pattern(doors: Any) -> None:
    doors.doit("-f", "exp.py", "exp:a")
    assert doors.executed() == ["a"]
    doors.doit("-f", "exp.py", "exp:*")
    assert doors.executed() == ["b", "c"]


def test_doit_clean_makes_the_runs_missing_and_leaves_the_attempts(doors: Any) -> None:
    doors.doit("-f", "exp.py")
    doors.executed()
    doors.doit("-f", "exp.py", "clean", "-n", "exp:b")
    doors.doit("-f", "exp.py")
    assert doors.executed() == []
    doors.doit("-f", "exp.py", "clean", "exp:b")
    assert not (doors.out / "exp" / "b" / ".finished").exists()
    assert len(doors.attempts("b")) == 1
    doors.doit("-f", "exp.py")
    assert doors.executed() == ["b"]
    doors.doit("-f", "exp.py", "clean", "exp")
    doors.doit("-f", "exp.py")
    assert sorted(doors.executed()) == ["a", "b", "c"]


def test_doit_executes_what_it_is_told_to_and_what_it_forgets(doors: Any) -> None:
    doors.doit("-f", "exp.py")
    doors.executed()
    doors.doit("-f", "exp.py", "-a")
    assert sorted(doors.executed()) == ["a", "b", "c"]
    doors.doit("-f", "exp.py", "-a", "-n", "2")
    assert sorted(doors.executed()) == ["a", "b", "c"]
    doors.doit("-f", "exp.py", "forget", "--all")
    doors.doit("-f", "exp.py")
    assert sorted(doors.executed()) == ["a", "b", "c"]


@pytest.mark.parametrize("arguments", [(), ("-n", "2"), ("-n", "2", "-P", "thread")], ids=" ".join)
def test_a_failure_under_doit_leaves_independent_runs_alone(doors: Any, arguments: tuple[str, ...]) -> None:
    doors.edit("exp.py", "    print(", "    assert cfg.name != 'a', 'no luck'\n    print(")
    failed = doors.doit("-f", "exp.py", *arguments, status=2)  # doit counts what it could not try as an error
    assert sorted(doors.executed()) == ["a", "b"]
    assert "AssertionError: no luck" in failed.stdout + failed.stderr
    doors.doit("-f", "exp.py", *arguments, status=2)
    assert doors.executed() == ["a"]


def test_an_experiment_under_two_names_is_one(doors: Any) -> None:
    doors.write("dodo.py", "from pyexp import *\nfrom exp import train\nanother = train\n_third = another\n")
    assert doors.doit("list", "--all").stdout.count("exp:a") == 1
    doors.doit()
    assert sorted(doors.executed()) == ["a", "b", "c"]
    doors.pyexp("build")
    assert doors.executed() == []


def test_experiments_may_have_any_name(project: Any) -> None:
    names = ["run", "list", "clean", "help", "with space", "a=b", "ü", "a/b", "-x"]
    project.write(
        "dodo.py",
        f"""
        import pyexp
        from tally import mark

        def fn(cfg):
            mark(cfg)

        made = [pyexp.experiment(fn, name=name, executor="fork") for name in {names!r}]
        for one in made:
            one.configs(lambda name=one.name: [{{"name": f"run of {{name}}"}}])
        first, second, third, fourth, fifth, sixth, seventh, eighth, ninth = made
        """,
    )
    project.doit()
    assert sorted(project.executed()) == sorted(f"run of {name}" for name in names)
    project.doit("list", "--all", "--status")
    project.pyexp("build")
    assert project.executed() == []
    assert {path.name for path in project.folder.iterdir()} == {"dodo.py", "tally.py", "out"}


def test_an_experiment_variable_may_be_called_like_a_command(project: Any) -> None:
    project.write("exp.py", EXPERIMENT.replace("train", "run"))
    project.doit("-f", "exp.py")
    assert sorted(project.executed()) == ["a", "b", "c"]


ODD = ["lr=0.1", "a*b", "-leading", "a b", "a/b", "a_b", "...", ".hidden", "A_B", "ü", "$(x)", "a:b", "x" * 300]
ODD += ["report", "run", "list"]


def test_runs_may_have_any_name(project: Any) -> None:
    project.write(
        "exp.py",
        f"""
        import pyexp
        from tally import mark

        NAMES = {ODD!r}

        @pyexp.experiment
        def exp(cfg):
            mark(cfg)

        @exp.configs
        def configs():
            return [{{"name": name}} for name in NAMES]

        if __name__ == "__main__":
            exp.run(executor="fork")
            assert exp.results().names == NAMES
        """,
    )
    project.doit("-f", "exp.py")
    assert sorted(project.executed()) == sorted(ODD)
    project.doit("-f", "exp.py", "list", "--all", "--status")
    project.python("exp.py")
    project.pyexp("build", "exp.py")
    assert project.executed() == []
    (folder,) = project.out.glob("exp/*lr*/.finished")
    assert "=" not in str(folder.relative_to(project.folder))
    project.doit("-f", "exp.py", "clean")
    project.doit("-f", "exp.py", os.path.relpath(folder, project.folder))
    assert project.executed() == ["lr=0.1"]


PIPELINE = {
    "first.py": """
        import pyexp
        from tally import mark

        @pyexp.experiment
        def first(cfg, out):
            mark(cfg)
            (out / "data").write_text(str(cfg.x))

        @first.configs
        def configs():
            return [{"name": "one", "x": 1}, {"name": "two", "x": 2}]
        """,
    "second.py": """
        import pyexp
        from tally import mark
        from first import first

        @pyexp.experiment
        def second(cfg, out, deps):
            mark(cfg)
            return [(dep.out / "data").read_text() for dep in deps]

        @second.configs
        def configs():
            return [{"name": "from_two", "depends_on": "^two$"}]

        @second.report
        def report(results, out):
            (out / "table.txt").write_text(str(results[0].result))

        if __name__ == "__main__":
            second.run()
        """,
    "dodo.py": "from first import first\nfrom second import second\n",
}


@pytest.fixture
def pipeline(project: Any) -> Any:
    for name, text in PIPELINE.items():
        project.write(name, text)
    return project


def test_a_pipeline_of_several_files_builds_through_doit(pipeline: Any) -> None:
    pipeline.doit("second")
    assert pipeline.executed() == ["two", "from_two"]
    pipeline.doit()
    assert pipeline.executed() == ["one"]
    (report,) = pipeline.out.glob("second/report/*/table.txt")
    assert report.read_text() == "['2']"
    pipeline.edit("first.py", '"x": 2', '"x": 20')
    pipeline.doit()
    assert pipeline.executed() == ["two", "from_two"]
    assert {path.read_text() for path in pipeline.out.glob("second/report/*/table.txt")} == {"['2']", "['20']"}
    pipeline.doit()
    assert pipeline.executed() == []
    assert len(list(pipeline.out.glob("second/report/*/table.txt"))) == 2


def test_a_script_brings_the_other_experiments_runs_up_to_date_that_it_needs(pipeline: Any) -> None:
    pipeline.python("second.py")
    assert pipeline.executed() == ["two", "from_two"]
    pipeline.python("second.py")
    assert pipeline.executed() == []
    pipeline.doit("-f", "second.py")  # every experiment that the file knows
    assert pipeline.executed() == ["one"]
    pipeline.pyexp("build")
    assert pipeline.executed() == []


def test_the_dodo_file_keeps_doits_database_in_the_output_folder(pipeline: Any) -> None:
    pipeline.doit()
    assert {path.name for path in pipeline.folder.iterdir()} == {*PIPELINE, "tally.py", "out"}


def test_the_users_own_doit_settings_win(pipeline: Any) -> None:
    pipeline.write("dodo.py", PIPELINE["dodo.py"] + 'DOIT_CONFIG = {"default_tasks": ["first:one"]}\n')
    pipeline.doit()
    assert pipeline.executed() == ["one"]


def test_a_pipeline_lists_and_cleans_through_doit(pipeline: Any) -> None:
    listed = pipeline.doit("list", "--all").stdout
    for task in ("first:one", "first:two", "second:from_two", "second:report"):
        assert task in listed
    pipeline.doit()
    pipeline.executed()
    pipeline.doit("clean", "second:from_two")
    pipeline.doit()
    assert pipeline.executed() == ["from_two"]
    reports = pipeline.out / "second" / "report"
    pipeline.doit()
    assert len(list(reports.glob("*/table.txt"))) == 1
    pipeline.doit("clean", "second")
    pipeline.doit()
    assert pipeline.executed() == ["from_two"]
    assert len(list(reports.glob("*/table.txt"))) == 2


def test_doit_list_says_what_runs_without_parameters_depend_on(pipeline: Any) -> None:
    lines = [line.split(None, 1) for line in pipeline.doit("list", "--all").stdout.splitlines()]
    told = {words[0]: words[1].strip() for words in lines if len(words) > 1}
    assert told["second"] == "1 run of second"
    assert told["second:from_two"] == "depends on ^two$"


def test_other_tasks_of_the_dodo_file_work_beside_experiments(pipeline: Any) -> None:
    own = (
        "\ndef task_own():\n"
        "    return {'actions': ['echo done > own.txt'], 'targets': ['own.txt'],"
        " 'file_dep': ['out/first/one/.finished']}\n"
    )
    pipeline.write("dodo.py", PIPELINE["dodo.py"] + own)
    pipeline.doit("own")
    assert pipeline.executed() == ["one"]
    assert (pipeline.folder / "own.txt").exists()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"name": "b"', '"name": "a"', 'two configs are called "a"'),
        ('"^[ab]$"', '"^zz$"', "depends_on '^zz$' matches no other run"),
        ('"^[ab]$"', '"^c$"', "exp:c depends on itself"),
        ('"x": 1', '"x": print', "exp"),
    ],
)
def test_a_mistake_in_the_configs_is_told_by_doit_without_a_traceback(
    doors: Any, old: str, new: str, said: str
) -> None:
    doors.edit("exp.py", old, new)
    done = doors.doit("-f", "exp.py", status=2)
    assert said in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not doors.out.exists()


def test_a_mistake_in_pyproject_is_told_by_every_door_without_a_traceback(doors: Any, one_sentence: Any) -> None:
    doors.write("pyproject.toml", '[tool.pyexp]\nexecuter = "fork"\n')
    one_sentence(doors.python("exp.py", status=None), "executer", "pyproject.toml")
    one_sentence(doors.pyexp("build", status=None), "executer", "pyproject.toml")
    for arguments in ((), ("-f", "exp.py")):
        done = doors.doit(*arguments, status=2)
        assert "executer" in done.stderr and "Traceback" not in done.stderr


def test_an_unknown_executor_is_told_by_every_door_without_a_traceback(doors: Any, one_sentence: Any) -> None:
    doors.write("pyproject.toml", '[tool.pyexp]\nexecutor = "frok"\n')
    one_sentence(doors.python("exp.py", status=None), '"frok"')
    one_sentence(doors.pyexp("build", status=None), '"frok"')
    done = doors.doit(status=None)
    assert done.returncode != 0
    assert '"frok"' in done.stdout + done.stderr and "Traceback" not in done.stdout + done.stderr


def test_an_output_folder_that_cannot_be_is_one_sentence(doors: Any, one_sentence: Any) -> None:
    Path(doors.folder / "out").write_text("a file")
    one_sentence(doors.python("exp.py", status=None), "out is a file, not a folder", "--output-dir")
    one_sentence(doors.pyexp("build", status=None), "out is a file, not a folder", "--output-dir")
    for arguments in ((), ("-n", "2"), ("-n", "2", "-P", "thread")):
        one_sentence(doors.doit("-f", "exp.py", *arguments, status=None), "out is a file, not a folder")
    assert doors.executed() == []
