"""Tests that cannot fail prove nothing: each fault that is put into a copy of the engine is found by the model test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HELPERS = ("tests/conftest.py", "tests/changed_code.py", "tests/warm.py")
DECISION, EXECUTION, TRY = "planning/decision.py", "running/execution.py", "running/one_try.py"
# What is put in the place of what; each stands exactly once in its file.
FAULTS = {
    "no early cutoff": (
        "store/digest.py", "    digest.update(value)\n    for", "    digest.update(os.urandom(8))\n    for",
    ),
    "returned values do not count": ("store/digest.py", "    digest.update(value)\n    for", "    for"),
    "saved files do not count": ("store/digest.py", ' + b"\\0" + file_digest(path))', ")"),
    "configs are not compared": (
        DECISION, "_same_config(run, record):\n        return _config", "True:\n        return _config",
    ),
    "code is not compared": (DECISION, "state = STALE if", "state = UP_TO_DATE if"),
    "outputs of upstreams are not compared": (DECISION, "        if digest != before:", "        if False:"),
    "the last upstream is not compared": (
        DECISION, "        if digest != before:", "        if digest != before and upstream is not run.upstream[-1]:",
    ),
    "upstreams that are gone are not noticed": (
        DECISION, "    if len(expected) != len(run.upstream):", "    if len(expected) < len(run.upstream):",
    ),
    "the order of upstreams is not compared": (
        DECISION, "    if expected and list(expected) != [", "    if False and list(expected) != [",
    ),
    "files that are declared are not compared": (
        DECISION, "    if (run.inputs or record.inputs) and", "    if False and",
    ),
    "files that were read are not compared": (DECISION, "    if record.found and", "    if False and"),
    "a file of the same size counts as the same": (
        "planning/files_read.py", "dated if digest is None else contents.digest(path) == digest", "True",
    ),
    "upstreams that were renamed count as others": (
        DECISION, "named = renames.as_named_today(run, record.upstream, digest_of)", "named = None",
    ),
    "upstreams of what looks renamed are not compared": (
        "planning/renames.py", "    if list(record.upstream.values()) != [", "    if False and record.upstream != [",
    ),
    "what was renamed before a kill is forgotten": (
        "store/renames.py", "cls([*done, *more], ", "cls(done, ",
    ),
    "damage is not noticed": (DECISION, "    if damage is not None:", "    if False:"),
    "what is shown is not what decides": (
        DECISION, "        decisions[run] = decision\n    return",
        "        reason = decision.reason and decision.reason + '!'\n"
        "        decisions[run] = Decision(decision.state, decision.kind, reason, decision.data)\n    return",
    ),
    "a dry run forgets what is behind others": (
        DECISION, "        if waits and not above.up_to_date:", "        if False:",
    ),
    "force is not obeyed": (EXECUTION, "            if self._forced:\n", "            if False:\n"),
    "the record outlives a failure": (
        EXECUTION, "        atomic.remove(self.run.files.finished)\n        attempt.mark", "        attempt.mark",
    ),
    "the record comes too early": (
        TRY, "        job.after = after\n",
        "        job.after = after\n"
        "        from ..store.record import Record\n"
        "        made = attempt.state['code'], {}, None, attempt.state['requirements']\n"
        "        Record(run.name, run.hash, self.upstream, 'x', attempt.name, {}, {}, *made).write(run.files)\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_has_its_place(fault: str) -> None:
    module, old, _ = FAULTS[fault]
    assert (ROOT / "dodo_pyexp" / module).read_text(encoding="utf-8").count(old) == 1, f"not once in {module}"


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("fault", FAULTS)
def test_the_model_finds_a_fault_that_is_put_into_the_engine(tmp_path: Path, fault: str) -> None:
    for name in ("dodo_pyexp", "pyexp"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", *HELPERS, "tests/faults/conftest.py", "tests/faults/test_model.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    module, old, new = FAULTS[fault]
    path = tmp_path / "dodo_pyexp" / module
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(old, new), encoding="utf-8")
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH" and not key.startswith("PYTEST")}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-m",
            "soak",
            "-k",
            "many_builds and inline",
            "tests/faults/test_model.py",
        ],
        cwd=tmp_path,
        env=kept | {"FAULTS_SHRINK": "0"},
        capture_output=True,
        text=True,
        timeout=1500,
    )
    assert done.returncode == 1 and "1 failed" in done.stdout, done.stdout + done.stderr
    # It has to be the model that disagrees, and not an engine that no longer runs at all.
    assert "assert " in done.stdout
    for mistake in ("NameError", "SyntaxError", "TypeError", "AttributeError", "UnboundLocalError"):
        assert mistake not in done.stdout, done.stdout
