"""Which files count as read: whoever opens them, in this process and in those that it forks or starts."""

# ruff: noqa: SIM115  # how files are opened is what is tested

from __future__ import annotations

import ast
import gzip
import importlib.util
import io
import json
import linecache
import mmap
import multiprocessing
import os
import pkgutil
import runpy
import shutil
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp import engine
from dodo_pyexp.provenance.inputs import callers, interpreters, places, watch
from dodo_pyexp.provenance.inputs.watch import MOST, Watch

ROOT = Path(__file__).resolve().parents[3]
OPENERS: dict[str, Callable[[Path], Any]] = {
    "open": lambda path: open(path).close(),
    "open in binary": lambda path: open(path, "rb").close(),
    "open by a bytes path": lambda path: open(os.fsencode(path)).close(),
    "io.open": lambda path: io.open(path).close(),  # noqa: UP020
    "io.FileIO": lambda path: io.FileIO(path).close(),
    "os.open": lambda path: os.close(os.open(path, os.O_RDONLY)),
    "pathlib": lambda path: path.read_text(),
    "to be changed": lambda path: open(path, "r+").close(),
    "relative": lambda path: open(os.path.relpath(path)).close(),
    "with dots": lambda path: open(f"{path.parent}/./x/..//{path.name}").close(),
    "as it is by links": lambda path: open(os.path.realpath(path)).close(),
    "exec": lambda path: exec(open(path).read()),
    "in a thread": lambda path: _in_a_thread(lambda: open(path).close()),
    "in a fork": lambda path: _in_a_fork(lambda: open(path).close()),
    "in a fork that closes all": lambda path: _in_a_fork(lambda: (os.closerange(3, 100), open(path).close())),
    "in an interpreter": lambda path: subprocess.run(
        [sys.executable, "-c", "import sys; open(sys.argv[1]); sys.stdout.write('read')", path], check=True
    ),
    "in an interpreter of an interpreter": lambda path: subprocess.run(
        [
            sys.executable,
            "-c",
            f"import os, sys; os.spawnv(0, sys.executable, ['py', '-c', {f'open({str(path)!r})'!r}])",
        ],
        check=True,
    ),
    "in an interpreter that is killed": lambda path: subprocess.run(
        [sys.executable, "-c", f"open({str(path)!r}); import os; os.kill(os.getpid(), 9)"], check=False
    ),
    "in a pool": lambda path: _in_a_pool("fork", path),
    "in a pool of interpreters": lambda path: _in_a_pool("spawn", path),
    "shutil": lambda path: shutil.copyfile(path, f"{path}.copy"),
}


@pytest.fixture(autouse=True)
def nothing_is_temporary(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders of tests lie among temporary ones."""
    monkeypatch.setattr(places, "_programs", {})
    monkeypatch.setattr(places, "_TEMPORARY", ())
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def seen(tmp_path: Path) -> Iterator[Callable[..., list[str]]]:
    """Watch what a function does, and name the files, relative to the project."""
    project = tmp_path / "project"
    (project / "x").mkdir(parents=True)
    (project / "a.txt").write_text("1 + 1")
    before = os.getcwd()
    os.chdir(project)

    def look(do: Callable[[], object], copies: tuple[tuple[str, str], ...] = ()) -> list[str]:
        left_out = places.forms(str(project / "out"), engine.FOLDER)
        look.watch = watched = Watch((places.forms(str(project)), left_out, list(copies), str(tmp_path / "journal")))
        watch.begin(watched)
        interpreters.announce(watched)
        try:
            do()
        finally:
            watch.end(watched)
            interpreters.withdraw()
        watched.gather()
        assert not (tmp_path / "journal").exists()
        return [os.path.relpath(path, project) for path in watched.reads]

    yield look
    os.chdir(before)


def _in_a_thread(do: Callable[[], object]) -> None:
    thread = threading.Thread(target=do)
    thread.start()
    thread.join()


def _in_a_fork(do: Callable[[], object]) -> None:
    pid = os.fork()
    if not pid:
        do()
        os._exit(0)
    os.waitpid(pid, 0)


def _in_a_pool(method: str, path: Path) -> None:
    with multiprocessing.get_context(method).Pool(1) as pool:  # which kills its processes when it is left
        assert pool.map(Path.read_text, [path]) == ["1 + 1"]


def _package_data(path: Path) -> None:
    sys.path.insert(0, str(path.parent))
    try:
        assert pkgutil.get_data("package_of_data", "a.txt") == b"1 + 1"
    finally:
        sys.path.remove(str(path.parent))
        del sys.modules["package_of_data"]


@pytest.mark.parametrize("how", OPENERS)
def test_a_file_that_is_read_is_seen(how: str, seen: Any) -> None:
    path = Path("a.txt").absolute()
    assert "a.txt" in seen(lambda: OPENERS[how](path)), how


def test_data_in_a_package_is_seen(seen: Any) -> None:
    os.mkdir("package_of_data")
    Path("package_of_data/__init__.py").touch()
    os.rename("a.txt", "package_of_data/a.txt")
    assert seen(lambda: _package_data(Path("x").absolute())) == ["package_of_data/a.txt"]


def test_what_is_noted_is_size_and_time_when_it_was_opened_first(seen: Any) -> None:
    def do() -> None:
        open("a.txt").close()
        with open("a.txt", "a") as file:
            file.write("more")
        open("a.txt").close()

    before = os.stat("a.txt")
    assert seen(do) == ["a.txt"]
    ((_, size, mtime, copied),) = seen.watch.reads.values()
    assert (size, mtime, copied) == (before.st_size, before.st_mtime_ns, False)
    assert seen.watch.rewrote(os.path.abspath("a.txt"))


def test_data_by_libraries(seen: Any) -> None:
    np = pytest.importorskip("numpy")
    np.save("a.npy", np.arange(3))
    np.savetxt("a.csv", np.arange(3))
    with gzip.open("a.gz", "w") as file:
        file.write(b"x")
    Path("a.json").write_text("{}")

    def do() -> None:
        np.load("a.npy")
        np.load("a.npy", mmap_mode="r")
        np.loadtxt("a.csv")
        np.fromfile("a.txt", dtype="u1")
        gzip.open("a.gz").read()
        json.load(open("a.json"))
        with open("a.txt", "rb") as file:
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ).close()

    assert seen(do) == ["a.npy", "a.csv", "a.txt", "a.gz", "a.json"]


def test_what_was_not_there_is_no_input(seen: Any) -> None:
    def do() -> None:
        for name in ("none.txt", "none/none.txt"):
            with pytest.raises(FileNotFoundError):
                open(name)
        Path("none.txt").write_text("now it is")
        Path("none.txt").read_text()

    assert seen(do) == []


def _write() -> None:
    Path("own.txt").write_text("1")


def _rename() -> None:
    Path("own.tmp").write_text("1")
    os.replace("own.tmp", "own.txt")


def _link() -> None:
    os.symlink("a.txt", "own.txt")


def _write_elsewhere() -> None:
    subprocess.run([sys.executable, "-c", "open('own.txt', 'w').write('1')"], check=True)


def _folder_of_others() -> None:
    os.makedirs("cache/deep", exist_ok=True)
    subprocess.run(["/bin/sh", "-c", "echo 1 > cache/deep/x; cp cache/deep/x own.txt"], check=True)
    Path("cache/deep/x").read_text()
    os.rename("cache", "kept")
    Path("kept/deep/x").read_text()
    os.replace("own.txt", "own2.txt")
    os.rename("own2.txt", "own.txt")


@pytest.mark.parametrize("make", [_write, _rename, _link, _write_elsewhere, _folder_of_others])
def test_what_the_run_has_made_itself_is_no_input(make: Callable[[], None], seen: Any) -> None:
    def do() -> None:
        make()
        Path("own.txt").read_text()
        subprocess.run([sys.executable, "-c", "open('own.txt')"], check=True)

    assert seen(do) == []


def test_what_the_run_has_removed_is_no_input(seen: Any) -> None:
    def do() -> None:
        Path("a.txt").read_text()
        os.remove("a.txt")

    assert seen(do) == []


def test_code_that_is_imported_or_shown_is_none_and_code_that_is_read_is_one(seen: Any) -> None:
    Path("imported_here.py").write_text("1 + 1\nraise KeyError")
    Path("plain").write_text("x = 1")

    def do() -> None:
        sys.path.insert(0, os.getcwd())
        try:
            importlib.import_module("imported_here")
        except KeyError:
            linecache.checkcache()
            assert linecache.getline("imported_here.py", 1) == "1 + 1\n"
        finally:
            del sys.path[0]
        loader = importlib.machinery.SourceFileLoader("plain", os.path.abspath("plain"))
        importlib.util.module_from_spec(importlib.util.spec_from_loader("plain", loader))
        loader.exec_module(type(sys)("plain"))
        runpy.run_path("plain")

    assert seen(do) == []
    assert seen(lambda: exec(open("imported_here.py").readline())) == ["imported_here.py"]


def test_the_users_own_sitecustomize_is_imported_and_nothing_of_ours_is_left(
    seen: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = (
        "import sys, os; print(sys.modules.get('sitecustomize'), [p for p in sys.path if 'inputs' in p]); open('a.txt')"
    )
    child = [sys.executable, "-c", said]
    told = []

    def do() -> None:
        told.append(subprocess.run(child, capture_output=True, text=True, check=True))

    assert seen(do) == ["a.txt"] and told[0].stdout == "None []\n" and told[0].stderr == ""
    Path("x/sitecustomize.py").write_text("import builtins; builtins.mine = 1; print('mine')")
    monkeypatch.setenv("PYTHONPATH", os.path.abspath("x"))
    assert "a.txt" in seen(do) and told[1].stdout.startswith(f"mine\n<module 'sitecustomize' from '{os.getcwd()}/x")
    Path("x/sitecustomize.py").write_text("1 / 0")
    assert "a.txt" in seen(do) and "ZeroDivisionError" in told[2].stderr and told[2].stdout == "None []\n"
    assert os.environ["PYTHONPATH"] == os.path.abspath("x")


@pytest.mark.parametrize("flags", [["-I"], ["-E"], ["-S"]])
def test_an_interpreter_that_will_not_hear_of_it_works_all_the_same(flags: list[str], seen: Any) -> None:
    assert seen(lambda: subprocess.run([sys.executable, *flags, "-c", "open('a.txt')"], check=True)) in ([], ["a.txt"])


def test_what_belongs_to_nobodys_data_is_none(seen: Any, tmp_path: Path) -> None:
    names = ["out/x", ".git/HEAD", "__pycache__/x.pyc", "lib/site-packages/x.txt", "a.dist-info/RECORD"]
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("x")
    os.mkfifo("pipe")

    def do() -> None:
        for name in (*names, "/proc/self/status", "/dev/null", os.__file__, "/etc/passwd", watch.__file__):
            open(name).close()
        os.close(os.open("pipe", os.O_RDONLY | os.O_NONBLOCK))
        os.listdir(".")
        os.close(os.open(".", os.O_RDONLY))
        open(os.dup(0), closefd=False)

    assert seen(do) == []
    (tmp_path / "beside.txt").write_text("x")
    assert seen(lambda: open(tmp_path / "beside.txt").close()) == ["../beside.txt"]


def test_temporary_folders_are_none_unless_the_project_lies_there(
    seen: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "beside.txt").write_text("x")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert seen(lambda: [open(tmp_path / "beside.txt").close(), open("a.txt").close()]) == ["a.txt"]


def test_copies_in_a_snapshot_are_named_as_the_users_file(seen: Any) -> None:
    os.makedirs("out/.snapshots/c/src")
    Path("out/.snapshots/c/src/data.csv").write_text("1")
    here = os.getcwd()
    path = f"{here}/out/.snapshots/c/src/../src/data.csv"
    assert seen(lambda: open(path).close(), ((here, f"{here}/out/.snapshots/c"),)) == ["src/data.csv"]
    assert [copied for *_, copied in seen.watch.reads.values()] == [True]


def test_odd_names(seen: Any) -> None:
    names = [os.fsdecode(b"not \xff utf8"), "line\nbreak", "quote'\"", " ", "ü" * 80]
    for name in names:
        Path(name).write_text("x")

    def do() -> None:
        for name in names:
            open(name).close()

    assert seen(do) == names
    assert seen(lambda: _in_a_fork(do)) == names


def test_where_a_relative_path_leads_is_as_the_current_folder_is_then(seen: Any) -> None:
    Path("x/a.txt").write_text("x")

    def do() -> None:
        open("a.txt").close()
        os.chdir("x")
        open("a.txt").close()

    assert seen(do) == ["a.txt", "x/a.txt"]


def test_links_count_as_they_are_called_and_dots_behind_them_as_they_lead(seen: Any, tmp_path: Path) -> None:
    (tmp_path / "far/deep").mkdir(parents=True)
    (tmp_path / "far/b.txt").write_text("x")
    os.symlink(tmp_path / "far/deep", "link")
    os.symlink("a.txt", "named.txt")
    assert seen(lambda: [open("named.txt").close(), open("link/../b.txt").close()]) == ["named.txt", "../far/b.txt"]


def test_of_more_files_than_a_thousand_the_folders_are_told(seen: Any) -> None:
    os.mkdir("many")
    for i in range(MOST + 50):
        Path(f"many/{i}").touch()

    def do() -> None:
        open("a.txt").close()
        for i in range(MOST + 50):
            open(f"many/{i}").close()
        open("x/b").close()

    Path("x/b").touch()
    assert seen(do) == ["a.txt"]
    assert [os.path.relpath(folder) for folder in seen.watch.folders] == ["many", "x"]
    assert seen(lambda: _in_a_fork(do)) == ["a.txt"]
    assert [os.path.relpath(folder) for folder in seen.watch.folders] == ["many", "x"]


def test_two_watches_at_once_hear_each_of_its_own_thread(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    spec = places.forms(str(project)), places.forms(str(project / "out")), []
    found: dict[int, list[str]] = {}
    both = threading.Barrier(2)

    def one(number: int) -> None:
        (project / f"{number}.txt").write_text("x")
        watched = Watch((*spec, str(tmp_path / f"journal{number}")))
        watch.begin(watched)
        both.wait()
        (project / f"{number}.txt").read_text()
        both.wait()
        watch.end(watched)
        watched.gather()
        found[number] = [os.path.basename(path) for path in watched.reads]

    threads = [threading.Thread(target=one, args=(number,)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {1: ["1.txt"], 2: ["2.txt"]}


def test_whoever_opens_a_strange_thing_is_not_troubled(seen: Any) -> None:
    class Strange(str):
        __hash__ = None  # type: ignore[assignment]

        def rfind(self, *_: object) -> int:
            raise SystemError

    def do() -> None:
        open(Strange("a.txt")).close()
        with pytest.raises(ValueError):
            open("nul\0")
        sys.audit("open", object(), None, "no number")
        sys.audit("os.rename")

    assert seen(do) in ([], ["a.txt"])


def test_nothing_is_noted_before_and_after(seen: Any) -> None:
    open("a.txt").close()
    assert seen(lambda: None) == []
    open("a.txt").close()
    assert not seen.watch.reads


def test_a_file_has_one_name_by_whichever_way_the_project_is_reached(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a.txt").touch()
    link = tmp_path / "link"
    link.symlink_to("real")
    for project in (link, tmp_path / "real"):
        watched = Watch((places.forms(str(project)), places.forms(str(project / "out")), [], str(tmp_path / "journal")))
        watch.begin(watched)
        open(tmp_path / "real/a.txt").close()
        open(project / "a.txt").close()
        watch.end(watched)
        assert list(watched.reads) == [str(project / "a.txt")]


def test_whoever_forbids_hooks_is_not_watched_and_nothing_fails(tmp_path: Path) -> None:
    code = f"""
        import sys
        from dodo_pyexp.provenance.inputs import watch

        def forbid(event, args):
            if event == "sys.addaudithook":
                raise PermissionError

        sys.addaudithook(forbid)
        watch.begin(watch.Watch((("/project/",), ("/project/out/",), [], {str(tmp_path / "journal")!r})))
        open({__file__!r}).close()
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, cwd=ROOT)


def test_interpreters_of_any_age_can_read_what_begins_to_watch_them() -> None:
    startup = Path(interpreters.STARTUP, "sitecustomize.py").read_text(encoding="utf-8")
    ast.parse(startup, feature_version=(3, 4))
    assert "->" not in startup and 'f"' not in startup  # nor did Python 2 know these
    for module in (callers, interpreters, places, watch):
        ast.parse(Path(module.__file__).read_text(encoding="utf-8"), feature_version=(3, 8))
