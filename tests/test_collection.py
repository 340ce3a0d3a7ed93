"""Every test file is collected: a suite that passes over some of them says nothing about them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


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
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "", "-p", "no:cacheprovider"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert found.returncode == 0, found.stdout
    collected = {line.partition("::")[0] for line in found.stdout.splitlines() if "::" in line}
    collected |= set(re.findall(r"^SKIPPED \[\d+\] (\S+\.py):\d+: Ray is an extra", found.stdout, re.MULTILINE))
    assert len(wanted) > 100
    assert wanted == collected
