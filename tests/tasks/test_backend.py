"""doit's database: written as it goes, tolerant of damage and of values that JSON cannot hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from dodo_pyexp.tasks import backend
from dodo_pyexp.tasks.backend import Backend


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "deep" / "doit.db")


def filled(path: str) -> Backend:
    database = Backend(path)
    database.set("a", "result:", "one")
    database.set("a", "values", {"x": [1, None]})
    database.set("b", "result:", "two")
    database.dump()
    return database


def test_nothing_is_created_for_nothing(path: str) -> None:
    database = Backend(path)
    assert database.get("a", "result:") is None and not database.in_("a")
    database.dump()
    assert not Path(path).parent.exists()


def test_values_are_read_back(path: str) -> None:
    filled(path)
    database = Backend(path)
    assert database.get("a", "values") == {"x": [1, None]}
    assert database.in_("b") and not database.in_("c")


def test_one_task_or_all_can_be_forgotten(path: str) -> None:
    database = filled(path)
    database.remove("a")
    database.remove("never known")
    database.dump()
    assert not Backend(path).in_("a") and Backend(path).in_("b")
    database.remove_all()
    database.set("c", "result:", "three")
    database.dump()
    again = Backend(path)
    assert not again.in_("b") and again.get("c", "result:") == "three"


def test_what_json_cannot_hold_is_left_out_and_nothing_else(path: str) -> None:
    database = filled(path)
    database.set("a", "bad", object())
    database.dump()
    again = Backend(path)
    assert again.get("a", "result:") == "one" and again.get("a", "bad") is None


def test_it_is_written_while_the_build_goes_on(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "CHECKPOINT_SECONDS", -1.0)
    Backend(path).set("a", "result:", "one")  # and then the process dies
    assert Backend(path).get("a", "result:") == "one"


def test_a_file_cut_off_anywhere_is_an_empty_or_a_usable_database(path: str) -> None:
    filled(path)
    data = Path(path).read_bytes()
    for size in [*range(0, 200, 13), *range(200, len(data), 997)]:
        Path(path).write_bytes(data[:size])
        database = Backend(path)
        database.set("new", "result:", size)
        database.dump()
        assert Backend(path).get("new", "result:") == size


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\x00" + b"x" * 5000])
def test_a_damaged_file_is_replaced(path: str, content: bytes) -> None:
    Path(path).parent.mkdir()
    Path(path).write_bytes(content)
    filled(path)
    assert Backend(path).get("b", "result:") == "two"


def test_a_place_that_cannot_be_written_is_done_without(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    database = Backend(str(tmp_path / "file" / "doit.db"))
    database.set("a", "result:", 1)
    database.dump()
    assert "goes on without it" in capsys.readouterr().err


def test_two_at_once_keep_what_each_has_written(path: str) -> None:
    first, second = Backend(path), Backend(path)
    first.set("a", "result:", 1)
    second.set("b", "result:", 2)
    first.dump()
    second.dump()
    both = Backend(path)
    assert (both.get("a", "result:"), both.get("b", "result:")) == (1, 2)
