from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.config.config import Config
from dodo_pyexp.results.result import Result
from dodo_pyexp.results.rows import Row, flatten, scalars
from dodo_pyexp.store.paths import AttemptFolder


def attempt(folder: Path, value: Any = None, **status: Any) -> AttemptFolder:
    """Write what an attempt holds that a table looks at."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value)
    (folder / "result.json").write_text(text)
    known = {"state": "finished", "files": {"result.json": len(text)}, **status}
    (folder / "status.json").write_text(json.dumps(known))
    return AttemptFolder(str(folder))


def row(found: AttemptFolder | None, reason: str | None = None, *, alive: bool = False) -> Row:
    return Row.of(Result.at("a", lambda: Config(name="a", lr=0.1), lambda: (found, reason)), lambda *_: alive)


def test_a_finished_run_has_its_scalars(tmp_path: Path) -> None:
    found = row(attempt(tmp_path / "t", {"loss": 0.5, "curve": [1]}))
    assert (found.state, found.returned, found.config) == ("finished", {"loss": 0.5}, {"lr": 0.1})


def test_a_failed_run_has_its_cause(tmp_path: Path) -> None:
    found = row(attempt(tmp_path / "t", state="failed", error={"type": "ValueError", "message": "no\nmore"}))
    assert (found.state, found.cause) == ("failed", "ValueError: no")
    for message, cause in (("", "KeyError"), ("at:", "KeyError: at:")):
        found = row(attempt(tmp_path / cause, state="failed", error={"type": "KeyError", "message": message}))
        assert found.cause == cause


@pytest.mark.parametrize("alive, state", [(True, "running"), (False, "interrupted")])
def test_running_needs_a_living_owner(tmp_path: Path, alive: bool, state: str) -> None:
    assert row(attempt(tmp_path / "t", state="running"), alive=alive).state == state


def test_skipped_and_missing_runs(tmp_path: Path) -> None:
    assert row(None, "upstream b failed").cause == "upstream b failed"
    assert row(None).state == "missing"


@pytest.mark.parametrize(
    "name, content", [("status.json", "{"), ("result.json", "{"), ("status.json", '{"state": "finished"}')]
)
def test_a_damaged_attempt_says_so(tmp_path: Path, name: str, content: str) -> None:
    found = attempt(tmp_path / "t", {"loss": 0.5})
    (tmp_path / "t" / name).write_text(content)
    assert row(found).state == "damaged"


@pytest.mark.parametrize(
    "known",
    [{"written": {}}, {"written": "x"}, {"saved": {"a": None}}, {"files": {"result.json": "x"}}, {"saved": []},
     {"sums": None}],
)  # fmt: skip
def test_a_status_of_other_types_is_damaged(tmp_path: Path, known: dict[str, Any]) -> None:
    found = row(attempt(tmp_path / "t", {"loss": 0.5}, **known))
    assert (found.state, found.cause) == ("damaged", "status.json is not whole")


def test_the_run_of_another_is_not_shown_as_this_one(tmp_path: Path) -> None:
    place = tmp_path / "train/a"
    found = row(attempt(place / "2026-01-02_03-04-06", {"loss": 0.5}, run="b", experiment="train"))
    assert (found.state, found.cause, found.returned) == ("damaged", "it is that of train:b, copied here", {})
    found = row(attempt(place / "2026-01-02_03-04-07", {"loss": 0.5}, run="a", experiment="test"))
    assert (found.state, found.cause, found.returned) == ("damaged", "it is that of test:a, copied here", {})
    assert row(attempt(place / "2026-01-02_03-04-05", {"loss": 0.5}, run="a", experiment="train")).state == "finished"
    for flat in (True, False):  # as where only the path is known
        attempt(tmp_path / "train/a-0123", {"loss": 0.5}, run="a", experiment="train")
        assert row(AttemptFolder(str(tmp_path / "train/a-0123"), flat=flat)).state == "finished"


def test_a_result_json_that_the_function_saved_is_not_taken_for_the_return_value(tmp_path: Path) -> None:
    found = attempt(tmp_path / "t", {"mine": 1}, files={})
    assert row(found).returned == {}
    (tmp_path / "t" / "result.json.pyexp").write_text('{"loss": 0.5}')
    found = attempt(tmp_path / "t", {"mine": 1}, files={"result.json.pyexp": 13})
    assert row(found).returned == {"loss": 0.5}


def test_scalars_are_dotted_down_to_the_second_level() -> None:
    value = {"a": 1, "b": {"c": True, "d": {"e": 1}}, "f": None, "g": {"__pickled__": "x.Y"}, "h": "text"}
    assert scalars(value) == {"a": 1, "b.c": True, "h": "text"}


def test_a_return_value_that_is_no_dict_stands_under_value() -> None:
    assert scalars(3) == {"value": 3}
    assert scalars([3]) == {}


def test_an_empty_dict_is_a_value() -> None:
    assert flatten({"a": {}, "b": {"c": {"d": 1}}}) == {"a": {}, "b.c.d": 1}
