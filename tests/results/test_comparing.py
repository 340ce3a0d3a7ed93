from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dodo_pyexp.results.comparing import Difference, close_numbers, compare_files, compare_values
from dodo_pyexp.store.paths import AttemptFolder

NAN = float("nan")


class Odd:
    """Neither comparing nor pickling it works."""

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no")

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> Any:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "value",
    [None, 1, 0.5, NAN, "x", [1, {"a": (1, 2)}], {"a": NAN}, {"s": {3, 1, 2}}, np.array([1.0, NAN]), np.float32(1)],
)
def test_a_value_is_the_same_as_itself(value: Any) -> None:
    import copy

    assert compare_values(value, copy.deepcopy(value)) == []


def test_keys_that_differ_are_named_with_both_values() -> None:
    before = {"acc": 0.9, "by": {"loss": [1, 2], "same": 0}, "gone": 1, "kind": 1}
    after = {"acc": 0.8, "by": {"loss": [1, 3], "same": 0}, "new": "x", "kind": True}
    assert compare_values(before, after) == [
        Difference("acc", "0.9", "0.8"),
        Difference("by.loss.1", "2", "3"),
        Difference("gone", "1", "(none)"),
        Difference("kind", "1", "True"),
        Difference("new", "(none)", "'x'"),
    ]
    assert [str(one) for one in compare_values(1, 2)] == ["value 1 -> 2"]


def test_programs_are_told_values_with_their_types_and_not_what_is_not_there() -> None:
    before = {"acc": 0.9, "loss": NAN, "gone": None, "long": "x" * 70}
    after = {"acc": "0.9", "loss": 1, "new": [1], "long": "x" * 71}
    assert [one.to_dict() for one in compare_values(before, after)] == [
        {"key": "acc", "before": 0.9, "after": "0.9", "close": False},
        {"key": "loss", "before": None, "after": 1, "close": False},
        {"key": "gone", "before": None, "close": False},
        {"key": "long", "before": "x" * 70, "after": "x" * 71, "close": False},
        {"key": "new", "after": [1], "close": False},
    ]
    (found,) = compare_values(object, 1)
    assert found.to_dict()["before"] == "<class 'object'>"


def test_numbers_within_the_tolerance_are_close() -> None:
    (found,) = compare_values({"a": 1e6}, {"a": 1e6 + 0.5}, 1e-6)
    assert found.close
    (found,) = compare_values({"a": 1e6}, {"a": 1e6 + 5}, 1e-6)
    assert not found.close
    assert close_numbers(0.0, 1e-9, 1e-6)
    assert not close_numbers(0.0, NAN, 1.0)
    assert [one.close for one in compare_values([1, True, "a"], [1.0, 1.0, "b"], 1e-6)] == [True, False, False]


def test_arrays_are_compared_as_a_whole() -> None:
    before = {"w": np.ones(100), "n": np.array([1, 2])}
    after = {"w": np.ones(100) + 1e-9, "n": np.array([1, 2], dtype=np.int32)}
    first, second = compare_values(before, after, 1e-6)
    assert (first.key, first.close, second.key, second.close) == ("w", True, "n", True)
    assert not compare_values(np.ones(2), np.ones(3), 1.0)[0].close
    assert not compare_values(np.array(["a"]), np.array(["b"]), 1.0)[0].close


def test_odd_values_raise_nothing() -> None:
    assert [one.key for one in compare_values({"a": Odd()}, {"a": Odd()})] == ["a"]


def attempt(folder: Path, files: dict[str, bytes]) -> AttemptFolder:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "status.json").write_text(str(folder))
    return AttemptFolder(str(folder))


def test_saved_files_are_compared_by_content(tmp_path: Path) -> None:
    old = attempt(tmp_path / "a", {"same.bin": b"\0\1", "sub/x.csv": b"a,1.0\n", "gone.txt": b"", "w.bin": b"\0\1"})
    new = attempt(tmp_path / "b", {"same.bin": b"\0\1", "sub/x.csv": b"a,1.1\n", "new.txt": b"", "w.bin": b"\0\2"})
    assert [(one.key, one.before, one.after) for one in compare_files(old, new)] == [
        ("gone.txt", "saved", "(none)"), ("new.txt", "(none)", "saved"), ("sub/x.csv", "", ""), ("w.bin", "", ""),
    ]  # fmt: skip
    assert str(compare_files(old, new)[2]) == "sub/x.csv"


@pytest.mark.parametrize(
    ("name", "before", "after", "close"),
    [
        ("x.json", b'{"loss": 0.1, "n": 3}', b'{"loss": 0.10000000001, "n": 3}', True),
        ("x.json", b'{"loss": 0.1, "n": 3}', b'{"loss": 0.2, "n": 3}', False),
        ("x.csv", b"a,1e-3\nb,nan\n", b"a,0.0010000000001\nb,nan\n", True),
        ("x.csv", b"a,1\n", b"b,1\n", False),
        ("x.txt", b"1 2", b"1 2 3", False),
        ("x.bin", b"\xff\xfe1", b"\xff\xfe2", False),
    ],
)
def test_text_files_may_differ_in_numbers_within_the_tolerance(
    tmp_path: Path, name: str, before: bytes, after: bytes, close: bool
) -> None:
    (found,) = compare_files(attempt(tmp_path / "a", {name: before}), attempt(tmp_path / "b", {name: after}), 1e-6)
    assert found.close is close


def test_saved_arrays_may_differ_within_the_tolerance(tmp_path: Path) -> None:
    for place, off in (("a", 0.0), ("b", 1e-9)):
        (tmp_path / place).mkdir()
        np.save(tmp_path / place / "w.npy", np.ones(3) + off)
        np.savez(tmp_path / place / "w.npz", w=np.ones(3) + off, n=np.array(["x"]))
        np.save(tmp_path / place / "far.npy", np.ones(3) + off * 1e6)
    found = compare_files(AttemptFolder(str(tmp_path / "a")), AttemptFolder(str(tmp_path / "b")), 1e-6)
    assert {one.key: one.close for one in found} == {"far.npy": False, "w.npy": True, "w.npz": True}
