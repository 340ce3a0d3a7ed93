"""Runs import the project's modules as they were when the batch began, whatever happens to the files meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

IDENTITY = {f"GIT_{who}_{what}": "someone@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}

# The first run edits what the second one imports.
EXP = """
    import pathlib

    import pyexp
    HEAD

    @pyexp.experiment
    def exp(cfg):
        LATE
        if cfg.name == "first":
            for path in FILES:
                text = pathlib.Path(path).read_text()
                pathlib.Path(path).write_text(text.replace("'old'", "'new'"))
        return VALUE

    @exp.configs
    def configs():
        return [{"name": "first"}, {"name": "second", "depends_on": "first"}]

    if __name__ == "__main__":
        exp.run()
"""
EARLY = {"HEAD": "import helper", "LATE": "pass", "FILES": "['helper.py']", "VALUE": "helper.VALUE"}
LATE = {"HEAD": "", "LATE": "import helper", "FILES": "['helper.py']", "VALUE": "helper.VALUE"}


def exp(**parts: str) -> str:
    text = EXP
    for word, part in parts.items():
        text = text.replace(word, part)
    return text


def git(project: Any, *arguments: str) -> str:
    words = ["git", "-c", "protocol.file.allow=always", *arguments]
    done = subprocess.run(
        words, cwd=project.folder, env=os.environ | IDENTITY, capture_output=True, text=True, check=True
    )
    return done.stdout


def results(project: Any, experiment: str = "exp") -> dict[str, Any]:
    found = project.out.glob(f"{experiment}/*/*/result.json")
    return {path.parent.parent.name: json.loads(path.read_text()) for path in sorted(found)}


OLD = {"first": "old", "second": "old"}


@pytest.fixture(params=["git", "no git"])
def folder(project: Any, request: pytest.FixtureRequest) -> Any:
    if request.param == "git":
        git(project, "init", "--quiet")
    project.write("helper.py", "VALUE = 'old'\n")
    return project


DOORS: dict[str, Callable[[Any], Any]] = {
    "script": lambda project: project.python("exp.py"),
    "fork": lambda project: project.python("exp.py", "--executor", "fork"),
    "build": lambda project: project.pyexp("build", "exp.py"),
    "build with fork": lambda project: project.pyexp("build", "exp.py", "--executor", "fork"),
    "doit": lambda project: project.doit("-f", "exp.py"),
    "doit with processes": lambda project: project.doit("-f", "exp.py", "-n", "2"),
}


@pytest.mark.parametrize("imported", ["early", "late"])
@pytest.mark.parametrize("door", DOORS)
def test_a_module_that_is_edited_during_the_build_is_imported_as_it_was(folder: Any, door: str, imported: str) -> None:
    folder.write("exp.py", exp(**(EARLY if imported == "early" else LATE)))
    DOORS[door](folder)
    assert results(folder) == OLD
    assert "'new'" in (folder.folder / "helper.py").read_text()


@pytest.mark.parametrize("executor", ["subprocess", "fork"])
def test_without_a_snapshot_the_files_count_as_they_are(folder: Any, executor: str) -> None:
    folder.write("exp.py", exp(**LATE))
    folder.python("exp.py", "--no-stash", "--executor", executor)
    assert results(folder) == {"first": "old", "second": "new"}
    assert not list(folder.out.glob("exp/.snapshots"))


def test_the_next_build_uses_the_files_of_then(folder: Any) -> None:
    folder.write("exp.py", exp(**LATE))
    folder.python("exp.py")
    folder.python("exp.py", "--rerun")
    assert results(folder)["second"] == "new"
    assert len(list((folder.out / "exp" / ".snapshots").iterdir())) == 2


def test_the_code_on_record_is_that_of_the_snapshot(folder: Any) -> None:
    folder.write("exp.py", exp(**LATE))
    folder.python("exp.py")
    codes = {json.loads(path.read_text())["code"] for path in folder.out.glob("exp/*/.finished")}
    assert len(codes) == 1
    listed = json.loads(folder.pyexp("list", "exp.py", "--json").stdout)
    assert {run["kind"] for run in listed["runs"]} == {"code"}  # which is not today's


def test_the_current_folder_stays_the_users(folder: Any) -> None:
    folder.write("sub/exp.py", exp(**EARLY | {"VALUE": "(os.getcwd(), open('note.txt').read())", "FILES": "[]"}))
    folder.edit("sub/exp.py", "import pathlib", "import os, pathlib")
    folder.write("sub/helper.py", "")
    folder.write("note.txt", "mine")
    folder.write("pyproject.toml", "")
    folder.python("sub/exp.py")
    assert results(folder)["second"] == [str(folder.folder), "mine"]


TWO = """
    import pathlib
    import pyexp

    @pyexp.experiment
    def one(cfg):
        for name in ("helper.py", "sub/two.py"):
            path = pathlib.Path(name)
            path.write_text(path.read_text().replace("'old'", "'new'"))

    @one.configs
    def configs():
        return [{"name": "a"}]
"""


@pytest.mark.parametrize("executor", ["subprocess", "fork"])
def test_all_experiments_of_a_build_have_the_code_of_when_the_first_began(project: Any, executor: str) -> None:
    git(project, "init", "--quiet")
    project.write("helper.py", "VALUE = 'old'\n")
    project.write("one.py", TWO)
    late = "import helper; from sub.late import LATE; OWN = 'old'"
    text = exp(HEAD="", LATE=late, FILES="[]", VALUE="[helper.VALUE, LATE, OWN]").replace(
        '"first"}', '"first", "depends_on": "one:a"}'
    )
    project.write("sub/two.py", text)
    project.write("sub/late.py", "LATE = 'old'\n")
    project.write("dodo.py", "from one import one\nfrom sub.two import exp\n")
    project.pyexp("build", "--executor", executor)
    assert results(project) == {"first": ["old"] * 3, "second": ["old"] * 3}
    # What is on record is the code that was executed, which is not today's.
    listed = json.loads(project.pyexp("list", "--json").stdout)["runs"]
    assert [run["kind"] for run in listed if run["experiment"] == "exp"] == ["code", "code"]
    commits = {path.read_text() for path in project.out.glob("*/*/*/.commit")}
    assert len(commits) == 1


# -- layouts ----------------------------------------------------------------------------------------------------

PACKAGE = {"HEAD": "from .inner import helper", "FILES": "['src/pkg/inner/helper.py']", "VALUE": "helper.VALUE"}


@pytest.mark.parametrize("init", [True, False], ids=["package", "namespace package"])
@pytest.mark.parametrize("door", ["dodo", "module"])
def test_a_package_in_src_with_relative_imports(folder: Any, door: str, init: bool) -> None:
    late = "from .inner.late import LATE; from . import late as own; assert (LATE, own.LATE) == ('old', 'old')"
    folder.write("src/pkg/exp.py", exp(**PACKAGE, LATE=late).replace("'src/pkg", "'src/pkg/late.py', 'src/pkg"))
    for module in ("helper", "late"):
        folder.write(f"src/pkg/inner/{module}.py", f"{'VALUE' if module == 'helper' else 'LATE'} = 'old'\n")
    folder.write("src/pkg/late.py", "LATE = 'old'\n")
    if init:
        folder.write("src/pkg/__init__.py", "")
        folder.write("src/pkg/inner/__init__.py", "")
    folder.write("dodo.py", "import sys; sys.path.insert(0, 'src')\nfrom pkg.exp import exp\n")
    if door == "dodo":
        folder.pyexp("build")
    else:
        environment = {"PYTHONPATH": f"{folder.folder / 'src'}{os.pathsep}{folder.environment['PYTHONPATH']}"}
        folder.python("-m", "pkg.exp", env=environment)
    assert results(folder) == OLD


def test_a_package_that_is_installed_to_be_edited_by_a_path(folder: Any) -> None:
    # What a .pth file does: the folder is on the path of every interpreter.
    folder.write("src/lib/__init__.py", "")
    folder.write("src/lib/part.py", "VALUE = 'old'\n")
    parts = {"HEAD": "import lib", "LATE": "from lib.part import VALUE", "FILES": "['src/lib/part.py']"}
    folder.write("exp.py", exp(**parts))
    environment = {"PYTHONPATH": f"{folder.folder / 'src'}{os.pathsep}{folder.environment['PYTHONPATH']}"}
    folder.python("exp.py", env=environment)
    assert results(folder) == OLD


FINDER = """
    import sys
    from importlib.util import spec_from_file_location

    MAPPING = {"lib": PLACE}

    class Finder:
        @classmethod
        def find_spec(cls, name, path=None, target=None):
            if name in MAPPING:
                return spec_from_file_location(
                    name, MAPPING[name] + "/__init__.py", submodule_search_locations=[MAPPING[name]]
                )

    sys.meta_path.append(Finder)
"""


@pytest.mark.parametrize("executor", ["subprocess", "fork"])
def test_a_package_that_is_installed_to_be_edited_by_a_finder(folder: Any, executor: str, tmp_path: Any) -> None:
    folder.write("code/lib/__init__.py", "")
    folder.write("code/lib/part.py", "VALUE = 'old'\n")
    parts = {"HEAD": "import lib", "LATE": "from lib.part import VALUE", "FILES": "['code/lib/part.py']"}
    folder.write("exp.py", exp(**parts))
    site = tmp_path / "site"
    site.mkdir()
    (site / "__editable___lib_finder.py").write_text(
        "\n".join(line[4:] for line in FINDER.replace("PLACE", repr(str(folder.folder / "code/lib"))).splitlines())
    )
    (site / "sitecustomize.py").write_text("import __editable___lib_finder\n")
    environment = {"PYTHONPATH": f"{site}{os.pathsep}{folder.environment['PYTHONPATH']}"}
    folder.python("exp.py", "--executor", executor, env=environment)
    assert results(folder) == OLD


def test_a_package_of_another_repository_is_imported_from_where_it_lies(folder: Any, tmp_path: Any) -> None:
    other = tmp_path / "other"
    (other / "lib").mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", str(other)], check=True)
    (other / "lib" / "__init__.py").write_text("PLACE = __file__\n")
    folder.write("exp.py", exp(HEAD="import lib", LATE="pass", FILES="[]", VALUE="lib.PLACE"))
    environment = {"PYTHONPATH": f"{other}{os.pathsep}{folder.environment['PYTHONPATH']}"}
    folder.python("exp.py", env=environment)
    if (folder.folder / ".git").exists():
        assert results(folder)["second"] == str(other / "lib" / "__init__.py")
    else:  # without git, everything that is imported and belongs to no library is kept
        assert "/.snapshots/" in results(folder)["second"]


def test_the_experiment_lies_outside_of_git_and_imports_from_a_repository(project: Any, tmp_path: Any) -> None:
    other = tmp_path / "other"
    other.mkdir()
    subprocess.run(["git", "init", "--quiet", str(other)], check=True)
    (other / "helper.py").write_text("VALUE = 'old'\n")
    project.write("exp.py", exp(**LATE | {"FILES": f"[{str(other / 'helper.py')!r}]"}))
    environment = {"PYTHONPATH": f"{other}{os.pathsep}{project.environment['PYTHONPATH']}"}
    project.python("exp.py", env=environment)
    assert results(project) == OLD
    assert not (other / ".git" / "refs" / "pyexp").exists()


def test_an_experiment_that_git_ignores_is_kept_all_the_same(project: Any) -> None:
    git(project, "init", "--quiet")
    project.write(".gitignore", "scratch/\n")
    project.write("scratch/helper.py", "VALUE = 'old'\n")
    project.write("scratch/exp.py", exp(**LATE | {"FILES": "['scratch/helper.py']"}))
    done = project.python("scratch/exp.py")
    assert results(project) == OLD
    assert "scratch/exp.py (ignored by git)" in done.stderr


def test_a_submodule_is_imported_as_it_was(project: Any, tmp_path: Any) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    for words in (["init", "--quiet"], ["add", "-A"], ["commit", "--quiet", "-m", "x"]):
        (inner / "helper.py").write_text("VALUE = 'old'\n")
        subprocess.run(["git", *words], cwd=inner, env=os.environ | IDENTITY, check=True)
    git(project, "init", "--quiet")
    git(project, "submodule", "--quiet", "add", str(inner), "sub")
    project.write("exp.py", exp(HEAD="", LATE="from sub.helper import VALUE", FILES="['sub/helper.py']"))
    project.python("exp.py")
    assert results(project) == OLD


@pytest.mark.parametrize("executor", ["subprocess", "fork"])
def test_a_search_path_that_the_experiment_changes_leads_to_the_snapshot(project: Any, executor: str) -> None:
    git(project, "init", "--quiet")
    project.write("helper.py", "VALUE = 'old'\n")
    project.write("src/later.py", "VALUE = 'old'\n")
    head = "import os, sys; sys.path.insert(0, os.getcwd()); sys.path.insert(0, os.path.abspath('src'))"
    late = "sys.path.insert(0, 'src'); sys.path.insert(0, os.getcwd()); import helper, later"
    files = "['helper.py', 'src/later.py']"
    project.write("exp.py", exp(HEAD=head, LATE=late, FILES=files, VALUE="[helper.VALUE, later.VALUE]"))
    project.pyexp("build", "exp.py", "--executor", executor)
    assert results(project)["second"] == ["old", "old"]
    project.pyexp("reproduce", "exp:second")


# -- what is in no snapshot -------------------------------------------------------------------------------------


def test_modules_that_git_ignores_are_imported_from_where_they_lie(project: Any) -> None:
    git(project, "init", "--quiet")
    project.write(".gitignore", "_version.py\ngenerated.py\n")
    project.write("pkg/__init__.py", "from ._version import VERSION\n")
    project.write("pkg/_version.py", "VERSION = '1.2'\n")
    project.write("generated.py", "TABLE = [1]\n")
    project.write("exp.py", exp(HEAD="", LATE="import pkg, generated as g", FILES="[]", VALUE="[pkg.VERSION, g.TABLE]"))
    for executor in ("subprocess", "fork"):
        project.python("exp.py", "--rerun", "--executor", executor)
        assert results(project)["second"] == ["1.2", [1]]
    assert not list(project.out.glob("exp/.snapshots/*/generated.py"))


def test_data_beside_the_code_is_found_whether_or_not_git_has_it(folder: Any) -> None:
    folder.write(".gitignore", "data/\n*.bin\n")
    folder.write("pkg/__init__.py", "")
    folder.write(
        "pkg/paths.py",
        """
        import pathlib
        HERE = pathlib.Path(__file__).parent
        def read():
            return [(HERE / name).read_text() for name in ("table.csv", "model.bin", "../data/x/points.txt")]
        """,
    )
    folder.write("pkg/table.csv", "tracked")
    folder.write("pkg/model.bin", "ignored")
    folder.write("data/x/points.txt", "ignored, too")
    folder.write("exp.py", exp(HEAD="", LATE="from pkg import paths", FILES="[]", VALUE="paths.read()"))
    folder.python("exp.py")
    assert results(folder)["second"] == ["tracked", "ignored", "ignored, too"]


@pytest.mark.parametrize("with_git", [True, False], ids=["git", "no git"])
def test_data_beside_the_folder_of_the_project_is_found(project: Any, with_git: bool) -> None:
    if with_git:
        git(project, "init", "--quiet", "code")
    project.write("data/points.txt", "mine")
    head = "from pathlib import Path; DATA = Path(__file__).resolve().parent.parent / 'data'"
    project.write("code/exp.py", exp(HEAD=head, LATE="pass", FILES="[]", VALUE="(DATA / 'points.txt').read_text()"))
    project.pyexp("build", "code/exp.py")
    found = project.folder.glob("code/out/exp/second/*/result.json")
    assert [json.loads(path.read_text()) for path in found] == ["mine"]
    if with_git:  # a snapshot that is checked out again
        shutil.rmtree(project.folder / "code/out/exp/.snapshots")
        project.pyexp("reproduce", "exp:second", "--output-dir", "code/out")


def test_links_lead_to_no_secret_and_not_to_the_output(folder: Any) -> None:
    folder.write(".gitignore", ".env\n*.txt\n.venv/\nout/\ndata/\n")
    folder.write(".env", "TOKEN=planted")
    folder.write("notes.txt", "hf_0123456789abcdefghijABCDEF")
    folder.write(".venv/pyvenv.cfg", "")
    folder.write("data/x", "")
    folder.write("exp.py", exp(HEAD="PLACE = __file__", LATE="pass", FILES="[]", VALUE="1"))
    folder.python("exp.py")
    (snapshot,) = (folder.out / "exp" / ".snapshots").iterdir()
    links = {path.name for path in snapshot.iterdir() if path.is_symlink()}
    assert links - {"tally.py", "helper.py", ".gitignore"} == {"data"}


# -- messages ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("executor", ["subprocess", "fork"])
@pytest.mark.parametrize("kind", ["ValueError", "SyntaxError"])
def test_failures_name_the_users_files(folder: Any, executor: str, kind: str) -> None:
    broken = "def f():\n    raise ValueError('no')\n" if kind == "ValueError" else "def f(:\n"
    folder.write("helper.py", broken)
    folder.write("exp.py", exp(HEAD="", LATE="import helper; helper.f()", FILES="[]", VALUE="1"))
    done = folder.python("exp.py", "--executor", executor, status=1)
    assert ".snapshots" not in done.stdout + done.stderr
    status = json.loads(next(folder.out.glob("exp/first/*/status.json")).read_text())
    log = next(folder.out.glob("exp/first/*/log.out")).read_text()
    assert str(folder.folder / "helper.py") in log
    assert ".snapshots" not in json.dumps(status) + log
    if kind == "ValueError":
        assert status["error"]["where"] == f"{folder.folder / 'helper.py'}:2"


def test_python_files_and_flags_of_the_interpreter_are_as_before(folder: Any) -> None:
    folder.write("exp.py", exp(HEAD="import sys", LATE="pass", FILES="[]", VALUE="sys.path"))
    folder.python("exp.py")
    path = results(folder)["second"]
    assert path[0].startswith(str(folder.out / "exp" / ".snapshots"))
    assert path[-1] == str(folder.folder)
    assert [entry for entry in path if "/lib/python" in entry] == [
        entry for entry in json.loads(folder.python("-c", "import sys, json; print(json.dumps(sys.path))").stdout)
        if "/lib/python" in entry
    ]  # fmt: skip


def test_a_snapshot_of_two_experiments_is_kept_without_a_second_copy(folder: Any) -> None:
    text = exp(**LATE | {"FILES": "[]"})
    folder.write("exp.py", text)
    folder.write("two.py", text.replace("exp(cfg)", "two(cfg)").replace("@exp.", "@two.").replace("exp.run", "two.run"))
    folder.write("dodo.py", "from exp import exp\nfrom two import two\n")
    git(folder, "init", "--quiet")
    folder.pyexp("build")
    first, second = folder.out.glob("*/.snapshots/*/helper.py")
    assert first.samefile(second)
