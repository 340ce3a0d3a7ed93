"""How a mistake is told at the end of a program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dodo_pyexp.errors import ConfigError, DamagedResult, damaged_attempt, warn
from dodo_pyexp.telling import is_doit, plainly, tell

EMBEDDED = """
import sys
from doit.cmd_base import ModuleTaskLoader
from doit.doit_cmd import DoitMain
import pyexp

@pyexp.experiment(stash=False)
def exp(cfg): ...

exp.configs(lambda: [{"name": "a"}, {"name": "a"}])
print("ended with", DoitMain(ModuleTaskLoader({"exp": exp})).run(["list"]))
"""


def test_one_line_and_the_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(ConfigError("exp.py:1: no \x1b[31m")) == 2
    assert capsys.readouterr().err == "error: exp.py:1: no \\x1b[31m\n"


def test_only_doits_own_command_is_ended(capsys: pytest.CaptureFixture[str]) -> None:
    assert not is_doit()
    with pytest.raises(ConfigError), plainly():
        raise ConfigError("x")
    assert capsys.readouterr().err == ""


def test_in_a_program_of_somebody_elses_doit_tells_and_the_program_goes_on(tmp_path: Path) -> None:
    (tmp_path / "tool.py").write_text(EMBEDDED)
    done = subprocess.run([sys.executable, "tool.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "ended with 3" in done.stdout and "Traceback" not in done.stderr
    assert done.stderr.startswith("ERROR: tool.py:10: experiment exp: two configs are called")


def test_a_warning_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    warn("only in this test")
    warn("only in this test")
    assert capsys.readouterr().err == "warning: only in this test\n"


def test_a_damaged_result_is_found_behind_what_it_led_to() -> None:
    try:
        try:
            raise DamagedResult("damaged", "out/exp/a/1")
        except ValueError as error:
            raise RuntimeError("mine") from error
    except RuntimeError as error:
        assert damaged_attempt(error) == "out/exp/a/1"
    assert damaged_attempt(ValueError()) is None and damaged_attempt(None) is None
