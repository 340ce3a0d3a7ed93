"""Near words: what a misspelled word may have meant, and no more than that."""

from __future__ import annotations

import pytest

from dodo_pyexp.errors import nearest


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
