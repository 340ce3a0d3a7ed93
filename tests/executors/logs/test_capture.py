"""Runs that share the build's process, and several builds that share a process."""

from __future__ import annotations

import subprocess
import sys

import pytest

THREADS = """
import threading
def experiment(number):
    @pyexp.experiment(name=f"e{number}", executor="inline", stash=False)
    def one(cfg):
        meeting.wait()  # all are captured now
        print("said in a run")
        time.sleep(0.1 * ORDER[number])
        return os.getpid()
    one.configs(lambda: [{"name": "r"}])
    return one
meeting = threading.Barrier(3)
threads = [threading.Thread(target=experiment(number).run) for number in range(3)]
before = sys.stdout, sys.stderr, os._exit
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert (sys.stdout, sys.stderr, os._exit) == before
print("said at the end", flush=True)
os.write(1, b"and below Python\\n")
os.write(2, b"on stderr, too\\n")
print(len(os.listdir("/dev/fd")) == opened)
"""


@pytest.mark.parametrize("order", ["[0, 1, 2]", "[2, 1, 0]", "[1, 2, 0]", "[1, 0, 2]"])
def test_after_inline_builds_in_several_threads_output_goes_where_it_went_before(script, order):
    path = script.folder / "threads.py"
    path.write_text(f"import os, pyexp, sys, time\nORDER = {order}\nopened = len(os.listdir('/dev/fd'))\n{THREADS}")
    done = subprocess.run(
        [sys.executable, str(path)], cwd=script.folder, env=script.environment, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout == "said at the end\nand below Python\nTrue\n", done.stderr
    assert done.stderr.endswith("on stderr, too\n")
    logs = [path.read_text() for path in script.folder.glob("out/*/r/*/log.out")]
    assert "".join(logs).count("said in a run") == 3


def test_an_inline_run_that_builds_inline_itself_has_its_own_log(script):
    built = script(
        "@pyexp.experiment(executor='inline', stash=False)\ndef inner(cfg):\n    print('inner')\n"
        "inner.configs(lambda: [{'name': 'i'}])\n"
        "@pyexp.experiment(executor='inline', stash=False)\ndef train(cfg):\n"
        "    print('before')\n    inner.run()\n    print('after')\nCONFIGS = [{'name': 'r'}]\n"
        "def after(results): print('end')\n"
    )
    assert built.stdout == "end\n"
    assert [line for line in built.log().splitlines() if line in ("before", "inner", "after")] == ["before", "after"]
    (inner,) = built.folder.glob("out/inner/i/*/log.out")
    assert inner.read_text() == "inner\n"


def test_a_reader_who_has_seen_enough_of_what_is_shown_costs_no_run_and_no_line(script, executor):
    path = script.write(
        f"@pyexp.experiment(executor={executor!r}, stash=False)\ndef train(cfg):\n"
        "    for number in range(20_000): print('line', number)\n    return 'through'\n"
    )
    done = subprocess.run(
        f"'{sys.executable}' '{path}' -s | head -n 1", shell=True, cwd=script.folder, env=script.environment,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout == "line 0\n"
    assert done.stderr.endswith("s)\n") and "2 executed" in done.stderr, done.stderr
    for name in ("r", "other"):
        (log,) = script.folder.glob(f"out/train/{name}/*/log.out")
        assert log.read_text() == "".join(f"line {number}\n" for number in range(20_000))


def test_what_is_shown_needs_no_other_program(script, tmp_path):
    body = "@pyexp.experiment(stash=False)\ndef train(cfg):\n    print('said')\nCONFIGS = [{'name': 'r'}]\n"
    done = subprocess.run(
        [sys.executable, str(script.write(body)), "-s"], cwd=tmp_path, env=script.environment | {"PATH": str(tmp_path)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "said\n"), done.stderr
    assert [log.read_text() for log in tmp_path.glob("out/train/r/*/log.out")] == ["said\n"]
