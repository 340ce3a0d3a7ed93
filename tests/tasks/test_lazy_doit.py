"""doit is imported only as far as a build needs it, and nobody notices."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOADED = "import sys, dodo_pyexp.building.request\n"


def printed(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_build_does_not_import_the_command_line_of_doit() -> None:
    heavy = ["doit.doit_cmd", "doit.runner", "importlib.metadata", "multiprocessing", "cmd"]
    assert printed(LOADED + f"print([name for name in {heavy} if name in sys.modules])") == "[]"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import doit; print(doit.get_var.__name__, doit.__version__[0])", "get_var 0"),
        ("from doit import create_after, task_params; print(create_after.__name__)", "create_after"),
        ("from doit.tools import config_changed; import doit; print(doit.tools.__name__)", "doit.tools"),
        ("import doit; print(doit.run.__module__, type(doit).__name__)", "doit.api module"),
        ("from doit.doit_cmd import DoitMain; print(DoitMain.__name__)", "DoitMain"),
        ("import pdb; print(pdb.Pdb.__name__)", "Pdb"),
        ("import importlib, doit; print(importlib.reload(doit).run.__name__)", "run"),
    ],
)
def test_whoever_asks_for_the_rest_gets_it(code: str, expected: str) -> None:
    assert printed(LOADED + code) == expected


def test_doit_that_is_loaded_already_is_left_alone() -> None:
    assert printed("import doit; before = doit; " + LOADED + "print(sys.modules['doit'] is before)") == "True"
