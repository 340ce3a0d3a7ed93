"""Digests of files are kept from build to build, and believed only of files that cannot have changed since."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.provenance.inputs import digests as module
from dodo_pyexp.provenance.inputs.digests import ChangingFile, Digests

OLD = 10**18


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were read."""
    found: list[str] = []
    read = Digests._read

    def counted(self: Digests, path: str, size: int) -> str:
        found.append(os.path.basename(path))
        return read(self, path, size)

    monkeypatch.setattr(Digests, "_read", counted)
    return found


def of(digests: Digests, path: Path) -> str:
    return digests.of(str(path), path.stat())


def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on it is an hour later."""
    now = time.time_ns
    monkeypatch.setattr(module.time, "time_ns", lambda: now() + 3600 * 10**9)


def test_a_file_is_read_once_also_by_the_next_build(
    tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, kept = tmp_path / "a", str(tmp_path / "out/.digests.json")
    data.write_text("one")
    later(monkeypatch)
    first = Digests(kept)
    known = of(first, data)
    assert of(first, data) == known and reads == ["a"]
    first.save()
    second = Digests(kept)
    assert of(second, data) == known and reads == ["a"]
    data.write_text("two")
    assert of(second, data) != known and reads == ["a", "a"]


def test_a_file_that_was_just_written_is_read_again_by_the_next_build(tmp_path: Path, reads: list[str]) -> None:
    data, kept = tmp_path / "a", str(tmp_path / ".digests.json")
    data.write_text("one")
    first = Digests(kept)
    of(first, data)
    first.save()
    of(Digests(kept), data)
    assert reads == ["a", "a"]


def test_within_a_build_too_a_file_is_read_again_that_may_have_been_written_within_one_tick(
    tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "a"
    data.write_text("one")
    digests = Digests()
    of(digests, data)
    later(monkeypatch)
    of(digests, data)
    assert reads == ["a", "a"]
    of(digests, data)
    assert reads == ["a", "a"]  # an hour later nobody can write it within the same tick


def test_a_file_that_grows_faster_than_it_is_read_is_not_read_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "a"
    data.write_bytes(b"x" * (3 << 20))
    monkeypatch.setattr(module, "MOST_GROWN", 1)
    with pytest.raises(ChangingFile):
        Digests()._read(str(data), 5)


def test_another_file_with_the_same_size_and_time_is_read(
    tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, other = tmp_path / "a", tmp_path / "b"
    for path, text in ((data, "one"), (other, "two")):
        path.write_text(text)
        os.utime(path, ns=(OLD, OLD))
    later(monkeypatch)
    digests = Digests()
    before = of(digests, data)
    os.replace(other, data)
    assert of(digests, data) != before and reads == ["a", "a"]


def test_a_file_that_changes_while_it_is_read_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "a"
    data.write_text("one")
    read = Digests._read

    def disturbed(self: Digests, path: str, size: int) -> str:
        found = read(self, path, size)
        data.write_text("longer")
        return found

    monkeypatch.setattr(Digests, "_read", disturbed)
    with pytest.raises(ChangingFile):
        of(Digests(), data)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"format": 1, "files": 3}', '{"format": 1, "files": {"a": [1, 2], "b": "x", "c": null}}']
)
def test_what_lies_in_the_place_of_the_digests_is_no_harm(tmp_path: Path, text: str) -> None:
    kept, data = tmp_path / ".digests.json", tmp_path / "a"
    data.write_text("one")
    kept.write_text(text)
    digests = Digests(str(kept))
    of(digests, data)
    digests.save()
    files: dict[str, Any] = json.loads(kept.read_text())["files"]
    assert list(files) == [str(data)]


def test_a_folder_in_their_place_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / ".digests.json" / "x").mkdir(parents=True)
    (tmp_path / "a").write_text("one")
    digests = Digests(str(tmp_path / ".digests.json"))
    of(digests, tmp_path / "a")
    digests.save()


def test_of_many_files_those_are_kept_that_were_read_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KEPT", 3)
    digests = Digests(str(tmp_path / ".digests.json"))
    for index in range(5):
        (tmp_path / f"f{index}").write_text("x")
        of(digests, tmp_path / f"f{index}")
    digests.save()
    files = json.loads((tmp_path / ".digests.json").read_text())["files"]
    assert [os.path.basename(path) for path in files] == ["f2", "f3", "f4"]


def test_it_is_told_how_much_of_a_large_file_has_been_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOLD_FROM", 1)
    monkeypatch.setattr(module, "TOLD_EVERY", 0.0)
    data = tmp_path / "a"
    data.write_bytes(b"x" * (3 << 20))
    told: list[tuple[int, int]] = []
    digests = Digests()
    digests.progress = lambda path, done, size: told.append((done, size))
    of(digests, data)
    assert told == [(1 << 20, 3 << 20), (2 << 20, 3 << 20), (3 << 20, 3 << 20)]
