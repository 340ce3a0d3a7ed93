"""Every test file is collected: a suite that passes over some of them says nothing about them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Collects as any run of the tests does, but opens no file: that takes as long as importing all of them.
COLLECT = """
import sys
import pytest

class Unopened(pytest.File):
    def collect(self):
        return []

class Plugin:
    def pytest_pycollect_makemodule(self, module_path, parent):
        print("file", module_path.relative_to(parent.config.rootpath))
        return Unopened.from_parent(parent, path=module_path)

sys.exit(pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider"], plugins=[Plugin()]))
"""


def test_every_test_file_is_collected() -> None:
    git = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "tests"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if git.returncode:
        pytest.skip("the tests are no git checkout, so nothing says which files there are")
    paths = [Path(line) for line in git.stdout.splitlines()]
    wanted = {str(path) for path in paths if path.match("test_*.py") and (ROOT / path).exists()}
    found = subprocess.run([sys.executable, "-c", COLLECT], cwd=ROOT, capture_output=True, text=True, timeout=110)
    assert found.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, found.stdout + found.stderr
    collected = {line.removeprefix("file ") for line in found.stdout.splitlines() if line.startswith("file ")}
    assert len(wanted) > 100
    assert wanted == collected


@pytest.mark.parametrize("name", ["importorskip", "skip", "xfail"])
def test_no_file_is_passed_over_as_a_whole_for_what_is_not_installed(name: str) -> None:
    """What needs an extra is marked (`ray`), so that its tests are collected everywhere, and skipped one by one."""

    def at_top(path: Path) -> bool:
        top = [node for node in ast.parse(path.read_bytes()).body if isinstance(node, ast.Assign | ast.Expr | ast.If)]
        calls = [node for part in top for node in ast.walk(part) if isinstance(node, ast.Call)]
        return any(ast.unparse(call.func) == f"pytest.{name}" for call in calls)

    assert [str(path) for path in sorted((ROOT / "tests").rglob("*.py")) if at_top(path)] == []
