"""Near words: what a misspelled word may have meant, and no more than that."""

from __future__ import annotations

import pytest

from dodo_pyexp.errors import MissingFile, PyexpError, nearest


@pytest.mark.parametrize(
    ("word", "choices", "near"),
    [
        ("learning_rat", ["learning_rate", "epochs"], "learning_rate"),
        ("--exec", ["--executor", "--code"], "--executor"),
        ("bse.yml", ["base.yml", "tab.yml"], "base.yml"),
        ("lr0.11", ["lr0.1", "dropout"], "lr0.1"),
        ("model.dept", ["model.depth"], "model.depth"),
    ],
)
def test_a_misspelled_word_finds_what_was_meant(word: str, choices: list[str], near: str) -> None:
    assert nearest(word, choices) == f' (did you mean "{near}"?)'


@pytest.mark.parametrize(
    ("word", "choices"),
    [
        ("--nope", ["--code"]),
        ("nope.yml", ["tab.yml", "two.yml"]),
        ("", ["a"]),
    ],
)
def test_what_all_flags_or_files_have_in_common_makes_no_word_near(word: str, choices: list[str]) -> None:
    assert nearest(word, choices) == ""


def test_what_a_message_repeats_is_shortened_where_it_is_too_long_and_only_there() -> None:
    path = f"/home/{'folder/' * 25}exp.py:12"
    word = "x" * 10_000
    assert str(PyexpError(f'{path}: there is no run "{word}"; write one of these')) == (
        f'{path}: there is no run "{"x" * 60}…{"x" * 59}"; write one of these'
    )
    assert len(str(MissingFile(f"there is no file {word}"))) < 400
    assert len(str(PyexpError(f"is unknown: {'x y ' * 10_000}"))) <= 1000
    assert str(PyexpError(f'there is no run "{"x" * 200}"')) == f'there is no run "{"x" * 200}"'
