"""The words behind ``pyexp run``."""

from __future__ import annotations

from typing import Any

import pytest

from dodo_pyexp.arguments import Parser
from dodo_pyexp.cli import run
from dodo_pyexp.errors import UsageError
from dodo_pyexp.runfiles.words import split_words


def split(*words: str, is_key: Any = lambda file, name: False) -> tuple[Any, list[tuple[str, str]]]:
    parser = Parser(prog="pyexp run", allow_abbrev=False)
    run.add_arguments(parser)
    options, pairs = split_words(list(words), parser, is_key)
    return parser.parse_args(options), pairs


def test_what_is_no_option_behind_the_file_is_an_override() -> None:
    arguments, pairs = split("a.yml", "--seed", "3", "--model.width=64", "-j", "2", "--x", "--y", "--debug")
    assert arguments.file == "a.yml"
    assert arguments.jobs == 2
    assert arguments.debug
    assert pairs == [("seed", "3"), ("model.width", "64"), ("x", "--y")]


def test_values_may_look_like_anything() -> None:
    assert split("a.yml", "--seed", "-5", "--s", "--executor", "--t=", "--u==")[1] == [
        ("seed", "-5"),
        ("s", "--executor"),
        ("t", ""),
        ("u", "="),
    ]


def test_options_may_stand_on_both_sides_of_the_file() -> None:
    arguments, pairs = split(
        "-c", "a=1", "--env", "X", "-1", "--run-mode", "DRY-RUN", "a.yml", "-c", "b=2", "-j4", "-s"
    )
    assert arguments.conf == ["a=1", "b=2"]
    assert arguments.env == [["X", "-1"]]
    assert (arguments.jobs, arguments.live, arguments.run_mode) == (4, True, "DRY-RUN")
    assert pairs == []


def test_an_optional_value_does_not_swallow_the_file() -> None:
    assert split("--continue", "a.yml")[0].continued == "latest"
    assert split("--continue", "2026-01-01", "a.yml")[0].continued == "2026-01-01"
    assert split("a.yml", "--continue", "2026-01-01")[0].continued == "2026-01-01"


def test_an_option_behind_the_file_may_mean_a_key() -> None:
    asked: list[tuple[str, str]] = []

    def is_key(file: str, name: str) -> bool:
        asked.append((file, name))
        return name == "timeout"

    arguments, pairs = split("--timeout", "5", "a.yml", "--timeout", "9", "--retry", "2", "--debug", is_key=is_key)
    assert (arguments.timeout, arguments.retry, arguments.debug) == (5.0, 2, True)
    assert pairs == [("timeout", "9")]
    assert asked == [("a.yml", "timeout"), ("a.yml", "retry")]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--executr", "fork", "a.yml"), 'did you mean "--executor"'),
        (("--seed", "3", "a.yml"), 'unknown argument "--seed"'),
        (("a.yml", "--seed"), "--seed has no value; as a key of the config it needs one"),
        (("a.yml", "--executr"), 'there is no such option (did you mean "--executor"?)'),
        (("a.yml", "-x"), 'unknown argument "-x"'),
        (("a.yml", "--"), 'unknown argument "--"'),
        (("a.yml", "b.yml"), "b.yml"),
        (("a.yml", "--env", "X"), "--env"),
        (("a.yml", "-j", "x"), "0 or more"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(words: tuple[str, ...], says: str) -> None:
    with pytest.raises(UsageError) as raised:
        split(*words)
    assert says in str(raised.value)
