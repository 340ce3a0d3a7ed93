from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dodo_pyexp.executors.relocation import Relocation

ROOT = Path(__file__).resolve().parents[2]


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


CHILD = """
import sys
sys.path[:0] = [sys.argv[2], sys.argv[1] + "/repo/src"]
import pkg.early                                     # before the fork
from dodo_pyexp.executors.relocation import Relocation
moved = Relocation([(sys.argv[1] + "/repo", sys.argv[1] + "/copy")])
moved.prepare()
(moved.apply(), None)
import pkg.a, pkg.generated
print(pkg.a.PLACE, pkg.early.__file__ == sys.argv[1] + "/repo/src/pkg/early.py", pkg.generated.__file__)
"""


@pytest.mark.parametrize("init", [True, False])
def test_a_fork_imports_from_the_copy_what_it_has_not_imported_yet(
    moved: Relocation, tmp_path: Path, init: bool
) -> None:
    (tmp_path / "repo/src/pkg/early.py").write_text("")
    if init:
        for place in ("repo", "copy"):
            (tmp_path / place / "src/pkg/__init__.py").write_text("")
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path), str(ROOT)], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stdout.split() == ["copy", "True", f"{tmp_path}/repo/src/pkg/generated.py"], done.stderr


def test_a_module_that_is_nowhere_is_still_not_found(moved: Relocation, tmp_path: Path) -> None:
    (tmp_path / "copy/src/pkg/__init__.py").write_text("")
    child = CHILD.replace("import pkg.early ", "# ").replace("import pkg.a, pkg.generated", "import pkg.nowhere")
    done = subprocess.run(
        [sys.executable, "-c", child, str(tmp_path), str(ROOT)], capture_output=True, text=True, cwd=tmp_path
    )
    assert "ModuleNotFoundError: No module named 'pkg.nowhere'" in done.stderr


def test_preparing_twice_looks_once(moved: Relocation, monkeypatch: pytest.MonkeyPatch) -> None:
    moved.prepare()
    monkeypatch.setattr(os.path, "realpath", lambda path: pytest.fail("looked again"))
    moved.prepare()
