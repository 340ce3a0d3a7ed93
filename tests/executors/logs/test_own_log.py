"""What a function may do to its own log, and what is left of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from dodo_pyexp.executors.logs.own_log import DELETED, OVERWRITTEN, REPLACED, OwnLog, log_text
from dodo_pyexp.store.paths import AttemptFolder

BODIES = {
    "deleted": "(out / 'log.out').unlink()",
    "folder": "import shutil; shutil.rmtree(out)",
    "replaced": "(out / 't').write_text('mine'); (out / 't').rename(out / 'log.out')",
    "emptied": "(out / 'log.out').write_text('mine')",
    "child": "import subprocess; subprocess.run('echo mine > /dev/stderr', shell=True)",
    "longer": "(out / 'log.out').write_text('mine' * 100)",
    "appended": "open(out / 'log.out', 'a').write('mine')",
    "kept": "pass",
    "handler": "logging.getLogger('x').addHandler(logging.FileHandler(out / 'log.out', 'w'))",
    "failed": "(out / 'log.out').unlink(); 1 / 0",
}
DELETED_TEXT = f"pyexp: {log_text(DELETED)}\n"
REPLACED_TEXT = f"pyexp: {log_text(REPLACED)}\n"
OVERWRITTEN_TEXT = f"pyexp: {log_text(OVERWRITTEN)}\n"


def built_with(script, executor, head="", wait="", names=tuple(BODIES)):
    branches = "".join(f"    if cfg.name == {name!r}: {BODIES[name]}\n" for name in names)
    return script(
        f"{head}\nimport logging\n@pyexp.experiment(executor={executor!r}, stash=False)\ndef train(cfg, out):\n"
        f"    print('first line')\n{wait}{branches}    print('more')\n    logging.getLogger('x').warning('w')\n"
        f"CONFIGS = [{{'name': name}} for name in {list(names)}]\n"
    )


def test_a_log_that_is_deleted_or_replaced_is_kept_and_told(script, executor):
    built = built_with(script, executor)
    assert built.code == 1 and "Traceback" not in built.stderr
    for name in ("deleted", "folder"):
        assert built.log(name).startswith("first line\nmore\n") and built.log(name).endswith(DELETED_TEXT)
    assert "ZeroDivisionError" in built.log("failed") and DELETED_TEXT in built.log("failed")
    assert built.log("replaced") == "mine"
    assert (built.attempt("replaced") / "log.out.pyexp").read_text().startswith("first line\nmore\n")
    for text in (DELETED_TEXT, REPLACED_TEXT, OVERWRITTEN_TEXT):
        assert built.stderr.count(text.removeprefix("pyexp: ")) == 1


def test_a_log_that_is_written_over_is_told(script, executor):
    built = built_with(script, executor)
    for name in ("emptied", "longer", "handler", "child"):
        assert built.log(name).endswith(OVERWRITTEN_TEXT)
    for name in ("kept", "appended"):
        assert "pyexp" not in built.log(name) and built.log(name).startswith("first line\n")


def test_a_log_that_is_written_over_is_told_where_it_is_masked_too(script, executor):
    names = "emptied", "longer", "handler", "kept", "appended"
    wait = "    while 'first line\\n' not in (out / 'log.out').read_text(): time.sleep(0.01)\n"  # until it can be lost
    built = built_with(script, executor, "import os, time; os.environ['A_TOKEN'] = 'hunter2hunter2'", wait, names)
    for name in names[:3]:
        assert built.log(name).count(": the function wrote over log.out") == 1, name
    for name in names[3:]:
        assert "pyexp" not in built.log(name) and built.log(name).startswith("first line\n")
    assert built.stderr.count(OVERWRITTEN_TEXT.removeprefix("pyexp: ").partition("; have")[0]) == 1


def test_where_logs_are_masked_nothing_is_lost_either(script):
    built = built_with(script, "fork", "import os; os.environ['A_TOKEN'] = 'hunter2hunter2'")
    assert "first line\nmore\n" in built.log("deleted") and DELETED_TEXT in built.log("deleted")
    assert "first line" in built.log("failed") and "ZeroDivisionError" in built.log("failed")
    assert "first line" in (built.attempt("replaced") / "log.out.pyexp").read_text()


@pytest.fixture
def attempt(tmp_path: Path) -> AttemptFolder:
    (tmp_path / "log.out").write_bytes(b"of an earlier try\n")
    return AttemptFolder(str(tmp_path))


def test_a_log_of_earlier_tries_is_theirs_too(attempt: AttemptFolder) -> None:
    log = OwnLog(attempt, -1)
    os.unlink(attempt.log)
    assert log.rescue() == DELETED and Path(attempt.log).read_bytes() == b"of an earlier try\n"
    shorter = OwnLog(attempt, -1)
    Path(attempt.log).write_bytes(b"x")
    assert shorter.rescue() == OVERWRITTEN
    longer = OwnLog(attempt, -1)
    Path(attempt.log).write_bytes(b"y" * 100)
    assert longer.rescue() == OVERWRITTEN
    whole = OwnLog(attempt, -1)
    assert whole.rescue() is None


def test_streams_of_others_are_left_alone(attempt: AttemptFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    os.unlink(attempt.log)
    assert OwnLog(attempt, -1).rescue() is None, "there was no log"
