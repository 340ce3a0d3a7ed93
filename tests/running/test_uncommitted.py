"""`dirty_git`: what uncommitted changes mean, said by the decorator, `run()`, the command line or pyproject.toml."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

import pyexp

IDENTITY = {f"GIT_{who}_{what}": "someone@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
EXP = """
    import pyexp

    @pyexp.experiment
    def exp(cfg):
        return cfg.x

    @exp.configs
    def configs():
        return [{"name": "a", "x": 1}]

    if __name__ == "__main__":
        exp.run()
"""


def git(project: Any, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=project.folder, env=os.environ | IDENTITY, capture_output=True, check=True)


@pytest.fixture
def repository(project: Any) -> Any:
    project.write("exp.py", EXP)
    project.write(".gitignore", "ignored.py\n")
    git(project, "init", "--quiet")
    git(project, "add", "-A")
    git(project, "commit", "--quiet", "-m", "first")
    return project


@pytest.fixture
def dirty(repository: Any) -> Any:
    repository.write("new.py", "")
    repository.edit("exp.py", "return cfg.x", "return cfg.x + 1")
    return repository


TOLD = "has 2 uncommitted changes: exp.py, new.py"


def test_a_clean_repository_is_fine_for_everybody(repository: Any) -> None:
    repository.write("ignored.py", "")
    done = repository.python("exp.py", "--dirty-git", "error")
    assert "uncommitted" not in done.stderr
    assert repository.finished() == {"a"}
    repository.python("exp.py", "--rerun", "--dirty-git", "error")  # the output folder does not count


def test_changes_are_told_by_default_once_and_the_runs_are_executed(dirty: Any) -> None:
    done = dirty.python("exp.py")
    assert done.stderr.count(TOLD) == 1
    assert dirty.finished() == {"a"}


def test_they_are_told_without_a_snapshot_too(dirty: Any) -> None:
    assert TOLD in dirty.python("exp.py", "--no-stash").stderr


def test_where_nothing_is_executed_nothing_is_told(dirty: Any) -> None:
    dirty.python("exp.py")
    assert "uncommitted" not in dirty.python("exp.py").stderr


def test_ignore_says_nothing(dirty: Any) -> None:
    assert "uncommitted" not in dirty.python("exp.py", "--dirty-git", "ignore").stderr


def in_decorator(project: Any) -> None:
    project.edit("exp.py", "@pyexp.experiment", '@pyexp.experiment(dirty_git="error")')


def in_run(project: Any) -> None:
    project.edit("exp.py", "exp.run()", "exp.run(dirty_git=pyexp.DirtyGitAction.ERROR)")


def in_pyproject(project: Any) -> None:
    project.write("pyproject.toml", '[tool.pyexp]\ndirty_git = "error"\n')


@pytest.mark.parametrize("say", [in_decorator, in_run, in_pyproject])
def test_error_may_be_said_anywhere_and_creates_nothing(
    repository: Any, say: Callable[[Any], None], one_sentence: Callable[..., None]
) -> None:
    say(repository)
    one_sentence(repository.python("exp.py", status=None), "uncommitted change")
    one_sentence(repository.python("exp.py", "-n", status=None), "uncommitted change")
    assert not repository.out.exists()
    repository.python("exp.py", "--dirty-git", "ignore")  # the command line wins
    assert repository.finished() == {"a"}


@pytest.mark.parametrize("command", [["exp.py"], ["exp.py", "-n"], ["-m", "pyexp", "build", "exp.py"]])
def test_error_on_the_command_line_lists_the_files_and_creates_nothing(
    dirty: Any, command: list[str], one_sentence: Callable[..., None]
) -> None:
    one_sentence(dirty.python(*command, "--dirty-git", "error", status=None), TOLD)
    one_sentence(dirty.pyexp("build", "exp.py", "-n", "--dirty-git=error", status=None), TOLD)
    assert not dirty.out.exists()


def test_plain_doit_tells_them_too(dirty: Any) -> None:
    assert dirty.doit("-f", "exp.py").stderr.count(TOLD) == 1


def test_error_holds_for_plain_doit(repository: Any) -> None:
    in_decorator(repository)
    done = repository.doit("-f", "exp.py", status=None)
    assert done.returncode != 0
    assert "has an uncommitted change: exp.py" in done.stdout + done.stderr
    assert not (repository.out / "exp").exists()


def test_error_is_raised_to_whoever_calls_run(here: Any, make_experiment: Callable[..., Any]) -> None:
    with pytest.raises(pyexp.DirtyGitError, match=r"uncommitted change: .*lab\.py") as caught:
        make_experiment().run(dirty_git="error")
    assert isinstance(caught.value, (pyexp.PyexpError, RuntimeError))
    assert not (here / "out").exists()


@pytest.fixture
def make_experiment(here: Any) -> Callable[..., Any]:
    def make() -> Any:
        import sys

        subprocess.run(["git", "init", "--quiet"], check=True)
        (here / "lab.py").write_text(
            "import pyexp\n@pyexp.experiment(executor='inline')\ndef lab(cfg): return 1\n"
            "@lab.configs\ndef configs(): return [{'name': 'a'}]\n"
        )
        sys.path.insert(0, str(here))
        try:
            sys.modules.pop("lab", None)
            import lab  # type: ignore[import-not-found]  # made just now
        finally:
            sys.path.remove(str(here))
        return lab.lab

    return make


def test_outside_of_git_there_is_nothing_to_forbid(project: Any) -> None:
    project.write("exp.py", EXP)
    project.python("exp.py", "--dirty-git", "error")
    assert project.finished() == {"a"}


@pytest.mark.parametrize("word", ["eror", "1"])
def test_another_word_is_refused(repository: Any, word: str, one_sentence: Callable[..., None]) -> None:
    one_sentence(repository.python("exp.py", "--dirty-git", word, status=None), "dirty_git must be one of", '"error"')
