"""In a process whose imports are led to copies of the user's folders, every way into the folders ends in the copies."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dodo_pyexp.executors.imports.relocation import Relocation
from dodo_pyexp.executors.imports.rerouting import Rerouting

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    for place in ("repo", "copy"):
        (tmp_path / place / "src" / "pkg").mkdir(parents=True)
        (tmp_path / place / "src" / "pkg" / "a.py").write_text(f"PLACE = {place!r}\n")
        (tmp_path / place / "src" / "helper.py").write_text(f"PLACE = {place!r}\n")
        (tmp_path / place / "__init__.py").write_text(f"PLACE = {place!r}\n")
    (tmp_path / "repo/src/pkg/generated.py").write_text("")
    (tmp_path / "repo/src/made.py").write_text("")
    (tmp_path / "repo/src/heap").mkdir()
    (tmp_path / "repo/src/heap/part.py").write_text("")
    return tmp_path


def child(folders: Path, code: str, how: str = "apply", more: str = "", then: object = None) -> list[str]:
    begin = f"""
import os, sys
sys.path[:0] = [{str(ROOT)!r}]
from dodo_pyexp.executors.imports.relocation import Relocation
from dodo_pyexp.executors.imports.rerouting import Rerouting
{more}
moved = Rerouting.by(Relocation([({str(folders / "repo")!r}, {str(folders / "copy")!r})], [], {then!r}))
moved.prepare()
moved.{how}()
"""
    done = subprocess.run(
        [sys.executable, "-I", "-c", begin + code], capture_output=True, text=True, cwd=folders / "repo"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("how", ["apply", "install"])
def test_whatever_is_put_on_the_search_path_leads_to_the_copy(folders: Path, how: str) -> None:
    (folders / "link").symlink_to(folders / "repo" / "src")
    entries = ["src", "./src", "../repo/src", f"{folders}/repo/src", f"{folders}/link", "src/../src/"]
    code = f"""
for entry in {entries!r}:
    sys.path.insert(0, entry)
    import helper, pkg.a
    print(helper.PLACE, pkg.a.PLACE)
    sys.path.remove(entry)
    for name in ("helper", "pkg", "pkg.a"):
        del sys.modules[name]
os.chdir("src")
sys.path.insert(0, "")
import helper
print(helper.PLACE)
"""
    assert set(child(folders, code, how)) == {"copy"}


@pytest.mark.parametrize("init", [True, False], ids=["package", "namespace package"])
def test_folders_that_were_searched_before_lead_to_the_copy_too(folders: Path, init: bool) -> None:
    for place in ("repo", "copy") if init else ():
        (folders / place / "src/pkg/__init__.py").write_text("")
    more = "sys.path.insert(0, 'src'); import pkg.generated"
    assert child(folders, "import helper, pkg.a; print(helper.PLACE, pkg.a.PLACE)", more=more) == ["copy", "copy"]


def test_a_project_that_is_itself_a_package_leads_to_the_copy(folders: Path) -> None:
    code = "sys.path.insert(0, '..'); import repo, repo.src.helper as h; print(repo.PLACE, repo.__path__[0], h.PLACE)"
    assert child(folders, code) == ["copy", f"{folders}/copy", "copy"]


def test_what_only_the_users_folder_has_is_found_there_after_everything_else(folders: Path) -> None:
    (folders / "copy/late").mkdir()
    (folders / "copy/late/made.py").write_text("")
    code = """
sys.path[:0] = ["src", "late"]
import pkg.generated, heap.part, made
print(pkg.generated.__file__, heap.part.__file__, made.__file__)
try:
    import pkg.nowhere
except ModuleNotFoundError as error:
    print(error.name)
"""
    (folders / "repo/late").mkdir()
    assert child(folders, code) == [
        f"{folders}/repo/src/pkg/generated.py", f"{folders}/repo/src/heap/part.py", f"{folders}/copy/late/made.py",
        "pkg.nowhere",
    ]  # fmt: skip


def test_code_of_long_ago_is_not_completed_by_what_was_written_since(folders: Path) -> None:
    code = """
sys.path.insert(0, "src")
import made
try:
    import pkg.generated
except ImportError as error:
    print(error)
"""
    os.utime(folders / "repo/src/made.py", (1000, 1000))
    said = " ".join(child(folders, code, then=("src/helper.py", str(folders / "copy"), 2000.0)))
    assert said.startswith(f"{folders}/repo/src/pkg/generated.py is in no snapshot and was written after the run")


def test_preparing_twice_looks_once(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = Rerouting(Relocation([(str(folders / "repo"), str(folders / "copy"))]))
    moved.prepare()
    monkeypatch.setattr(os.path, "realpath", lambda path: pytest.fail("looked again"))
    moved.prepare()


BY_PATH = """
import importlib.util, runpy
from importlib.machinery import SourceFileLoader
def load(path, name="loaded", **more):
    spec = importlib.util.spec_from_file_location(name, path, **more)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
"""


@pytest.mark.parametrize("how", ["apply", "install"])
def test_code_that_is_loaded_by_its_path_is_that_of_the_copy(folders: Path, how: str) -> None:
    (folders / "link").symlink_to(folders / "repo")
    code = f"""
{BY_PATH}
for repo in ("{folders}/repo", "{folders}/link", "{folders}/link/../link"):
    helper = load(repo + "/src/helper.py")
    old = SourceFileLoader("helper2", repo + "/src/helper.py").load_module()
    package = load(repo + "/__init__.py", "pack", submodule_search_locations=[repo])
    print(helper.PLACE, old.PLACE, package.PLACE, runpy.run_path(repo + "/src/helper.py")["PLACE"])
    print({{helper.__file__, helper.__spec__.origin, old.__file__}} == {{"{folders}/copy/src/helper.py"}})
    print(package.__path__ == ["{folders}/copy"], "/copy/src/__pycache__/" in helper.__cached__)
"""
    assert child(folders, code, how) == [*["copy"] * 4, *["True"] * 3] * 3
    assert not (folders / "repo/src/__pycache__").exists(), "nothing of long ago becomes bytecode of today's file"


def test_what_has_no_copy_is_loaded_by_its_path_from_where_it_lies(folders: Path) -> None:
    library = folders / "repo/.venv/lib/python3/site-packages/lib.py"
    library.parent.mkdir(parents=True)
    library.write_text("PLACE = 'library'\n")
    code = f"{BY_PATH}\nprint(load('{folders}/repo/src/made.py').__file__, load({str(library)!r}).PLACE)"
    assert child(folders, code) == [f"{folders}/repo/src/made.py", "library"]


def test_code_of_today_is_not_loaded_by_its_path_where_code_of_long_ago_is_executed(folders: Path) -> None:
    then = "src/helper.py", str(folders / "copy"), 1.0
    code = f"""
{BY_PATH}
try:
    load("{folders}/repo/src/made.py")
except ImportError as error:
    print(error)
"""
    assert "is in no snapshot and was written after the run was executed" in " ".join(child(folders, code, then=then))


def test_changed_code_is_not_read_as_a_text_where_code_of_long_ago_is_executed(folders: Path) -> None:
    then = "src/helper.py", str(folders / "copy"), 1.0
    (folders / "repo/src/pkg/a.py").write_text("PLACE = 'copy'\n")
    code = """
for path in ("src/pkg/a.py", "src/helper.py"):
    try:
        exec(open(path).read())
        print(PLACE)
    except OSError as error:
        print(error.strerror)
open("src/helper.py", "w").close()
"""
    assert " ".join(child(folders, code, then=then)) == "copy the code has changed since the run was executed"


@pytest.mark.parametrize("how", ["import linked.lib", "import single"])
def test_code_behind_a_link_out_of_the_copy_is_not_taken_for_that_of_long_ago(folders: Path, how: str) -> None:
    (folders / "shared").mkdir()
    (folders / "shared/lib.py").write_text("")
    (folders / "copy/src/linked").symlink_to(folders / "shared")
    (folders / "copy/src/single.py").symlink_to(folders / "shared/lib.py")
    code = f"""
sys.path.insert(0, "src")
try:
    {how}
except ImportError as error:
    print(error)
"""
    now = (folders / "shared/lib.py").stat().st_mtime + 1
    for time, expected in ((1.0, "is in no snapshot and was written after"), (now, "")):
        said = " ".join(child(folders, code, then=("src/helper.py", str(folders / "copy"), time)))
        assert expected in said and bool(said) == bool(expected)
