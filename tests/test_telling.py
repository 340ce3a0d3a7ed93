"""How a mistake is told at the end of a program."""

from __future__ import annotations

import pytest

from dodo_pyexp.errors import ConfigError, DamagedResult, damaged_attempt, warn
from dodo_pyexp.telling import tell


def test_one_line_and_the_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(ConfigError("exp.py:1: no \x1b[31m")) == 2
    assert capsys.readouterr().err == "error: exp.py:1: no \\x1b[31m\n"


def test_a_warning_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    warn("only in this test")
    warn("only in this test")
    assert capsys.readouterr().err == "warning: only in this test\n"


def test_a_damaged_result_is_found_behind_what_it_led_to() -> None:
    try:
        try:
            raise DamagedResult("damaged", "out/exp/a/1")
        except ValueError as error:
            raise RuntimeError("mine") from error
    except RuntimeError as error:
        assert damaged_attempt(error) == "out/exp/a/1"
    assert damaged_attempt(ValueError()) is None and damaged_attempt(None) is None
