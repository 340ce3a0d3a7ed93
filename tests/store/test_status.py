"""How an attempt goes, or went."""

from __future__ import annotations

import time

import pytest

from dodo_pyexp.store import status
from dodo_pyexp.store.paths import AttemptFolder


@pytest.fixture
def attempt(tmp_path):
    return AttemptFolder(str(tmp_path))


def test_a_status_comes_back_and_a_missing_or_damaged_one_is_empty(attempt):
    assert status.read(attempt) == {}
    status.write(attempt, {"state": status.RUNNING})
    assert status.read(attempt) == {"state": "running"}
    with open(attempt.status, "w") as file:
        file.write('{"state": ')
    assert status.read(attempt) == {}


def test_the_end_keeps_what_was_said_at_the_start(attempt):
    started = {"state": status.RUNNING, "executor": "fork", "start_seconds": time.time() - 2}
    ended = status.end(attempt, started, status.FINISHED, digest="d")
    assert ended == status.read(attempt)
    assert (ended["state"], ended["executor"], ended["digest"]) == ("finished", "fork", "d")
    assert 2 <= ended["seconds"] < 60
    assert started["state"] == status.RUNNING


def test_an_error_is_told_with_its_traceback():
    error = {"type": "ValueError", "message": "no", "traceback": "Traceback ..."}
    assert status.error_text({"error": error}) == "ValueError: no\nTraceback ..."
    assert status.error_text({"error": {"type": "Timeout", "message": "late"}}) == "Timeout: late"
    assert status.error_text({}) is None
    assert status.error_text({"error": "text"}) is None


def test_why_a_status_cannot_be_read(attempt):
    assert status.trouble(attempt) == "is gone"
    status.write(attempt, {})
    assert status.trouble(attempt) is None
    with open(attempt.status, "w") as file:
        file.write("[1]")
    assert status.trouble(attempt) == "cannot be read: it is damaged"
