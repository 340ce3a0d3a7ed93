from __future__ import annotations

import os
from pathlib import Path

from dodo_pyexp.cleaning.removable import (
    aside,
    history,
    leftovers,
    removed_by_halves,
    tree_size,
    whole_run,
)
from tests.stored import FIRST, SECOND, attempt, experiment_in, stored


def test_a_run_is_as_big_as_all_below_it(tmp_path: Path) -> None:
    run = stored(experiment_in(tmp_path))
    (attempt(run, FIRST) / "weights").write_bytes(b"x" * 5000)
    piece = whole_run(run)
    assert piece.size == 5000 + (Path(run.files.path) / FIRST / "status.json").stat().st_size
    assert piece.to_dict() | {"path": "", "bytes": 0} == {
        "path": "", "kind": "run", "experiment": "exp", "run": "exp:a", "attempt": None, "bytes": 0,
    }  # fmt: skip


def test_sizes_do_not_follow_links(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 5000)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "small").write_bytes(b"x" * 10)
    (folder / "link").symlink_to(tmp_path / "big")
    assert tree_size(str(folder)) < 5000


def test_what_two_names_share_counts_once(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"x" * 100)
    os.link(tmp_path / "one", tmp_path / "other")
    assert tree_size(str(tmp_path)) == 100


def test_what_is_gone_has_no_size(tmp_path: Path) -> None:
    assert tree_size(str(tmp_path / "gone")) == 0


def test_leftovers_are_found_in_the_run_and_in_its_attempts(tmp_path: Path) -> None:
    run = stored(experiment_in(tmp_path))
    (attempt(run, FIRST) / ".status.json.1.tmp").touch()
    Path(run.files.path, "..finished.1.tmp").touch()
    Path(aside(run.files.attempt(SECOND).path)).mkdir()
    assert len(list(leftovers(run))) == 3


def test_runs_that_were_removed_by_halves_are_found_unless_somebody_is_at_it(tmp_path: Path) -> None:
    experiment = experiment_in(tmp_path)
    folder = Path(experiment.files.path)
    (folder / f".a.{2**22 + 1}.tmp").mkdir()
    (folder / f".b.{os.getppid()}.tmp").mkdir()
    (folder / f".file.json.{2**22 + 1}.tmp").touch()
    assert [piece.label for piece in removed_by_halves(experiment)] == [f"exp .a.{2**22 + 1}.tmp"]


def test_history_is_what_is_there_beside_the_runs(tmp_path: Path) -> None:
    experiment = experiment_in(tmp_path)
    Path(experiment.files.defaults).touch()
    stored(experiment)
    assert [piece.label for piece in history(experiment)] == ["exp .batches", "exp .defaults.json"]
