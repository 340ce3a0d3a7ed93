"""Nobody waits for what has taken the place of a file, or drowns in it; and reading takes time in proportion."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from dodo_pyexp.store import opening
from dodo_pyexp.store.paths import is_folder


def make(kind: str, path: Path) -> None:
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "folder":
        path.mkdir()
    else:
        with socket.socket(socket.AF_UNIX) as own:
            own.bind(path.name)


KINDS = ["pipe", "device", "loop", "folder", "socket"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file_is_neither_read_nor_added_to(here: Path, kind: str) -> None:
    path = here / "log.out"
    make(kind, path)
    descriptors = os.listdir("/dev/fd")
    for use in (opening.open_file, opening.read_bytes, opening.open_to_add, lambda place: opening.add(place, b"x")):
        with pytest.raises(OSError) as found:
            use(str(path))
        assert found.value.strerror
    assert opening.read_text(str(path)) is None
    assert len(os.listdir("/dev/fd")) == len(descriptors)


def test_a_pipe_is_told_as_that(here: Path) -> None:
    make("pipe", here / "a")
    with pytest.raises(OSError, match="it is a named pipe, no file"):
        opening.read_bytes(str(here / "a"))


def test_a_file_is_read_whole_and_added_to(here: Path) -> None:
    path = str(here / "a")
    opening.add(path, b"one\n")
    opening.add(path, b"two\n" * 100_000)
    assert opening.read_bytes(path) == b"one\n" + b"two\n" * 100_000
    assert opening.read_text(path) == opening.read_bytes(path).decode()
    with opening.open_file(path) as file:
        assert file.read(4) == b"one\n"


def test_what_the_kernel_makes_up_is_read_though_it_has_no_size(here: Path) -> None:
    assert b"Pid:" in opening.read_bytes("/proc/self/status")


def test_a_file_that_is_too_large_is_not_read(here: Path) -> None:
    path = here / "a"
    path.write_bytes(b"12345")
    assert opening.read_bytes(str(path), 5) == b"12345"
    with pytest.raises(OSError, match="it has more than"):
        opening.read_bytes(str(path), 4)
    os.truncate(path, 1 << 40)
    with pytest.raises(OSError, match="it has more than 64 MB"):
        opening.read_bytes(str(path))


def test_reading_is_linear(here: Path) -> None:
    path = here / "a"
    path.touch()
    os.truncate(path, opening.LARGEST)
    began = time.process_time()
    assert len(opening.read_bytes(str(path))) == opening.LARGEST
    assert time.process_time() - began < 2  # ten times as long as it takes; block by block it took a minute


def test_a_link_that_leads_round_in_a_circle_is_no_folder(here: Path) -> None:
    (here / "folder").mkdir()
    (here / "link").symlink_to("folder")
    (here / "loop").symlink_to("loop")
    with os.scandir(here) as entries:
        found = {entry.name: (is_folder(entry), is_folder(entry, links=False)) for entry in entries}
    assert found == {"folder": (True, True), "link": (True, False), "loop": (False, False)}
