"""Plain doit, seen from the file it loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.errors import ConfigError, PyexpError
from dodo_pyexp.tasks.plain_doit import is_doit, plainly

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


MISTAKEN = """
import pyexp

@pyexp.experiment(stash=False)
def exp(cfg): ...

exp.configs(pyexp.load_config("missing.yml"))
"""


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


def test_a_mistake_made_while_doit_imports_the_file_is_one_sentence(project: Any) -> None:
    project.write("exp.py", MISTAKEN)
    done = project.doit("-f", "exp.py", "list", status=3)
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("ERROR: ") and "missing.yml" in done.stderr


def test_mistakes_have_one_base_whatever_was_imported_first() -> None:
    code = "import doit.doit_cmd, pyexp, dodo_pyexp.errors as e; print(e.PyexpError.__bases__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == str(PyexpError.__bases__) == str((Exception,))


@pytest.mark.fresh
@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("doit >&-", "stdout is closed, and doit writes to it; lead it to /dev/null"),
        ("doit list >&-", "stdout is closed, and doit writes to it; lead it to /dev/null"),
        ("doit list > /dev/full", "the output cannot be written: No space left on device"),
        ("doit forget", "name the tasks that doit is to forget, or say --all"),
    ],
)
def test_what_doit_has_no_sentence_for_gets_one(project: Any, command: str, words: str) -> None:
    project.write("dodo.py", MISTAKEN.replace('pyexp.load_config("missing.yml")', 'lambda: [{"name": "a"}]'))
    done = subprocess.run(
        f"'{sys.executable}' -u -m {command}", shell=True, cwd=project.folder, env=project.environment, text=True,
        stderr=subprocess.PIPE, timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr.startswith(f"ERROR: {words}") and done.stderr.count("\n") == 1
    assert done.returncode == 3
