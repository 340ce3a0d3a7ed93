from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.build.cleaning import (
    LeftAlone,
    failed_attempts,
    leftovers,
    older_attempts,
    remove,
    size_text,
    tree_size,
    whole_runs,
)
from dodo_pyexp.build.locks import RunLock
from dodo_pyexp.provenance.host import Owner
from dodo_pyexp.results.stored import StoredRun, stored_run
from dodo_pyexp.store.manifest import Manifest
from dodo_pyexp.store.paths import OutputFolder
from dodo_pyexp.store.record import Record

FIRST, SECOND = "2026-01-01_00-00-00", "2026-01-02_00-00-00"


@pytest.fixture
def output(tmp_path: Path) -> OutputFolder:
    output = OutputFolder(tmp_path / "out")
    Manifest(FIRST, ["a"], {"a": {"name": "a"}}, (1,)).create(output.experiment("exp"))
    return output


@pytest.fixture
def run(output: OutputFolder) -> StoredRun:
    Path(output.experiment("exp").path, "a").mkdir()
    return stored_run(output, "exp:a")


def attempt(run: StoredRun, stamp: str, **status: Any) -> Path:
    folder = Path(run.files.attempt(stamp).path)
    folder.mkdir(parents=True)
    (folder / "status.json").write_text(json.dumps(status))
    return folder


def test_a_run_is_removed_with_everything_below(run: StoredRun, output: OutputFolder) -> None:
    (attempt(run, FIRST, state="finished") / "deep" / "er").mkdir(parents=True)
    (piece,) = whole_runs([run])
    remove(piece, output)
    assert not os.path.exists(run.files.path)


def test_a_run_that_somebody_has_locked_is_left_alone(run: StoredRun, output: OutputFolder) -> None:
    attempt(run, FIRST, state="finished")
    lock = RunLock.take(run.files.path)
    assert lock is not None
    with pytest.raises(LeftAlone, match="being executed"):
        remove(whole_runs([run])[0], output)
    lock.release()
    remove(whole_runs([run])[0], output)


def test_a_run_with_a_living_owner_is_left_alone(run: StoredRun, output: OutputFolder) -> None:
    attempt(run, FIRST, state="running", owner=Owner.current().to_dict())
    assert list(failed_attempts(run)) == []
    with pytest.raises(LeftAlone, match="being executed"):
        remove(whole_runs([run])[0], output)


def test_attempts_that_failed_or_were_left_behind_are_failed_ones(run: StoredRun) -> None:
    dead = {**Owner.current().to_dict(), "pid": 2**22 + 1}
    attempt(run, FIRST, state="failed")
    attempt(run, SECOND, state="running", owner=dead)
    assert [Path(piece.path).name for piece in failed_attempts(run)] == [FIRST, SECOND]


def test_older_attempts_are_those_that_the_record_does_not_name(run: StoredRun) -> None:
    for stamp in (FIRST, SECOND):
        attempt(run, stamp, state="finished")
    assert list(older_attempts(run)) == []
    Record("a", "hash", {}, "digest", SECOND, {}).write(run.files)
    assert [Path(piece.path).name for piece in older_attempts(run)] == [FIRST]


def test_leftovers_are_found_in_the_run_and_in_its_attempts(run: StoredRun) -> None:
    (attempt(run, FIRST, state="finished") / ".status.json.1.tmp").touch()
    Path(run.files.path, "..finished.1.tmp").touch()
    assert len(list(leftovers(run))) == 2


def test_an_experiment_behind_a_link_is_left_alone(run: StoredRun, output: OutputFolder, tmp_path: Path) -> None:
    attempt(run, FIRST, state="failed")
    (tmp_path / "out" / "exp").rename(tmp_path / "moved")
    (tmp_path / "out" / "exp").symlink_to(tmp_path / "moved")
    for piece in [*whole_runs([run]), *failed_attempts(run)]:
        with pytest.raises(LeftAlone, match="symbolic link"):
            remove(piece, output)
    assert (tmp_path / "moved" / "a" / FIRST).is_dir()


def test_an_output_folder_that_is_a_link_itself_is_cleaned(run: StoredRun, tmp_path: Path) -> None:
    attempt(run, FIRST, state="finished")
    (tmp_path / "out").rename(tmp_path / "disk")
    (tmp_path / "out").symlink_to(tmp_path / "disk")
    remove(whole_runs([run])[0], OutputFolder(tmp_path / "out"))
    assert not (tmp_path / "disk" / "exp" / "a").exists()


def test_read_only_folders_are_removed_too(run: StoredRun, output: OutputFolder) -> None:
    folder = attempt(run, FIRST, state="finished") / "locked"
    folder.mkdir()
    (folder / "file").touch()
    folder.chmod(0o500)
    remove(whole_runs([run])[0], output)
    assert not os.path.exists(run.files.path)


def test_what_is_gone_already_is_no_problem(run: StoredRun, output: OutputFolder) -> None:
    attempt(run, FIRST, state="finished")
    piece = whole_runs([run])[0]
    remove(piece, output)
    remove(piece, output)
    assert not os.path.exists(run.files.path)


def test_sizes_do_not_follow_links(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 5000)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "small").write_bytes(b"x" * 10)
    (folder / "link").symlink_to(tmp_path / "big")
    assert tree_size(str(folder)) < 5000


@pytest.mark.parametrize(
    "size, text", [(1, "1 byte"), (0, "0 bytes"), (1500, "1.5 kB"), (999_999, "1.0 MB"), (3 * 10**12, "3.0 TB")]
)
def test_sizes_are_written_for_people(size: int, text: str) -> None:
    assert size_text(size) == text
