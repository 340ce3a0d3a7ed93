from __future__ import annotations

from pathlib import Path

import pytest

from dodo_pyexp.executors.imports.relocation import Relocation

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def moved(tmp_path: Path) -> Relocation:
    for place in ("repo", "copy"):
        (tmp_path / place / "src" / "pkg").mkdir(parents=True)
        (tmp_path / place / "src" / "pkg" / "a.py").write_text(f"PLACE = {place!r}\n")
    (tmp_path / "repo" / "src" / "pkg" / "generated.py").write_text("")
    (tmp_path / "repo2").mkdir()
    (tmp_path / "repo" / "venv").mkdir()
    return Relocation([(str(tmp_path / "repo"), str(tmp_path / "copy"))])


def test_what_is_in_the_copy_is_found_there_and_nothing_else(moved: Relocation, tmp_path: Path) -> None:
    assert moved.of(f"{tmp_path}/repo") == f"{tmp_path}/copy"
    assert moved.of(f"{tmp_path}/repo/src/pkg/a.py") == f"{tmp_path}/copy/src/pkg/a.py"
    for place in ("repo/src/pkg/generated.py", "repo2", "repo/venv", "", "elsewhere"):
        assert moved.of(f"{tmp_path}/{place}") is None


def test_a_path_through_a_link_leads_to_the_same_copy(moved: Relocation, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "repo")
    assert moved.of(f"{tmp_path}/link/src") == f"{tmp_path}/copy/src"


def test_the_search_path_has_copies_in_place_and_the_folders_themselves_last(moved: Relocation, tmp_path: Path) -> None:
    path = [f"{tmp_path}/repo", "/usr/lib/python", f"{tmp_path}/repo/src", f"{tmp_path}/repo/venv"]
    assert moved.search_path(path) == [
        f"{tmp_path}/copy", "/usr/lib/python", f"{tmp_path}/copy/src", f"{tmp_path}/repo/venv",
        f"{tmp_path}/repo", f"{tmp_path}/repo/src",
    ]  # fmt: skip


def test_the_folder_of_pyexp_itself_stays_where_it_is(tmp_path: Path) -> None:
    assert Relocation([(str(ROOT), str(tmp_path))]).of(str(ROOT)) is None


def test_the_innermost_folder_counts(tmp_path: Path) -> None:
    for place in ("one/in", "two", "three"):
        (tmp_path / place).mkdir(parents=True)
    moved = Relocation([(f"{tmp_path}/one", f"{tmp_path}/two"), (f"{tmp_path}/one/in", f"{tmp_path}/three")])
    assert moved.of(f"{tmp_path}/one/in") == f"{tmp_path}/three"


def test_messages_name_the_files_that_the_user_knows(moved: Relocation, tmp_path: Path) -> None:
    text = f'File "{tmp_path}/copy/src/pkg/a.py", line 1 in {tmp_path}/copy-of-mine/a.py'
    assert moved.readable(text) == f'File "{tmp_path}/repo/src/pkg/a.py", line 1 in {tmp_path}/copy-of-mine/a.py'


def test_the_project_of_code_of_long_ago_is_known_by_its_file_wherever_it_lies_now(tmp_path: Path) -> None:
    for place in ("here/src", "copy/src"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "here/train.py").write_text("")
    (tmp_path / "copy/train.py").write_text("")
    moved = Relocation([], [f"{tmp_path}/copy"], ("train.py", f"{tmp_path}/copy", 0.0))
    assert moved.of(f"{tmp_path}/here/src") == f"{tmp_path}/copy/src"
    assert moved.of(f"{tmp_path}/copy/src") is None
    assert moved.of(f"{tmp_path}/here/gone") is None
    assert moved.of(str(tmp_path)) is None


def test_a_library_with_a_file_of_that_name_is_not_the_project_of_then(tmp_path):
    import dodo_pyexp

    copy, library = tmp_path / "copy", tmp_path / "site-packages/library"
    for folder in (copy, library, tmp_path / "moved"):
        folder.mkdir(parents=True)
        (folder / "experiment.py").touch()
    relocation = Relocation([], [str(copy)], ("experiment.py", str(copy), 0.0))
    assert relocation.of(dodo_pyexp.__path__[0]) is relocation.of(str(library)) is None
    assert relocation.of(str(tmp_path / "moved")) == str(copy)
