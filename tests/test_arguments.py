"""The flags of a build: one parser for both doors, strict and helpful."""

from __future__ import annotations

import sys

import pytest

from dodo_pyexp.arguments import script_arguments, script_parser
from pyexp import PyexpError


def parse(*words: str):
    return script_parser("exp.py").parse_args(words)


def test_nothing_said_leaves_every_option_to_the_lower_layers() -> None:
    arguments = parse()
    assert (arguments.filter, arguments.executor, arguments.jobs, arguments.retry, arguments.stash) == (None,) * 5
    assert (arguments.output_dir, arguments.continued, arguments.timestamp, arguments.report) == (None,) * 4
    assert not arguments.rerun and not arguments.live and not arguments.dry_run
    assert arguments.keep_going


def test_every_flag_of_the_guide_and_the_readme_is_known() -> None:
    flags = """--filter ^a --executor fork --list --graph -s --retry 3 --rerun --timestamp T --name n
               --output-dir d --no-stash -j 4 -n --fail-fast --continue --report"""
    arguments = parse(*flags.split())
    assert (arguments.filter, arguments.executor, arguments.retry, arguments.jobs) == ("^a", "fork", 3, 4)
    assert (arguments.continued, arguments.report, arguments.timestamp) == ("latest", "latest", "T")
    assert (arguments.name, arguments.output_dir, arguments.stash, arguments.keep_going) == ("n", "d", False, False)
    assert arguments.list and arguments.graph and arguments.live and arguments.dry_run and arguments.rerun


def test_continue_and_report_take_a_batch() -> None:
    assert parse("--continue", "2024").continued == "2024"
    assert parse("--report", "2024").report == "2024"
    assert parse("--capture=no").live


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--fliter", "a"], '"--fliter" .did you mean "--filter"'),
        (["--fil", "a"], 'unknown argument "--fil"'),
        (["word"], 'unknown argument "word"'),
        (["--retry", "many"], "--retry"),
        (["-j", "-1"], "0 or more"),
        (["-j", "x"], "0 or more"),
        (["--filter"], "--filter"),
        (["--keep-going", "--fail-fast"], "not allowed"),
    ],
)
def test_a_wrong_argument_is_one_sentence_with_a_hint(words: list[str], said: str) -> None:
    with pytest.raises(PyexpError, match=said) as caught:
        parse(*words)
    assert str(caught.value).endswith("see python exp.py --help")
    assert "\n" not in str(caught.value)


def test_strict_arguments_must_all_be_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["exp.py", "--rerun", "--other"])
    with pytest.raises(PyexpError, match="--other"):
        script_arguments(strict=True)
    assert not script_arguments(strict=False).rerun


def test_lenient_arguments_count_when_all_are_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["exp.py", "--rerun"])
    assert script_arguments(strict=False).rerun


def test_no_arguments_at_all_are_fine_even_without_a_program_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [])
    assert not script_arguments(strict=True).rerun
