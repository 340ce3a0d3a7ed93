"""Manifests: written once each, found again by name or prefix."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

import pyexp
from dodo_pyexp.errors import DamagedFile, UsageError
from dodo_pyexp.store import manifest as manifests
from dodo_pyexp.store.manifest import Manifest
from dodo_pyexp.store.paths import ExperimentFolder

STAMP = "2026-02-17_14-30-00"


@pytest.fixture
def folder(tmp_path):
    return ExperimentFolder(str(tmp_path / "train"))


def make(stamp=STAMP, **more):
    return Manifest(stamp, ["a", "b"], {"a": {"name": "a", "lr": 1}, "b": {"name": "b"}}, (2,), **more)


def test_a_manifest_comes_back_as_it_was_written(folder):
    make(upstream={"b": ["train:a"]}, about={"commit": "c", "host": "h"}).create(folder)
    found = Manifest.read(folder, STAMP)
    assert (found.runs, found.shape, found.flat, found.upstream) == (["a", "b"], (2,), False, {"b": ["train:a"]})
    assert found.configs["a"] == {"name": "a", "lr": 1}
    assert found.about == {"commit": "c", "host": "h"}
    found.attempts["a"] = STAMP
    found.write(folder)
    assert Manifest.read(folder, STAMP).to_dict() == found.to_dict()


def test_builds_that_start_in_the_same_second_get_a_name_each(folder):
    assert [make(about={"build": str(n)}).create(folder).timestamp for n in range(3)] == [
        STAMP, f"{STAMP}-2", f"{STAMP}-3",
    ]  # fmt: skip


def test_processes_of_one_build_share_a_manifest(folder):
    first = make(about={"build": "1"}).create(folder)
    second = make(about={"build": "1"}).create(folder)
    assert first.timestamp == second.timestamp == STAMP
    assert folder.batch_names() == [STAMP]


def test_several_processes_at_once_get_different_names(folder):
    code = (
        "import sys, time\n"
        "from dodo_pyexp.store.manifest import Manifest\nfrom dodo_pyexp.store.paths import ExperimentFolder\n"
        "time.sleep(max(0, float(sys.argv[2]) - time.time()))\n"
        "for n in range(5):\n"
        "    about = {'build': f'{sys.argv[3]}-{n}'}\n"
        f"    m = Manifest({STAMP!r}, ['a'], {{'a': {{'name': 'a'}}}}, (1,), about=about)\n"
        "    print(m.create(ExperimentFolder(sys.argv[1])).timestamp)\n"
    )
    command = [sys.executable, "-c", code, folder.path, str(time.time() + 0.5)]
    processes = [subprocess.Popen([*command, str(n)], stdout=subprocess.PIPE, text=True) for n in range(4)]
    names = [name for process in processes for name in process.communicate()[0].split()]
    assert len(set(names)) == len(names) == 20
    assert set(folder.batch_names()) == set(names)


def test_a_batch_is_found_by_name_by_date_and_as_the_latest(folder):
    for stamp in ("2026-02-17_14-30-00", "2026-02-18_09-00-00", "2026-02-18_10-00-00"):
        make(stamp).create(folder)
    assert manifests.find(folder, "2026-02-17").timestamp == "2026-02-17_14-30-00"
    assert manifests.find(folder, "2026-02-18_09").timestamp == "2026-02-18_09-00-00"
    assert manifests.find(folder, "latest").timestamp == "2026-02-18_10-00-00"


def test_an_exact_name_wins_over_longer_ones(folder):
    for _ in range(2):
        make().create(folder)
    assert manifests.find(folder, STAMP).timestamp == STAMP


def test_a_prefix_of_several_is_refused_with_their_names(folder):
    for stamp in ("2026-02-18_09-00-00", "2026-02-18_10-00-00"):
        make(stamp).create(folder)
    with pytest.raises(UsageError, match=r"fits 2 batches.*2026-02-18_09-00-00, 2026-02-18_10-00-00"):
        manifests.find(folder, "2026-02-18")


@pytest.mark.parametrize("wanted", ["2027", "", "../x", "latest"])
def test_an_unknown_batch_is_refused(folder, wanted):
    if wanted != "latest":
        make().create(folder)
    with pytest.raises(UsageError, match="there is no batch"):
        manifests.find(folder, wanted)


def test_a_manifest_that_is_cut_off_anywhere_is_damaged_and_the_one_before_counts(folder):
    make("2026-01-01_00-00-00").create(folder)
    make().create(folder)
    path = folder.manifest(STAMP)
    with open(path, "rb") as file:
        whole = file.read()
    for size in range(0, len(whole) - 1, 7):
        with open(path, "wb") as file:
            file.write(whole[:size])
        with pytest.raises(DamagedFile):
            Manifest.read(folder, STAMP)
    newest = manifests.newest(folder)
    assert newest is not None and newest.timestamp == "2026-01-01_00-00-00"


@pytest.mark.parametrize(
    "changes", [{"runs": 3}, {"runs": ["c"]}, {"configs": []}, {"attempts": []}, {"upstream": None}, {"format": 9},
                {"shape": None}, {"skipped": "x"}, {"configs": {"a": 1, "b": 2}},
                {"shape": ["../x"]}, {"selected": [["a"]]}, {"selected": 3}]
)  # fmt: skip
def test_a_manifest_with_impossible_values_is_damaged(folder, changes):
    values = {**make().to_dict(), **changes}
    os.makedirs(folder.batches)
    with open(folder.manifest(STAMP), "w") as file:
        json.dump(values, file)
    with pytest.raises(DamagedFile):
        Manifest.read(folder, STAMP)


def test_a_missing_manifest_is_damaged(folder):
    with pytest.raises(DamagedFile):
        Manifest.read(folder, STAMP)
    assert manifests.newest(folder) is None


def test_a_large_manifest_is_read_once(folder, monkeypatch):
    monkeypatch.setattr(manifests, "LARGE", 10)
    make().create(folder)
    reads = []
    read = manifests.atomic.read_json
    monkeypatch.setattr(manifests.atomic, "read_json", lambda *given: reads.append(given) or read(*given))
    first = Manifest.read(folder, STAMP)
    first.configs["c"] = {}
    first.runs.append("c")
    first.about["more"] = 1
    again = Manifest.read(folder, STAMP)
    assert len(reads) == 1 and again.to_dict() == make().to_dict()
    first.write(folder)
    assert Manifest.read(folder, STAMP).runs == ["a", "b", "c"] and len(reads) == 2
    for n in range(10):
        other = ExperimentFolder(f"{folder.path}{n}")
        make().create(other)
        assert Manifest.read(other, STAMP).runs == ["a", "b"]
    assert len(manifests._kept) == manifests.KEPT


@pytest.mark.parametrize("content", ['{"a": %s}', "[%s]", '{"format": 1, "timestamp": "x", "runs": %s', "%s", '"%s"'])
def test_a_large_file_that_is_no_manifest_is_refused_without_reading_it(folder, monkeypatch, content):
    monkeypatch.setattr(manifests.atomic, "read_json", None)
    os.makedirs(folder.batches)
    with open(folder.manifest(STAMP), "w") as file:
        file.write(content % ("[1]," * 300_000))
    with pytest.raises(DamagedFile, match="is damaged; the next build writes a new manifest"):
        Manifest.read(folder, STAMP)


def test_a_large_manifest_may_have_been_formatted_by_hand(folder, monkeypatch):
    monkeypatch.setattr(manifests, "LARGE", 10)
    made = make().create(folder)
    with open(folder.manifest(STAMP), "w") as file:
        json.dump(made.to_dict(), file, indent=4)
    assert Manifest.read(folder, STAMP).runs == ["a", "b"]


def test_configs_that_would_not_be_read_back_are_refused_before_anything_starts(project, monkeypatch):
    monkeypatch.chdir(project.folder)
    monkeypatch.setattr(manifests, "FULL", 1000)

    @pyexp.experiment(stash=False, executor="inline")
    def train(cfg):
        raise AssertionError("it was executed")

    train.configs(lambda: [{"name": "a", "text": "x" * 1000}])
    with pytest.raises(pyexp.PyexpError, match="all configs of train together have 0 MB, and a batch holds up to"):
        train.run()
    assert not list(project.out.glob("train/.batches/*")) and not list(project.out.glob("train/a/*"))


def test_a_file_that_is_larger_than_any_manifest_is_not_read(folder, monkeypatch):
    make().create(folder)
    monkeypatch.setattr(manifests, "LARGE", 10)
    monkeypatch.setattr(manifests, "LARGEST", 20)
    with pytest.raises(DamagedFile):
        Manifest.read(folder, STAMP)
