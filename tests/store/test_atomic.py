"""A file is whole or not there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodo_pyexp.store import atomic


def test_a_reader_never_sees_half_a_file(tmp_path):
    path = str(tmp_path / "status.json")
    atomic.write_json(path, {"n": 0, "pad": "0" * 50_000})
    seen, stop = set(), threading.Event()

    def read():
        while not stop.is_set():
            value = atomic.read_json(path)
            assert value is not None
            seen.add(len(set(value["pad"])))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for n in range(300):
            atomic.write_json(path, {"n": n, "pad": str(n % 10) * 50_000})
    finally:
        stop.set()
        reader.join()
    assert seen == {1}


def test_a_writer_that_is_killed_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    code = (
        "import sys, time\nfrom dodo_pyexp.store import atomic\n"
        "with atomic.aside(sys.argv[1]) as file:\n"
        "    file.write('new'); file.flush(); print('half', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert path.read_text() == "old"
        process.send_signal(signal.SIGKILL)
    assert path.read_text() == "old"


def test_an_exception_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic.aside(str(path)) as file:
        file.write("new")
        raise RuntimeError
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_the_size_that_is_returned_is_the_size_on_disk(tmp_path):
    path = str(tmp_path / "f")
    assert atomic.write_text(path, "aé😀") == os.stat(path).st_size
    assert atomic.write_json(path, {"é": [1, 2]}) == os.stat(path).st_size


def test_a_full_disk_leaves_nothing_beside_the_file(tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        atomic.write_text(str(tmp_path / "f"), "x")
    assert os.listdir(tmp_path) == []


def test_a_file_is_created_once(tmp_path):
    path = str(tmp_path / "a.json")
    atomic.create_json(path, {"n": 1})
    with pytest.raises(FileExistsError):
        atomic.create_json(path, {"n": 2})
    assert atomic.read_json(path) == {"n": 1}
    assert os.listdir(tmp_path) == ["a.json"]


def test_a_file_is_created_once_without_hard_links_too(tmp_path, monkeypatch):
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    path = str(tmp_path / "a.json")
    atomic.create_json(path, {"n": 1})
    with pytest.raises(FileExistsError):
        atomic.create_json(path, {"n": 2})
    assert atomic.read_json(path) == {"n": 1}
    assert os.listdir(tmp_path) == ["a.json"]


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"3", b"null", b"\xff\xfe\x00", b"[" * 100_000, b'{"a": 1}{'])
def test_what_is_no_json_object_reads_as_nothing(tmp_path, content):
    path = tmp_path / "f"
    path.write_bytes(content)
    assert atomic.read_json(str(path)) is None


def test_a_missing_file_and_a_folder_read_as_nothing(tmp_path):
    assert atomic.read_json(str(tmp_path / "none")) is None
    assert atomic.read_json(str(tmp_path)) is None


@settings(max_examples=100)
@given(value=st.dictionaries(st.text(), st.text(alphabet=st.characters()) | st.integers()))
def test_any_text_comes_back_even_half_a_surrogate_pair(tmp_path_factory, value):
    path = str(tmp_path_factory.getbasetemp() / "any.json")
    atomic.write_json(path, value)
    assert atomic.read_json(path) == value
    with open(path, encoding="utf-8") as file:  # whatever it holds, it is valid UTF-8
        assert json.load(file) == value


def test_leftovers_of_killed_writers_are_named(tmp_path):
    for name in (".status.json.77.tmp", "status.json", ".hidden"):
        (tmp_path / name).touch()
    assert list(atomic.temporary_files(str(tmp_path))) == [".status.json.77.tmp"]
    assert list(atomic.temporary_files(str(tmp_path / "none"))) == []


def test_two_processes_that_create_the_same_file_have_one_winner(tmp_path):
    code = (
        "import sys, time\nfrom dodo_pyexp.store import atomic\n"
        "time.sleep(max(0, float(sys.argv[2]) - time.time()))\n"
        "try:\n    atomic.create_json(sys.argv[1], {'by': sys.argv[3]})\nexcept FileExistsError:\n    sys.exit(7)\n"
    )
    start = str(time.time() + 0.5)
    command = [sys.executable, "-c", code, str(tmp_path / "m.json"), start]
    processes = [subprocess.Popen([*command, str(n)]) for n in range(6)]
    codes = [process.wait() for process in processes]
    assert sorted(codes) == [0, 7, 7, 7, 7, 7]
    assert atomic.read_json(str(tmp_path / "m.json")) == {"by": str(codes.index(0))}
