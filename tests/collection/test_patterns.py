"""Regular expressions that a user writes: what they mean, and that none takes the program down."""

from __future__ import annotations

import re
import signal
import threading
import time
from collections.abc import Callable

import pytest

from dodo_pyexp.collection.patterns import Pattern, PatternError
from dodo_pyexp.collection.runs import Runs
from dodo_pyexp.collection.tensor import Tensor
from dodo_pyexp.errors import LookupFailed
from dodo_pyexp.planning.targets import matcher

SLOW = ["(a+)+$", "(a|aa)+$", "a*a*a*a*a*a*a*b", ".*.*.*.*=z", "(x+x+)+y|(a+a+)+b"]
NAMES = ["a" * 40 + "!"] * 10_000


@pytest.mark.parametrize("text", ["a", "^a+$", "(?i)B", r"(a)\1", "(?=ab)a{1,2}b", "[^b]*b", "", "x{", "ä+"])
@pytest.mark.parametrize("name", ["a", "ab", "aab", "B", "x{", "ää", "a" * 200])
def test_they_mean_what_they_mean_in_python(text: str, name: str) -> None:
    assert Pattern(text).found_in(name) is (re.search(text, name) is not None)


@pytest.mark.parametrize("text", SLOW)
def test_on_many_names_they_answer_soon_or_are_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dodo_pyexp.collection.patterns.SECONDS", 0.05)
    pattern, began = Pattern(text, "--filter"), time.process_time()
    with pytest.raises(PatternError, match=r"^--filter .* takes longer than 0\.05 s, because there are so many ways"):
        for name in NAMES:
            pattern.found_in(name)
    assert time.process_time() - began < 0.5


def test_what_searches_in_names_is_refused_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dodo_pyexp.collection.patterns.SECONDS", 0.05)
    names = [{"name": name} for name in NAMES[:3]]
    for search in (Runs(names).filter, Tensor(names).filter, Runs(names).__getitem__):
        with pytest.raises(PatternError, match="takes longer"):
            search("(a+)+$")


def test_an_ordinary_pattern_is_quick() -> None:
    found_in, began = Pattern("^run_.*_lr0.*_w[0-9]+$").found_in, time.process_time()
    assert sum(found_in(f"run_{number}_lr0.1_width_w64") for number in range(10_000)) == 10_000
    assert time.process_time() - began < 1


def test_who_else_uses_the_timer_keeps_it() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGVTALRM, lambda *_: heard.append(1))
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.01)
        assert Pattern("a+b*").found_in("aab")
        began = time.process_time()
        while not heard and time.process_time() - began < 5:
            pass
        assert heard
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def in_a_thread(work: Callable[[], object]) -> object:
    found: list[object] = []

    def run() -> None:
        try:
            found.append(work())
        except PatternError as error:
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    return found[0]


def test_in_a_thread_it_means_the_same() -> None:
    pattern = Pattern("a+b+")
    assert in_a_thread(lambda: [pattern.found_in(name) for name in ("aabb", "\ud800\n", "ab")]) == [True, False, True]
    names = [f"train_seed{number}_w" for number in range(10_000)]
    assert in_a_thread(lambda: Pattern("^train_.*_seed7.*|seed7.*w$").found_among(names).count(True)) == 1111


def test_in_a_thread_it_is_refused_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dodo_pyexp.collection.patterns.SECONDS", 0.05)
    pattern = Pattern("(a+)+$", "--filter")
    for _ in range(2):
        refused = in_a_thread(lambda: pattern.found_among(NAMES))
        assert isinstance(refused, PatternError) and "takes longer than 0.05 s" in str(refused)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("(", r"'\(' is no regular expression: missing \), unterminated subpattern at position 0"),
        ("a{99999999999}", "is no regular expression: the repetition number is too large"),
        ("(" * 5000 + ")" * 5000, r"'\(\(\(.*\.\.\.' is too large for a regular expression"),
        ("*a", "nothing to repeat"),
    ],
)
def test_what_does_not_compile_is_told_in_a_sentence(text: str, why: str) -> None:
    with pytest.raises(PatternError, match=rf"^--filter .*{why}|^--filter {why}"):
        matcher(text)


def test_a_lookup_says_what_is_wrong_with_a_pattern() -> None:
    with pytest.raises(LookupFailed, match=r"No configs match pattern '\(b': '\(b' is no regular expression: missing"):
        Runs([{"name": "a"}])["(b"]


def test_many_searches_set_one_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    timers: list[float] = []
    change = signal.setitimer
    monkeypatch.setattr(
        signal, "setitimer", lambda which, *seconds: timers.append(seconds[0]) or change(which, *seconds)
    )
    names = [f"train_seed{number}_w" for number in range(100)]
    assert Pattern("^train_.*_seed7.*|seed7.*w$").found_among(names).count(True) == 11
    assert Runs([{"name": name} for name in names])["^train_.*seed3_.*"]["name"] == "train_seed3_w"
    assert len(timers) == 2 * 3
