"""The record of a finished run."""

from __future__ import annotations

import json
import os

import pytest

from dodo_pyexp.errors import DamagedFile
from dodo_pyexp.store.digest import sum_of
from dodo_pyexp.store.paths import RunFolder
from dodo_pyexp.store.record import Record


@pytest.fixture
def run(tmp_path):
    folder = RunFolder(str(tmp_path / "run"))
    os.makedirs(folder.attempt("2026-02-17_14-30-00").path)
    return folder


def make(**changes):
    values = {
        "name": "größe=1", "config_hash": "abc", "upstream": {"e:p": "d1"}, "digest": "d2",
        "attempt": "2026-02-17_14-30-00", "files": {"experiment.pkl": 3},
    }  # fmt: skip
    return Record(**{**values, **changes})


def test_a_record_comes_back_as_it_was_written(run):
    make().write(run)
    found = Record.read(run)
    assert found is not None
    assert {key: getattr(found, key) for key in Record.__slots__} == {k: getattr(make(), k) for k in Record.__slots__}


def test_no_record_reads_as_none(run):
    assert Record.read(run) is None
    assert Record.read(RunFolder(run.path + "/none")) is None


def test_a_record_that_is_cut_off_anywhere_is_damaged(run):
    make().write(run)
    with open(run.finished, "rb") as file:
        whole = file.read()
    for size in range(len(whole) - 1):  # without the last byte, a newline, it is whole
        with open(run.finished, "wb") as file:
            file.write(whole[:size])
        with pytest.raises(DamagedFile):
            Record.read(run)


@pytest.mark.parametrize(
    "changes",
    [{"attempt": ".."}, {"attempt": "a/../../b"}, {"attempt": ""}, {"attempt": 3}, {"files": []}, {"upstream": None},
     {"code": 3}, {"format": 2}, {"format": None}, {"written": {}}, {"written": 0.5}, {"saved": {"f": None}},
     {"files": {"experiment.pkl": "x"}}, {"sums": [1]},
     {"packages": ["a"]}, {"experiment": 3}],
)  # fmt: skip
def test_a_record_with_impossible_values_is_damaged(run, changes):
    make().write(run)
    with open(run.finished) as file:
        values = json.load(file)
    with open(run.finished, "w") as file:
        json.dump({**values, **changes}, file)
    with pytest.raises(DamagedFile):
        Record.read(run)


def test_a_record_of_before_code_was_kept_can_be_read(run):
    make(code="1-abc").write(run)
    with open(run.finished) as file:
        values = json.load(file)
    assert values.pop("code") == "1-abc"
    with open(run.finished, "w") as file:
        json.dump(values, file)
    found = Record.read(run)
    assert found is not None and found.code is None


@pytest.mark.parametrize("content", [b"[]", b"1", b"null", b'"x"', b"\xff", b"[" * 100_000])
def test_other_content_is_damaged(run, content):
    with open(run.finished, "wb") as file:
        file.write(content)
    with pytest.raises(DamagedFile):
        Record.read(run)


def test_a_folder_in_its_place_is_damaged(run):
    os.mkdir(run.finished)
    with pytest.raises(DamagedFile):
        Record.read(run)


def test_a_file_that_is_gone_or_has_another_size_is_named(run):
    record = make()
    assert record.missing_part(run) == "experiment.pkl is gone"
    path = run.attempt(record.attempt).pickle
    with open(path, "wb") as file:
        file.write(b"123")
    assert record.missing_part(run) is None
    os.truncate(path, 2)
    assert record.missing_part(run) == "experiment.pkl has 2 bytes instead of 3"


def sealed(run, content=b"123"):
    path = run.attempt(make().attempt).pickle
    with open(path, "wb") as file:
        file.write(content)
    return path, make(sums={"experiment.pkl": sum_of(path)}, written=os.stat(path).st_mtime_ns)


def test_a_file_that_is_newer_is_read_and_one_that_is_not_is_not(run):
    path, record = sealed(run)
    os.utime(path, ns=(0, record.written + 1))
    assert record.missing_part(run) is None  # it says what it said
    with open(path, "wb") as file:
        file.write(b"124")
    os.utime(path, ns=(0, record.written + 1))
    assert record.missing_part(run) == "experiment.pkl is not what was written"
    os.utime(path, ns=(0, record.written))
    assert record.missing_part(run) is None  # nobody looks: that would be a read for every run of every build
    record.written = -1
    assert record.missing_part(run) == "experiment.pkl is not what was written"


def test_a_large_file_is_only_read_when_it_is_suspect(run, monkeypatch):
    path, record = sealed(run)
    monkeypatch.setattr("dodo_pyexp.store.record.READ_AGAIN", 2)
    with open(path, "wb") as file:
        file.write(b"124")
    os.utime(path, ns=(0, record.written + 1))
    assert record.missing_part(run) is None
    record.written = -1
    assert record.missing_part(run) == "experiment.pkl is not what was written"


def test_a_record_without_sums_trusts_sizes(run):
    path, record = sealed(run)
    old = make()
    with open(path, "wb") as file:
        file.write(b"124")
    assert old.sums == {} and old.written is None and old.missing_part(run) is None
    record.write(run)
    found = Record.read(run)
    assert found is not None and (found.sums, found.written) == (record.sums, record.written)
