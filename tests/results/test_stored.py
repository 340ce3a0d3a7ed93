from __future__ import annotations

from pathlib import Path

import pytest

from dodo_pyexp.errors import UsageError
from dodo_pyexp.results.stored import stored_experiments, stored_run
from dodo_pyexp.store.manifest import Manifest
from dodo_pyexp.store.names import folder_name
from dodo_pyexp.store.paths import OutputFolder


@pytest.fixture
def output(tmp_path: Path) -> OutputFolder:
    output = OutputFolder(tmp_path / "out")
    for experiment in ("train", "x/y"):
        files = output.experiment(folder_name(experiment))
        runs = {folder_name(name): {"name": name} for name in ("a", "lr=1")}
        about = {"experiment": experiment}
        Manifest("2026-01-01_00-00-00", list(runs), runs, (2,), about=about).create(files)
        for folder in runs:
            for stamp in ("2026-01-01_00-00-00", "2026-01-02_00-00-00"):
                Path(files.run(folder).attempt(stamp).path).mkdir(parents=True)
    Path(output.path, "no experiment").mkdir()
    return output


def test_experiments_are_found_by_their_manifests_and_real_names(output: OutputFolder) -> None:
    assert [one.name for one in stored_experiments(output)] == ["train", "x/y"]
    assert [one.name for one in stored_experiments(output, ["x/y"])] == ["x/y"]


def nested(output: OutputFolder, folder: str) -> None:
    Manifest("2026-01-01_00-00-00", ["a"], {"a": {"name": "a"}}, (1,)).create(output.experiment(folder))
    Path(output.experiment(folder).run("a").attempt("2026-01-01_00-00-00").path).mkdir(parents=True)


def test_experiments_in_folders_of_folders_are_found_too(output: OutputFolder) -> None:
    for folder in ("training/666", "mine/sub/x~y", "train/inside", ".hidden/one", "DEBUG/train"):
        nested(output, folder)
    assert [one.name for one in stored_experiments(output)] == ["mine/sub/x~y", "train", "training/666", "x/y"]
    assert stored_run(output, "training/666:a").full_name == "training/666:a"
    assert stored_experiments(output, ["training/666"])[0].output.path == f"{output.path}/training"


def test_what_was_set_aside_is_found_by_its_whole_name(output: OutputFolder) -> None:
    nested(output, "DEBUG/train")
    assert stored_experiments(output, ["DEBUG/train"])[0].folder == "DEBUG/train"
    assert stored_run(output, "DEBUG/train:a").full_name == "DEBUG/train:a"
    assert stored_run(output, "train:a").full_name == "train:a"
    for name in ("../out/train", "DEBUG", "/etc"):
        with pytest.raises(UsageError):
            stored_experiments(output, [name])


def test_an_unknown_experiment_is_refused(output: OutputFolder) -> None:
    with pytest.raises(UsageError, match='did you mean "train"'):
        stored_experiments(output, ["trian"])


def test_an_empty_place_has_no_experiments(tmp_path: Path) -> None:
    assert stored_experiments(OutputFolder(tmp_path / "nowhere")) == []


@pytest.mark.parametrize("word", ["train:lr=1", "train:lr~1"])
def test_a_run_is_found_by_its_real_name_and_by_its_folder(output: OutputFolder, word: str) -> None:
    assert stored_run(output, word).full_name == "train:lr=1"


def test_a_name_alone_must_be_clear(output: OutputFolder) -> None:
    with pytest.raises(UsageError, match="train:a, x/y:a"):
        stored_run(output, "a")


def test_a_run_that_no_config_asks_for_any_more_is_found_by_its_folder(output: OutputFolder) -> None:
    Path(output.experiment("train").path, "gone", "2026-01-01_00-00-00").mkdir(parents=True)
    assert stored_run(output, "gone").folder == "gone"


@pytest.mark.parametrize("word", ["../a", ".batches", "train:../x", "train:report", "train:", "train:.batches"])
def test_what_is_no_run_is_refused(output: OutputFolder, word: str) -> None:
    Path(output.experiment("train").path, "report").mkdir()
    with pytest.raises(UsageError, match="no run"):
        stored_run(output, word)


def test_attempts_are_named_in_full_or_by_a_clear_prefix(output: OutputFolder) -> None:
    run = stored_run(output, "train:a")
    assert run.attempt().name == "2026-01-02_00-00-00"
    assert run.attempt("2026-01-01").name == "2026-01-01_00-00-00"
    with pytest.raises(UsageError, match="fits 2 attempts"):
        run.attempt("2026")
    with pytest.raises(UsageError, match="no attempt"):
        run.attempt("1999")
