"""Two files with siblings of one name."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dodo_pyexp import namesakes
from dodo_pyexp.errors import UsageError

pytestmark = pytest.mark.fresh  # what an interpreter imports, or does at its ends, is what is shown

EXPERIMENT = """
import pyexp
{imports}
@pyexp.experiment(name="{name}", executor="{executor}")
def train(cfg):
    open("executed", "a").write("x")
    {inner}
train.configs(lambda: [{{"name": "r"}}])
"""


@pytest.fixture
def pair(project: Any) -> Any:
    def write(a: str = "", b: str = "", a_later: str = "pass", executor: str = "subprocess") -> list[str]:
        for name, imports, inner in (("a", a, a_later), ("b", b, "pass")):
            project.write(f"{name}/utils.py", f"NAME = {name!r}\n")
            text = EXPERIMENT.format(name=name, imports=imports, inner=inner, executor=executor)
            project.write(f"{name}/exp.py", text)
        return ["a/exp.py", "b/exp.py"]

    project.pair = write
    project.write("pyproject.toml", "")
    return project


@pytest.mark.parametrize(
    "imports",
    [
        {"a": "import utils", "b": "import utils"},
        {"a": "from utils import NAME"},
        {"a_later": "import utils"},
        {"b": "def f():\n    import utils"},
    ],
)
def test_what_would_get_the_others_module_is_refused_before_anything_is_executed(pair: Any, imports: Any) -> None:
    files = pair.pair(**imports)
    told = pair.pyexp("build", *files, status=2).stderr
    assert told.count("\n") == 1
    assert "a/exp.py and b/exp.py cannot be imported together" in told
    assert ("a/utils.py" in told and "b/utils.py have one name" in told) or "b/utils.py and a/utils.py" in told
    assert not (pair.folder / "executed").exists() and not pair.out.exists()
    pair.pyexp("build", files[0])
    pair.pyexp("build", files[1])


def test_files_that_import_nothing_of_one_name_are_built_together(pair: Any) -> None:
    pair.pyexp("build", *pair.pair())
    assert (pair.out / "a/r/.finished").exists() and (pair.out / "b/r/.finished").exists()


def test_one_file_behind_two_names_is_no_namesake(pair: Any) -> None:
    files = pair.pair("import utils", "import utils")
    (pair.folder / "b/utils.py").unlink()
    (pair.folder / "b/utils.py").symlink_to(pair.folder / "a/utils.py")
    pair.pyexp("build", *files)


DODO = """
import sys
sys.path.insert(0, "a")
import exp
a = exp.train
del sys.modules["utils"]
sys.path.insert(0, "b")
import other
b = other.train
"""


@pytest.mark.parametrize("door", ["doit", "script"])
def test_a_file_that_imports_both_is_refused_before_anything_is_executed(pair: Any, door: str) -> None:
    pair.pair("import utils", "import utils")
    (pair.folder / "b/exp.py").rename(pair.folder / "b/other.py")
    pair.write("dodo.py", DODO)
    pair.write("script.py", f"{DODO}\na.run()\nb.run()\n")
    told = (pair.doit(status=2) if door == "doit" else pair.python("script.py", status=2)).stderr
    assert "a/exp.py imports a/utils.py, but b/utils.py, which has the same name, would be found" in told
    assert told.count("\n") == 1
    assert not (pair.folder / "executed").exists()


@pytest.mark.parametrize(
    ("path", "loaded", "refused"),
    [
        ("ab", "a", ["b"]),  # one is imported for both
        ("ba", "a", ["a", "b"]),  # and the other one by the runs
        ("ba", "b", ["a"]),  # what sys.modules had was dropped
        ("a", "a", []),
        ("b", "a", ["b"]),
        ("ab", "", ["b"]),
        ("cab", "", ["a", "b"]),  # what nobody has imported so far is found first
        ("acb", "a", ["b"]),
        ("dab", "a", ["b"]),  # a library's is none of ours
        ("", "b", []),
    ],
)
def test_whose_module_would_be_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, loaded: str, refused: list[str]
) -> None:
    folders = {name: tmp_path / name for name in "abc"} | {"d": tmp_path / "site-packages"}
    for name, folder in folders.items():
        folder.mkdir()
        (folder / "utils.py").write_text("")
        (folder / f"exp_{name}.py").write_text("def f():\n    import utils")
        (folder / f"alone_{name}.py").write_text("import sys")
    monkeypatch.setattr(sys, "path", [str(folders[name]) for name in path] + sys.path)
    monkeypatch.setitem(sys.modules, "utils", ModuleType("utils"))
    if loaded:
        sys.modules["utils"].__file__ = str(folders[loaded] / "utils.py")
    found = []
    for name in "ab":
        namesakes.refuse_strangers([(str(folders[name] / f"alone_{name}.py"), f"alone_{name}", str(folders[name]))])
        try:
            namesakes.refuse_strangers([(str(folders[name] / f"exp_{name}.py"), f"exp_{name}", str(folders[name]))])
        except UsageError:
            found.append(name)
    assert found == refused


def test_what_a_file_imports_is_looked_up_once_however_many_are_imported_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    imported = namesakes._imported
    monkeypatch.setattr(namesakes, "_imported", lambda path: looked.append(path) or imported(path))
    monkeypatch.setattr(namesakes, "_roots", {})
    roots = [tmp_path / f"folder{number}" for number in range(6)]
    monkeypatch.setattr(sys, "path", [*map(str, roots), *sys.path])
    for number, root in enumerate(roots):
        root.mkdir()
        (root / f"helper{number}.py").write_text("")
        (root / f"exp{number}.py").write_text(f"import helper{number}")
        namesakes.refuse_namesakes(str(root / f"exp{number}.py"), f"exp{number}", str(root))
    assert len(looked) == len(set(looked)) == 2 * len(roots)
