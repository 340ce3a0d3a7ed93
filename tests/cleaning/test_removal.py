from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dodo_pyexp.cleaning.removable import Piece, leftovers, removed_by_halves, whole_run
from dodo_pyexp.cleaning.removal import LeftAlone, remove
from dodo_pyexp.cleaning.retention import Needs, Wish, trimmed
from dodo_pyexp.results.stored import StoredExperiment, StoredRun
from dodo_pyexp.store.locks import RunLock
from dodo_pyexp.store.owner import Owner
from tests.stored import FIRST, SECOND, attempt, experiment_in, record, stored

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def experiment(tmp_path: Path) -> StoredExperiment:
    return experiment_in(tmp_path)


@pytest.fixture
def run(experiment: StoredExperiment) -> StoredRun:
    return stored(experiment)


def failed(run: StoredRun) -> list[Piece]:
    return trimmed(run, Wish(failed=True), Needs(run.experiment))


def test_a_run_is_removed_with_everything_below(run: StoredRun) -> None:
    (attempt(run, FIRST) / "deep" / "er").mkdir(parents=True)
    remove(whole_run(run))
    assert sorted(os.listdir(run.experiment.files.path)) == [".batches"]


def test_an_attempt_is_removed_and_the_folder_of_the_run_with_the_last_one(run: StoredRun) -> None:
    attempt(run, FIRST, "failed")
    attempt(run, SECOND, "failed")
    first, second = failed(run)
    remove(first)
    assert os.listdir(run.files.path) == [SECOND]
    remove(second)
    assert not os.path.exists(run.files.path)


def test_a_run_that_somebody_has_locked_is_left_alone(run: StoredRun) -> None:
    attempt(run, FIRST)
    lock = RunLock.take(run.files.path)
    assert lock is not None
    with pytest.raises(LeftAlone, match="being executed"):
        remove(whole_run(run))
    lock.release()
    remove(whole_run(run))


def test_a_run_with_a_living_owner_is_left_alone(run: StoredRun) -> None:
    attempt(run, FIRST, "running", owner=Owner.current().to_dict())
    with pytest.raises(LeftAlone, match="being executed"):
        remove(whole_run(run))


def test_a_run_that_was_executed_meanwhile_is_left_alone(run: StoredRun) -> None:
    attempt(run, FIRST)
    piece = whole_run(run)
    attempt(run, SECOND)
    with pytest.raises(LeftAlone, match="meanwhile"):
        remove(piece)


def test_an_attempt_that_became_the_result_meanwhile_is_left_alone(run: StoredRun) -> None:
    attempt(run, FIRST, "failed")
    (piece,) = failed(run)
    record(run, FIRST)
    with pytest.raises(LeftAlone, match="has become the result"):
        remove(piece)


def test_what_is_gone_already_is_no_problem(run: StoredRun) -> None:
    attempt(run, FIRST, "failed")
    pieces = [whole_run(run), *failed(run)]
    for piece in [*pieces, *pieces]:
        remove(piece)
    assert not os.path.exists(run.files.path)


# -- links and rights -------------------------------------------------------------------------------------------


def test_an_experiment_behind_a_link_is_left_alone(run: StoredRun, tmp_path: Path) -> None:
    attempt(run, FIRST, "failed")
    (tmp_path / "out" / "exp").rename(tmp_path / "moved")
    (tmp_path / "out" / "exp").symlink_to(tmp_path / "moved")
    for piece in [whole_run(run), *failed(run)]:
        with pytest.raises(LeftAlone, match="symbolic link"):
            remove(piece)
    assert (tmp_path / "moved" / "a" / FIRST).is_dir()


def test_an_attempt_that_is_a_link_is_left_alone(run: StoredRun, tmp_path: Path) -> None:
    attempt(run, FIRST, "failed").rename(tmp_path / "moved")
    Path(run.files.path, FIRST).symlink_to(tmp_path / "moved")
    with pytest.raises(LeftAlone, match="symbolic link"):
        remove(failed(run)[0])
    assert (tmp_path / "moved" / "status.json").exists()


def test_a_link_inside_goes_and_not_what_it_points_to(run: StoredRun, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "precious").touch()
    (attempt(run, FIRST) / "data").symlink_to(tmp_path / "data")
    remove(whole_run(run))
    assert (tmp_path / "data" / "precious").exists()


def test_an_output_folder_that_is_a_link_itself_is_cleaned(run: StoredRun, tmp_path: Path) -> None:
    attempt(run, FIRST)
    (tmp_path / "out").rename(tmp_path / "disk")
    (tmp_path / "out").symlink_to(tmp_path / "disk")
    remove(whole_run(run))
    assert not (tmp_path / "disk" / "exp" / "a").exists()


def test_read_only_folders_are_removed_too(run: StoredRun) -> None:
    folder = attempt(run, FIRST) / "locked"
    folder.mkdir()
    (folder / "file").touch()
    folder.chmod(0o500)
    remove(whole_run(run))
    assert not os.path.exists(run.files.path)


# -- a run without folders for attempts -------------------------------------------------------------------------


def test_a_flat_run_that_failed_goes_as_a_whole(run: StoredRun) -> None:
    Path(run.files.path, "status.json").write_text('{"state": "failed"}')
    run = stored(run.experiment)
    remove(failed(run)[0])
    assert not os.path.exists(run.files.path)


def test_attempts_that_another_layout_made_in_it_stay(run: StoredRun) -> None:
    attempt(run, FIRST)
    Path(run.files.path, "status.json").write_text('{"state": "failed"}')
    Path(run.files.path, "weights").mkdir()
    run = stored(run.experiment)
    remove(failed(run)[0])
    assert os.listdir(run.files.path) == [FIRST]


# -- interrupted ------------------------------------------------------------------------------------------------

KILLED = """
import os, shutil, signal, sys
from dodo_pyexp.cleaning import removal
from dodo_pyexp.cleaning.removable import whole_run
from dodo_pyexp.cleaning.retention import Needs, Wish, trimmed
from dodo_pyexp.results.stored import stored_run
from dodo_pyexp.store.paths import OutputFolder

run = stored_run(OutputFolder(sys.argv[1]), "exp:a")
piece = whole_run(run) if sys.argv[2] == "run" else trimmed(run, Wish(failed=True), Needs(run.experiment))[0]
left = int(sys.argv[3])
real_unlink, real_rmdir = os.unlink, os.rmdir

def counted(real):
    def call(*arguments, **options):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **options)
    return call

os.unlink, os.rmdir, os.rename = counted(os.unlink), counted(os.rmdir), counted(os.rename)
removal.remove(piece)
"""


@pytest.mark.parametrize("what", ["run", "attempt"])
def test_killed_at_any_moment_it_leaves_all_or_nothing_and_the_next_time_takes_the_rest(
    tmp_path: Path, what: str
) -> None:
    for calls in range(12):
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        run = stored(experiment_in(tmp_path))
        for name in ("log.out", "config.json"):
            (attempt(run, FIRST, "failed") if name == "log.out" else Path(run.files.path, FIRST)).joinpath(name).touch()
        (attempt(run, SECOND) / "weights").touch()
        record(run, SECOND)
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(tmp_path / "out"), what, str(calls)],
            env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60, check=False,
        )  # fmt: skip
        first = Path(run.files.path, FIRST)
        if what == "run":
            whole = sorted(path.name for path in Path(run.files.path).rglob("*")) if first.parent.exists() else []
            assert len(whole) in (0, 8)
        else:
            assert sorted(os.listdir(first)) == ["config.json", "log.out", "status.json"] if first.exists() else True
            assert json.loads(Path(run.files.finished).read_text())["attempt"] == SECOND
            assert Path(run.files.path, SECOND, "weights").exists()
        for piece in [*removed_by_halves(run.experiment), *leftovers(run)]:
            remove(piece)
        assert not any(path.name.endswith(".tmp") for path in Path(run.experiment.files.path).rglob("*"))
        if done.returncode == 0:
            return
        assert done.returncode == -signal.SIGKILL
    raise AssertionError("it never came to an end")
