"""Results that were made by different code, or with different packages, are told apart in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

EXP = """
    import pyexp
    import helper

    @pyexp.experiment(executor="fork")
    def exp(cfg):
        return {"y": helper.f(cfg.x)}

    @exp.configs
    def configs():
        return [{"name": f"r{x}", "x": x} for x in range(5)]

    @exp.report
    def report(results):
        print("reported on", len(results))

    if __name__ == "__main__":
        exp.run()
"""


@pytest.fixture
def folder(project: Any) -> Any:
    project.write("exp.py", EXP)
    project.write("helper.py", "def f(x):\n    return x\n")
    project.python("exp.py")
    return project


def other_code(folder: Any) -> None:
    folder.edit("helper.py", "return x", "return 2 * x")
    folder.python("exp.py", "--filter", "r[34]", "--rerun")


CODE = "not all of these were made alike: 2 states of the code (helper.py::f differs): r0, r1, r2 | r3, r4"


def warned(done: Any) -> list[str]:
    return [line for line in done.stderr.splitlines() if "made alike" in line]


def test_where_all_is_made_alike_nothing_is_said(folder: Any) -> None:
    folder.python("exp.py", "--rerun")
    assert warned(folder.pyexp("results")) == []
    assert json.loads(folder.pyexp("results", "--json").stdout)[0]["mixed"] is None


def test_a_table_of_other_code_says_so_in_one_line(folder: Any) -> None:
    other_code(folder)
    done = folder.pyexp("results")
    assert warned(done) == [f"warning: exp: {CODE}"]
    assert "made alike" not in done.stdout
    assert json.loads(folder.pyexp("results", "--json").stdout)[0]["mixed"] == CODE
    assert warned(folder.pyexp("results", "--filter", "r[34]")) == []


@pytest.mark.parametrize("arguments", [(), ("--report",), ("--filter", "r0")])
def test_a_report_on_other_code_says_so(folder: Any, arguments: tuple[str, ...]) -> None:
    other_code(folder)
    done = folder.python("exp.py", *arguments)
    assert "reported on 5" in done.stdout
    assert warned(done) == [f"warning: exp: {CODE}"]


def test_accepted_runs_count_as_alike(folder: Any) -> None:
    other_code(folder)
    folder.pyexp("accept", "exp.py")
    assert warned(folder.pyexp("results")) == []


def test_many_runs_are_told_by_a_few_names_and_their_number(folder: Any) -> None:
    folder.edit("helper.py", "return x", "return 2 * x")
    folder.python("exp.py", "--filter", "r0", "--rerun")
    (line,) = warned(folder.pyexp("results"))
    assert line.endswith("r0 | r1, r2, r3 and 1 more")


def test_what_only_moved_to_another_file_is_the_same_code(folder: Any) -> None:
    folder.write("helper2.py", (folder.folder / "helper.py").read_text())
    folder.edit("exp.py", "import helper\n", "import helper2 as helper\n")
    folder.python("exp.py", "--filter", "r0", "--rerun")
    line = warned(folder.pyexp("results"))
    assert not line or "helper" in line[0]


def test_other_packages_are_named_with_their_versions(project: Any, tmp_path: Path) -> None:
    project.write("exp.py", EXP)
    project.write("helper.py", "def f(x):\n    return x\n")
    environment = {"PYTHONPATH": f"{tmp_path}:{project.environment['PYTHONPATH']}"}
    for version, arguments in (("1.0", []), ("1.1", ["--filter", "r4", "--rerun"])):
        for old in tmp_path.glob("tool-*"):
            (old / "METADATA").unlink()
            old.rmdir()
        info = tmp_path / f"tool-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: tool\nVersion: {version}\n")
        project.python("exp.py", *arguments, env=environment)
    (line,) = warned(project.pyexp("results"))
    assert "2 sets of packages (tool 1.0 and 1.1): r0, r1, r2 and 1 more | r4" in line
