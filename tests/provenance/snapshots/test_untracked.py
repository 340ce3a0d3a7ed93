from __future__ import annotations

import os
from pathlib import Path

import pytest

from dodo_pyexp.provenance.snapshots import untracked
from dodo_pyexp.provenance.snapshots.untracked import link_above, link_beside, looks_beside


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import pathlib\nHERE = pathlib.Path(__file__)", True),
        ("from importlib.resources import files", True),
        ("pkgutil.get_data('pkg', 'x.txt')", True),
        ("open('data.csv')", False),
    ],
)
def test_code_that_may_open_files_beside_it_is_recognised(tmp_path: Path, text: str, expected: bool) -> None:
    (tmp_path / "a.py").write_text("")
    (tmp_path / "b.py").write_text(text)
    assert looks_beside(map(str, (tmp_path / "gone.py", tmp_path / "a.py", tmp_path / "b.py"))) is expected


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name in (
        "exp.py", "lib/model.py", "lib/weights.bin", "data/x/points.csv", ".git/HEAD", ".env", "lib/__pycache__/a.pyc",
        ".venv/pyvenv.cfg", "out/exp/a/log.out", ".ssh/config",
    ):  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "token.txt").write_text("ghp_0123456789abcdefghij0123456789")
    copy = root / "out" / "exp" / ".snapshots" / "c"
    (copy / "lib").mkdir(parents=True)
    for name in ("exp.py", "lib/model.py"):
        (copy / name).write_text("old")
    return root


def links(copy: Path) -> set[str]:
    return {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_symlink()}


def test_data_is_linked_and_nothing_else(project: Path) -> None:
    copy = project / "out" / "exp" / ".snapshots" / "c"
    assert link_beside(copy, project, [project / "out"]) == 2
    assert links(copy) == {"data", "lib/weights.bin"}
    assert (copy / "data" / "x" / "points.csv").read_text() == "data/x/points.csv"
    assert (copy / "exp.py").read_text() == "old"
    assert not os.path.isabs(os.readlink(copy / "data"))
    assert link_beside(copy, project, [project / "out"]) == 0


def test_no_output_folder_is_linked(project: Path) -> None:
    copy = project / "out" / "exp" / ".snapshots" / "c"
    (project / "older/exp/.batches").mkdir(parents=True)
    link_beside(copy, project, [project / "out"])
    assert links(copy) == {"data", "lib/weights.bin"}


def test_what_lies_beside_the_project_is_linked_if_the_code_names_it(project: Path) -> None:
    copy = project / "out" / "exp" / ".snapshots" / "c"
    for name in ("points", "tables", "unnamed", ".env", "old/exp/.batches"):
        (project.parent / name).mkdir(parents=True)
    code = 'HERE.parent.parent / "points"; join(HERE, "../tables/x.csv"); open("../.env"); "old", "gone", "project"'
    (project / "exp.py").write_text(code)
    for _ in range(2):
        link_above(copy, project, [str(project / "exp.py"), "gone.py"], [project / "out"])
    assert links(copy.parent) == {"points", "tables"}
    assert (copy.parent / "points").resolve() == project.parent / "points"


def test_the_links_survive_that_the_whole_project_moves(project: Path) -> None:
    copy = project / "out" / "exp" / ".snapshots" / "c"
    link_beside(copy, project, [project / "out"])
    moved = project.rename(project.parent / "elsewhere")
    assert (moved / copy.relative_to(project) / "lib" / "weights.bin").read_text() == "lib/weights.bin"


def test_there_is_an_end_to_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(untracked, "MOST_LINKS", 1)
    assert link_beside(project / "out" / "exp" / ".snapshots" / "c", project, [project / "out"]) == 1


def test_a_folder_that_is_gone_gives_no_links(project: Path) -> None:
    assert link_beside(project / "out" / "exp" / ".snapshots" / "c", project / "gone") == 0
