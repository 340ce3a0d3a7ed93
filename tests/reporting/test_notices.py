"""What is said about changed code: policies, and the same reason wherever it is shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.changed_code import ALL, CHANGED, LOGIC, experiment


def test_by_default_changed_code_is_told_once_and_nothing_is_executed(built: Any) -> None:
    built.edit(*LOGIC)
    done = built.pyexp("build", "exp.py")
    assert built.executed() == []
    told = [line for line in done.stderr.splitlines() if "helper.py" in line]
    assert told == [
        "exp: 5 up-to-date runs were made by other code: helper.py::f changed (`pyexp build exp.py --code rerun` "
        "executes them again, `pyexp accept exp.py` keeps them)"
    ]
    assert "5 runs: all up to date" in done.stderr


def test_the_code_of_one_run_is_told_in_the_singular_and_of_many_changes_a_few(built: Any) -> None:
    functions = "".join(f"def g{n}(x):\n    return x\n" for n in range(9))
    built.write("helper.py", functions + "def f(x):\n    return " + " + ".join(f"g{n}(x)" for n in range(9)) + "\n")
    done = built.pyexp("build", "exp.py", "exp:r1")
    assert "exp: 1 up-to-date run was made by other code: helper.py::f changed" in done.stderr
    assert "helper.py::g2 added and 6 more (" in done.stderr
    assert "executes it again" in done.stderr


def test_ignored_code_is_not_told_and_not_executed(built: Any) -> None:
    built.edit(*LOGIC)
    done = built.pyexp("build", "exp.py", "--code", "ignore")
    assert built.executed() == [] and "helper.py" not in done.stderr


def test_a_policy_chosen_later_knows_what_was_executed_under_ignore(built: Any) -> None:
    built.edit(*LOGIC)
    built.pyexp("build", "exp.py", "--code", "ignore", "--rerun")
    assert built.executed() == ALL
    built.pyexp("build", "exp.py", "--code", "rerun")
    assert built.executed() == []


def test_a_build_of_nothing_under_ignore_does_not_look_at_the_code(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import pyexp
    from dodo_pyexp.provenance.code import fingerprint

    @pyexp.experiment(executor="inline", stash=False, code="ignore")
    def exp(cfg: Any) -> int:
        return 1

    exp.configs(lambda: [{"name": "a"}])
    exp.run()

    def looked(fn: object) -> None:
        raise AssertionError("somebody looked at the code")

    monkeypatch.setattr(fingerprint, "Survey", looked)
    exp.run()
    assert "1 run: up to date" in capsys.readouterr().err
    exp.run(code="warn")
    assert "somebody looked at the code" in capsys.readouterr().err


def test_the_command_line_wins_over_run_over_the_decorator_over_pyproject(built: Any) -> None:
    built.edit(*LOGIC)
    built.write("pyproject.toml", '[tool.pyexp]\ncode = "rerun"\n')
    assert "5 of 5" in built.python("exp.py", "-n", status=3).stdout
    built.write("exp.py", experiment('(stash=False, code="ignore")'))
    assert "0 of 5" in built.python("exp.py", "-n").stdout
    built.edit("exp.py", "exp.run()", 'exp.run(code="rerun")')
    assert "5 of 5" in built.python("exp.py", "-n", status=3).stdout
    assert "0 of 5" in built.python("exp.py", "-n", "--code", "warn").stdout


@pytest.mark.parametrize(
    "write",
    [
        lambda project: project.pyexp("build", "exp.py", "--code", "rern", status=2),
        lambda project: (
            project.write("pyproject.toml", '[tool.pyexp]\ncode = "rern"\n')
            and project.pyexp("build", "exp.py", status=2)
        ),
        lambda project: (
            project.write("exp.py", experiment('(code="rern")')) and project.pyexp("build", "exp.py", status=2)
        ),
        lambda project: (
            project.edit("exp.py", "exp.run()", 'exp.run(code="rern")') or project.python("exp.py", status=2)
        ),
    ],
    ids=["command line", "pyproject", "decorator", "run"],
)
def test_an_unknown_policy_is_one_sentence(built: Any, one_sentence: Any, write: Callable[[Any], Any]) -> None:
    one_sentence(write(built), "code", '"warn", "rerun", "ignore"', '"rern"', 'did you mean "rerun"')


def test_every_door_tells_the_same_reason_for_a_run_that_will_be_executed(built: Any) -> None:
    built.edit(*LOGIC)
    built.write("pyproject.toml", '[tool.pyexp]\ncode = "rerun"\n')
    assert f"exp:r0   stale  {CHANGED}" in built.pyexp("list", "exp.py").stdout
    assert f"exp:r0   {CHANGED}" in built.pyexp("build", "exp.py", "-n", status=3).stdout
    listed = json.loads(built.pyexp("list", "exp.py", "--json").stdout)["runs"][0]
    foreseen = json.loads(built.pyexp("build", "exp.py", "-n", "--json", status=3).stdout)["runs"][0]
    assert listed == foreseen
    assert (listed["state"], listed["kind"], listed["reason"]) == ("stale", "code", CHANGED)
    assert listed["data"] == {"changed": ["helper.py::f changed"]}
    assert f"stale: {CHANGED}" in built.doit("info", "-f", "exp.py", "exp:r0", status=None).stdout
    done = json.loads(built.pyexp("build", "exp.py", "--json").stdout)["runs"][0]
    assert (done["kind"], done["reason"], done["executed"]) == ("code", CHANGED, True)
    assert json.loads((built.attempts("r0")[-1] / "status.json").read_text())["why"] == CHANGED


def test_every_door_tells_the_same_reason_for_a_run_that_is_only_warned_about(built: Any) -> None:
    built.edit(*LOGIC)
    assert f"exp:r0   up-to-date  {CHANGED}" in built.pyexp("list", "exp.py").stdout
    done = built.pyexp("build", "exp.py", "-n")
    assert "0 of 5 runs would be executed" in done.stdout and "5 up-to-date runs were made by other code" in done.stderr
    listed = json.loads(built.pyexp("list", "exp.py", "--json").stdout)["runs"][0]
    assert (listed["state"], listed["kind"], listed["reason"]) == ("up-to-date", "code", CHANGED)
    assert CHANGED in built.doit("info", "-f", "exp.py", "exp:r0").stdout
    assert "5 up-to-date runs were made by other code: helper.py::f changed" in built.doit("-f", "exp.py").stderr
    done = json.loads(built.pyexp("build", "exp.py", "--json").stdout)["runs"][0]
    assert (done["kind"], done["reason"], done["executed"]) == ("code", CHANGED, False)
    assert built.executed() == []


def test_beside_plain_doit_the_advice_can_be_pasted(built: Any) -> None:
    built.edit(*LOGIC)
    said = built.doit("-f", "exp.py").stderr
    assert "(`pyexp build exp.py --code rerun` executes them again, `pyexp accept exp.py` keeps them)" in said
    built.write("dodo.py", "from exp import exp\n")
    said = built.doit().stderr
    assert "(`pyexp build --code rerun` executes them again, `pyexp accept` keeps them)" in said
    assert "accepted 5 runs of exp" in built.pyexp("accept").stdout
    assert "other code" not in built.doit().stderr
    assert built.executed() == []


def test_a_dodo_file_beside_it_is_not_what_doit_was_given(built: Any) -> None:
    built.edit(*LOGIC)
    built.write("dodo.py", "def task_other():\n    return {'actions': None}\n")
    assert "`pyexp accept exp.py` keeps them" in built.doit("-f", "exp.py").stderr


def test_plain_doit_executes_again_what_other_code_made(built: Any) -> None:
    built.write("pyproject.toml", '[tool.pyexp]\ncode = "rerun"\n')
    built.doit("-f", "exp.py")
    assert built.executed() == []
    built.edit(*LOGIC)
    built.doit("-f", "exp.py")
    assert built.executed() == ALL


def test_a_changed_config_and_a_damaged_result_come_before_changed_code(built: Any) -> None:
    built.edit(*LOGIC)
    built.edit("exp.py", '"x": x}', '"x": -x}')
    (built.attempts("r0")[-1] / "experiment.pkl").write_bytes(b"")
    told = built.pyexp("build", "exp.py", "-n", "--code", "rerun", status=3).stdout
    assert "exp:r1   config: x 1 -> -1" in told
    assert "exp:r0   result damaged" in told
    assert "helper.py" not in told
