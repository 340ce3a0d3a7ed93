"""``pyexp.experiments``: the names of the documents, and no more weight than a run can bear."""

from __future__ import annotations

import ast
import importlib
import inspect
from typing import Any

import pytest


def test_the_names_of_the_documents_are_there() -> None:
    import pyexp.experiments as facade

    for name in facade.__all__:
        assert getattr(facade, name).__name__ == name
    assert set(facade.__all__) <= set(dir(facade))
    assert {"ExperimentHelper", "configuration", "ConfigurationBase", "mock_modules", "experiment"} <= set(
        facade.__all__
    )


def test_an_unknown_name_is_an_ordinary_import_error(project: Any) -> None:
    done = project.python("-c", "from pyexp.experiments import nothing", status=1)
    assert "cannot import name 'nothing'" in done.stderr


def test_importing_it_in_a_run_costs_next_to_nothing(project: Any) -> None:
    code = (
        "import sys; before = set(sys.modules); from pyexp.experiments import ConfigurationBase, ExperimentHelper, "
        "configuration; print(*(set(sys.modules) - before))"
    )
    loaded = set(project.python("-c", code).stdout.split())
    assert not loaded & {
        "dataclasses",
        "inspect",
        "typing",
        "argparse",
        "yaml",
        "dodo_pyexp.runfiles.experimaestro.workspace",
    }


@pytest.mark.parametrize("name", ["pyexp", "pyexp.experiments"])
def test_a_type_checker_does_not_take_every_name_for_one_of_the_facade(name: str) -> None:
    module = importlib.import_module(name)
    with pytest.raises(AttributeError, match=f"module '{name}' has no attribute 'nothing'"):
        module.__getattr__("nothing")
    seen = [node for node in ast.parse(inspect.getsource(module)).body if not isinstance(node, ast.If)]
    assert "__getattr__" not in "".join(map(ast.unparse, seen))  # there, it would
