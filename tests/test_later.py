"""Names of the façade that are imported on first use."""

from __future__ import annotations

import subprocess
import sys

import pytest

import pyexp
from dodo_pyexp.later import later


def test_a_name_is_imported_on_first_use_and_kept() -> None:
    space: dict[str, object] = {"__name__": "facade"}
    found, listed = later(space, {"merge": "config.merge"})
    assert listed() == ["__name__", "merge"] and "merge" not in space
    assert found("merge") is space["merge"] is pyexp.merge


def test_a_name_that_is_not_there_is_said_to_be_missing_as_python_does() -> None:
    with pytest.raises(AttributeError, match=r"^module 'facade' has no attribute 'marge'$"):
        later({"__name__": "facade"}, {"merge": "config.merge"})[0]("marge")


def test_each_name_of_the_facade_is_there() -> None:
    code = "import pyexp; print([name for name in pyexp.__all__ if getattr(pyexp, name, None) is None])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert {*pyexp.__all__} <= {*dir(pyexp)}
