from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.provenance.code.imported_files import imported_files

FILES = {
    "pyproject.toml": "",
    "exp_c.py": "import os, numpy\nimport used_c\ndef exp(cfg):\n    from lib_c.deep import late\n    return 1\n",
    "used_c.py": "import unused_c\nfrom lib_c import *\ntry:\n    import missing_c\nexcept ImportError: pass\n",
    "unused_c.py": "",
    "elsewhere_c.py": "",
    "lib_c/__init__.py": "from . import part\n",
    "lib_c/part.py": "from .deep.late import x\n",
    "lib_c/deep/__init__.py": "",
    "lib_c/deep/late.py": "x = 1\n",
    "lib_c/deep/never.py": "x = 1\n",
    "space_c/inner/m.py": "",
}


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield importlib.import_module("exp_c")
    for name in {name for name in set(sys.modules) - before if name.partition(".")[0].endswith("_c")}:
        del sys.modules[name]


def names(found: dict[str, str], folder: Path) -> set[str]:
    return {str(Path(path).relative_to(folder)) for path in found}


def test_every_import_of_every_file_counts_and_nothing_is_imported(module: Any, tmp_path: Path) -> None:
    found = imported_files(module.exp)
    assert names(found, tmp_path) == set(FILES) - {
        "pyproject.toml", "elsewhere_c.py", "lib_c/deep/never.py", "space_c/inner/m.py",
    }  # fmt: skip
    assert set(found.values()) == {str(tmp_path)}
    assert "lib_c.deep.never" not in sys.modules


def test_modules_of_the_project_that_are_loaded_already_count(module: Any, tmp_path: Path) -> None:
    importlib.import_module("elsewhere_c")
    importlib.import_module("space_c.inner.m")
    found = imported_files(module.exp)
    assert {"elsewhere_c.py", "space_c/inner/m.py"} <= names(found, tmp_path)
    assert found[str(tmp_path / "space_c/inner/m.py")] == str(tmp_path)


def test_files_that_are_known_to_be_needed_are_added(module: Any, tmp_path: Path) -> None:
    extra = str(tmp_path / "extra" / "x.py")
    assert imported_files(module.exp, [extra])[extra] == str(tmp_path / "extra")


def test_the_packages_that_a_file_is_in_count_and_those_of_the_engine_never(tmp_path: Path) -> None:
    from dodo_pyexp.runfiles.experimaestro import file as experimaestro

    def of(path: Path | str) -> set[str]:
        namespace = {"__name__": "started_c", "__file__": str(path)}
        exec("def fn(cfg): ...", namespace)
        return set(imported_files(namespace["fn"]))

    (tmp_path / "pack_c/in_c").mkdir(parents=True)
    for name in ("pack_c/__init__.py", "pack_c/in_c/__init__.py", "pack_c/in_c/started_c.py"):
        (tmp_path / name).touch()
    assert names(dict.fromkeys(of(tmp_path / "pack_c/in_c/started_c.py"), ""), tmp_path) == {
        "pack_c/__init__.py", "pack_c/in_c/__init__.py", "pack_c/in_c/started_c.py",
    }  # fmt: skip
    assert not {path for path in of(experimaestro.__file__) if "dodo_pyexp" in path}
