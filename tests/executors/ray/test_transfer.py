"""Folders cut into pieces and put together again elsewhere. No Ray is needed for this."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from dodo_pyexp.executors.ray.transfer import Packer, Unpacker


def send(folder: Path, there: Path, size: int = 100, **options) -> Path:
    unpacker = Unpacker(str(there))
    for piece in Packer(str(folder), **options).pieces(size):
        for entry in pickle.loads(pickle.dumps(piece)):
            unpacker.take(entry)
    unpacker.close()
    return there


def test_a_folder_comes_out_as_it_went_in(tmp_path):
    here = tmp_path / "here"
    (here / "sub" / "empty").mkdir(parents=True)
    (here / "sub" / "big.bin").write_bytes(os.urandom(10_000))
    (here / "none").touch()
    (here / "sub" / "run.sh").write_text("x")
    (here / "sub" / "run.sh").chmod(0o755)
    (here / "left").touch()
    there = send(here, tmp_path / "there", leave_out={"left"})
    assert sorted(path.relative_to(there).as_posix() for path in there.rglob("*")) == [
        "none", "sub", "sub/big.bin", "sub/empty", "sub/run.sh",
    ]  # fmt: skip
    assert (there / "sub" / "big.bin").read_bytes() == (here / "sub" / "big.bin").read_bytes()
    assert os.access(there / "sub" / "run.sh", os.X_OK)


def test_links_to_what_lies_in_the_folder_still_lead_there_and_others_stay_as_they_are(tmp_path):
    here = tmp_path / "here"
    (here / "sub").mkdir(parents=True)
    (here / "weights").write_text("w")
    links = {
        "latest": f"{here}/weights", "sub/latest": f"{here}/weights", "near": "weights", "folder": f"{here}/sub",
        "far": "/nowhere", "beside": f"{here}-too/x",
    }  # fmt: skip
    for name, target in links.items():
        os.symlink(target, here / name)
    there = send(here, tmp_path / "a" / "b" / "there")
    found = {name: os.readlink(there / name) for name in links}
    assert found == {
        "latest": "weights", "sub/latest": "../weights", "near": "weights", "folder": "sub",
        "far": "/nowhere", "beside": f"{here}-too/x",
    }  # fmt: skip
    assert (there / "sub" / "latest").read_text() == "w"


def test_a_link_says_where_its_target_is_also_when_the_folder_is_reached_through_another(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "sub").mkdir()
    (tmp_path / "through").symlink_to("real")
    os.symlink(tmp_path / "real" / "weights", tmp_path / "real" / "sub" / "latest")
    there = send(tmp_path / "through", tmp_path / "there")
    assert os.readlink(there / "sub" / "latest") == "../weights"


def test_pipes_are_left_behind(tmp_path):
    (tmp_path / "here").mkdir()
    os.mkfifo(tmp_path / "here" / "pipe")
    assert not list(send(tmp_path / "here", tmp_path / "there").iterdir())


@pytest.mark.parametrize("name", ["../out", "a/../../out", "/out", "", "link/out"])
def test_nothing_is_written_outside_the_folder(tmp_path, name):
    unpacker = Unpacker(str(tmp_path / "there"))
    unpacker.take(("link", "link", str(tmp_path)))
    with pytest.raises(ValueError):
        unpacker.take(("file", name, b"x", (0o644, 0)))
    assert not (tmp_path / "out").exists()
