"""Where projects and repositories begin."""

from __future__ import annotations

from pathlib import Path

import pytest

from dodo_pyexp.provenance.roots import PROJECT_MARKS, git_root, nearest_with, project_of


def test_the_nearest_folder_with_a_mark_is_found(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "mark.here").touch()
    assert nearest_with(str(inner), ["mark.here"]) == str(tmp_path)
    (inner / "other.mark").touch()
    assert nearest_with(str(inner), ["mark.here", "other.mark"]) == str(inner)
    assert nearest_with(str(inner), ["no such mark"]) is None


def test_a_repository_is_found_through_links_and_where_git_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "tree" / "src").mkdir(parents=True)
    (tmp_path / "tree" / ".git").write_text("gitdir: elsewhere\n")
    (tmp_path / "link").symlink_to(tmp_path / "tree" / "src")
    assert git_root(str(tmp_path / "link")) == str((tmp_path / "tree").resolve())


@pytest.mark.parametrize("mark", PROJECT_MARKS)
def test_a_file_belongs_to_the_nearest_marked_folder(tmp_path: Path, mark: str) -> None:
    file = tmp_path / "lab" / "experiments" / "train.py"
    file.parent.mkdir(parents=True)
    file.touch()
    (tmp_path / "lab" / mark).touch()
    (tmp_path / "link.py").symlink_to(file)
    assert project_of(str(file)) == str((tmp_path / "lab").resolve())
    assert project_of(str(tmp_path / "link.py")) == str((tmp_path / "lab").resolve())
    (file.parent / mark).touch()
    assert project_of(str(file)) == str(file.parent.resolve())
