"""Options: which layer wins, and what is said about values that make no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from dodo_pyexp.planning.options import DEFAULTS, Options, project_table, resolve
from pyexp import PyexpError


def pyproject(folder: Path, text: str) -> None:
    (folder / "pyproject.toml").write_text(text)


def test_the_documented_defaults(here: Path) -> None:
    documented = Options(
        "out", "subprocess", 0, True, False, True, None, code="warn", dirty_git="warn", read_files="warn"
    )
    assert resolve() == DEFAULTS == documented


def test_stronger_layers_come_first(here: Path) -> None:
    pyproject(here, '[tool.pyexp]\nretry = 3\nexecutor = "fork"\nstash = false\n')
    merged = resolve(Options(retry=1), Options(retry=2, executor="inline"))
    assert (merged.retry, merged.executor, merged.stash, merged.output_dir) == (1, "inline", False, "out")


def test_false_and_zero_are_said(here: Path) -> None:
    assert resolve(Options(stash=False, retry=0), Options(stash=True, retry=5)).retry == 0
    assert resolve(Options(stash=False), Options(stash=True)).stash is False


def test_the_nearest_pyproject_above_counts(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pyproject(here, "[tool.pyexp]\nretry = 3\n")
    (here / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(here / "deep" / "er")
    assert resolve().retry == 3


def test_a_path_in_pyproject_is_relative_to_it(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pyproject(here, '[tool.pyexp]\noutput_dir = "results"\n')
    assert resolve().output_dir == "results"
    (here / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(here / "deep" / "er")
    assert resolve().output_dir == "../../results"
    assert resolve(Options(output_dir="mine")).output_dir == "../../mine"
    assert resolve(Options(output_dir="mine"), typed=Options(output_dir="typed")).output_dir == "typed"
    pyproject(here, f'[tool.pyexp]\noutput_dir = "{here}/elsewhere"\n')
    project_table.cache_clear()
    assert Path(str(resolve().output_dir)).resolve() == (here / "elsewhere").resolve()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool", "is no valid TOML"),
        ("tool.pyexp = 5", "must be a table"),
        ("tool = 5", "must be a table"),
        ("[tool.pyexp]\nretri = 1", 'no key "retri".*"retry"'),
        ('[tool.pyexp]\nretry = "1"', "tool.pyexp: retry must be a whole number"),
        ("[tool.pyexp]\nretry = -1", "0 or more"),
        ("[tool.pyexp]\ntimeout = 0", "more than 0"),
        ('[tool.pyexp]\ncode = "rerrun"', 'code must be one of "warn", "rerun", "ignore", not "rerrun" .*"rerun"'),
        ("[tool.pyexp]\ncode = true", "code must be a text"),
        ("[tool.pyexp]\nexecutor = 5", "executor"),
        ('[tool.pyexp]\nexecutor = "frok"', 'unknown executor "frok".*"fork"'),
        ("[tool.pyexp]\nexperiments = 5", "experiments must be a list of files"),
        ("[tool.pyexp]\nqqq = 5", 'no key "qqq"; there are .*executor'),
        ("\x80", "is no valid TOML"),
    ],
)
def test_mistakes_in_pyproject_name_the_file(here: Path, text: str, said: str) -> None:
    (here / "pyproject.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(PyexpError, match=said) as caught:
        resolve()
    assert "pyproject.toml" in str(caught.value) and "\n" not in str(caught.value)
