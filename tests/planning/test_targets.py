from __future__ import annotations

from types import SimpleNamespace

import pytest

from dodo_pyexp.errors import ConfigError
from dodo_pyexp.planning.targets import is_full, matcher


@pytest.mark.parametrize(
    "pattern, found",
    [
        ("a", True),
        ("^a1$", True),
        ("train", False),
        ("train:a", True),
        ("^train:", True),
        ("(?:b|c)", False),
        ("", True),
    ],
)
def test_a_pattern_is_for_names_and_with_a_colon_for_full_names(pattern: str, found: bool) -> None:
    assert matcher(pattern)(SimpleNamespace(name="a1", full_name="train:a1")) is found


def test_a_group_without_a_capture_is_no_colon() -> None:
    assert is_full("train:a") and not is_full("(?:a|b)")


def test_what_is_no_pattern_is_refused() -> None:
    with pytest.raises(ConfigError, match="no regular expression"):
        matcher("(")
