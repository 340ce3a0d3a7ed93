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
