from __future__ import annotations

import io

import pytest

from dodo_pyexp.characters import never_fail


@pytest.mark.parametrize(
    ("encoding", "written"),
    [
        ("ascii", "`- l\\xe4uft... \\udc80 +-1\n"),
        ("latin-1", "`- l\xe4uft... \\udc80 \xb11\n"),
        ("utf-8", "└─ läuft… \\udc80 ±1\n"),
    ],
)
@pytest.mark.parametrize("errors", ["strict", "backslashreplace"])
def test_letters_that_a_stream_does_not_have_are_written_in_others(encoding: str, written: str, errors: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, errors=errors)
    never_fail(stream, None, io.StringIO())
    print("└─ läuft… \udc80 ±1", file=stream, flush=True)
    assert raw.getvalue().decode(encoding) == written


def test_what_somebody_chose_stays() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="ignore")
    never_fail(stream)
    assert stream.errors == "ignore"
