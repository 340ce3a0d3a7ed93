"""Numbers in YAML and on a command line."""

from __future__ import annotations

import pytest

from dodo_pyexp.config.numbers import whole
from dodo_pyexp.config.overrides import apply_overrides
from dodo_pyexp.config.typed import typed_like
from dodo_pyexp.config.yaml import parse_yaml
from dodo_pyexp.errors import ConfigError

LONG = "0x" + "f" * 1_000_000


@pytest.mark.parametrize(("text", "number"), [("7", 7), ("-0", 0), ("+12", 12), ("0x1F", 31), ("0o17", 15)])
def test_whole_numbers(text: str, number: int) -> None:
    assert whole(text) == number
    assert parse_yaml(text, "").tree == number


@pytest.mark.parametrize("text", [LONG, "9" * 5000, "-" + "9" * 5000, "0x" + "f" * 3600])
def test_a_whole_number_without_end_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^a.yml:1: .*\.\.\. is a whole number of [\d,]+ digits; quote it if"):
        parse_yaml(f"a: {text}", "a.yml")
    for old in (1, 1.0, None):
        with pytest.raises(ConfigError, match=r"a whole number of [\d,]+ digits"):
            typed_like(text, old)
    with pytest.raises(ConfigError, match=r"a whole number of [\d,]+ digits") as refused:
        apply_overrides({"a": 1}, [f"a={text}"])
    assert len(str(refused.value)) < 600


def test_a_whole_number_that_no_float_can_hold_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"takes a number, and 0xff.* is larger than any"):
        typed_like("0x" + "f" * 1000, 0.5)
