from __future__ import annotations

import itertools
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dodo_pyexp.building.loader import Loaded, default_files, file_of, load
from dodo_pyexp.errors import ConfigError, MissingFile, UsageError
from dodo_pyexp.planning.mistakes import UserCodeError, user_code

EXPERIMENT = """
    import pyexp

    @pyexp.experiment
    def first(cfg): ...

    @pyexp.experiment
    def second(cfg): ...
"""
_numbers = itertools.count()


@pytest.fixture
def write(here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Write a Python file that no other test imported."""
    before, path = set(sys.modules), list(sys.path)

    def write(text: str, name: str | None = None) -> str:
        name = name or f"loaded_{next(_numbers)}.py"
        (here / name).write_text(textwrap.dedent(text))
        return name

    yield write
    sys.path[:] = path
    for module in set(sys.modules) - before:
        if str(here) in str(getattr(sys.modules[module], "__file__", "")):
            del sys.modules[module]


def names(loaded: Loaded) -> list[str]:
    return [definition.name for definition in loaded.definitions]


def test_experiments_come_in_the_order_of_the_file(write: Callable[..., str]) -> None:
    assert names(load([write(EXPERIMENT)])) == ["first", "second"]


def test_one_experiment_under_two_names_counts_once(write: Callable[..., str]) -> None:
    assert names(load([write(EXPERIMENT + "\n    again = first\n")])) == ["first", "second"]


def test_imported_experiments_count_and_files_may_share_them(write: Callable[..., str]) -> None:
    other = write(EXPERIMENT)
    importing = write(f"from {other[:-3]} import second\n")
    assert names(load([importing])) == ["second"]
    assert names(load([other, importing])) == ["first", "second"]


def test_everything_that_pyexp_exports_may_be_imported_by_star(write: Callable[..., str]) -> None:
    assert names(load([write("from pyexp import *\n@experiment\ndef f(cfg): ...\n")], other_tasks=True)) == ["f"]


def test_objects_with_strange_attributes_do_not_disturb(write: Callable[..., str]) -> None:
    strange = """
    class Strange:
        def __getattr__(self, name):
            raise RuntimeError(name)

    strange = Strange()
    """
    assert names(load([write(EXPERIMENT + strange)])) == ["first", "second"]


def test_other_tasks_are_loaded_when_asked_for(write: Callable[..., str]) -> None:
    path = write(EXPERIMENT + "\n    def task_more():\n        return {'actions': None}\n")
    assert not load([path]).own
    assert [task.name for task in load([path], other_tasks=True).own.tasks] == ["more"]


def test_a_wrong_task_is_one_sentence(write: Callable[..., str]) -> None:
    path = write(EXPERIMENT + "\n    def task_more():\n        return {'acts': None}\n")
    with pytest.raises(UsageError, match="acts"):
        load([path], other_tasks=True)


def test_a_missing_file_has_its_nearest(write: Callable[..., str]) -> None:
    write(EXPERIMENT, "training.py")
    with pytest.raises(MissingFile, match=r'no file trainig.py .did you mean "training.py"'):
        load(["trainig.py"])


def test_a_file_without_experiments_says_so(write: Callable[..., str]) -> None:
    path = write("x = 1\n")
    with pytest.raises(UsageError, match=f"{path} defines no experiment"):
        load([path])


def test_a_syntax_error_has_its_line(write: Callable[..., str]) -> None:
    path = write("x = 1\ndef f(:\n")
    with pytest.raises(UserCodeError, match=f"^{path}:2: SyntaxError: "):
        load([path])


def test_an_exception_has_its_line_and_a_traceback_of_the_users_frames(write: Callable[..., str]) -> None:
    path = write("def f():\n    return {}['key']\n\nf()\n")
    with pytest.raises(UserCodeError, match=f"^{path}:2: KeyError: 'key'$") as caught:
        load([path])
    assert "line 4, in <module>" in caught.value.detail
    assert "importlib" not in caught.value.detail


def test_a_module_that_is_not_there_is_told_at_the_line_that_imports_it(write: Callable[..., str]) -> None:
    path = write("x = 1\nimport not_there_at_all\n")
    with pytest.raises(UserCodeError, match=f"^{path}:2: ModuleNotFoundError: .*not_there_at_all"):
        load([path])


def test_leaving_while_being_imported_is_an_error(write: Callable[..., str]) -> None:
    path = write("import sys\nsys.exit(3)\n")
    with pytest.raises(UserCodeError, match=f"^{path}:2: SystemExit: 3"):
        load([path])


def test_a_mistake_that_pyexp_finds_gets_the_line_that_led_to_it(write: Callable[..., str]) -> None:
    path = write("import pyexp\n\npyexp.sweep([{'name': 'a'}], 5)\n")
    with pytest.raises(UserCodeError, match=f"^{path}:3: "):
        load([path])


def test_what_is_raised_by_pyexp_itself_goes_through() -> None:
    from dodo_pyexp.config.config import Config

    with pytest.raises(TypeError), user_code():
        Config.__getattr__(None, "x")  # type: ignore[arg-type]  # a bug, for once on purpose


def test_dodo_py_is_the_default(write: Callable[..., str]) -> None:
    write(EXPERIMENT, "dodo.py")
    assert default_files() == ["dodo.py"]


def test_the_project_file_names_experiments_from_its_own_folder(
    write: Callable[..., str], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write('[tool.pyexp]\nexperiments = ["a.py", "b.py"]\n', "pyproject.toml")
    (here / "below").mkdir()
    monkeypatch.chdir(here / "below")
    assert default_files() == ["../a.py", "../b.py"]


@pytest.mark.parametrize("value", ["[]", "3", "[3]"])
def test_a_project_file_that_names_them_wrongly_is_refused(write: Callable[..., str], value: str) -> None:
    write(f"[tool.pyexp]\nexperiments = {value}\n", "pyproject.toml")
    with pytest.raises(ConfigError, match="must be a list of files"):
        default_files()


def test_without_any_file_the_hint_is_init(here: Path) -> None:
    with pytest.raises(UsageError, match="pyexp init"):
        default_files()


def test_the_name_of_a_module_stands_for_its_file(write: Callable[..., str], here: Path) -> None:
    (here / "src/lab").mkdir(parents=True)
    (here / "src/lab/__init__.py").touch()
    (here / "src/lab/net.py").write_text("SIZE = 3")
    write("from .net import SIZE\n" + textwrap.dedent(EXPERIMENT), "src/lab/trial.py")
    assert file_of("lab.trial") == file_of("src.lab.trial") == "src/lab/trial.py"
    assert [file_of(word) for word in ("lab.nothing", "train.py", "train:a.b", "lab")] == [
        "lab.nothing", "train.py", "train:a.b", "lab",
    ]  # fmt: skip
    (here / "pyproject.toml").write_text('[tool.pyexp]\nexperiments = ["lab.trial", "other.py"]\n')
    assert default_files() == ["src/lab/trial.py", "other.py"]
    assert names(load([file_of("lab.trial")])) == ["first", "second"]
