"""Code that no attempt refers to goes with `pyexp clean`; what anybody may still need does not."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.cleaning.clean import Cleaning, Scope
from dodo_pyexp.cleaning.removable import freed_sizes
from dodo_pyexp.cleaning.retention import Wish
from dodo_pyexp.cleaning.unused import unused
from dodo_pyexp.results.stored import StoredExperiment
from dodo_pyexp.store.locks import RunLock
from dodo_pyexp.store.manifest import Manifest
from dodo_pyexp.store.owner import Owner
from dodo_pyexp.store.record import Record
from tests.stored import DAY, DEAD, FIRST, SECOND, THIRD, attempt, experiment_in, record, stored

OLD, NEW, NOBODYS = "a" * 40, "b" * 40, "files-" + "c" * 40


def age(path: Path, seconds: float = 3600) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def snapshot(experiment: StoredExperiment, name: str, text: str = "x = 1") -> Path:
    folder = Path(experiment.files.snapshot(name))
    folder.mkdir(parents=True)
    (folder / "exp.py").write_text(text)
    age(folder)
    return folder


def fingerprint(experiment: StoredExperiment, name: str) -> Path:
    path = Path(experiment.files.code(name))
    path.parent.mkdir(exist_ok=True)
    path.write_text("{}")
    age(path)
    return path


def made_by(run: Any, stamp: str, commit: str, code: str, state: str = "finished", **status: Any) -> Path:
    folder = attempt(run, stamp, state, code=code, **status)
    (folder / ".commit").write_text(commit)
    return folder


@pytest.fixture
def experiment(tmp_path: Path) -> StoredExperiment:
    """A run with an attempt that was replaced, made by older code; and code that made nothing that is still there."""
    experiment = experiment_in(tmp_path)
    run = stored(experiment, "a")
    made_by(run, FIRST, OLD, "1-old")
    made_by(run, SECOND, NEW, "1-new")
    record(run, SECOND)
    for name in (OLD, NEW, NOBODYS):
        snapshot(experiment, name)
    for name in ("1-old", "1-new", "1-nobodys"):
        fingerprint(experiment, name)
    return experiment


def names(pieces: Any) -> list[str]:
    return sorted(os.path.basename(piece.path) for piece in pieces)


def there(experiment: StoredExperiment) -> list[str]:
    return sorted([*os.listdir(experiment.files.snapshots), *os.listdir(experiment.files.codes)])


def test_what_no_attempt_refers_to_is_unused(experiment: StoredExperiment) -> None:
    assert names(unused(experiment)) == ["1-nobodys.json", NOBODYS]


def test_links_to_data_beside_the_project_are_for_all_snapshots(experiment: StoredExperiment, tmp_path: Path) -> None:
    link = Path(experiment.files.snapshots, "data")
    link.symlink_to(tmp_path)
    os.utime(link, (0, 0), follow_symlinks=False)
    assert names(unused(experiment)) == ["1-nobodys.json", NOBODYS]


def test_it_goes_with_the_attempts_that_referred_to_it(experiment: StoredExperiment) -> None:
    cleaning = Cleaning(Scope([experiment]), Wish(old=True))
    assert names(cleaning.unused) == ["1-nobodys.json", "1-old.json", OLD, NOBODYS]
    assert [piece.label for piece in cleaning.every][:2] == [f"exp:a {FIRST}", f"exp .snapshots/{OLD[:18]}..."]
    cleaning.carry_out()
    assert there(experiment) == ["1-new.json", NEW]
    assert not cleaning.left
    again = Cleaning(Scope([experiment]), Wish(old=True))
    assert again.every == []


def test_a_run_that_goes_takes_its_code_along(experiment: StoredExperiment) -> None:
    other = stored(experiment, "b")
    made_by(other, FIRST, NEW, "1-new")
    record(other, FIRST)
    cleaning = Cleaning(Scope([], [stored(experiment, "a")]), Wish())
    cleaning.carry_out()
    assert there(experiment) == ["1-new.json", NEW]


def test_an_experiment_that_goes_as_a_whole_is_not_looked_through(experiment: StoredExperiment) -> None:
    cleaning = Cleaning(Scope([experiment]), Wish())
    assert cleaning.unused == []
    cleaning.carry_out()
    assert not os.path.exists(experiment.files.path)


def test_failed_running_and_flat_attempts_and_reproductions_refer_to_their_code(tmp_path: Path) -> None:
    experiment = experiment_in(tmp_path)
    a = stored(experiment, "a")
    flat = Path(experiment.files.path, "b")
    made_by(a, FIRST, "d" * 40, "1-failed", "failed")
    made_by(a, SECOND, "e" * 40, "1-running", "running", owner=Owner.current().to_dict())
    made_by(a, THIRD, "f" * 40, "1-again", reproduces=FIRST)
    flat.mkdir()
    (flat / "status.json").write_text(json.dumps({"state": "finished", "code": "1-flat"}))
    (flat / ".commit").write_text("9" * 40)
    for letter in "def9":
        snapshot(experiment, letter * 40)
    for name in ("1-failed", "1-running", "1-again", "1-flat"):
        fingerprint(experiment, name)
    assert unused(experiment) == []


def test_code_that_a_run_was_accepted_for_is_in_use(experiment: StoredExperiment) -> None:
    fingerprint(experiment, "1-accepted")
    run = stored(experiment, "a")
    Record(run.name, "hash", {}, "digest", SECOND, {}, code="1-accepted").write(run.files)
    assert "1-accepted.json" not in names(unused(experiment))


def at_work(experiment: StoredExperiment, owner: dict[str, Any]) -> None:
    Manifest(THIRD, [], {}, (0,), about={"owner": owner}).create(experiment.files)


def test_while_a_build_is_at_work_nothing_is_unused(experiment: StoredExperiment) -> None:
    at_work(experiment, Owner.current().to_dict())
    assert unused(experiment) == []


def test_a_build_that_was_killed_keeps_nothing(experiment: StoredExperiment) -> None:
    at_work(experiment, DEAD)
    assert names(unused(experiment)) == ["1-nobodys.json", NOBODYS]


def test_of_a_build_in_another_container_the_lock_of_its_manifest_tells(experiment: StoredExperiment) -> None:
    at_work(experiment, {**Owner.current().to_dict(), "space": "pid:[1]"})
    lock = RunLock.hold(experiment.files.manifest(THIRD))
    assert lock is not None and unused(experiment) == []
    lock.release()
    assert names(unused(experiment)) == ["1-nobodys.json", NOBODYS]


def test_what_was_just_made_or_taken_into_use_stays(experiment: StoredExperiment) -> None:
    age(Path(experiment.files.snapshot(NOBODYS)), 5)
    age(Path(experiment.files.code("1-nobodys")), 5)
    assert unused(experiment) == []


def test_what_has_come_into_use_since_it_was_looked_at_stays(experiment: StoredExperiment) -> None:
    cleaning = Cleaning(Scope([experiment]), Wish(old=True))
    made_by(stored(experiment, "b"), THIRD, NOBODYS, "1-nobodys", "failed")
    cleaning.carry_out()
    assert there(experiment) == ["1-new.json", "1-nobodys.json", NEW, NOBODYS]


def test_leftovers_of_killed_processes_go_after_a_day(experiment: StoredExperiment) -> None:
    for name, seconds in ((".partial-x", 2 * DAY), (".partial-y", DAY / 2)):
        age(snapshot(experiment, name), seconds)
    assert names(unused(experiment)) == [".partial-x", "1-nobodys.json", NOBODYS]


def test_files_that_another_snapshot_has_too_free_nothing(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).mkdir()
        (tmp_path / name / "own").write_bytes(b"1" * 10)
    (tmp_path / "a" / "shared").write_bytes(b"1" * 1000)
    for name in "bc":
        os.link(tmp_path / "a" / "shared", tmp_path / name / "shared")
    paths = [str(tmp_path / name) for name in "abc"]
    assert freed_sizes(paths[:2]) == [10, 10]
    assert freed_sizes(paths) == [10, 10, 1010]


# -- whole builds -----------------------------------------------------------------------------------------------

EXP = """
    import pyexp
    import helper

    @pyexp.experiment
    def exp(cfg):
        return helper.VALUE

    @exp.configs
    def configs():
        return [{"name": "a"}, {"name": "b"}]

    if __name__ == "__main__":
        exp.run()
"""


def test_the_code_of_attempts_that_are_gone_goes_and_the_rest_can_still_be_reproduced(project: Any) -> None:
    project.write("exp.py", EXP)
    for value in ("1", "2"):
        project.write("helper.py", f"VALUE = {value}")
        project.python("exp.py", "--rerun")
    for path in [*project.out.glob("exp/.snapshots/*"), *project.out.glob("exp/.code/*")]:
        age(path)
    assert len(list(project.out.glob("exp/.snapshots/*"))) == len(list(project.out.glob("exp/.code/*"))) == 2
    survey = project.pyexp("clean", status=2).stdout
    assert "2 older attempts (--old)" in survey and "no attempt refers to" not in survey
    shown = project.pyexp("clean", "--old", "-n").stdout
    assert "exp .snapshots/files-" in shown and "code that no attempt refers to" in shown
    told = json.loads(project.pyexp("clean", "--old", "-y", "--json").stdout)
    assert sum(piece["kind"] == "code that no attempt refers to" for piece in told["pieces"]) == 2
    assert len(list(project.out.glob("exp/.snapshots/*"))) == len(list(project.out.glob("exp/.code/*"))) == 1
    project.write("helper.py", "VALUE = 3")
    assert "identical" in project.pyexp("reproduce", "exp:a").stdout


def test_a_build_takes_an_old_snapshot_into_use_again(project: Any) -> None:
    project.write("exp.py", EXP)
    project.write("helper.py", "VALUE = 1")
    project.python("exp.py")
    found = [*project.out.glob("exp/.snapshots/*"), *project.out.glob("exp/.code/*")]
    for path in found:
        age(path)
    project.python("exp.py", "--rerun")
    assert all(time.time() - path.stat().st_mtime < 3000 for path in found)
