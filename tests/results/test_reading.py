"""Results of a batch, read back without opening what is not asked for."""

from __future__ import annotations

import os
import sys

import pytest

from dodo_pyexp.config.config import Config
from dodo_pyexp.config.encode import encode
from dodo_pyexp.config.hashing import hash_config
from dodo_pyexp.errors import DamagedFile, UsageError
from dodo_pyexp.results.outcome import save_failure, save_success
from dodo_pyexp.results.reading import read_results
from dodo_pyexp.store.manifest import Manifest
from dodo_pyexp.store.paths import ExperimentFolder
from dodo_pyexp.store.record import Record

STAMP = "2026-02-17_14-30-00"
LATER = "2026-02-18_09-00-00"
opened: list[str] | None = None


def listen(event, arguments):
    if opened is not None and event in ("open", "os.scandir", "os.listdir", "import", "pickle.find_class"):
        opened.append(f"{event} {arguments[0]}")


sys.addaudithook(listen)


@pytest.fixture
def folder(tmp_path):
    return ExperimentFolder(str(tmp_path / "out" / "train"))


def batch(folder, configs, stamp=STAMP, **more):
    names = [config["name"] for config in configs]
    manifest = Manifest(stamp, names, {c["name"]: encode(c) for c in configs}, more.pop("shape", (len(names),)), **more)
    return manifest.create(folder)


def attempt(folder, config, stamp=STAMP, value=None, error=None, record=True, **state):
    run = folder.run(config["name"])
    made = run.attempt(stamp)
    os.makedirs(made.path)
    state = {"batch": stamp, **state}
    if error is not None:
        save_failure(made, state, Config(config), error)
        return
    save_success(made, state, Config(config), value)
    if record:
        Record(config["name"], hash_config(Config(config)), {}, "d", stamp, {}).write(run)


def test_ten_thousand_results_are_filtered_by_config_without_touching_any_run(folder):
    global opened
    configs = [{"name": f"r{i}", "lr": i % 100, "model": {"width": i}} for i in range(10_000)]
    batch(folder, configs, attempts={config["name"]: STAMP for config in configs})
    opened = []
    try:
        results = read_results(folder)
        found = [results.filter({"lr": 3}), results.filter({"cfg.lr": 3}), results.filter({"config.model.width": 3})]
        named = results["r77"]
        touched = opened
    finally:
        opened = None
    assert [len(some) for some in found] == [100, 100, 1]
    assert named.cfg.lr == 77
    assert [what for what in touched if folder.path in what and "/train/." not in what] == []
    assert not [what for what in touched if "find_class" in what]


def test_without_a_batch_there_are_no_results(folder):
    assert len(read_results(folder)) == 0
    with pytest.raises(UsageError):
        read_results(folder, "2026")


def test_every_run_of_the_newest_batch_comes_with_the_attempt_that_satisfies_it(folder):
    a, b, c = ({"name": name, "x": name} for name in "abc")
    batch(folder, [a, b, c])
    attempt(folder, a, value=1)
    batch(folder, [a, b, c], LATER)
    attempt(folder, b, LATER, error={"type": "E", "message": "m"})
    results = read_results(folder)
    assert results.names == ["a", "b", "c"]
    assert [result.result for result in results] == [1, None, None]
    assert [result.finished for result in results] == [True, True, False]
    assert results["b"].error == "E: m"
    assert results["a"].out.name == STAMP
    assert read_results(folder, "2026-02-17")["b"].finished is False


def test_a_result_of_another_config_does_not_count(folder):
    old, new = {"name": "a", "x": 1}, {"name": "a", "x": 2}
    batch(folder, [old])
    attempt(folder, old, value="old")
    batch(folder, [new], LATER)
    assert read_results(folder)["a"].result is None
    assert read_results(folder, STAMP)["a"].result == "old"


def test_the_shape_of_the_sweep_comes_back(folder):
    batch(folder, [{"name": f"r{i}"} for i in range(6)], shape=(2, 3))
    assert read_results(folder).shape == (2, 3)


def test_finished_gives_the_newest_batch_that_has_ended(folder):
    a, b = {"name": "a"}, {"name": "b", "x": 1}
    batch(folder, [a])
    attempt(folder, a, value=1)
    batch(folder, [a, b], LATER)
    assert read_results(folder, finished=True).names == ["a"]
    assert read_results(folder, LATER, finished=True).names == ["a"]
    assert read_results(folder).names == ["a", "b"]


def test_a_damaged_manifest_is_passed_over_unless_it_is_asked_for(folder):
    batch(folder, [{"name": "a"}])
    batch(folder, [{"name": "b"}], LATER)
    os.truncate(folder.manifest(LATER), 10)
    assert read_results(folder).names == ["a"]
    with pytest.raises(DamagedFile):
        read_results(folder, LATER)


def test_a_damaged_record_and_a_deleted_attempt_read_as_unfinished(folder):
    a = {"name": "a"}
    batch(folder, [a], attempts={"a": STAMP})
    attempt(folder, a, "2026-01-01_00-00-00", value=1)
    assert read_results(folder)["a"].result == 1  # the attempt of the manifest is gone, the record's is not
    os.truncate(folder.run("a").finished, 5)
    assert read_results(folder)["a"].finished is False


def test_a_skipped_run_says_why(folder):
    a, b = {"name": "a"}, {"name": "b", "depends_on": "a"}
    batch(folder, [a, b], upstream={"b": ["train:a"]})
    attempt(folder, a, error={"type": "E", "message": "m"})
    results = read_results(folder)
    assert results["b"].skipped and results["b"].error == "Skipped: upstream train:a failed"
    assert "depends_on" not in results["b"].cfg
    batch(folder, [a, b], LATER, skipped={"b": "told by the build"})
    assert read_results(folder)["b"].error == "Skipped: told by the build"


def test_the_folder_may_be_moved(folder, tmp_path):
    a = {"name": "a"}
    batch(folder, [a], attempts={"a": STAMP})
    attempt(folder, a, value=1)
    os.rename(tmp_path / "out", tmp_path / "moved")
    result = read_results(ExperimentFolder(str(tmp_path / "moved" / "train")))["a"]
    assert result.result == 1 and result.out == tmp_path / "moved" / "train" / "a" / STAMP


def test_types_of_config_values_come_back(folder, tmp_path):
    batch(folder, [{"name": "a", "path": tmp_path, "pair": (1, 2), "some": {1, 2}}])
    cfg = read_results(folder)["a"].cfg
    assert (cfg.path, cfg.pair, cfg.some) == (tmp_path, (1, 2), {1, 2})


def test_the_flat_layout_is_read(folder):
    a = {"name": "a"}
    batch(folder, [a], flat=True)
    run = folder.run("a", flat=True)
    os.makedirs(run.path)
    save_success(run.attempt("."), {}, Config(a), 7)
    Record("a", hash_config(Config(a)), {}, "d", ".", {}).write(run)
    assert read_results(folder)["a"].result == 7
