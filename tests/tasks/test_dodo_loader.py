"""The loader that plain doit can be told to use, for files in packages."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from dodo_pyexp.tasks import dodo_loader
from tests.conftest import ROOT

# By its place, as the tests need not have been installed with the entry point.
CONFIGURATION = "[GLOBAL]\nloader = pyexp\n[LOADER]\npyexp = dodo_pyexp.tasks.dodo_loader:Loader\n"
EXP = """
    {above}
    import pyexp
    {below}

    @pyexp.experiment(stash=False)
    def exp(cfg):
        return net() + (__name__ == "lab.exps.exp")

    exp.configs(lambda: [{{"name": "a"}}])
"""


@pytest.fixture
def package(project: Any) -> Any:
    project.write("pyproject.toml", "")
    project.write("src/lab/__init__.py", "")
    project.write("src/lab/exps/__init__.py", "")
    project.write("src/lab/models.py", "def net(): return 7\n")
    project.write("doit.cfg", CONFIGURATION)
    return project


@pytest.mark.parametrize(("above", "below"), [("from ..models import net", ""), ("", "from ..models import net")])
def test_a_file_in_a_package_is_a_module_of_it_from_its_first_line_on(package: Any, above: str, below: str) -> None:
    package.write("src/lab/exps/exp.py", EXP.format(above=above, below=below))
    assert "exp:a" in package.doit("list", "--all", "-f", "src/lab/exps/exp.py").stdout
    package.doit("-f", "src/lab/exps/exp.py")
    assert "1 run: up to date" in package.pyexp("build", "src/lab/exps/exp.py").stderr
    assert package.pyexp("results", "--json").stdout.count('"result": 8') == 1


def test_any_other_file_is_loaded_as_ever(package: Any) -> None:
    package.write("dodo.py", EXP.format(above="net = lambda: 6", below="").replace("lab.exps.exp", "dodo"))
    package.doit()
    assert package.pyexp("results", "--json").stdout.count('"result": 7') == 1
    assert "Could not find dodo file" in package.doit("-f", "missing.py", status=3).stderr


def test_it_is_named_where_doit_looks_for_it() -> None:
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    assert points["doit.LOADER"] == {"pyexp": f"{dodo_loader.__name__}:{dodo_loader.Loader.__name__}"}
