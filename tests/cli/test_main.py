from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from dodo_pyexp.cli.main import main

COMMANDS = ["build", "run", "list", "graph", "results", "log", "clean", "init"]


def test_help_names_every_command(project: Any) -> None:
    text = project.pyexp("--help").stdout
    for command in COMMANDS:
        assert f"\n  {command} " in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_of_its_own(project: Any, command: str) -> None:
    text = project.pyexp(command, "--help").stdout
    assert text.startswith(f"usage: pyexp {command}")
    assert project.pyexp("help", command).stdout == text


def test_without_a_command_the_overview_is_shown_with_status_2(project: Any) -> None:
    assert "usage: pyexp" in project.pyexp(status=2).stdout


def test_the_version_is_told(project: Any) -> None:
    import pyexp

    assert project.pyexp("--version").stdout == f"pyexp {pyexp.__version__}\n"


def test_an_unknown_command_is_one_sentence_with_the_nearest(project: Any, one_sentence: Callable[..., None]) -> None:
    one_sentence(project.pyexp("biuld", status=2), '"biuld"', 'did you mean "build"?')


def test_an_unknown_flag_is_one_sentence_with_the_nearest(project: Any, one_sentence: Callable[..., None]) -> None:
    one_sentence(project.pyexp("build", "--executr", "fork", status=2), '"--executr"', '"--executor"')


@pytest.mark.parametrize("words", ["-m pyexp list", "-m pyexp results", "SCRIPT"])
def test_a_folder_that_was_deleted_meanwhile_is_one_sentence(project: Any, words: str) -> None:
    script = project.folder / "elsewhere.py"
    script.write_text("import pyexp\nf = pyexp.experiment(lambda cfg: 1, name='f')\nf.run(configs=[{'name': 'r'}])\n")
    words = words.replace("SCRIPT", str(script))
    shell = f"mkdir gone && cd gone && rmdir ../gone && exec {sys.executable} {words}"
    done = subprocess.run(
        ["sh", "-c", shell], cwd=project.folder, env=project.environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    message = "error: the current folder is gone: it was deleted, or another one took its place; cd to it again\n"
    assert done.stderr == message


def test_a_reader_who_has_seen_enough_is_no_error(built: Any) -> None:
    command = f"{sys.executable} -m pyexp results --format html | head -n 1"
    done = subprocess.run(
        ["sh", "-c", command], cwd=built.folder, env=built.environment, capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""


def test_help_imports_neither_the_engine_nor_argparse(project: Any) -> None:
    code = (
        "import sys; before = set(sys.modules); from dodo_pyexp.cli.main import main; main(['--help']); "
        "print(*(set(sys.modules) - before))"
    )
    loaded = set(project.python("-c", code).stdout.splitlines()[-1].split())
    assert not loaded & {"argparse", "doit", "rich", "tabulate", "yaml", "dodo_pyexp.experiment", "pyexp"}


READING = [["results"], ["log", "train:slow"], ["list", "--batches"], ["clean", "-n", "train"]]


@pytest.mark.parametrize("arguments", READING)
def test_commands_that_only_read_import_no_user_code(built: Any, arguments: list[str]) -> None:
    built.write("dodo.py", "raise RuntimeError('imported')")
    built.pyexp(*arguments)


@pytest.mark.parametrize("arguments", [["results"], ["log", "x"], ["list", "--batches"], ["clean", "x"]])
def test_a_missing_output_folder_is_told(project: Any, one_sentence: Callable[..., None], arguments: list[str]) -> None:
    one_sentence(project.pyexp(*arguments, status=2), "there is no folder out", "--output-dir")


HOSTILE = r"""
    import pyexp

    @pyexp.experiment(executor="inline", stash=False, name="e\x1b[2J")
    def exp(cfg):
        if cfg.i == 2:
            raise ValueError("no \x1b]52;c;\x07 \x9b31m")
        return {"k\x1b[8m": "v\x1b[8m\u202e"}

    @exp.configs
    def configs():
        return [{"name": f"r{i}\x1b]0;t\x07", "i": i, "k\x1b": "\x9b" * (i + 1)} for i in range(3)]
"""
NAMES = "r0\x1b]0;t\x07", "r1\x1b]0;t\x07"


def test_no_command_lets_a_terminal_obey_what_others_have_written(
    project: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    project.write("exp.py", HOSTILE)
    done = project.pyexp("build", "exp.py", status=1)
    texts = [done.stdout, done.stderr]
    monkeypatch.chdir(project.folder)
    for words in (
        ["list", "exp.py"], ["list", "exp.py", "--all"], ["list", "--batches"], ["build", "-n", "exp.py"], ["results"],
        ["results", "--csv"], ["results", "--json"], ["results", "--over", "i"], ["graph", "exp.py", "--all"],
        ["graph", "exp.py", "--dot"], ["graph", "exp.py", "--mermaid"], ["clean"], ["clean", "--all", "-n"],
        ["diff", *NAMES], ["diff", *NAMES, "--json"], ["accept", "exp.py", "-n"], ["log", "nobody\x1b]0;"],
        ["list", "no\x1b]0;.py"],
    ):  # fmt: skip
        assert main(words) in (0, 2, 3), words
        texts += capfd.readouterr()
    assert "\\x1b]0;t" in "".join(texts)
    for text in texts:
        assert all(char.isprintable() or char in "\n\t" for char in text), text
