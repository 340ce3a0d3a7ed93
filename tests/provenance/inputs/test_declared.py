"""What declared files and folders are like, and how a change of them is put."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.provenance.inputs.declared import GONE, Seen, change, see_file, see_folder
from dodo_pyexp.provenance.inputs.digests import Digests
from dodo_pyexp.provenance.inputs.entries import CHANGED, was_fresh


def folder(path: Path, files: dict[str, str]) -> Seen:
    for name, text in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    return see_folder(str(path), Digests())


def test_the_digest_of_a_folder_is_that_of_names_and_contents(tmp_path: Path) -> None:
    one = folder(tmp_path / "one", {"a": "1", "deep/b": "2"})
    other = folder(tmp_path / "other", {"deep/b": "2", "a": "1"})
    assert one == other and one.entry is not None and one.entry[:2] == [2, 2]
    for files in ({"a": "1"}, {"a": "2"}, {"c": "1", "deep/b": "2"}, {"a": "2", "deep/b": "1"}):
        assert folder(tmp_path / str(files), files).entry != one.entry


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"a": "1"}, {"a": "1"}, ""),
        ({"a": "1"}, {"a": "2"}, "1 file changed"),
        ({"a": "1"}, {"a": "1", "b": "", "c": ""}, "2 files added"),
        ({"a": "1", "b": "2"}, {"b": "3"}, "1 file removed, 1 changed"),
        ({"a": "1", "b": "2"}, {"b": "3", "c": "4", "d": "5"}, "2 files added, 1 removed, 1 changed"),
    ],
)
def test_a_change_of_a_folder_is_counted(tmp_path: Path, before: Any, after: Any, said: str) -> None:
    first, second = folder(tmp_path / "first", before), folder(tmp_path / "second", after)
    assert first.entry is not None
    assert change(first.entry, second, first.tree) == said
    assert bool(change(first.entry, second)) == bool(said)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ([5, "d", 1, 2], Seen([5, "d", 3, 4]), ""),
        ([5, "d", 1, 2], Seen([5, "e", 1, 2]), "changed"),
        ([12_100_000, "d", 1, 2], Seen([12_300_000, "e", 1, 2]), "changed (12.1 MB -> 12.3 MB)"),
        ([5, "d", 1, 2], Seen(None, GONE), "is gone"),
        ([5, CHANGED, 1, 2], Seen([5, "d", 1, 2]), "changed while it ran"),
        ([5, "d", 1, 2], Seen([1, 5, "d"]), "changed"),
    ],
)
def test_a_change_of_a_file_is_put_in_words(before: Any, after: Seen, said: str) -> None:
    assert change(before, after) == said


def test_a_link_to_a_folder_above_brings_nothing_in(tmp_path: Path) -> None:
    seen = folder(tmp_path / "project/data", {"a": "1", "deep/b": "2"})
    (tmp_path / "project/out").mkdir()
    (tmp_path / "project/out/log").write_text("of the build")
    (tmp_path / "project/data/deep/up").symlink_to("../..")
    (tmp_path / "project/data/top").symlink_to(tmp_path)
    assert see_folder(str(tmp_path / "project/data"), Digests()) == seen


@pytest.mark.parametrize(("age", "part", "fresh"), [(0, 7, True), (1, 7, False), (1, 0, True), (3, 0, False)], ids=str)
def test_a_file_system_that_knows_only_seconds_has_a_longer_tick(age: int, part: int, fresh: bool) -> None:
    when = (10**9 + 5) * 10**9 + part
    assert was_fresh((when, when), when + age * 10**9 + 1) == fresh


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_text("")
    said = {
        name: see_file(str(tmp_path / name), Digests()).trouble for name in ("", "pipe", "loop", "nothing", "file/x")
    }
    assert said == {
        "": "is a folder; declare it as pyexp.Folder",
        "pipe": "is no file, but a named pipe",
        "loop": "is a symbolic link that leads in a circle",
        "nothing": GONE,
        "file/x": GONE,
    }
    assert see_file("/dev/null", Digests()).trouble == "is no file, but a device"
    assert see_folder(str(tmp_path / "file"), Digests()).trouble == "is no folder; declare it as pyexp.File"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_named(tmp_path: Path) -> None:
    folder(tmp_path / "data", {"a": "1"})
    (tmp_path / "data/a").chmod(0)
    said = "cannot be read: Permission denied (a)"
    assert see_file(str(tmp_path / "data/a"), Digests()).trouble == said
    assert see_folder(str(tmp_path / "data"), Digests()).trouble == said
