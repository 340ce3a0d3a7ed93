"""Every path below the output folder."""

from __future__ import annotations

import os

import pytest

from dodo_pyexp.errors import UsageError
from dodo_pyexp.store.paths import AttemptFolder, OutputFolder, check_folder


def test_the_layout_is_that_of_the_documents(tmp_path):
    experiment = OutputFolder(tmp_path / "out").experiment("train")
    run = experiment.run("lr0.1")
    attempt = run.attempt("2026-02-17_14-30-00")
    root = str(tmp_path / "out" / "train")
    assert experiment.manifest("x") == f"{root}/.batches/x.json"
    assert experiment.snapshot("abc") == f"{root}/.snapshots/abc"
    assert run.finished == f"{root}/lr0.1/.finished"
    files = [attempt.config_json, attempt.config_yml, attempt.pickle, attempt.result_json, attempt.log, attempt.status]
    files += [attempt.finished, attempt.commit, attempt.inputs]
    assert {os.path.basename(path) for path in files} == {name for name in AttemptFolder.OWN if ".pyexp" not in name}
    assert {os.path.dirname(path) for path in files} == {f"{root}/lr0.1/2026-02-17_14-30-00"}


def test_the_flat_layout_has_no_level_for_attempts(tmp_path):
    run = OutputFolder(tmp_path).experiment("e").run("r", flat=True)
    assert run.attempt("whatever").path == run.path
    assert run.attempt_names() == []
    assert run.newest() is None
    os.makedirs(run.path)
    open(run.attempt(".").status, "w").close()
    assert run.attempt_names() == ["."]


def test_attempts_are_listed_by_age_and_nothing_else_is(tmp_path):
    run = OutputFolder(tmp_path).experiment("e").run("r")
    assert run.attempt_names() == []
    names = ["2026-02-17_14-30-00", "2026-02-17_14-30-00-2", "2026-02-17_14-30-00-10", "2026-03-01_00-00-00"]
    for name in [*reversed(names), "notes", ".tmp"]:
        os.makedirs(f"{run.path}/{name}")
    assert run.attempt_names() == names
    newest = run.newest()
    assert newest is not None and newest.name == names[-1]


def test_batches_are_listed_by_age_and_damaged_names_are_not(tmp_path):
    experiment = OutputFolder(tmp_path).experiment("e")
    assert experiment.batch_names() == []
    os.makedirs(experiment.batches)
    for name in [
        "2026-02-17_14-30-00-2",
        "2026-02-17_14-30-00",
        "notes",
        ".2026-02-17_14-30-00.json.9.tmp",
        "2026-02-17_1",
    ]:
        open(f"{experiment.batches}/{name}.json", "w").close()
    assert experiment.batch_names() == ["2026-02-17_14-30-00", "2026-02-17_14-30-00-2"]


def test_nothing_but_folders_may_stand_where_folders_go(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_folder(str(tmp_path / "not" / "there"))
    check_folder(str(tmp_path))
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for path in ("file", "file/below/deep"):
        with pytest.raises(UsageError, match=r"^file is a file, not a folder; move it away, or choose another --out"):
            check_folder(str(tmp_path / path))
    with pytest.raises(UsageError, match=r"^link is a link that leads nowhere"):
        check_folder(str(tmp_path / "link" / "below"))


def test_a_folder_that_another_build_makes_at_this_moment_is_a_folder(tmp_path, monkeypatch):
    folder = tmp_path / "out" / "e"

    def made_meanwhile(path, lexists=os.path.lexists):
        folder.mkdir(parents=True, exist_ok=True)
        return lexists(path)

    monkeypatch.setattr(os.path, "lexists", made_meanwhile)
    check_folder(str(folder))
    assert folder.is_dir()


def test_batches_that_are_no_folder_are_told(tmp_path):
    experiment = OutputFolder(tmp_path).experiment("e")
    assert experiment.batch_names() == []
    os.makedirs(experiment.path)
    (tmp_path / "e" / ".batches").write_text("")
    with pytest.raises(UsageError, match=r"e/\.batches is a file"):
        experiment.batch_names()
