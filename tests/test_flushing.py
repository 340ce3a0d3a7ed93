"""What a process holds back is written before it ends without taking its memory apart."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.fresh  # what an interpreter imports, or does at its ends, is what is shown

ROOT = Path(__file__).resolve().parents[1]
RUNS = """
import ctypes, gzip
import pyexp

@pyexp.experiment
def keep(cfg, out):
    global text, binary
    text, binary = open(out / "text", "w"), open(out / "binary", "wb")
    text.write("all of it")
    binary.write(b"all of it")
    ctypes.CDLL(None).puts(f"C says {cfg.name}".encode())
    assert cfg.name != "bad"

@keep.configs
def configs(): return [{"name": "good"}, {"name": "bad"}, {"name": "last"}]

if __name__ == "__main__":
    summary = open("summary", "w")
    summary.write("of all runs")
    keep.run()
"""


@pytest.fixture
def run(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def call(program, *arguments):
        (tmp_path / "program.py").write_text(program)
        return subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip

    return call


@pytest.mark.parametrize("executor", ["inline", "subprocess", "fork"])
def test_what_a_run_leaves_open_is_written_and_part_of_its_outputs(run, tmp_path, executor):
    assert run(RUNS, "program.py", "--executor", executor).returncode == 1
    for name in ("good", "bad", "last"):
        (attempt,) = (path for path in (tmp_path / "out" / "keep" / name).iterdir() if path.is_dir())
        assert (attempt / "text").read_text() == (attempt / "binary").read_text() == "all of it"
        assert (attempt / "log.out").read_text().count("C says") == 1
        assert (attempt / "log.out").read_text().startswith(f"C says {name}\n")
    assert (tmp_path / "summary").read_text() == "of all runs"
    assert run(RUNS, "program.py", "-n").stdout.count("keep:") == 1  # what was written late does not count as damage


def test_what_a_file_of_the_users_leaves_open_when_a_command_imports_it_is_written(run, tmp_path):
    program = RUNS + "opened = open('opened', 'w')\nopened.write('by the module')\n"
    assert run(program, "-m", "pyexp", "list", "program.py").returncode == 0
    assert (tmp_path / "opened").read_text() == "by the module"


def test_what_the_build_holds_back_is_written_by_no_fork(run, tmp_path):
    program = RUNS.replace("import pyexp\n", "import pyexp\nctypes.CDLL(None).puts(b'C of the build')\n").replace(
        "summary.write(", "kept = summary.write("
    )
    done = run(program, "program.py", "--executor", "fork")
    assert done.stdout.count("C of the build") == 1
    for log in (tmp_path / "out" / "keep").glob("*/*/log.out"):
        assert "of the build" not in log.read_text()
    assert (tmp_path / "summary").read_text() == "of all runs"


def test_files_that_are_read_pipes_and_odd_objects_are_left_alone(run):
    program = """
import io, os
from dodo_pyexp.flushing import flush
class Odd(io.RawIOBase):
    def fileno(self): return self.fd
    def flush(self): raise RuntimeError("no")
reading, (end, other) = open("program.py"), os.pipe()
pipe = os.fdopen(other, "w")
pipe.write("x" * 100)
written = open("written", "w")
written.write("text")
odd = Odd()
odd.fd = written.fileno()
Odd()  # has no descriptor at all
flush()
print(open("written").read(), os.set_blocking(end, False))
try:
    print(os.read(end, 10))
except BlockingIOError:
    print("nothing in the pipe")
"""
    done = run(program, "program.py")
    assert done.stdout == "text None\nnothing in the pipe\n", done.stderr
