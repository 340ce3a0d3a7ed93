from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.errors import ConfigError, PyexpError
from dodo_pyexp.provenance.snapshots.dirty import DirtyGitAction, DirtyGitError, check_dirty, dirty_files
from dodo_pyexp.provenance.snapshots.snapshot import SnapshotError, take_snapshot

Project = Any  # The helper of conftest.py, which importlib mode cannot import.


@pytest.mark.parametrize("word", ["error", "ERROR", " Error "])
def test_an_action_is_read_in_any_case(word: str) -> None:
    assert DirtyGitAction(word) is DirtyGitAction.ERROR


@pytest.mark.parametrize("word", ["eror", "", 3, None])
def test_another_action_is_an_error_that_names_the_choices(word: Any) -> None:
    with pytest.raises(ConfigError, match="ignore, warn, error"):
        DirtyGitAction(word)


def test_a_near_miss_gets_a_hint() -> None:
    with pytest.raises(ConfigError, match='did you mean "error"'):
        DirtyGitAction("eror")


def test_a_clean_repository_is_fine(project: Project) -> None:
    assert dirty_files(project.root / "train.py") == []
    assert check_dirty(project.root / "train.py", DirtyGitAction.ERROR) is None


def test_modified_staged_deleted_and_new_files_are_told(project: Project) -> None:
    project.write("gone.py", "1")
    project.commit()
    project.write("train.py", "2")
    project.write("staged.py", "1")
    project.git("add", "staged.py")
    project.write("new folder/new.py", "1")
    project.write("ignored/x", "1")
    project.write("lib/__pycache__/x.pyc", "1")
    (project.root / "gone.py").unlink()
    before = project.state()
    expected = ["gone.py", "new folder/new.py", "staged.py", "train.py"]
    assert dirty_files(project.root / "lib" / "model.py") == expected
    assert project.state() == before
    snapshot = take_snapshot(project.root)
    assert snapshot is not None
    assert snapshot.dirty == expected


def test_error_lists_ten_files_and_counts_the_rest(project: Project) -> None:
    for number in range(13):
        project.write(f"f{number:02}.py")
    with pytest.raises(DirtyGitError) as caught:
        check_dirty(project.root, "error")
    message = str(caught.value)
    assert isinstance(caught.value, PyexpError)
    assert "13 uncommitted changes" in message
    assert "f09.py" in message
    assert "f10.py" not in message
    assert "and 3 more" in message
    assert "\n" not in message


def test_warn_gives_the_sentence(project: Project) -> None:
    project.write("train.py", "2")
    warning = check_dirty(project.root / "train.py", "warn")
    assert warning is not None
    assert "has an uncommitted change: train.py;" in warning


def test_ignore_does_not_even_look(project: Project) -> None:
    project.write(".git/index", "damaged")
    assert check_dirty(project.root, DirtyGitAction.IGNORE) is None


def test_the_output_folder_does_not_count(project: Project) -> None:
    project.write("out/tracked", "1")
    project.commit()
    project.write("out/tracked", "2")
    project.write("out/exp/run", "1")
    assert check_dirty(project.root, "error", [project.root / "out"]) is None
    assert dirty_files(project.root, [project.root / "out"]) == []


def test_a_surrounding_git_hook_points_nowhere_else(
    project: Project, make_project: Callable[[str], Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_project("other")
    project.write("train.py", "2")
    for name, value in (("GIT_DIR", ".git"), ("GIT_WORK_TREE", "."), ("GIT_INDEX_FILE", ".git/index")):
        monkeypatch.setenv(name, str(other.root / value))
    assert dirty_files(project.root) == ["train.py"]


def test_outside_git_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert dirty_files(tmp_path) == []
    assert check_dirty(tmp_path / "train.py", "error") is None


def test_before_the_first_commit_everything_is_dirty(make_project: Callable[[str], Project]) -> None:
    project = make_project("young")
    project.write("a", "1")
    project.write("b", "1")
    project.git("add", "a")
    assert dirty_files(project.root) == ["a", "b"]


def test_changes_in_a_submodule_count(project: Project, make_project: Callable[[str], Project]) -> None:
    library = make_project("library")
    library.write("tool.py", "1")
    library.commit()
    project.git("submodule", "add", "-q", str(library.root), "sub")
    project.commit()
    assert dirty_files(project.root) == []
    project.write("sub/tool.py", "2")
    project.write("sub/out/x", "2")
    assert dirty_files(project.root, [project.root / "sub/out"]) == ["sub/tool.py"]


def test_when_git_cannot_tell_a_warning_says_so_and_an_error_raises(project: Project) -> None:
    project.write(".git/index", "damaged")
    warning = check_dirty(project.root, "warn")
    assert warning is not None
    assert "fails in" in warning
    with pytest.raises(SnapshotError):
        check_dirty(project.root, "error")
