"""Closed streams, and readers that have ended, change nothing of what a build does or how a command ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EXPERIMENT = """
    import sys
    import pyexp

    @pyexp.experiment(stash=False)
    def exp(cfg):
        print("hello")
        return {"x": cfg.x}

    exp.configs(lambda: [{"name": name, "x": 1} for name in ("a", "b")])

    @exp.report
    def report(results, out):
        print("line\\n" * 10_000)
        sys.stderr.write("line\\n" * 10_000)
        (out / "made").touch()

    if __name__ == "__main__":
        exp.run()
"""
STREAMS = [">&-", "2>&-", "<&- >&- 2>&-", "| true", "2>&1 | true", "2>&1 | head -n 1 > /dev/null"]
BUILDS = [("-m pyexp build exp.py", "subprocess"), ("-m pyexp build exp.py -s", "fork"), ("exp.py", "inline")]


def status(project: Any, arguments: str, streams: str, **more: str) -> tuple[int, str]:
    """Give the exit status of `python arguments`, with its streams as a shell makes them, and what it says."""
    command = f"({sys.executable} {arguments}; echo $? >{project.folder}/status) {streams}"
    if "|" not in streams:
        command = f"{sys.executable} {arguments} {streams}; echo $? >{project.folder}/status"
    done = subprocess.run(
        ["sh", "-c", command], cwd=project.folder, env=project.environment | more, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return int((project.folder / "status").read_text()), done.stdout + done.stderr


@pytest.mark.parametrize("streams", STREAMS)
@pytest.mark.parametrize(("door", "executor"), BUILDS)
@pytest.mark.slow
def test_a_build_and_its_report_go_on_whoever_listens(project: Any, door: str, executor: str, streams: str) -> None:
    project.write("exp.py", EXPERIMENT)
    buffered = {} if executor == "fork" else {"PYTHONUNBUFFERED": "1"}
    code, said = status(project, f"{door} --executor {executor}", streams, **buffered)
    assert (code, project.finished()) == (0, {"a", "b"}), said
    assert "Traceback" not in said and "rror" not in said
    assert [path.read_text() for path in project.out.glob("exp/[ab]/*/log.out")] == ["hello\n"] * 2
    assert list(project.out.glob("exp/report/*/made"))


@pytest.fixture
def built(project: Any) -> Any:
    project.write("exp.py", EXPERIMENT)
    assert status(project, "exp.py --executor inline", "2>&1 | true", PYTHONUNBUFFERED="1")[0] == 0
    assert list(project.out.glob("exp/report/*/made"))
    return project


def test_without_streams_a_command_ends_as_it_would(built: Any) -> None:
    assert status(built, "-m pyexp list exp.py", ">&-") == (0, "")
    assert status(built, "-m pyexp log exp:a -f", "<&- >&- 2>&-") == (0, "")
    assert status(built, "-m pyexp log exp:c", "2>&-") == (2, "")
    assert status(built, "-m pyexp results", "2>&-")[0] == 0


def test_a_command_whose_reader_ends_says_so_by_its_status_alone(built: Any) -> None:
    assert status(built, "-m pyexp results", "| true") == (141, "")
    assert status(built, "-m pyexp log exp:c", "2>&1 | true") == (2, "")  # what it has to say is a mistake


@pytest.mark.skipif(not os.access("/dev/full", os.W_OK), reason="needs /dev/full")
def test_a_full_disk_is_one_sentence(built: Any) -> None:
    for command in ("results", "log exp:a"):
        said = status(built, f"-m pyexp {command}", "> /dev/full")
        assert said == (2, "error: the output cannot be written: No space left on device\n")
    assert status(built, "-m pyexp log exp:c", "2> /dev/full") == (2, "")


@pytest.mark.skipif(not os.access("/dev/full", os.W_OK), reason="needs /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("door", ["exp.py", "-m pyexp build exp.py"])
def test_a_report_whose_output_has_no_room_is_one_sentence(project: Any, door: str, unbuffered: str) -> None:
    project.write("exp.py", EXPERIMENT.replace(" * 10_000", ""))
    code, said = status(project, door, "> /dev/full", PYTHONUNBUFFERED=unbuffered)
    assert code in (1, 2) and project.finished() == {"a", "b"}
    assert said.count("No space left on device") == 1 and "Traceback" not in said, said


NUMBERS = """
import os, sys
sys.path.insert(0, "{}")
from dodo_pyexp.standard import complete

complete()
complete()
print("lost")
sys.stderr.write("lost")
assert os.open("file", os.O_WRONLY | os.O_CREAT) > 2
os.write(1, b"lost")
assert sys.stdin.read() == ""
"""


def test_the_numbers_of_closed_streams_go_to_nobodys_files(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(NUMBERS.format(Path(__file__).resolve().parents[1]))
    command = f"{sys.executable} {script} <&- >&- 2>&-"
    assert subprocess.run(["sh", "-c", command], cwd=tmp_path, check=False).returncode == 0
    assert (tmp_path / "file").read_bytes() == b""
