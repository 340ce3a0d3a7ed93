"""Edits of real projects on disk, each imported and fingerprinted by a fresh process before and after."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from dodo_pyexp.provenance.code.changes import changes

ROOT = Path(__file__).resolve().parents[3]
# Answers for one project a line; each is imported by a process of its own, forked before anything was imported.
SERVER = """
import importlib, json, os, sys
from dodo_pyexp.provenance.code.fingerprint import Survey
for line in sys.stdin:
    root, module, name = json.loads(line)
    if os.fork() == 0:
        os.chdir(root)
        sys.path.insert(0, root)
        survey = Survey(getattr(importlib.import_module(module), name))
        print(json.dumps([survey.pieces, survey.meanings]), flush=True)
        os._exit(0)
    if os.wait()[1]:
        print("null", flush=True)
"""
Changes = Callable[..., list[str]]


def write(root: Path, files: dict[str, str]) -> Path:
    for name, content in {"pyproject.toml": "", **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(content).lstrip("\n"), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def server() -> Iterator[subprocess.Popen[str]]:
    # Python does not see a second edit within a second if there is bytecode of the first.
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def changes_by(server: subprocess.Popen[str], tmp_path: Path) -> Changes:
    """Tell what edits of a project, each ``"file: old => new"``, change."""

    def fingerprint_of(root: Path, target: str) -> list[dict[str, Any]]:
        assert server.stdin is not None and server.stdout is not None
        print(json.dumps([str(root), *target.split(":")]), file=server.stdin, flush=True)
        found: list[dict[str, Any]] | None = json.loads(server.stdout.readline())
        assert found is not None, "the process failed; its traceback is on stderr"
        return found

    def changes_by(files: dict[str, str], edits: list[str], target: str = "exp:train") -> list[str]:
        before, after = write(tmp_path / "before", files), write(tmp_path / "after", files)
        for edit in edits:
            if edit.startswith("mv "):
                _, source, target_file = edit.split()
                (after / target_file).parent.mkdir(exist_ok=True)
                (after / source).rename(after / target_file)
                continue
            name, _, edit = edit.partition(": ")
            old, _, new = edit.partition(" => ")
            path = after / name
            content = path.read_text(encoding="utf-8")
            assert content.count(old) == 1, f"{old!r} is {content.count(old)} times in {name}"
            path.write_text(content.replace(old, new), encoding="utf-8")
        (one, meant), (other, means) = fingerprint_of(before, target), fingerprint_of(after, target)
        return changes(one, other, (meant, means))

    return changes_by


SMALL = {
    "exp.py": """
        import helper
        import json

        UNUSED = 1

        def nobody():
            return 1

        def near(x):
            return x + 1

        def train(cfg):
            return near(helper.f(cfg.x))
        """,
    "helper.py": '''
        def f(x: int) -> int:
            """Double."""
            # twice
            return x * 2

        def nobody(x):
            return f(x)
        ''',
}


@pytest.mark.parametrize(
    "edit",
    [
        "exp.py: UNUSED = 1 => UNUSED = 2",
        "exp.py: import json => import math",
        "exp.py: def train(cfg): => # a comment\ndef train(cfg):",
        "exp.py: def train(cfg): => def train(cfg: dict) -> 'int':",
        "exp.py: near(helper.f(cfg.x)) => near(\n        helper.f(cfg.x),  # here\n    )",
        "exp.py: def nobody():\n    return 1 => def nobody():\n    return 2",
        'helper.py: """Double.""" => """Twice as much."""',
        'helper.py: """Double.""" => ',
        "helper.py: # twice => # two times",
        "helper.py: x: int) -> int => x: float) -> float",
        "helper.py: return x * 2 => return (x*2)",
        "helper.py: return f(x) => return f(x) + 1",
        "helper.py: # twice => pass\n    ...",
        "helper.py: return x * 2 => return x * 0x2",
    ],
)
def test_an_edit_that_changes_nothing_reached_is_not_seen(changes_by: Changes, edit: str) -> None:
    assert changes_by(SMALL, [edit]) == []


def case(name: str, files: dict[str, str], edits: list[str], expected: list[str], target: str = "exp:train") -> object:
    return pytest.param(files, edits, expected, target, id=name)


HELPER = "def f(x):\n    return x * 2\n\ndef g(x):\n    return x * 3\n"
EDIT_F = ["helper.py: x * 2 => x * 4"]
F = ["helper.py::f changed"]


def using(code: str, value: str | None = None, **files: str) -> dict[str, str]:
    """Make a project of a helper and an experiment's file: some code, and what `train` returns."""
    function = "" if value is None else f"\ndef train(cfg):\n    return {value}\n"
    return {"exp.py": code + function, "helper.py": HELPER, **{f"{name}.py": files[name] for name in files}}


PACKAGE = {
    "pkg/__init__.py": "from .core import loss\nfrom . import sub\nfrom .stars import *\n",
    "pkg/core.py": "from .sub.deep import base as b\n"
    "from . import consts\n"
    "\n"
    "def loss(x):\n"
    "    return b(x) + consts.K\n",
    "pkg/consts.py": "K = 1\nOTHER = 1\n",
    "pkg/stars.py": "def starred(x):\n    return x\n",
    "pkg/sub/__init__.py": "",
    "pkg/sub/deep.py": "def base(x):\n    return +x\n\ndef unused(x):\n    return x\n",
}


EDIT_BASE = ["pkg/sub/deep.py: return +x => return -x"]
BASE = ["pkg/sub/deep.py::base changed"]


def packaged(code: str, value: str | None = None) -> dict[str, str]:
    return {**using(code, value), **PACKAGE}


NAMES = [
    case("same-file", SMALL, ["exp.py: x + 1 => x + 2"], ["exp.py::near changed"]),
    case("itself", SMALL, ["exp.py: cfg.x => cfg.y"], ["exp.py::train changed"]),
    case("import", using("import helper", "helper.f(1)"), EDIT_F, F),
    case("import-as", using("import helper as h", "h.f(1)"), EDIT_F, F),
    case("from-import-as", using("from helper import f as k", "k(1)"), EDIT_F, F),
    case("star", using("from helper import *", "f(1)"), EDIT_F, F),
    case("in-the-body", using("def train(cfg):\n    import helper\n    return helper.f(1)\n"), EDIT_F, F),
    case("from-in-the-body", using("def train(cfg):\n    from helper import f as k\n    return k(1)\n"), EDIT_F, F),
    case(
        "in-the-body-of-the-body",
        using(
            "def train(cfg):\n    import middle as m\n    return m.h()\n",
            middle="def h():\n    import helper\n    return [helper.f(i) for i in 'ab']\n",
        ),
        EDIT_F,
        F,
    ),
    case("not-f", using("import helper", "helper.g(1)"), EDIT_F, []),
    case(
        "local-name-hides", using("from helper import f\ndef train(cfg):\n    f = cfg.f\n    return f(1)\n"), EDIT_F, []
    ),
    case("parameter-hides", using("from helper import f\ndef train(f):\n    return [f for f in f]\n"), EDIT_F, []),
    case(
        "comprehension-hides-inside-only",
        using("from helper import f", "[f for f in range(3)], f"),
        EDIT_F,
        F,
    ),
    case(
        "try-import", using("try:\n    import helper\nexcept ImportError:\n    helper = None", "helper.f(1)"), EDIT_F, F
    ),
    case(
        "try-import-that-fails",
        using("try:\n    from no_such_module import f\nexcept ImportError:\n    from helper import f", "f(1)"),
        EDIT_F,
        F,
    ),
    case("getattr-constant", using("import helper", "getattr(helper, 'g')(1)"), EDIT_F, []),
    case("getattr-computed", using("import helper", "getattr(helper, cfg.name)(1)"), EDIT_F, F),
    case(
        "import-module",
        using("import importlib", "importlib.import_module('helper').f(1)"),
        EDIT_F,
        F,
    ),
    case(
        "package-reexport",
        packaged("import pkg", "pkg.loss(1)"),
        ["pkg/core.py: b(x) + consts => b(x) - consts"],
        ["pkg/core.py::loss changed"],
    ),
    case("package-relative", packaged("from pkg import loss", "loss(1)"), EDIT_BASE, BASE),
    case(
        "package-constant",
        packaged("from pkg import loss", "loss(1)"),
        ["pkg/consts.py: K = 1 => K = 2"],
        ["pkg/consts.py::K changed"],
    ),
    case(
        "package-other-constant",
        packaged("from pkg import loss", "loss(1)"),
        ["pkg/consts.py: OTHER = 1 => OTHER = 2"],
        [],
    ),
    case("package-submodule", packaged("import pkg.sub.deep as s", "s.base(1)"), EDIT_BASE, BASE),
    case("package-dotted", packaged("import pkg.sub.deep", "pkg.sub.deep.base(1)"), EDIT_BASE, BASE),
    case(
        "package-dotted-in-the-body",
        packaged("def train(cfg):\n    import pkg.sub.deep\n    return pkg.sub.deep.base(1)\n"),
        EDIT_BASE,
        BASE,
    ),
    case(
        "package-star",
        packaged("import pkg", "pkg.starred(1)"),
        ["pkg/stars.py: return x => return -x"],
        ["pkg/stars.py::starred changed"],
    ),
    case(
        "library-name", using("from math import floor as f", "f(1)"), ["exp.py: floor => ceil"], ["exp.py::f changed"]
    ),
    case(
        "library-becomes-own",
        using("from math import floor as f", "f(1)"),
        ["exp.py: math import floor as f => helper import f"],
        ["helper.py::f added", "exp.py::f removed"],
    ),
    case(
        "imports-that-change-places",
        using("from helper import f as a, g as b", "a(1) - 2 * b(1)"),
        ["exp.py: f as a, g as b => g as a, f as b"],
        ["exp.py::import a changed", "exp.py::import b changed"],
    ),
    case(
        "modules-that-change-places",
        using("import helper as a\nimport other as b", "a.f(1) - 2 * b.f(1)", other="def f(x):\n    return x\n"),
        ["exp.py: helper as a\nimport other as b => other as a\nimport helper as b"],
        ["exp.py::import a changed", "exp.py::import b changed"],
    ),
    case(
        "one-import-or-another",
        using("FAST = 1\nif FAST:\n    from helper import f\nelse:\n    from helper import g as f", "f(1)"),
        ["exp.py: if FAST => if not FAST"],
        ["exp.py::import f changed"],
    ),
    case(
        "what-decides-about-an-import",
        using("FAST = 1\nif FAST:\n    from helper import f\nelse:\n    from helper import g as f", "f(1)"),
        ["exp.py: FAST = 1 => FAST = 2"],
        ["exp.py::FAST changed"],
    ),
    case(
        "stars-that-change-places",
        using("from helper import *\nfrom other import *", "f(1)", other="def f(x):\n    return x\n"),
        ["exp.py: helper import *\nfrom other => other import *\nfrom helper"],
        ["exp.py::import f changed"],
    ),
    case(
        "the-other-way-to-import-the-same",
        packaged("from pkg import loss", "loss(1)"),
        ["exp.py: from pkg import loss => from pkg.core import loss"],
        [],
    ),
    case(
        "a-function-that-moved",
        using("def f(x):\n    return x * 2\n", "f(1)"),
        ["exp.py: def f(x):\n    return x * 2\n => from helper import f\n"],
        [],
    ),
    case(
        "another-function",
        using("import helper", "helper.f(1)"),
        ["exp.py: helper.f => helper.g"],
        ["exp.py::train changed", "helper.py::g added", "helper.py::f removed"],
    ),
]

WRAPPER = """
    import functools

    def outer(fn):
        @functools.wraps(fn)
        def wrapper(*args):
            return fn(*args)
        return wrapper
    """
DECORATED = {
    "exp.py": "from deco import outer\n"
    "import helper\n"
    "@outer\n"
    "def near(x):\n"
    "    return helper.f(x)\n"
    "def train(cfg):\n"
    "    return near(1)\n",
    "deco.py": WRAPPER,
    "helper.py": HELPER,
}
DECORATED_ROOT = {
    **DECORATED,
    "exp.py": "from deco import outer\nimport helper\n@outer\ndef train(cfg):\n    return helper.f(1)\n",
}
BLIND_ROOT = {**DECORATED_ROOT, "deco.py": "def outer(fn):\n    return lambda *args: fn(*args)\n"}
FACTORY = {
    "exp.py": """
        import helper

        def make(k):
            offset = helper.f(1)
            unused = 3
            def inner(x):
                return x * k + offset
            return inner

        near = make(2)

        def train(cfg):
            return near(1)
        """,
    "helper.py": HELPER,
}
LOCAL_ROOT = {
    "exp.py": """
        import helper

        def make(k):
            import json
            rate = 2
            options = [1, 2]
            runs = [{"name": "a"}]
            def near(x):
                return helper.f(x) + rate
            class Local:
                size = helper.g(1)
            def train(cfg):
                return near(1) + len(options) + k + Local.size
            return train

        train = make(5)
        """,
    "helper.py": HELPER,
}

FUNCTIONS = [
    case("decorator", DECORATED, ["deco.py: return fn(*args) => return -fn(*args)"], ["deco.py::outer changed"]),
    case("decorated", DECORATED, ["exp.py: helper.f(x) => -helper.f(x)"], ["exp.py::near changed"]),
    case("through-the-decorated", DECORATED, EDIT_F, F),
    case("decorator-removed", DECORATED, ["exp.py: @outer\n => "], ["exp.py::near changed", "deco.py::outer removed"]),
    case(
        "own-decorator", DECORATED_ROOT, ["deco.py: return fn(*args) => return -fn(*args)"], ["deco.py::outer changed"]
    ),
    case("own-decorated", DECORATED_ROOT, EDIT_F, F),
    case("own-decorator-without-wraps", BLIND_ROOT, ["deco.py: fn(*args) => -fn(*args)"], ["deco.py::outer changed"]),
    case("own-decorated-without-wraps", BLIND_ROOT, EDIT_F, F),
    case("partial", using("import functools, helper\nnear = functools.partial(helper.f, 1)", "near()"), EDIT_F, F),
    case(
        "partial-argument",
        using("import functools, helper\nnear = functools.partial(helper.f, 1)", "near()"),
        ["exp.py: f, 1 => f, 2"],
        ["exp.py::near changed"],
    ),
    case(
        "partial-itself",
        using(
            "import functools, helper\ndef base(x, cfg):\n    return helper.f(x)\ntrain = functools.partial(base, 1)\n"
        ),
        EDIT_F,
        F,
    ),
    case(
        "lru-cache",
        using("import functools, helper\n@functools.lru_cache\ndef near(x):\n    return helper.f(x)", "near(1)"),
        EDIT_F,
        F,
    ),
    case(
        "lru-cache-called",
        using("import functools, helper\nnear = functools.lru_cache(maxsize=3)(helper.f)", "near(1)"),
        EDIT_F,
        F,
    ),
    case("lambda", using("import helper\nnear = lambda x: helper.f(x)", "near(1)"), EDIT_F, F),
    case(
        "lambda-itself",
        using("import helper\nnear = lambda x: helper.f(x)", "near(1)"),
        ["exp.py: f(x) => f(-x)"],
        ["exp.py::near changed"],
    ),
    case(
        "lambda-as-experiment",
        using("import helper\nheld = [lambda c: helper.g(c), lambda c: helper.f(c)]\ntrain = held[1]\n"),
        EDIT_F,
        F,
    ),
    case(
        "other-lambda-on-the-line",
        using("import helper\nheld = [lambda c: helper.g(c), lambda c: helper.f(c)]\ntrain = held[1]\n"),
        ["helper.py: x * 3 => x * 5"],
        [],
    ),
    case("lambda-in-lambda", using("import helper\ntrain = (lambda: lambda c: helper.f(c))()\n"), EDIT_F, F),
    case(
        "recursion",
        using("def near(x):\n    return near(x - 1) if x else 0", "near(1)"),
        ["exp.py: else 0 => else 1"],
        ["exp.py::near changed"],
    ),
    case(
        "mutual-recursion",
        using("import helper\ndef a(x):\n    return b(x)\ndef b(x):\n    return a(x) if x else helper.f(x)", "a(1)"),
        EDIT_F,
        F,
    ),
    case(
        "nested",
        using("import helper\ndef train(cfg):\n    def inner(x):\n        return helper.f(x)\n    return inner(1)\n"),
        EDIT_F,
        F,
    ),
    case(
        "nonlocal-and-global",
        using(
            "import helper\n"
            "n = 0\n"
            "def train(cfg):\n"
            "    k = 0\n"
            "    def inner(x):\n"
            "        nonlocal k\n"
            "        global n\n"
            "        n = k = helper.f(x)\n"
            "    return inner(1)\n"
        ),
        ["exp.py: n = 0 => n = 1"],
        ["exp.py::n changed"],
    ),
    case("default", using("import helper\ndef near(x, f=helper.f):\n    return f(x)", "near(1)"), EDIT_F, F),
    case(
        "default-constant",
        using("SIZE = 3\ndef train(cfg, *, size=SIZE):\n    return size\n"),
        ["exp.py: SIZE = 3 => SIZE = 4"],
        ["exp.py::SIZE changed"],
    ),
    case("factory-body", FACTORY, ["exp.py: x * k => x + k"], ["exp.py::make changed"]),
    case(
        "factory-argument",
        FACTORY,
        ["exp.py: make(2) => make(3)"],
        ["exp.py::make.<locals>.inner.k changed", "exp.py::near changed"],
    ),
    case("factory-function", FACTORY, EDIT_F, F),
    case("captured-function", LOCAL_ROOT, EDIT_F, F),
    case("captured-class", LOCAL_ROOT, ["helper.py: x * 3 => x * 5"], ["helper.py::g changed"]),
    case("captured-constant", LOCAL_ROOT, ["exp.py: rate = 2 => rate = 3"], ["exp.py::make.<locals>.rate changed"]),
    case("captured-list", LOCAL_ROOT, ["exp.py: [1, 2] => [1, 3]"], ["exp.py::make.<locals>.options changed"]),
    case("captured-parameter", LOCAL_ROOT, ["exp.py: make(5) => make(6)"], ["exp.py::make.<locals>.train.k changed"]),
    case("not-captured", LOCAL_ROOT, ['exp.py: "a" => "b"'], []),
    case(
        "generator-and-async", using("import helper\nasync def near(x):\n    yield helper.f(x)", "near(1)"), EDIT_F, F
    ),
    case(
        "match",
        using(
            "import helper\n"
            "def train(cfg):\n"
            "    match cfg:\n"
            "        case {'a': helper.f, **rest}:\n"
            "            return rest\n"
        ),
        EDIT_F,
        F,
    ),
    case(
        "format-string",
        using("import helper", "f'{helper.f(1):>{helper.g(2)}}'"),
        ["helper.py: x * 3 => x * 5"],
        ["helper.py::g changed"],
    ),
]

CLASSES = {
    "exp.py": """
        import dataclasses
        import functools
        import helper
        from meta import Meta, Base

        class Net(Base, metaclass=Meta):
            \"\"\"A net.\"\"\"
            width: int = 3

            def forward(self, x):
                return self.inner(x)

            def inner(self, x):
                return helper.f(x) + self.size

            @property
            def size(self):
                return 1

            @size.setter
            def size(self, value):
                self.kept = value

            @functools.cached_property
            def depth(self):
                return 2

            double = functools.partialmethod(inner, 2)

            @staticmethod
            def still(x: int):
                return 3

            class Part:
                def work(self):
                    return 4

        @dataclasses.dataclass
        class Options:
            rate: float
            wide: "int" = 1

        def train(cfg):
            return Net().forward(Options(cfg.rate))

        def train_method(cfg):
            return model.forward(1)

        model = Net()
        bound = model.forward
        """,
    "meta.py": """
        class Meta(type):
            def __call__(cls, *args):
                return super().__call__(*args)

        class Top:
            def top(self):
                return 0

        class Base(Top):
            def base(self):
                return 0
        """,
    "helper.py": HELPER,
}
NET = [
    case("method", CLASSES, ["exp.py: self.inner(x) => self.inner(-x)"], ["exp.py::Net.forward changed"]),
    case("method-uses", CLASSES, EDIT_F, F),
    case("property", CLASSES, ["exp.py: return 1 => return 9"], ["exp.py::Net.size changed"]),
    case("property-setter", CLASSES, ["exp.py: = value => = -value"], ["exp.py::Net.size changed"]),
    case("cached-property", CLASSES, ["exp.py: return 2 => return 9"], ["exp.py::Net.depth changed"]),
    case("partialmethod", CLASSES, ["exp.py: (inner, 2) => (inner, 3)"], ["exp.py::Net changed"]),
    case("staticmethod", CLASSES, ["exp.py: return 3 => return 9"], ["exp.py::Net.still changed"]),
    case("method-annotation", CLASSES, ["exp.py: x: int => x: float"], []),
    case("nested-class", CLASSES, ["exp.py: return 4 => return 9"], ["exp.py::Net.Part.work changed"]),
    case("class-attribute", CLASSES, ["exp.py: width: int = 3 => width: int = 4"], ["exp.py::Net changed"]),
    case("class-docstring", CLASSES, ["exp.py: A net => The net"], []),
    case(
        "base-class",
        CLASSES,
        ["meta.py: def base(self):\n        return 0 => def base(self):\n        return 1"],
        ["meta.py::Base.base changed"],
    ),
    case(
        "base-of-base",
        CLASSES,
        ["meta.py: def top(self):\n        return 0 => def top(self):\n        return 1"],
        ["meta.py::Top.top changed"],
    ),
    case("metaclass", CLASSES, ["meta.py: (*args) => (*args, *args)"], ["meta.py::Meta.__call__ changed"]),
    case("dataclass-default", CLASSES, ['exp.py: "int" = 1 => "int" = 2'], ["exp.py::Options changed"]),
    case("dataclass-annotation", CLASSES, ["exp.py: rate: float => rate: int"], ["exp.py::Options changed"]),
    case(
        "dataclass-field-added",
        CLASSES,
        ["exp.py: rate: float => rate: float\n    more: int"],
        ["exp.py::Options changed"],
    ),
    case("instance-in-a-global", CLASSES, EDIT_F, F, "exp:train_method"),
    case(
        "instance-made",
        CLASSES,
        ["exp.py: model = Net() => model = Net(*[])"],
        ["exp.py::model changed"],
        "exp:train_method",
    ),
    case("bound-method", CLASSES, EDIT_F, F, "exp:bound"),
    case("class-not-used", CLASSES, ["exp.py: rate: float => rate: int"], [], "exp:train_method"),
    case(
        "instance-from-a-registry",
        using(
            "import registry, nets",
            "registry.MADE[cfg.name]",
            registry="MADE = {}\n",
            nets="import registry\n"
            "class Net:\n"
            "    size = 1\n"
            "for _ in range(1):\n"
            "    globals()['x'] = registry.__dict__['MADE'].setdefault('net', Net)\n",
        ),
        ["nets.py: size = 1 => size = 2"],
        ["nets.py::Net changed"],
    ),
    case(
        "registered-by-decorator",
        using(
            "import registry, nets",
            "registry.NETS[cfg.name]",
            registry="NETS = {}\ndef register(cls):\n    NETS[cls.__name__] = cls\n    return cls\n",
            nets="from registry import register\n@register\nclass Net:\n    size = 1\n",
        ),
        ["nets.py: size = 1 => size = 2"],
        ["nets.py::Net changed"],
    ),
    case(
        "singledispatch",
        using(
            "import functools\n"
            "@functools.singledispatch\n"
            "def near(x):\n"
            "    return 1\n"
            "@near.register\n"
            "def _(x: int):\n"
            "    return 2",
            "near(1)",
        ),
        ["exp.py: x: int => x: float"],
        ["exp.py::_ changed", "exp.py::near changed"],
    ),
    case(
        "enum",
        using("import enum\nclass Mode(enum.Enum):\n    A = 1\nMODE = Mode.A", "MODE"),
        ["exp.py: A = 1 => A = 2"],
        ["exp.py::Mode changed"],
    ),
    case(
        "class-as-decorator",
        using(
            "class memo:\n"
            "    def __init__(self, fn):\n"
            "        self.function = fn\n"
            "    def __call__(self, x):\n"
            "        return self.function(x)\n"
            "@memo\n"
            "def train(x):\n"
            "    return 1\n"
        ),
        ["exp.py: self.function(x) => self.function(-x)"],
        ["exp.py::memo.__call__ changed"],
    ),
]


def constant(code: str, edit: str, *expected: str, name: str) -> object:
    return case(name, using(f"import helper\n{code}", "TABLE"), [edit], list(expected))


CONSTANTS = [
    constant("TABLE = 1", "exp.py: TABLE = 1 => TABLE = 2", "exp.py::TABLE changed", name="assigned"),
    constant("TABLE = 1", "exp.py: TABLE = 1 => TABLE: int = (1)", name="annotated"),
    constant("TABLE = 1\nTABLE += 1", "exp.py: += 1 => += 2", "exp.py::TABLE changed", name="augmented"),
    constant("A = 1\nTABLE = A + 1", "exp.py: A = 1 => A = 2", "exp.py::A changed", name="of-a-constant"),
    constant("TABLE = {'a': helper.f}", *EDIT_F, *F, name="holds-a-function"),
    constant("TABLE = {}\nTABLE['a'] = helper.f", *EDIT_F, *F, name="item-set"),
    constant("TABLE = {}\nTABLE['a'] = 1", "exp.py: = 1 => = 2", "exp.py::TABLE changed", name="item"),
    constant("TABLE = {}\nTABLE.update(a=1)", "exp.py: a=1 => a=2", "exp.py::TABLE changed", name="updated"),
    constant("TABLE, B = 1, 2", "exp.py: 1, 2 => 3, 2", "exp.py::TABLE changed", name="unpacked"),
    constant(
        "TABLE = []\nfor i in range(3):\n    j = i\n    TABLE.append(j)",
        "exp.py: range(3) => range(4)",
        "exp.py::TABLE changed",
        "exp.py::i changed",
        "exp.py::j changed",
        name="loop",
    ),
    constant(
        "import sys\nif sys.platform == 'x':\n    TABLE = 1\nelse:\n    TABLE = 2",
        "exp.py: TABLE = 2 => TABLE = 3",
        "exp.py::TABLE changed",
        name="else",
    ),
    constant(
        "import sys\nif sys.platform == 'x':\n    TABLE = 1\nelse:\n    TABLE = 2",
        "exp.py: 'x' => 'y'",
        "exp.py::TABLE changed",
        name="condition",
    ),
    constant(
        "with open(__file__) as file:\n    TABLE = len(file.read()) > 2",
        "exp.py: > 2 => > 3",
        "exp.py::TABLE changed",
        name="with",
    ),
    case(
        "imported",
        {
            "exp.py": "from a import T as TABLE\ndef train(cfg):\n    return TABLE\n",
            "a.py": "from b import *\n",
            "b.py": "T = 1\n",
        },
        ["b.py: T = 1 => T = 2"],
        ["b.py::T changed"],
    ),
    constant("if (TABLE := 1) > 0:\n    pass", "exp.py: := 1 => := 2", "exp.py::TABLE changed", name="walrus"),
    constant("TABLE = type('T', (), {})\nTABLE.f = helper.f", *EDIT_F, *F, name="attribute-set"),
]

EXPERIMENT = {
    "exp.py": """
        import pyexp
        from shared import experiment as exp_, outer
        import helper

        @pyexp.experiment(name="a", retry=1)
        def train(cfg):
            return helper.f(1)

        @train.configs
        def configs():
            return [{"name": "one"}]

        @train.report
        def report(results):
            return 1

        @exp_
        @outer
        def second(cfg):
            return train.fn(cfg)

        third = pyexp.experiment(lambda cfg: train(cfg), name="third")

        def fourth(cfg):
            return third.fn(cfg)

        if __name__ == "__main__":
            train.run()
        """,
    "shared.py": "from pyexp import experiment\n\n" + dedent(WRAPPER),
    "helper.py": HELPER,
}
EXPERIMENTS = [
    case("its-function", EXPERIMENT, EDIT_F, F),
    case("its-decorator", EXPERIMENT, ["exp.py: retry=1 => retry=2"], []),
    case("its-configs", EXPERIMENT, ["exp.py: one => two"], []),
    case("its-report", EXPERIMENT, ["exp.py: return 1 => return 2"], []),
    case("of-another", EXPERIMENT, EDIT_F, F, "exp:second"),
    case("of-another-its-decorator", EXPERIMENT, ["exp.py: retry=1 => retry=2"], [], "exp:second"),
    case("of-another-its-configs", EXPERIMENT, ["exp.py: one => two"], [], "exp:second"),
    case(
        "decorated-below",
        EXPERIMENT,
        ["shared.py: return fn(*args) => return -fn(*args)"],
        ["shared.py::outer changed"],
        "exp:second",
    ),
    case("decorator-of-ours-with-another-name", EXPERIMENT, ["exp.py: @exp_ => @exp_(retry=3)"], [], "exp:second"),
    case("made-by-a-call", EXPERIMENT, EDIT_F, F, "exp:third"),
    case("made-by-a-call-its-options", EXPERIMENT, ['exp.py: "third" => "3"'], [], "exp:third"),
    case("through-one-made-by-a-call", EXPERIMENT, EDIT_F, F, "exp:fourth"),
    case("its-options-through-another", EXPERIMENT, ['exp.py: "third" => "3"'], [], "exp:fourth"),
    case(
        "its-lambda-through-another",
        EXPERIMENT,
        ["exp.py: cfg: train(cfg) => cfg: -train(cfg)"],
        ["exp.py::<lambda> changed"],
        "exp:fourth",
    ),
]


@pytest.mark.parametrize(("files", "edits", "expected", "target"), NAMES)
def test_code_is_found_by_whatever_name_it_is_imported(
    changes_by: Changes, files: dict[str, str], edits: list[str], expected: list[str], target: str
) -> None:
    assert changes_by(files, edits, target) == expected


@pytest.mark.parametrize(("files", "edits", "expected", "target"), FUNCTIONS)
def test_code_is_found_behind_whatever_wraps_it(
    changes_by: Changes, files: dict[str, str], edits: list[str], expected: list[str], target: str
) -> None:
    assert changes_by(files, edits, target) == expected


@pytest.mark.parametrize(("files", "edits", "expected", "target"), NET)
def test_a_class_counts_as_a_whole(
    changes_by: Changes, files: dict[str, str], edits: list[str], expected: list[str], target: str
) -> None:
    assert changes_by(files, edits, target) == expected


@pytest.mark.parametrize(("files", "edits", "expected", "target"), CONSTANTS)
def test_a_constant_counts_by_its_statements(
    changes_by: Changes, files: dict[str, str], edits: list[str], expected: list[str], target: str
) -> None:
    assert changes_by(files, edits, target) == expected


@pytest.mark.parametrize(("files", "edits", "expected", "target"), EXPERIMENTS)
def test_of_an_experiment_counts_what_it_computes_and_not_how_it_is_run(
    changes_by: Changes, files: dict[str, str], edits: list[str], expected: list[str], target: str
) -> None:
    assert changes_by(files, edits, target) == expected


RENAMED = {
    "exp.py": """
        import helper
        import pkg.tools
        import helper as h
        from pkg import layers

        class Net(layers.Layer):
            rate = helper.RATE

            def forward(self, x):
                return layers.act(x)

        def inside(x):
            import helper
            from pkg.tools import clip as cut
            return helper.f(x) + cut(x) + helper.f(x)

        def train(cfg):
            whole = getattr(h, cfg.name)
            named = getattr(helper, "g")
            return Net(), inside(1), pkg.tools.clip(2), h.f(1) - h.g(2), whole, named, [helper.f(i) for i in cfg]
        """,
    "helper.py": """
        RATE = 3

        def f(x):
            return x * RATE

        def g(x):
            return x - RATE
        """,
    "pkg/__init__.py": "",
    "pkg/tools.py": "def clip(x):\n    return x\n",
    "pkg/layers.py": "from . import tools\nclass Layer:\n    pass\ndef act(x):\n    return tools.clip(x)\n",
}
HELPER = [
    "mv helper.py lib.py",
    "exp.py: import helper\nimport pkg => import lib\nimport pkg",
    "exp.py: import helper as h => import lib as h",
    "exp.py: rate = helper => rate = lib",
    "exp.py:     import helper\n     =>     import lib\n    ",
    "exp.py: return helper.f(x) + cut(x) + helper.f(x) => return lib.f(x) + cut(x) + lib.f(x)",
    'exp.py: (helper, "g") => (lib, "g")',
    "exp.py: [helper.f(i) => [lib.f(i)",
]
TOOLS = [
    "mv pkg/tools.py pkg/things.py",
    "exp.py: import pkg.tools => import pkg.things",
    "exp.py: from pkg.tools import => from pkg.things import",
    "exp.py: pkg.tools.clip(2) => pkg.things.clip(2)",
    "pkg/layers.py: import tools => import things",
    "pkg/layers.py: tools.clip => things.clip",
]


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param(HELPER, [], id="a module"),
        pytest.param(TOOLS, [], id="a module of a package"),
        pytest.param([*HELPER, *TOOLS], [], id="both"),
        pytest.param(
            ["exp.py: import helper as h => import helper as k", "exp.py: (h, => (k,",
             "exp.py: h.f(1) - h.g => k.f(1) - k.g"],
            [],
            id="the name in the importing file",
        ),
        pytest.param(
            ["mv helper.py deep/helper.py", "exp.py: import helper\nimport pkg => from deep import helper\nimport pkg",
             "exp.py: import helper as h => import deep.helper as h",
             "exp.py:     import helper\n     =>     from deep import helper\n    "],
            [],
            id="into a folder",
        ),
        pytest.param(
            [*HELPER, "lib.py: x - RATE => x + RATE"], ["lib.py::g added", "helper.py::g removed"], id="and edited"
        ),
        pytest.param(
            [*HELPER, "exp.py: h.f(1) - h.g(2) => h.g(1) - h.f(2)"], ["exp.py::train changed"], id="and used otherwise"
        ),
        pytest.param(["exp.py: h.f(1) - h.g(2) => h.g(1) - h.f(2)"], ["exp.py::train changed"], id="only another use"),
        pytest.param(
            ["exp.py: layers.act(x) => helper.f(x)"],
            ["exp.py::Net.forward changed", "pkg/layers.py::act removed"],
            id="another module",
        ),
    ],
)  # fmt: skip
def test_what_a_module_is_called_does_not_count(changes_by: Changes, edits: list[str], expected: list[str]) -> None:
    found = changes_by(RENAMED, edits)
    assert [change for change in found if change in expected] == expected
    assert bool(found) == bool(expected), found


TWINS = {
    "exp.py": """
        import one
        import two as t

        def train(cfg):
            return one.f(cfg) - t.f(cfg)
        """,
    "one.py": "K = 1\ndef f(x):\n    return x * K\n",
    "two.py": "K = 2\ndef f(x):\n    return x * K\n",
}


@pytest.mark.parametrize(
    ("edits", "same"),
    [
        (["exp.py: import one => import two as one", "exp.py: two as t => one as t"], False),
        (["exp.py: one.f(cfg) - t.f => t.f(cfg) - one.f"], False),
        (["exp.py: two as t => one as t"], False),
        (["mv one.py x.py", "mv two.py one.py", "mv x.py two.py"], False),
        (
            ["mv one.py z.py", "mv two.py y.py", "exp.py: t one => t y as one", "exp.py: two as => z as"],
            False,
        ),
        (["mv one.py z.py", "mv two.py y.py", "exp.py: t one => t z as one", "exp.py: two as => y as"], True),
        (
            ["mv one.py a.py", "mv two.py b.py", "exp.py: t one => t b as one", "exp.py: two as => a as"],
            False,
        ),
    ],
)
def test_helpers_that_look_alike_are_not_exchanged_unseen(changes_by: Changes, edits: list[str], same: bool) -> None:
    assert (changes_by(TWINS, edits) == []) == same
