"""Importing a user's file for what it defines."""

from __future__ import annotations

import sys

import pytest

from dodo_pyexp import importing
from dodo_pyexp.importing import import_file


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_file_is_imported_once_under_its_own_name(tmp_path):
    path = tmp_path / "my_experiment_file.py"
    path.write_text("value = object()\n")
    module = import_file(str(path))
    assert module.__name__ == "my_experiment_file"
    assert sys.path[0] == str(tmp_path)
    assert import_file(str(path)) is module


def test_while_a_file_is_imported_pyexp_knows(tmp_path):
    path = tmp_path / "asks.py"
    path.write_text("from dodo_pyexp import importing\nseen = importing.active()\n")
    assert not importing.active()
    assert import_file(str(path)).seen
    assert not importing.active()


def test_what_the_file_raises_goes_through_and_leaves_nothing(tmp_path):
    path = tmp_path / "raises_at_once.py"
    path.write_text("1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        import_file(str(path))
    assert "raises_at_once" not in sys.modules
    assert not importing.active()


@pytest.mark.parametrize("stem", ["json", "unittest", "os"])
def test_a_file_named_like_another_module_is_imported_all_the_same(tmp_path, stem):
    import json

    path = tmp_path / f"{stem}.py"
    path.write_text("value = 3\n")
    module = import_file(str(path))
    assert module.value == 3
    assert import_file(str(path)) is module
    assert sys.modules["json"] is json


def test_two_files_of_one_name_are_two_modules(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same_name.py").write_text(f"value = {folder!r}\n")
    modules = [import_file(str(tmp_path / folder / "same_name.py")) for folder in ("a", "b")]
    assert [module.value for module in modules] == ["a", "b"]


def test_a_dot_in_the_name_of_a_file_means_no_package(tmp_path):
    (tmp_path / "dotted.py").write_text("raise RuntimeError('not this one')\n")
    (tmp_path / "dotted.v2.py").write_text("import beside_dotted\nvalue = beside_dotted.value\n")
    (tmp_path / "beside_dotted.py").write_text("value = 2\n")
    assert import_file(str(tmp_path / "dotted.v2.py")).value == 2


def test_a_dash_in_the_name_of_a_file_is_no_matter(tmp_path):
    (tmp_path / "my-experiment.py").write_text("value = 2\n")
    assert import_file(str(tmp_path / "my-experiment.py")).value == 2


def test_a_module_of_a_package_is_imported_as_such(tmp_path):
    (tmp_path / "some_package").mkdir()
    (tmp_path / "some_package" / "__init__.py").touch()
    (tmp_path / "some_package" / "other.py").write_text("value = 4\n")
    (tmp_path / "some_package" / "inner.py").write_text("from .other import value\n")
    sys.path.insert(0, str(tmp_path))
    module = import_file(str(tmp_path / "some_package" / "inner.py"), "some_package.inner")
    assert module.value == 4 and module.__name__ == "some_package.inner"


def test_a_missing_file_and_one_that_is_no_python_are_errors(tmp_path):
    with pytest.raises(FileNotFoundError):
        import_file(str(tmp_path / "none_at_all.py"))
    (tmp_path / "notes.txt").write_text("hello\n")
    with pytest.raises(ImportError, match="is not a Python file"):
        import_file(str(tmp_path / "notes.txt"))


def test_relative_paths_are_found(tmp_path, monkeypatch):
    (tmp_path / "relative_file.py").write_text("value = 5\n")
    monkeypatch.chdir(tmp_path)
    assert import_file("relative_file.py").__file__ == str(tmp_path / "relative_file.py")


def test_siblings_of_a_file_behind_a_link_are_found(tmp_path):
    real = tmp_path / "real"
    real.mkdir()
    (real / "behind_a_link.py").write_text("import beside_the_real_one\nvalue = beside_the_real_one.value\n")
    (real / "beside_the_real_one.py").write_text("value = 4\n")
    (tmp_path / "link.py").symlink_to(real / "behind_a_link.py")
    assert import_file(str(tmp_path / "link.py")).value == 4


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "src" / "lab_of_test" / "trials"
    folder.mkdir(parents=True)
    for place in (folder, folder.parent):
        (place / "__init__.py").touch()
    (folder.parent / "net.py").write_text("SIZE = 3\n")
    (folder / "colorsys.py").write_text("raise RuntimeError('this is not the standard library')\n")
    (folder / "beside_the_trial.py").write_text("value = 2\n")
    (folder / "trial.py").write_text(
        "import colorsys\nfrom ..net import SIZE\nimport beside_the_trial\nvalue = SIZE, beside_the_trial.value\n"
    )
    return folder


def test_a_file_in_a_package_is_imported_as_its_module(package):
    module = import_file(str(package / "trial.py"))
    assert (module.__name__, module.value) == ("lab_of_test.trials.trial", (3, 2))
    assert sys.modules["lab_of_test.trials"].trial is module


def test_what_a_package_lacks_is_told_as_it_is(package):
    (package / "__init__.py").write_text("import no_such_module_anywhere\n")
    with pytest.raises(ModuleNotFoundError, match="no_such_module_anywhere"):
        import_file(str(package / "trial.py"))


def test_a_script_need_not_have_a_suffix(tmp_path):
    path = tmp_path / "train"
    path.write_text("def f():\n    return 3\n")
    assert import_file(str(path)).f() == 3
