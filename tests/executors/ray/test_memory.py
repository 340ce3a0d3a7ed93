"""Nodes that run out of memory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ..conftest import Script
from .nodes import Nodes, lines, memory_cgroup, some, train

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(240)]

GROW = """
open(BEGAN, 'a').write(cfg.name + '\\n')
if cfg.n == 0:
    held = []
    while len(held) < 100:
        held.append(bytearray(b'x') * (50 << 20))
        time.sleep(0.02)
else:
    time.sleep(cfg.n)
return cfg.n
"""


def experiment(script: Script, configs: str) -> str:
    return f"BEGAN = {str(script.folder / 'began')!r}\n\n" + train(GROW, configs)


def test_a_run_that_the_kernel_kills_for_want_of_memory_says_so_and_harms_no_other(script, tmp_path):
    nodes = Nodes(cpus=2)
    try:
        with memory_cgroup(1_500_000_000) as group:
            if group is None:
                pytest.skip("needs to make a memory cgroup: root, with a cgroup file system that can be written")
            node = nodes.add_limited("limited", group, tmp_path / "node.log")
            try:
                body = experiment(script, some(6, ", 'resources': {'limited': 1}").replace("'n': n", "'n': n % 3"))
                built = script(body, "--executor", f"ray:{nodes.address}")
            finally:
                nodes.stop(node)
    finally:
        nodes.close()
    assert built.code == 1, built.stderr
    assert "4 executed, 2 failed" in built.stderr
    for name in ("r0", "r3"):
        assert built.error(name) == ("OutOfMemory", "the kernel killed the process, because memory had run out")
    assert sorted(lines(script.folder / "began")) == [f"r{n}" for n in range(6)]  # none was executed twice


def test_the_status_names_the_process_on_its_node(script):
    nodes = Nodes(cpus=2)
    try:
        built = script(train("return os.getpid()", some(1)), "--executor", f"ray:{nodes.address}")
    finally:
        nodes.close()
    pid = json.loads(Path(built.attempt("r0") / "result.json").read_text())
    assert built.status("r0")["node"]["pid"] == pid
