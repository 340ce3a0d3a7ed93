from __future__ import annotations

import subprocess
from pathlib import Path

from dodo_pyexp.store.outputs import experiment_folders, is_output, make_output


def test_a_new_output_folder_is_ignored_by_git(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    make_output(str(tmp_path / "deep/out"))
    (tmp_path / "deep/out/x.txt").write_text("")
    done = subprocess.run(
        ["git", "status", "--porcelain", "-uall"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    assert is_output(str(tmp_path / "deep/out"))


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    make_output(str(tmp_path))
    make_output(str(tmp_path / "notes.txt"))
    make_output(str(tmp_path / "notes.txt/out"))
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_an_output_folder_is_known_by_its_manifests(tmp_path: Path) -> None:
    (tmp_path / "old/train/.batches").mkdir(parents=True)
    (tmp_path / "data/train").mkdir(parents=True)
    (tmp_path / "data/.gitignore").write_text("*\n")
    (tmp_path / "file").write_text("")
    found = {name: is_output(str(tmp_path / name)) for name in ("old", "old/train", "data", "file", "gone")}
    assert found == {"old": True, "old/train": True, "data": False, "file": False, "gone": False}


def test_the_folders_of_experiments_are_those_with_manifests() -> None:
    paths = [
        b"a/b/train/.batches/2026-11-21_07-49-18-2.json", b"a/b/train/.batches/2026-11-22_07-49-18.json",
        b".batches/2026-11-21_07-49-18.json", b"x/.batches/notes.json", b"y/.batches/2026-11-21_07-49-18.txt",
    ]  # fmt: skip
    assert experiment_folders(paths) == (b"a/b/train",)
