"""What a text gives to the keys of secrets, and what it costs to find that in a large one."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest

from dodo_pyexp.provenance.secrets.assignments import given


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("env:DB_PASSWORD=hunter2!", [("DB_PASSWORD", "hunter2!")]),
        ("password: str = 'hunter2!'", [("password", "hunter2!")]),
        ("--db.password=hunter2!", [("db.password", "hunter2!")]),
        ("1_password='it\\'s 2!'", [("password", "it\\'s 2!")]),
        ("password='''two 'quotes' 2!'''", [("password", "two 'quotes' 2!")]),
        ("password='hunter2!\\", [("password", "hunter2!\\")]),
        ("token token: token = tokens", []),
    ],
)
def test_what_a_text_gives_to_keys(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(one.key, one.value) for one in given(text)] == expected


def test_looking_for_secrets_costs_little_more_than_looking_for_words() -> None:
    """A text of 10 MB with a key like that of a secret in each line takes about a second, not four."""
    line = '{"token": "the", "token_count": 12, "key": "k1"}\n'
    text = line * ((1 << 20) // len(line))

    def taken(work: Callable[[], object]) -> float:
        began = time.process_time()
        work()
        return time.process_time() - began

    words = min(taken(lambda: re.findall(r"\w+", text)) for _ in range(5))
    assert min(taken(lambda: list(given(text))) for _ in range(5)) < 11 * words
