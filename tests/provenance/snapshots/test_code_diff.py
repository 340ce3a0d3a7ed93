from __future__ import annotations

from pathlib import Path

from dodo_pyexp.provenance.snapshots.code_diff import unified_diff


def tree(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def test_changed_new_and_removed_files_are_told(tmp_path: Path) -> None:
    before = tree(tmp_path / "a", {"same.py": b"1\n", "lib/x.py": b"a\nb\n", "gone.py": b"g\n", "w.bin": b"\0"})
    after = tree(tmp_path / "b", {"same.py": b"1\n", "lib/x.py": b"a\nc\n", "new.py": b"n\n", "w.bin": b"\1\0"})
    lines = unified_diff(before, after)
    assert [line for line in lines if line.startswith(("---", "+++", "-", "+", "Bin"))] == [
        "--- a/gone.py", "+++ /dev/null", "-g",
        "--- a/lib/x.py", "+++ b/lib/x.py", "-b", "+c",
        "--- /dev/null", "+++ b/new.py", "+n",
        "Binary files a/w.bin and b/w.bin differ",
    ]  # fmt: skip


def test_leftovers_and_links_do_not_count(tmp_path: Path) -> None:
    before = tree(tmp_path / "a", {"x.py": b"1\n", "__pycache__/x.pyc": b"1"})
    after = tree(tmp_path / "b", {"x.py": b"1\n", "__pycache__/x.pyc": b"2", "y.pyc": b""})
    (after / "data").symlink_to(tmp_path)
    (after / "link.py").symlink_to("x.py")
    assert unified_diff(before, after) == []
