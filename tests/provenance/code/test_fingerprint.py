"""The fingerprint is the same wherever it is taken, takes no part in the user's program, and bears odd code."""

from __future__ import annotations

import ast
import functools
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodo_pyexp.provenance.code.changes import changes
from dodo_pyexp.provenance.code.fingerprint import FORMAT, Survey, combined, fingerprint
from dodo_pyexp.provenance.code.syntax import digest

ROOT = Path(__file__).resolve().parents[3]
Load = Callable[..., ModuleType]
TELL = """
import json, sys
from dodo_pyexp.provenance.code.fingerprint import fingerprint
print(json.dumps(fingerprint(train)))
"""
PROJECT = {
    "pyproject.toml": "",
    "helper.py": """
        import math

        class Net:
            a: int = 1
            def f(self):
                return math.pi

        K = {1, 2, 'x'}
        """,
    "sub/exp.py": """
        from helper import *
        from later import g

        def make(k):
            return lambda x: (k, x)

        captured = make(("a", frozenset({"b", "c", "d"})))

        def train(cfg):
            import lazy
            return Net().f(), g(), K, captured, lazy.table["a"]()
        """,
    "later.py": "def g():\n    return 1\n",
    "lazy.py": "class Hidden:\n    pass\n\ndef build():\n    return vars()\n\ntable = {'a': build}\n",
}


def write(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(content).lstrip("\n"), encoding="utf-8")
    return root


def told(root: Path, *arguments: str, code: str = TELL, **environment: str) -> dict[str, str]:
    """Let ``sub/exp.py`` tell its own fingerprint in a process of its own."""
    path = root / "sub/exp.py"
    path.write_text(path.read_text() + code)
    done = subprocess.run(
        [sys.executable, *(arguments or (str(path),))],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join([str(root), str(ROOT)]),
            "PYTHONDONTWRITEBYTECODE": "1",
            **environment,
        },
        cwd=root,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.fixture
def expected(tmp_path: Path) -> dict[str, str]:
    found = told(write(tmp_path / "expected", PROJECT))
    names = ["K", "Net", "Net.f"]
    assert [name.partition("::")[2] for name in found if name.startswith("helper.py")] == names
    assert list(found) == sorted(found)
    return found


@pytest.mark.parametrize("seed", ["0", "1", "42"])
def test_the_hash_seed_does_not_matter(tmp_path: Path, expected: dict[str, str], seed: str) -> None:
    assert told(write(tmp_path / "other", PROJECT), PYTHONHASHSEED=seed) == expected


def test_the_place_of_the_project_does_not_matter(tmp_path: Path, expected: dict[str, str]) -> None:
    assert told(write(tmp_path / "x" / "y z", PROJECT)) == expected


def test_a_link_to_the_project_does_not_matter(tmp_path: Path, expected: dict[str, str]) -> None:
    root = write(tmp_path / "real", PROJECT)
    (tmp_path / "link").symlink_to(root)
    assert told(tmp_path / "link") == expected


def test_a_script_and_an_imported_module_are_the_same(tmp_path: Path, expected: dict[str, str]) -> None:
    root = write(tmp_path / "other", PROJECT)
    code = "import sys; sys.path.insert(0, 'sub'); import exp"
    assert told(root, "-c", code) == expected
    assert told(write(tmp_path / "module", PROJECT), "-m", "sub.exp") == expected


def test_what_has_been_imported_by_now_does_not_matter(tmp_path: Path, expected: dict[str, str]) -> None:
    root = write(tmp_path / "other", PROJECT)
    assert told(root, code="import lazy\nlazy.table['b'] = lazy.Hidden\n" + TELL) == expected


def test_what_is_defined_further_down_is_found(tmp_path: Path) -> None:
    files = {"sub/exp.py": "def train(cfg):\n    return below()\n"}
    found = told(write(tmp_path, files), code=TELL + "\ndef below():\n    return 1\n")
    assert list(found) == ["exp.py::below", "exp.py::train"]


def test_the_version_of_python_does_not_matter() -> None:
    code = '''
    async def f(x: int, /, *a, y=1.5, **k) -> "int":
        """Doc."""
        async with x as b, a: pass
        try:
            return f"{x!r:>{y}}" "b" f"" f"{x=}", {**k}, a[1:2, ...], -1, 1_000j, b"\\x00", "\\udc80"
        except* ValueError as e:
            raise e from None
        match x:
            case [1, *rest] | {"a": _, **rest} if (y := 2): ...
        return [z async for z in x if z], lambda q, *, w=1: (yield)
    @dataclass
    class A(B, metaclass=C):
        x: int
        y: "str" = 1
    '''
    # Every version must come to this very hash. If the way of hashing changes on purpose, FORMAT changes, too.
    assert (FORMAT, digest([ast.parse(dedent(code))])) == (1, "34933569aa0dcd60")


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Import files of a small project into this process."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def load(code: str | bytes, **files: str) -> ModuleType:
        write(tmp_path, {"pyproject.toml": "", **{f"{name}.py": text for name, text in files.items()}})
        path = tmp_path / "exp.py"
        path.write_bytes(code if isinstance(code, bytes) else dedent(code).encode())
        importlib.invalidate_caches()
        spec = importlib.util.spec_from_file_location("exp", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["exp"] = module
        spec.loader.exec_module(module)
        return module

    yield load
    for name in set(sys.modules) - before:
        if str(tmp_path) in (getattr(sys.modules[name], "__file__", None) or ""):
            del sys.modules[name]


def test_nothing_is_imported(load: Load) -> None:
    module = load(
        "def train(cfg):\n    import sqlite3.dump, wsgiref.simple_server, bomb\n    return bomb.go(wsgiref, sqlite3)\n",
        bomb="def go(*x):\n    return 1\nraise SystemExit\n",
    )
    before = set(sys.modules)
    assert list(fingerprint(module.train)) == ["bomb.py::go", "exp.py::train"]
    assert set(sys.modules) == before


def test_nothing_of_the_users_is_called(load: Load) -> None:
    module = load(
        """
        import helper

        class Trap(type):
            def __getattribute__(cls, name):
                raise SystemExit(name)
            def __instancecheck__(cls, value):
                raise SystemExit("isinstance")

        class Bomb(metaclass=Trap):
            def __getattribute__(self, name):
                raise SystemExit(name)
            def __eq__(self, other):
                raise SystemExit("eq")
            def __hash__(self):
                raise SystemExit("hash")
            __class__ = property(lambda self: 1 / 0)
            __dict__ = property(lambda self: 1 / 0)

        class Walk(dict):
            def values(self):
                raise SystemExit("values")
            __iter__ = values

        bomb, walk = Bomb(), Walk(a=Bomb())

        def train(cfg, bomb=bomb):
            return bomb.x, helper.missing, walk, helper.f

        def closure(value):
            return lambda: (value, bomb)

        closed = closure(bomb)
        """,
        helper="def __getattr__(name):\n    raise SystemExit(name)\n\ndef f():\n    return 1\n",
    )
    assert {"exp.py::Bomb", "exp.py::Walk", "helper.py::f"} <= fingerprint(module.train).keys()
    assert {"exp.py::Bomb", "exp.py::closed"} - fingerprint(module.closed).keys() == {"exp.py::closed"}


def test_a_lazy_module_is_not_woken(load: Load, tmp_path: Path) -> None:
    module = load("def train(cfg):\n    return lazy.f()\n", slow="raise SystemExit\n")
    spec = importlib.util.find_spec("slow")
    assert spec is not None and spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    lazy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(lazy)
    module.lazy = lazy  # type: ignore[attr-defined]  # as if the file had done so
    assert list(fingerprint(module.train)) == ["exp.py::train"]


@pytest.mark.parametrize(
    "odd",
    [
        *(len, "".join, print, int, None, 3, object(), functools.partial(len), functools, [], type, os.path.join),
        *(functools.lru_cache(len), property(), staticmethod(len), ast.parse, subprocess.Popen, json.dumps),
    ],
    ids=lambda value: type(value).__name__,  # a repr may hold an address, and workers compare names
)
def test_what_has_no_first_party_source_has_an_empty_fingerprint(odd: object) -> None:
    assert fingerprint(odd) == {}


def test_code_made_by_exec_has_no_entry() -> None:
    namespace: dict[str, Any] = {}
    exec("def f(x):\n    return g(x)\ndef g(x):\n    return 1\n", namespace)
    assert fingerprint(namespace["f"]) == {}


def test_a_file_that_is_gone_or_broken_gives_no_entry(load: Load, tmp_path: Path) -> None:
    module = load("import helper\ndef train(cfg):\n    return helper.f()\n", helper="def f():\n    return 1\n")
    (tmp_path / "helper.py").write_text("def f(:\n")
    assert list(fingerprint(module.train)) == ["exp.py::train"]
    (tmp_path / "helper.py").unlink()
    assert list(fingerprint(module.train)) == ["exp.py::train"]
    (tmp_path / "exp.py").unlink()
    assert fingerprint(module.train) == {}


def test_an_edit_is_seen_by_the_process_that_has_imported_the_file(load: Load, tmp_path: Path) -> None:
    module = load("import helper\ndef train(cfg):\n    return helper.f()\n", helper="def f():\n    return 1\n")
    before = fingerprint(module.train)
    (tmp_path / "helper.py").write_text("# moved\n\n\ndef f():\n    return 22\n")
    assert changes(before, fingerprint(module.train)) == ["helper.py::f changed"]


def touch(path: Path, content: str) -> None:
    """Write a file as an editor would, after everything else that has happened."""
    path.write_text(content)
    later = time.time_ns() + 1_000_000_000
    os.utime(path, ns=(later, later))


def test_a_look_at_the_code_knows_whether_its_files_are_still_the_same(load: Load, tmp_path: Path) -> None:
    code = "def f():\n    return 1\n"
    module = load("import helper\ndef train(cfg):\n    return helper.f()\n", helper=code, other=code)
    survey = Survey(module.train)
    assert set(survey.stamps) == {str(tmp_path / "exp.py"), str(tmp_path / "helper.py")}
    assert survey.home == str(tmp_path / "exp.py")
    touch(tmp_path / "other.py", "")
    assert survey.is_current()
    touch(tmp_path / "helper.py", code)
    assert not survey.is_current()
    assert Survey(module.train).is_current()
    (tmp_path / "helper.py").unlink()
    assert not Survey(module.train).stamps.keys() & {str(tmp_path / "helper.py")}


@pytest.mark.parametrize(
    ("edit", "old"),
    [
        ("", False),
        ("def f(x: int):\n    # a comment\n    return (x\n      + 1)\n => def f(x):\n    return x + 1\n", False),
        ("return x + 1 => return x + 2", True),
        ("return self.x => return self.y", True),
        ("x * 3 => x * 4", True),
        ("x * 5 => x * 6", True),
        ("return 'inner' => return 'other'", True),
        ("RATE = 1 => RATE = 1.0", True),
        ("def g() => def gone()", False),  # who uses it must change, too
        ("TABLE = {} => TABLE = {1: 2}", False),  # a change of it cannot be told from what the program did
    ],
)
def test_a_process_with_older_code_in_memory_is_found_out(load: Load, tmp_path: Path, edit: str, old: bool) -> None:
    code = dedent(
        """
        import functools
        import pyexp
        RATE = 1
        TABLE = {}
        class Net:
            def run(self):
                return self.x
            @property
            def wide(self):
                return lambda x: x * 3
        @functools.lru_cache
        def cached(x):
            return x * 5
        @pyexp.experiment
        def g():
            def inner():
                return 'inner'
            return inner
        def f(x):
            return x + 1
        """
    ).replace("def g()", "def g(cfg)")
    module = load("import helper\ndef train(cfg):\n    return helper.f(helper.RATE)\n", helper=code)
    before, _, after = edit.replace("def g()", "def g(cfg)").replace("def gone()", "def gone(cfg)").partition(" => ")
    if "comment" in edit:
        before, after = after, before
    assert code.count(before) == 1 or not edit
    touch(tmp_path / "helper.py", code.replace(before, after) if edit else code)
    assert Survey(module.train).outdated() == ([str(tmp_path / "helper.py")] if old else [])
    importlib.reload(module.helper)
    assert Survey(module.train).outdated() == []


@pytest.mark.parametrize(
    "code",
    [
        b"# -*- coding: latin-1 -*-\ndef train(cfg):\n    return '\xe9'\n",
        b"\xef\xbb\xbfdef train(cfg):\n    return 1\n",
        b"def train(cfg):\r\n    return '''a\r\nb'''\r\n",
        b"\x0cdef train(cfg):\n    return '\\d'\n",
        b"def train(cfg):\n    return " + b"+".join([b"1"] * 900) + b"\n",
        b"def train(cfg):\n    return 0x" + b"9" * 9000 + b"\n",
        "def träin(cfg):\n    return '\N{SNOWMAN}', [lambda: 'ä', lambda: 'ö']\ntrain = träin\n".encode(),
        b"def train(cfg):\n" + b"".join(b" " * i + b" if cfg:\n" for i in range(19)) + b" " * 90 + b"return 1\n",
        b"def train(cfg):\n    if cfg == 0:\n        return 0\n" + b"    elif cfg:\n        return 1\n" * 400,
    ],
)
def test_odd_files_are_read(load: Load, code: bytes, recwarn: pytest.WarningsRecorder) -> None:
    module = load(code)
    recwarn.clear()
    assert len(fingerprint(module.train)) == 1
    assert not recwarn.list


def test_odd_objects_are_passed_over(load: Load) -> None:
    module = load(
        """
        import sys

        def make():
            if sys.argv is None:
                empty = 1
            def inner():
                return empty
            return inner

        loop = []
        loop.append(loop)
        deep = ()
        for _ in range(5000):
            deep = (deep,)
        hole = make()

        class Slots:
            __slots__ = ("fn",)

        slots = Slots()
        slots.fn = 3

        def train(cfg):
            return loop, deep, hole, slots, undefined, cfg.missing
        """
    )
    found = fingerprint(module.train)
    assert {"exp.py::train", "exp.py::Slots", "exp.py::hole", "exp.py::make"} <= found.keys()


def test_a_cell_of_a_notebook_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    import linecache

    def run(cell: str, number: int, namespace: dict[str, Any]) -> None:
        name = f"<ipython-input-{number}>"
        monkeypatch.setitem(linecache.cache, name, (len(cell), None, cell.splitlines(keepends=True), name))
        exec(compile(cell, name, "exec"), namespace)

    def notebook(first: str, second: str) -> dict[str, str]:
        namespace: dict[str, Any] = {"__name__": "__main__"}
        run(first, 1, namespace)
        run(second, 2, namespace)
        return fingerprint(namespace["train"])

    first = "RATE = 1\ndef near(x):\n    return x * RATE\n"
    second = "def train(cfg):\n    return near(1)\n"
    before = notebook(first, second)
    assert list(before) == ["__main__::RATE", "__main__::near", "__main__::train"]
    assert notebook("# comment\n\n" + first, "\n" + second) == before
    assert changes(before, notebook(first.replace("= 1", "= 2"), second)) == ["__main__::RATE changed"]
    assert changes(before, notebook(first.replace("x *", "x +"), second)) == ["__main__::near changed"]


def test_libraries_python_and_pyexp_are_not_first_party(load: Load, tmp_path: Path) -> None:
    write(tmp_path, {"site-packages/library.py": "def f():\n    return 1\n"})
    sys.path.insert(0, str(tmp_path / "site-packages"))
    try:
        module = load(
            "import json, library, pyexp\ndef train(cfg):\n    return json.dumps(library.f()), pyexp.sweep([])\n"
        )
        assert list(fingerprint(module.train)) == ["exp.py::train"]
    finally:
        sys.path.remove(str(tmp_path / "site-packages"))
        sys.modules.pop("library", None)


def test_what_lies_outside_of_the_project_is_named_by_its_module(
    load: Load, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = write(tmp_path_factory.mktemp("elsewhere"), {"shared/__init__.py": "", "shared/tools.py": "A = 1\n"})
    monkeypatch.syspath_prepend(str(elsewhere))
    module = load("import shared.tools\ndef train(cfg):\n    return shared.tools.A\n")
    assert list(fingerprint(module.train)) == ["exp.py::train", "shared.tools::A"]
    for name in ("shared", "shared.tools"):
        sys.modules.pop(name)


def test_changes_are_told_by_kind() -> None:
    before = {"a.py::f": "1", "a.py::g": "1", "a.py::h": "1"}
    after = {"a.py::f": "2", "a.py::h": "1", "b.py::g": "2"}
    assert changes(before, after) == ["a.py::f changed", "b.py::g added", "a.py::g removed"]
    assert changes(before, before) == []


def test_what_only_went_to_another_file_is_no_change() -> None:
    before = {"a.py::f": "1", "a.py::K": "2", "exp.py::train": "3"}
    assert changes(before, {"lib/a.py::f": "1", "lib/a.py::K": "2", "lib/exp.py::train": "3"}) == []
    assert changes(before, {"b.py::f": "1", "b.py::K": "4", "exp.py::train": "3"}) == [
        "b.py::K added",
        "a.py::K removed",
    ]
    assert changes({"a.py::f": "1"}, {"a.py::f": "1", "b.py::f": "1"}) == ["b.py::f added"]
    assert changes({"a.py::f": "1", "b.py::f": "2"}, {"a.py::f": "2", "b.py::f": "1"}) == [
        "a.py::f changed", "b.py::f changed",
    ]  # fmt: skip


def test_the_import_of_what_went_to_another_file_is_no_change() -> None:
    before = {"exp.py::train": "1", "exp.py::import f": "2", "helper.py::f": "3", "helper.py::K": "4"}
    after = {"exp.py::train": "1", "exp.py::import f": "5", "utils.py::f": "3", "utils.py::K": "4"}
    assert changes(before, after) == []
    assert changes(before, {**after, "utils.py::f": "6"}) == [
        "exp.py::import f changed", "utils.py::f added", "helper.py::f removed",
    ]  # fmt: skip
    assert changes(before, {**after, "helper.py::f": "3"}) == ["exp.py::import f changed", "utils.py::f added"]


def test_the_module_of_a_helper_may_be_renamed(load: Load, tmp_path: Path) -> None:
    text = "K = 2\ndef f(x):\n    return x * K\n"
    write(tmp_path, {"helper.py": text, "utils.py": text})
    found = [
        fingerprint(load(f"from {name} import f, K as k\ndef train(cfg):\n    return f(cfg)\n").train)
        for name in ("helper", "utils")
    ]
    assert found[0] != found[1] and changes(*found) == []


def test_a_new_import_goes_without_saying_unless_it_means_something_else() -> None:
    used = {"exp.py::train": "2", "exp.py::import f": "9", "helper.py::f": "3"}
    assert changes({"exp.py::train": "1"}, used) == ["exp.py::train changed", "helper.py::f added"]
    assert changes({"exp.py::import f": "1"}, {"exp.py::import f": "2"}) == ["exp.py::import f changed"]
    assert changes({"a.py::import f": "1"}, {"b.py::import f": "2"}) == [
        "b.py::import f added", "a.py::import f removed",
    ]  # fmt: skip


@given(st.dictionaries(st.text(), st.text(alphabet="0123456789abcdef", min_size=16, max_size=16)))
@settings(max_examples=50, deadline=None)
def test_a_combined_hash_does_not_depend_on_the_order(found: dict[str, str]) -> None:
    assert combined(found) == combined(dict(reversed(found.items())))
    assert combined({**found, "new": "1"}) != combined(found) or "new" in found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = True"),
        ("x = 'a'", "x = b'a'"),
        ("x = a, b", "x = [a, b]"),
        ("f(a, b)", "f((a, b))"),
        ("x = -1", "x = 1"),
        ("del x[0]", "x[0]"),
        ("from . import a", "from .. import a"),
        ("async def f(): a()", "def f(): a()"),
        ("for x in y: z()\nelse: w()", "for x in y: z(); w()"),
        ("f'{x!r}'", "f'{x!s}'"),
        ("f'{x:a}'", "f'{x:b}'"),
        ("def f(a, /): pass", "def f(a): pass"),
        ("def f(*, a): pass", "def f(a): pass"),
        ("def f(a=1, b=2): pass", "def f(a=2, b=1): pass"),
        ("x = 'Name(y)'", "x = y"),
        ("class A:\n x: int", "class A:\n x: str"),
        ("@f.register\ndef g(x: int): pass", "@f.register\ndef g(x: str): pass"),
        ("global a, b", "global a\nb"),
    ],
)
def test_different_code_has_different_hashes(one: str, other: str) -> None:
    assert digest([ast.parse(one)]) != digest([ast.parse(other)])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 'a' 'b'", 'x = """ab"""'),
        ("x = (1, 2,)", "x = 1, 2"),
        ("x = u'a'", "x = 'a'"),
        ("x: int = 1", "x = 1"),
        ("def f(x: int) -> int:\n 'doc'\n y: int\n z: int = 1", "def f(x): z = 1"),
        ("def f():\n 'doc'", "def f(): ..."),
        ("class A:\n 'doc'\n x: int\n 'about x'", "class A:\n x: int"),
        ("if a: b()\nelse: pass", "if a: b()"),
        ("if a:\n pass\nelif b:\n c()", "if a: pass\nelse:\n if b: c()"),
        ("f'a' 'b' f'{x}'", "f'ab{x}'"),
        ("x = 0x10", "x = 16"),
        ("x = 1_0.0", "x = 10."),
        ("@property\ndef f(self) -> int: return 1", "@property\ndef f(self): return 1"),
    ],
)
def test_code_that_only_looks_different_has_the_same_hash(one: str, other: str) -> None:
    assert digest([ast.parse(one)]) == digest([ast.parse(other)])
