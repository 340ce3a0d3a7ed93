"""Who masks what a run prints on a node ends as the run does, and has written down all of it. No Ray is needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dodo_pyexp.executors.logs.scribe import OVERWRITTEN

BEGIN = """
import os, subprocess, sys, time
from dodo_pyexp.executors.ray.masking import between
log = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT | os.O_APPEND)
end = between(log, ["hunter2secret"])
os.write(end, b"with hunter2")
time.sleep(0.05)
os.write(end, b"secret, and hun")
"""


@pytest.mark.parametrize(
    ("last", "status"),
    [
        ("os._exit(3)", 3),
        ("os.kill(os.getpid(), 11)", -11),
        ("os.kill(os.getpid(), 9)", -9),
        ("os.close(end); time.sleep(0.1); os._exit(0)", 0),
        ("subprocess.Popen(['sleep', '60'], stdout=end, stderr=end, stdin=-3); os._exit(0)", 0),
    ],
)
def test_it_ends_as_the_run_does_with_a_whole_log(tmp_path: Path, last: str, status: int) -> None:
    log = tmp_path / "log"
    done = subprocess.run([sys.executable, "-c", BEGIN + last, str(log)], check=False, timeout=50, cwd=tmp_path)
    assert (done.returncode, log.read_text()) == (status, "with ***, and hun")


@pytest.mark.parametrize("mine", ["mine", "mine" * 100])
def test_a_log_that_the_run_writes_over_is_told(tmp_path: Path, mine: str) -> None:
    log = tmp_path / "log"
    last = f"time.sleep(0.5); open(sys.argv[1], 'w').write({mine!r}); os._exit(0)"
    subprocess.run([sys.executable, "-c", BEGIN + last, str(log)], check=False, timeout=50, cwd=tmp_path)
    assert log.read_text().endswith(OVERWRITTEN.decode())
