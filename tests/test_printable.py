"""Whatever a name holds, a terminal shows it and does not obey it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodo_pyexp.printable import pad, printable, printable_lines, shorten, size_text, width

NAME = "esc\x1b[31mred\nline\u202eback"
SHOWN = r"esc\x1b[31mred\nline\u202eback"


@pytest.mark.parametrize(
    "text, shown",
    [
        ("lr=0.1 größe 学習 👩‍🔬", "lr=0.1 größe 学習 👩‍🔬"),
        (NAME, SHOWN),
        ("\x9b2J\x7f\t", r"\x9b2J\x7f\t"),
        ("half\udc80", r"half\udc80"),
        ("two\u2028lines", r"two\u2028lines"),
        ("C:\\new", "C:\\new"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped_and_nothing_else(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_lines_may_stay_lines() -> None:
    assert printable_lines("a\n\tb\x1b[2J\n") == "a\n\tb\\x1b[2J\n"


@settings(max_examples=100)
@given(st.text(st.characters(exclude_categories=())))
def test_no_control_character_comes_through(text: str) -> None:
    shown = printable(text)
    assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in shown)
    shown.encode()
    assert printable(shown) == shown


@settings(max_examples=100)
@given(st.text(), st.integers(8, 40))
def test_what_is_shortened_fits_and_keeps_both_ends(text: str, limit: int) -> None:
    text = printable(text)
    short = shorten(text, limit)
    assert width(short) <= limit
    assert short == text or (text.startswith(short.split("…")[0]) and "…" in short)


def test_wide_characters_take_two_columns() -> None:
    assert [width(text) for text in ("abc", "学習", "e\u0301")] == [3, 4, 1]
    assert [pad(text, 5) for text in ("学習", "abcdefg")] == ["学習 ", "abcdefg"]
    assert shorten("x" * 300, None) == "x" * 300


# -- every command ----------------------------------------------------------------------------------------------

DODO = f"""
    import pyexp

    @pyexp.experiment(executor="inline", stash=False)
    def exp(cfg):
        assert cfg.x < 2, cfg.name
        return {{"said": cfg.name}}

    exp.configs(lambda: [
        {{"name": {NAME!r}, "x": 1}}, {{"name": {"bad" + NAME!r}, "x": 2}}, {{"name": "y" * 300, "x": 0}},
        {{"name": "after", "x": 0, "depends_on": "^bad"}},
    ])
"""


@pytest.fixture
def named(project: Any) -> Any:
    """Runs with control characters in their names."""
    project.write("dodo.py", DODO)
    return project


def test_no_command_prints_a_control_character(named: Any) -> None:
    commands = [
        ["build"], ["list"], ["build", "-n"], ["graph"], ["graph", "--dot"], ["graph", "--mermaid"], ["results"],
        ["list", "--batches"], ["log", "nothing" + NAME], ["build", "nothing" + NAME], ["build", "--filter", NAME],
        ["clean", "-n", "--all"],
    ]  # fmt: skip
    for command in commands:
        done = named.pyexp(*command, status=None)
        text = done.stdout + done.stderr
        assert "\x1b" not in text and "\u202e" not in text, command
        assert r"\x1b[31mred" in text or command == ["list", "--batches"], command
    done = named.doit("-a", status=None)
    assert "\x1b" not in done.stdout.split("<stdout>:")[0] + done.stderr


def test_json_has_names_as_they_are_and_csv_has_them_escaped(named: Any) -> None:
    import json

    named.pyexp("build", status=1)
    assert NAME in [run["name"] for run in json.loads(named.pyexp("list", "--json").stdout)["runs"]]
    assert NAME in [run["name"] for run in json.loads(named.pyexp("results", "--json").stdout)[0]["runs"]]
    table = named.pyexp("results", "--csv").stdout  # which is opened by programs that obey control characters
    assert r"esc\x1b[31mred\nline\u202eback" in table and "\x1b" not in table


def on_a_terminal(project: Any, *command: str, columns: int = 100) -> list[str]:
    """Give the lines that a command writes to a terminal of that width."""
    main, other = pty.openpty()
    environment = {**project.environment, "TERM": "xterm", "COLUMNS": str(columns), "NO_COLOR": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "pyexp", *command], cwd=project.folder, stdout=other, stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL, env=environment,
    )  # fmt: skip
    os.close(other)
    data = b""
    try:
        while block := os.read(main, 1 << 16):
            data += block
    except OSError:  # how a terminal ends on Linux
        pass
    process.wait(60)
    os.close(main)
    return data.decode().splitlines()


@pytest.mark.parametrize("command", [["list"], ["build", "-n"], ["results"], ["graph"]])
def test_a_very_long_name_is_cut_on_a_terminal_and_nowhere_else(named: Any, command: list[str]) -> None:
    named.pyexp("build", status=1)
    named.edit("dodo.py", '"y" * 300, "x": 0', '"y" * 300, "x": 1')
    lines = on_a_terminal(named, *command)
    assert any("yyyy…yyyy" in line for line in lines)
    assert max(map(len, lines)) < 160
    assert "y" * 300 in named.pyexp(*command, status=None).stdout


@pytest.mark.parametrize(
    "size, text", [(1, "1 byte"), (0, "0 bytes"), (1500, "1.5 kB"), (999_999, "1.0 MB"), (3 * 10**12, "3.0 TB")]
)
def test_sizes_are_written_for_people(size: int, text: str) -> None:
    assert size_text(size) == text
