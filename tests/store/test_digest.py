"""The digest of what a run put out counts content and names, and nothing else."""

from __future__ import annotations

import hashlib
import os
import socket

import pytest

from dodo_pyexp.store import digest
from dodo_pyexp.store.digest import file_digest, output_digest, saved_files, saved_sizes, sha256
from dodo_pyexp.store.paths import AttemptFolder


@pytest.fixture
def attempt(tmp_path):
    folder = tmp_path / "attempt"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "model.bin").write_bytes(b"weights")
    (folder / "deep" / "er" / "log.out").write_text("a file of the function's own")
    return AttemptFolder(str(folder))


def now(attempt, taken=()):
    return output_digest(b"value", sorted(saved_files(attempt, taken)))


def test_equal_outputs_have_equal_digests_whenever_they_were_written(attempt):
    before = now(attempt)
    for path in (f"{attempt.path}/model.bin", f"{attempt.path}/deep"):
        os.utime(path, (1, 1))
    assert now(attempt) == before


def test_the_content_of_every_file_counts(attempt):
    digests = {now(attempt), output_digest(b"other", sorted(saved_files(attempt)))}
    for name in ("model.bin", "deep/er/log.out"):
        with open(f"{attempt.path}/{name}", "a") as file:
            file.write("!")
        digests.add(now(attempt))
    assert len(digests) == 4


def test_names_count(attempt):
    before = now(attempt)
    os.rename(f"{attempt.path}/model.bin", f"{attempt.path}/model2.bin")
    assert now(attempt) != before


def test_moving_content_from_one_file_to_the_next_counts(attempt):
    (a, b) = (f"{attempt.path}/a", f"{attempt.path}/b")
    for first, second in (("xy", "z"), ("x", "yz")):
        with open(a, "w") as file:
            file.write(first)
        with open(b, "w") as file:
            file.write(second)
        digests = {now(attempt)}
    digests.add(now(attempt))
    assert len(digests) == 1
    with open(a, "w") as file:
        file.write("xyz")
    os.truncate(b, 0)
    assert now(attempt) not in digests


def test_what_pyexp_writes_does_not_count_unless_the_function_put_its_own_there(attempt):
    before = now(attempt)
    for name in [*AttemptFolder.OWN, ".payload.tmp"]:
        with open(f"{attempt.path}/{name}", "w") as file:
            file.write("x")
    assert now(attempt) == before
    assert now(attempt, {"config.json"}) != before


def test_what_python_compiled_does_not_count(attempt):
    before = now(attempt)
    for name in ("__pycache__", "lab/__pycache__"):
        os.makedirs(f"{attempt.path}/{name}")
        with open(f"{attempt.path}/{name}/main.cpython-311.pyc", "wb") as file:
            file.write(b"x")
    assert now(attempt) == before
    with open(f"{attempt.path}/lab/main.py", "w") as file:
        file.write("x")
    assert now(attempt) != before


def test_a_link_to_a_file_counts_as_its_content_and_one_to_nothing_as_its_text(attempt, tmp_path):
    outside = tmp_path / "data"
    outside.write_text("one")
    os.symlink(outside, f"{attempt.path}/link")
    before = now(attempt)
    outside.write_text("two")
    changed = now(attempt)
    outside.unlink()
    assert len({before, changed, now(attempt)}) == 3


def test_a_link_to_a_folder_is_not_followed(attempt):
    os.symlink(attempt.path, f"{attempt.path}/loop")
    assert ("loop", f"{attempt.path}/loop") in list(saved_files(attempt))
    assert now(attempt)


def test_a_file_larger_than_a_block_is_hashed_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(digest, "BLOCK", 64)
    path = tmp_path / "big"
    for size in (0, 63, 64, 65, 1000):
        content = os.urandom(size)
        path.write_bytes(content)
        assert file_digest(str(path)) == hashlib.sha256(content).digest()


def test_the_interpreters_own_hash_and_openssls_agree():
    for size in (0, 1 << 30):
        found = sha256(size)
        found.update(b"abc")
        assert found.digest() == hashlib.sha256(b"abc").digest()


def test_sockets_and_pipes_are_no_content(attempt, tmp_path, monkeypatch):
    monkeypatch.chdir(attempt.path)
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as end:
        end.bind("sock")
        assert now(attempt)


def test_only_what_lies_in_the_folder_itself_is_watched(attempt, tmp_path, monkeypatch):
    (tmp_path / "data").write_text("one")
    before = saved_sizes(list(saved_files(attempt)))
    monkeypatch.chdir(attempt.path)
    os.mkfifo("pipe")
    os.symlink(tmp_path / "data", "outside")
    os.symlink(attempt.path, "folder")
    with open("own", "w") as file:
        file.write("abc")
    os.symlink(os.path.abspath("own"), "latest")
    assert saved_sizes(list(saved_files(attempt))) == {**before, "own": 3}


def test_a_file_that_vanishes_meanwhile_counts_as_empty(tmp_path):
    assert file_digest(str(tmp_path / "none")) == hashlib.sha256(b"").digest()
    assert list(saved_files(AttemptFolder(str(tmp_path / "gone")))) == []
