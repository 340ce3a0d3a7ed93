"""Every example does what its first lines say, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
SCRIPTS = sorted(path.name for path in EXAMPLES.glob("*.py"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=shutil.ignore_patterns("out", "__pycache__"))
    (tmp_path / "pyproject.toml").touch()  # as in this repository
    return tmp_path


def run(folder: Path, script: str, *arguments: str, status: int = 0) -> str:
    """Run an example from the folder above it, as a reader would, and give what it printed."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, f"examples/{script}", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def attempts(folder: Path) -> set[str]:
    """Give every attempt there has been, counted from outside: one folder each."""
    out = folder / "out"
    return {str(path.parent.relative_to(out)) for path in out.glob("*/*/*/status.json")}


def test_each_example_is_listed_in_the_readme_and_has_a_test() -> None:
    readme = (EXAMPLES / "README.md").read_text()
    tests = Path(__file__).read_text()
    for script in SCRIPTS:
        assert f"[`{script}`]({script})" in readme
        assert f'"{script}"' in tests


def test_minimal_executes_each_config_once(folder: Path) -> None:
    printed = run(folder, "minimal.py")
    assert "timid: loss 0.1326" in printed
    assert "bold: loss 0.0000" in printed
    first = attempts(folder)
    assert {attempt.rsplit("/", 1)[0] for attempt in first} == {"minimal/timid", "minimal/bold"}
    logs = {path.read_text() for path in (folder / "out").glob("minimal/*/*/log.out")}
    assert logs == {"walking 50 steps\n"}

    assert "timid: loss 0.1326" in run(folder, "minimal.py")
    assert attempts(folder) == first


def test_sweep_keeps_the_shape_of_the_grid_and_finds_runs_in_it(folder: Path) -> None:
    printed = run(folder, "sweep.py")
    assert "shape: (1, 3, 2)" in printed
    assert "one by name: walk_lr0.1_plain" in printed
    assert "some by pattern: ['walk_lr0.01_heavy', 'walk_lr0.1_heavy', 'walk_lr0.3_heavy']" in printed
    assert "some by config: ['walk_lr0.3_plain', 'walk_lr0.3_heavy']" in printed
    assert "a slice: ['walk_lr0.01_plain', 'walk_lr0.1_plain', 'walk_lr0.3_plain']" in printed
    assert "best: walk_lr0.3_plain" in printed
    assert len(attempts(folder)) == 6


def test_merge_replaces_merges_and_reaches_in(folder: Path) -> None:
    printed = run(folder, "merge.py").splitlines()
    assert printed == [
        "replace: {'name': 'net', 'model': {'width': 64}}",
        "merge:   {'name': 'net', 'model': {'width': 64, 'depth': 2, 'dropout': 0.1}}",
        "dots:    {'name': 'net', 'model': {'width': 64, 'depth': 2}, 'optimizer': {'lr': 0.01}}",
        "dotted access: 32 8",
    ]
    assert not (folder / "out").exists()


def test_load_config_composes_yaml_files(folder: Path) -> None:
    printed = run(folder, "load_config.py")
    assert "lr: 0.01\nepochs: 20\nmodel:\n  width: 128\n  depth: 2\nschedule:\n  warmup: 5\n" in printed
    assert "large: 20 epochs, 32768 parameters" in printed
    assert "quick: 2 epochs, 32768 parameters" in printed


def test_dependencies_hand_results_on_and_only_what_depends_on_a_change_follows(folder: Path) -> None:
    printed = run(folder, "dependencies.py")
    for line in (
        "pretrain_short: 2.929",
        "pretrain_long: 7.4855",
        "short_gentle: 3.6361",
        "short_hard: 9.2929",
        "long_gentle: 7.7369",
        "long_hard: 9.7485",
    ):
        assert line in printed
    first = attempts(folder)

    script = folder / "examples" / "dependencies.py"
    script.write_text(script.read_text().replace('"steps": 10}', '"steps": 20}'))
    run(folder, "dependencies.py")
    executed = {attempt.split("/")[1] for attempt in attempts(folder) - first}
    assert executed == {"pretrain_short", "short_gentle", "short_hard"}


def test_report_tells_of_failed_runs_too_and_saves_its_table(folder: Path) -> None:
    printed = run(folder, "report.py", status=1)
    (saved,) = (folder / "out" / "jar" / "report").glob("*/report.md")
    table = saved.read_text()
    assert table in printed
    assert "| rate0.1_1d | 0.900 |" in table
    assert "| rate1.5_7d | failed |" in table
    assert "most left: rate0.1_1d" in printed


def test_a_custom_executor_executes_and_pyexp_keeps_the_books(folder: Path) -> None:
    printed = run(folder, "custom_executor.py")
    assert [line for line in printed.splitlines() if line.startswith("x")][-3:] == ["x0: 0", "x1: 1", "x2: 4"]
    assert len(attempts(folder)) == 3
    (log,) = (folder / "out" / "custom_executor" / "x1").glob("*/log.out")
    assert log.read_text().startswith("x1 took 0.")


def test_results_notebook_reads_what_the_sweep_left(folder: Path) -> None:
    run(folder, "sweep.py")
    first = attempts(folder)
    printed = run(folder, "results_notebook.py")
    assert "6 runs" in printed
    assert "walk_lr0.01_heavy" in printed
    assert "lr 0.3   momentum 0.0  loss" in printed
    assert "['config.json', 'result.json', 'status.json']" in printed
    assert attempts(folder) == first
