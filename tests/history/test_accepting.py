"""Accepting runs: their records say that today's code made them, and nothing else changes."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.store.locks import RunLock
from tests.changed_code import ALL, LOGIC, record


def test_accepted_runs_count_as_made_by_todays_code(built: Any) -> None:
    built.edit(*LOGIC)
    before = record(built)
    assert built.pyexp("accept", "exp.py", "-n").stdout == "would accept 5 runs of exp: helper.py::f changed\n"
    assert record(built) == before
    assert built.pyexp("accept", "exp.py").stdout == "accepted 5 runs of exp: helper.py::f changed\n"
    after = record(built)
    assert after.pop("code") != before.pop("code") and after == before
    done = built.pyexp("build", "exp.py", "--code", "rerun")
    assert built.executed() == [] and "code" not in done.stderr
    assert built.pyexp("accept", "exp.py").stdout.startswith("there is nothing to accept")
    built.edit("helper.py", "x * 5", "x * 2")  # accepted for other code than what made them
    assert "5 of 5" in built.pyexp("build", "exp.py", "-n", "--code", "rerun", status=3).stdout


def test_what_made_an_accepted_run_stays_known(built: Any) -> None:
    named = record(built)["code"]
    built.edit(*LOGIC)
    built.pyexp("accept", "exp.py")
    assert json.loads((built.attempts("r0")[-1] / "status.json").read_text())["code"] == named != record(built)["code"]


@pytest.mark.parametrize("words", [["--filter", "^r1$"], ["exp:r1"], ["r1"], ["exp:r[1]"]])
def test_only_the_runs_that_are_named_are_accepted(built: Any, words: list[str]) -> None:
    built.edit(*LOGIC)
    built.pyexp("accept", "exp.py", *words)
    built.pyexp("build", "exp.py", "--code", "rerun")
    assert built.executed() == [run for run in ALL if run != "r1"]


def test_runs_that_are_out_of_date_for_another_reason_are_left_alone(built: Any) -> None:
    built.edit(*LOGIC)
    built.edit("exp.py", "3, 40)", "3, 4)")
    (built.attempts("r1")[-1] / "experiment.pkl").unlink()
    told = json.loads(built.pyexp("accept", "exp.py", "--json").stdout)
    assert [run["run"] for run in told["accepted"]] == ["exp:r0", "exp:r2", "exp:r3"]
    assert [(run["run"], run["state"]) for run in told["left"]] == [("exp:r1", "stale"), ("exp:r4", "missing")]
    assert "left alone, because not up to date: exp:r1 (stale: result damaged" in built.pyexp("accept", "exp.py").stdout


def test_upstreams_that_were_not_named_are_not_accepted(pipeline: Any) -> None:
    pipeline.edit("helper.py", "x * 2", "x * 3")
    pipeline.edit("exp.py", "2 * x", "3 * x")
    assert pipeline.pyexp("accept", "exp.py", "down").stdout == "accepted 1 run of down: exp.py::double changed\n"
    states = json.loads(pipeline.pyexp("build", "exp.py", "-n", "--json", status=3).stdout)["runs"]
    assert [(run["state"], run["kind"]) for run in states] == [("stale", "code"), ("stale", "upstream")]


def test_a_run_that_somebody_executes_is_not_accepted(built: Any) -> None:
    built.edit(*LOGIC)
    lock = RunLock.take(str(built.out / "exp" / "r1"))
    assert lock is not None
    try:
        told = json.loads(built.pyexp("accept", "exp.py", "--json").stdout)
    finally:
        lock.release()
    assert [run["run"] for run in told["left"]] == ["exp:r1"] and len(told["accepted"]) == 4


def test_a_filter_that_matches_nothing_is_status_2(built: Any) -> None:
    done = built.pyexp("accept", "exp.py", "--filter", "nothing", status=2)
    assert "matches no run" in done.stderr and done.stdout == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_records_that_cannot_be_written_are_one_sentence(built: Any, one_sentence: Any) -> None:
    built.edit(*LOGIC)
    (built.out / "exp" / "r0").chmod(0o500)
    try:
        one_sentence(built.pyexp("accept", "exp.py", status=None), "cannot write to")
    finally:
        (built.out / "exp" / "r0").chmod(0o700)


def test_a_session_can_accept_runs_too(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "lesson.py").write_text(
        textwrap.dedent(
            """
            import pyexp

            @pyexp.experiment(executor="inline", stash=False)
            def lesson(cfg):
                return cfg.x + 1

            @lesson.configs
            def configs():
                return [{"name": f"r{x}", "x": x} for x in range(3)]
            """
        )
    )
    monkeypatch.syspath_prepend(str(here))
    import lesson  # type: ignore[import-not-found]

    experiment = lesson.lesson
    try:
        experiment.run(output_dir="elsewhere")
        path = here / "elsewhere/lesson/r1/.finished"
        path.write_text(json.dumps({**json.loads(path.read_text()), "code": "1-0123456789abcdef"}))
        assert experiment.accept(filter="r0") == []
        assert experiment.accept(filter="r[12]") == ["r1"]
        assert experiment.accept() == []
    finally:
        del sys.modules["lesson"]
