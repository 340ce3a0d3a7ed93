"""Edits that Python does not see by the time and the size of a file."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import pytest

from dodo_pyexp import importing


@pytest.mark.parametrize("later_by", [0, 1, 900_000_000])
def test_an_edit_within_one_second_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, later_by: int) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path, second = tmp_path / "edited_at_once.py", 1_700_000_000 * 10**9
    seen = []
    for text, written in (("value = 1\n", 0), ("value = 2\n", later_by)):
        path.write_text(text)
        os.utime(path, ns=(second + written,) * 2)
        importlib.invalidate_caches()
        seen.append(importing.import_file(str(path)).value)
        for compiled in tmp_path.glob("__pycache__/*"):
            os.utime(compiled, ns=(second,) * 2)
        del sys.modules["edited_at_once"]
    assert seen == [1, 2]
    assert list(tmp_path.glob("__pycache__/*"))


def test_a_compiled_file_is_used_as_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = tmp_path / "edited_never.py"
    path.write_text("value = 1\n")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    importing.import_file(str(path))
    del sys.modules["edited_never"]
    path.write_text("value = 2\n")  # in truth edited, but nobody can know
    os.utime(path, (1_700_000_000, 1_700_000_000))
    assert importing.import_file(str(path)).value == 1
    del sys.modules["edited_never"]


def test_what_was_edited_is_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path, written = tmp_path / "edited_later.py", []
    for number in range(3):
        if number < 2:
            path.write_text(f"value = {number}{number}\n")
            os.utime(path, (1_700_000_000 + number,) * 2)
        importlib.invalidate_caches()
        importing.import_file(str(path))
        [compiled] = tmp_path.glob("__pycache__/*.pyc")
        written.append(compiled.stat().st_mtime_ns)
        os.utime(compiled, (1_700_000_000.5 + number,) * 2)
        del sys.modules["edited_later"]
    assert written[1] > 1_700_000_001 * 10**9  # anew
    assert written[2] == 1_700_000_001_500_000_000  # not again
