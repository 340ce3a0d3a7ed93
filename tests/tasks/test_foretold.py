"""What of the user's own tasks `build -n` announces, and with which reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.tasks.foretold import foretell
from dodo_pyexp.tasks.user_tasks import OwnTasks, load_own


def tasks(here: Path, **made: Any) -> OwnTasks:
    """Load tasks as those of a file of the current folder."""

    def creator(task: Any) -> Any:
        return lambda: task

    namespace = {f"task_{name}": creator(task) for name, task in made.items()}
    return load_own(str(here / "dodo.py"), namespace, {})


def why(own: OwnTasks) -> dict[str, str | None]:
    return foretell(own, {}, "out/.doit.db")


def executed(own: OwnTasks) -> None:
    """Let doit's database know the tasks as they are."""
    from doit.dependency import Dependency, JSONCodec, MD5Checker

    from dodo_pyexp.tasks.backend import Backend

    manager = Dependency(Backend, "out/.doit.db", checker_cls=MD5Checker, codec_cls=JSONCodec)
    for task in own.tasks:
        task.init_options()
        manager.save_success(task)
    manager.close()


def test_the_reason_is_what_doit_goes_by(here: Path) -> None:
    (here / "in.txt").write_text("1")
    (here / "made.txt").write_text("1")
    own = tasks(
        here,
        reads={"actions": ["true"], "file_dep": ["in.txt"], "targets": ["made.txt"]},
        always={"actions": ["true"]},
        check={"actions": ["true"], "uptodate": [True]},
        absent={"actions": ["true"], "file_dep": ["gone.txt"]},
        group={"actions": None, "task_dep": ["reads"]},
    )
    assert why(own) == {
        "reads": "never executed", "always": "never executed", "check": None, "absent": "gone.txt is missing",
    }  # fmt: skip
    (here / "gone.txt").write_text("1")
    executed(own)
    assert why(own) == {
        "reads": None, "always": "nothing says that it is up to date", "check": None, "absent": None
    }  # fmt: skip
    (here / "in.txt").write_text("22")
    (here / "gone.txt").unlink()
    assert why(own)["reads"] == "in.txt changed" and why(own)["absent"] == "gone.txt is missing"
    own.tasks[0].file_dep = {"in.txt", "made.txt"}
    (here / "made.txt").unlink()
    assert why(own)["reads"] == "made.txt is missing"


def test_what_reads_a_file_that_would_be_made_again_is_announced(here: Path) -> None:
    (here / "a.txt").write_text("1")
    own = tasks(
        here,
        second={"actions": ["true"], "file_dep": ["a.txt"]},
        first={"actions": ["true"], "targets": ["a.txt"]},
        third={"actions": ["true"], "calc_dep": ["first"]},
    )
    executed(own)
    assert why(own)["second"] == why(own)["third"] == "first would be executed"


def test_a_check_that_raises_is_named(here: Path) -> None:
    def check() -> bool:
        raise KeyError("x")

    assert why(tasks(here, odd={"actions": ["true"], "uptodate": [check]})) == {"odd": "its check raises KeyError: 'x'"}


@pytest.mark.parametrize("deps", [["one"], ["two"]])
def test_a_circle_is_left_to_the_build(here: Path, deps: list[str]) -> None:
    (here / "one").touch()
    (here / "two").touch()
    own = tasks(
        here,
        one={"actions": ["true"], "file_dep": ["two"], "targets": ["one"]},
        two={"actions": ["true"], "file_dep": ["one"], "targets": ["two"]},
    )
    assert set(why(own.only(deps))) == set(deps) and set(why(own)) == {"one", "two"}
