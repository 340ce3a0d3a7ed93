from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.provenance.snapshots.copies import Copy, take_copy
from dodo_pyexp.provenance.snapshots.repository import SnapshotError


def write(folder: Path, **files: str) -> dict[str, str]:
    found = {}
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        found[str(path)] = str(folder)
    return found


def taken(root: Path, files: dict[str, str], **options: Any) -> Copy:
    copy = take_copy(root, files, **options)
    assert copy is not None
    return copy


def test_files_keep_their_places(tmp_path: Path) -> None:
    copy = taken(tmp_path / "p", write(tmp_path / "p", exp="1", lib__model="2"))
    copy.write(tmp_path / "out" / copy.name)
    kept = {
        str(path.relative_to(tmp_path / "out" / copy.name)): path.read_text() for path in tmp_path.glob("out/*/**/*.py")
    }
    assert kept == {"exp.py": "1", "lib/model.py": "2"}
    assert [path.name for path in (tmp_path / "out").iterdir()] == [copy.name]


def test_the_same_files_have_the_same_name_wherever_they_lie(tmp_path: Path) -> None:
    names = [taken(tmp_path / place, write(tmp_path / place, exp="1", lib__model="2")).name for place in "ab"]
    assert names[0] == names[1]
    assert taken(tmp_path / "c", write(tmp_path / "c", exp="1", lib__model="3")).name != names[0]
    assert taken(tmp_path / "d", write(tmp_path / "d", exp="1", lib__other="2")).name != names[0]


def test_files_from_elsewhere_are_kept_below_a_folder_of_their_own(tmp_path: Path) -> None:
    files = write(tmp_path / "p", exp="1") | write(tmp_path / "other", pkg__tool="2") | write(tmp_path / "more", x="3")
    copy = taken(tmp_path / "p", files)
    assert copy.others == (str(tmp_path / "more"), str(tmp_path / "other"))
    assert set(copy.files) == {"exp.py", ".elsewhere/0/x.py", ".elsewhere/1/pkg/tool.py"}
    assert str(tmp_path) not in json.dumps(copy.to_dict())


def test_what_must_not_be_kept_is_left_out_with_the_reason(tmp_path: Path) -> None:
    files = write(tmp_path / "p", exp="1", key="K = 'ghp_0123456789abcdefghij0123456789'", large="#" * 100)
    files |= write(tmp_path / "p", out__made="1", _ssh__x="1")
    (tmp_path / "p" / "_ssh").rename(tmp_path / "p" / ".ssh")
    files[str(tmp_path / "p" / ".ssh" / "x.py")] = files.pop(str(tmp_path / "p" / "_ssh" / "x.py"))
    files[str(tmp_path / "p" / "gone.py")] = str(tmp_path / "p")
    copy = taken(tmp_path / "p", files, exclude=[tmp_path / "p" / "out"], limit_bytes=50)
    assert set(copy.files) == {"exp.py"}
    assert dict(copy.left_out) == {
        ".ssh/x.py": "named like a secret", "gone.py": "cannot be read: No such file or directory",
        "key.py": "holds a GitHub token", "large.py": "more than the limit of 5e-05 MB",
    }  # fmt: skip


def test_nothing_to_keep_is_no_copy(tmp_path: Path) -> None:
    assert take_copy(tmp_path, {}) is None


def test_a_folder_that_is_there_is_used_as_it_is(tmp_path: Path) -> None:
    copy = taken(tmp_path / "p", write(tmp_path / "p", exp="1"))
    (tmp_path / "dest").mkdir()
    (tmp_path / "dest" / "mine.py").write_text("")
    copy.write(tmp_path / "dest")
    assert [path.name for path in (tmp_path / "dest").iterdir()] == ["mine.py"]


def test_a_file_in_the_way_is_one_sentence(tmp_path: Path) -> None:
    copy = taken(tmp_path / "p", write(tmp_path / "p", exp="1"))
    (tmp_path / "out").write_text("")
    with pytest.raises(SnapshotError, match="cannot be saved"):
        copy.write(tmp_path / "out" / copy.name)
