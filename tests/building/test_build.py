"""What a build does without doit when nothing is out of date, and that doit takes over where something is."""

from __future__ import annotations

from typing import Any

import pytest

EXPERIMENT = """
import pyexp

@pyexp.experiment(executor="inline", stash=False)
def first(cfg):
    return cfg.value

@first.configs
def configs():
    return [{"name": "a", "value": 1}, {"name": "b", "value": 2}]

@pyexp.experiment(executor="inline", stash=False)
def second(cfg, out, deps):
    return [dep.result for dep in deps]

@second.configs
def more():
    return [{"name": "sum", "depends_on": ["first:a", "first:b"]}, {"name": "alone"}]
"""
LOOK = (
    "import sys; from dodo_pyexp.cli.main import main; code = main(['build', 'exp.py', *sys.argv[1:]]); "
    "print(code, sorted({name.partition('.')[0] for name in sys.modules} & {'sqlite3', 'yaml', 'git'}), "
    "'doit.control' in sys.modules, 'dodo_pyexp.executors.base' in sys.modules)"
)


@pytest.fixture
def two(project: Any) -> Any:
    project.write("exp.py", EXPERIMENT)
    assert "4 executed" in project.pyexp("build", "exp.py").stderr
    return project


def test_a_build_that_finds_nothing_to_do_imports_neither_doit_nor_what_executes(two: Any) -> None:
    done = two.python("-c", LOOK)
    assert done.stdout == "0 [] False False\n"
    assert "4 runs: all up to date" in done.stderr


def test_something_to_do_is_left_to_doit(two: Any) -> None:
    two.edit("exp.py", '"value": 2', '"value": 3')
    done = two.python("-c", LOOK)
    assert done.stdout == "0 ['sqlite3', 'yaml'] True True\n"
    assert "2 executed, 2 up to date" in done.stderr
    assert two.python("-c", LOOK).stdout == "0 [] False False\n"


def test_what_lies_behind_an_executed_run_is_decided_by_what_came_of_it(two: Any) -> None:
    two.edit("exp.py", '"value": 2', '"value": 9')
    assert "2 executed, 2 up to date" in two.pyexp("build", "exp.py").stderr
    two.write("exp.py", EXPERIMENT.replace('"value": 2', '"value": 9, "more": 1'))
    assert "1 executed, 3 up to date" in two.pyexp("build", "exp.py").stderr


def test_each_run_is_decided_once_when_nothing_is_out_of_date_and_the_changed_one_when_it_is(two: Any) -> None:
    count = (
        "import dodo_pyexp.planning.decision as d; real = d.decide; seen = []\n"
        "def counted(run, *more):\n    seen.append(run.full_name)\n    return real(run, *more)\n"
        "d.decide = counted\n"
        "from dodo_pyexp.cli.main import main; main(['build', 'exp.py']); print(sorted(seen))"
    )
    assert two.python("-c", count).stdout == "['first:a', 'first:b', 'second:alone', 'second:sum']\n"
    two.edit("exp.py", '"name": "alone"', '"name": "alone", "x": 1')
    decided = two.python("-c", count).stdout
    assert [decided.count(f"'{name}'") for name in ("first:a", "first:b", "second:sum")] == [1, 1, 1]


@pytest.mark.parametrize("words", [("--rerun",), ("--filter", "first:a")])
def test_flags_mean_the_same_where_nothing_is_out_of_date(two: Any, words: tuple[str, ...]) -> None:
    said = two.pyexp("build", "exp.py", *words).stderr
    assert ("4 executed" if words == ("--rerun",) else "1 run: up to date") in said


def test_a_batch_is_recorded_although_nothing_was_executed(two: Any) -> None:
    two.pyexp("build", "exp.py")
    listed = two.pyexp("list", "exp.py", "--batches").stdout.splitlines()
    assert [line for line in listed if "first" in line][-1].endswith("(2/2 runs)  2 cached")


def test_tasks_of_the_users_own_are_executed_where_no_run_is(two: Any) -> None:
    two.write(
        "exp.py",
        EXPERIMENT + "\ndef task_own():\n    return {'actions': ['echo done > own.txt'], 'uptodate': [False]}\n",
    )
    two.pyexp("build", "exp.py")
    assert (two.folder / "own.txt").read_text() == "done\n"


def test_a_report_is_made_where_no_run_is_out_of_date(two: Any) -> None:
    two.write("exp.py", EXPERIMENT + "\n@second.report\ndef report(results, out):\n    print('told', len(results))\n")
    assert "told 2" in two.pyexp("build", "exp.py").stdout
    assert "told" not in two.pyexp("build", "exp.py").stdout
