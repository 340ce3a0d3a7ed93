"""The command that is offered after failures: pasted, it builds just the runs that failed, and in the same way."""

from __future__ import annotations

import shlex
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.building.retry_command import started

EXPERIMENT = """
    import pyexp
    from tally import mark

    @pyexp.experiment(stash=False)
    def exp(cfg):
        mark(cfg)
        raise ValueError

    @exp.configs
    def configs():
        return [{"name": name} for name in ("a", "b", "lr=1 (new)", "it's.py", "new\\nline", "-x")]

    if __name__ == "__main__":
        exp.run()
"""


@pytest.fixture
def failing(project: Any) -> Any:
    project.write("other.py", EXPERIMENT)
    return project


def offered(done: Any) -> list[str]:
    """Give the words of the command that is offered."""
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("To build ")]
    return shlex.split(line.split(": ", 1)[1])


def run(project: Any, words: list[str]) -> Any:
    if words[0] == "pyexp":
        return project.pyexp(*words[1:], status=1)
    assert words[0] == "python"
    return project.python(*words[1:], status=1)


@pytest.mark.parametrize(
    "command",
    [
        ["build", "other.py"],
        ["build", "other.py", "--rerun", "-s", "-j", "2", "--fail-fast", "--executor", "fork"],
        ["build", "other.py", "--output-dir", "else where", "--timestamp", "2020-01-01_00-00-00", "--retry", "1"],
        ["build", "other.py", "--timeout", "30", "--no-stash", "--code", "ignore", "--no-resume"],
    ],
)
def test_pasted_it_builds_just_what_failed(failing: Any, command: list[str]) -> None:
    words = offered(failing.pyexp(*command, "--filter", "^(b|lr.*|it.*|new.*|-x)$", status=1))
    first = failing.executed()
    assert words[:3] == ["pyexp", "build", "other.py"]
    again = run(failing, words)
    assert sorted(failing.executed()) == sorted(first)
    assert sorted(offered(again)) == sorted(words)
    assert {path.parent.parent.name for path in failing.folder.glob("*/exp/*/.finished")} == set()
    folders = {path.relative_to(failing.folder).parts[0] for path in failing.folder.rglob("status.json")}
    assert folders == ({"else where"} if "--output-dir" in command else {"out"})


def test_options_come_along_and_what_is_done_with_is_left_out(failing: Any) -> None:
    given = ["--output-dir", "x y", "--executor", "fork", "--retry", "1", "--no-stash", "--timeout", "30", "-j", "2"]
    done = failing.pyexp("build", "other.py", "a", *given, "--rerun", "-s", "--fail-fast", "--json", status=1)
    words = offered(done)
    assert words[:4] == ["pyexp", "build", "other.py", "exp:a"]
    assert set(words[4:]) == {*given, "--jobs"} - {"-j"}


@pytest.mark.parametrize("door", [["-m", "pyexp", "build", "other.py"], ["other.py"]])
def test_a_named_and_a_continued_batch_stay_the_batch(failing: Any, door: list[str]) -> None:
    stamp = "2020-01-01_00-00-00"
    words = offered(failing.python(*door, "--timestamp", stamp, "--filter", "^[ab]$", status=1))
    run(failing, words)
    failing.edit("other.py", '("a", "b", ', '("c", ')  # the configs come from the batch now
    failing.python(*door, "--filter", "^c$", status=1)
    failing.executed()
    words = offered(failing.python(*door, "--continue", stamp, "--filter", "^[ab]$", status=1))
    failing.executed()
    run(failing, words)
    assert failing.executed() == ["a", "b"]
    assert len(list((failing.out / "exp" / ".batches").iterdir())) == 2


def test_the_latest_batch_is_called_by_its_name(failing: Any) -> None:
    failing.pyexp("build", "other.py", "a", "--timestamp", "2020-01-01_00-00-00", status=1)
    words = offered(failing.pyexp("build", "other.py", "a", "--continue", status=1))
    assert words[-2:] == ["--continue", "2020-01-01_00-00-00"]


def test_of_a_script_the_name_and_other_options_come_along(failing: Any) -> None:
    done = failing.python("other.py", "--name", "named", "--output-dir", "there", "--filter", "^new|^it", status=1)
    words = offered(done)
    assert words[:2] == ["python", "other.py"]
    first = failing.executed()
    run(failing, words)
    assert failing.executed() == first
    assert {path.name for path in (failing.folder / "there").iterdir()} >= {"named"}
    assert not failing.out.exists()


def test_a_script_that_was_started_as_a_module_is_offered_as_one(failing: Any) -> None:
    words = offered(failing.python("-m", "other", "--filter", "^a$", status=1))
    assert words[:3] == ["python", "-m", "other"]
    run(failing, words)
    assert failing.executed() == ["a", "a"]


def test_many_failures_are_built_again_by_the_same_command(project: Any) -> None:
    project.write(
        "many.py",
        """
        import pyexp

        @pyexp.experiment(stash=False, executor="inline")
        def exp(cfg):
            raise ValueError

        exp.configs(lambda: [{"name": f"a_rather_long_name_{n}"} for n in range(30)])
    """,
    )
    done = project.pyexp("build", "many.py", "exp", "--rerun", "--filter", "long", "--output-dir", "o", status=1)
    assert offered(done) == ["pyexp", "build", "many.py", "exp", "--filter", "long", "--output-dir", "o"]
    assert "To build them again (what is finished stays as it is): pyexp build" in done.stderr


def test_no_file_is_named_where_none_was(project: Any, tmp_path: Path) -> None:
    (project.folder / "dodo.py").write_text(project.write("other.py", EXPERIMENT).read_text())
    assert offered(project.pyexp("build", "a", status=1)) == ["pyexp", "build", "exp:a"]


@pytest.mark.parametrize(
    ("first", "spec", "words"),
    [
        ("script.py", None, ["python", "script.py"]),
        ("train", None, ["python", "train"]),
        ("folder", "__main__", ["python", "folder"]),
        ("/somewhere/lab/exp.py", "lab.exp", ["python", "-m", "lab.exp"]),
        ("/somewhere/lab/__main__.py", "lab.__main__", ["python", "-m", "lab"]),
        ("-", None, None),
        ("", None, None),  # cat script.py | python
        ("/dev/stdin", None, None),
        ("/dev/fd/63", None, None),
        ("gone.py", None, None),  # or somebody went to another folder
    ],
)
def test_a_script_is_started_again_as_it_was_if_that_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str, spec: str | None, words: list[str] | None
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("script.py", "train", "folder", "-"):
        (tmp_path / name).write_text("")
    monkeypatch.setattr(sys, "argv", [first])
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None if spec is None else ModuleSpec(spec, None))
    assert started() == words


@pytest.mark.parametrize("door", [["train"], ["folder"]])
def test_what_has_no_suffix_is_built_again_by_what_is_offered(failing: Any, door: list[str]) -> None:
    text = (failing.folder / "other.py").read_text()
    failing.write("train", text)
    failing.write("folder/__main__.py", f"import sys\nsys.path.append('.')\n{text}")
    words = offered(failing.python(*door, "--filter", "^a$", status=1))
    assert words[:2] == ["python", *door]
    run(failing, words)
    assert failing.executed() == ["a", "a"]


def test_nothing_is_offered_to_a_script_that_came_through_a_pipe(failing: Any) -> None:
    done = failing.python("-", "--filter", "^a$", status=1, input=(failing.folder / "other.py").read_text())
    assert "1 failed" in done.stderr and "To build" not in done.stderr
