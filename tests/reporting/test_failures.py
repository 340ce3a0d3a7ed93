"""The digest of failures: grouped by cause, first failure first, with the paths of the logs, and skips apart."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any, cast

import pytest

from dodo_pyexp.reporting.failures import (
    SHOWN_GROUPS,
    SHOWN_RUNS,
    failure_lines,
    failures_data,
    group_failures,
    skipped_lines,
)
from dodo_pyexp.running.ledger import Failure
from dodo_pyexp.store.paths import AttemptFolder


class Run:
    def __init__(self, name: str) -> None:
        self.name = name
        self.full_name = f"exp:{name}"


class Failures:
    """Makes what the ledger tells of failed runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.all: list[Any] = []

    def add(self, kind: str, message: str = "no", where: str | None = None, below: str = "") -> None:
        name = f"r{len(self.all)}"
        folder = self._folder / name
        folder.mkdir()
        error = {"type": kind, "message": message, "where": where, "below": below}
        (folder / "status.json").write_text(json.dumps({"error": error}))
        cause = f"{kind}: {message}" + (f" at {where}" if where else "")
        self.all.append(Failure(cast("Any", Run(name)), cause, AttemptFolder(str(folder))))

    def grouped(self) -> list[list[str]]:
        return [[one.run.name for one in group.failures] for group in group_failures(self.all)]

    def lines(self) -> list[str]:
        return [text for _, text in failure_lines(self.all)]


@pytest.fixture
def failures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Failures:
    monkeypatch.chdir(tmp_path)
    return Failures(tmp_path)


def test_the_same_exception_at_the_same_line_is_one_cause_whatever_it_says(failures: Failures) -> None:
    failures.add("ValueError", "lr 1 is bad", "a.py:3")
    failures.add("ValueError", "lr 2 is bad", "a.py:4")
    failures.add("KeyError", "lr 2 is bad", "a.py:3")
    failures.add("ValueError", "lr 3 is bad", "a.py:3")
    assert failures.grouped() == [["r0", "r3"], ["r1"], ["r2"]]


def test_messages_that_differ_are_counted_and_one_is_shown(failures: Failures) -> None:
    for number in range(3):
        failures.add("ValueError", f"lr {number} is bad", "a.py:3")
    failures.add("ValueError", "lr 2 is bad", "a.py:3")
    failures.add("KeyError", "no", "a.py:3")
    failures.add("KeyError", "no", "a.py:3")
    causes = [line for line in failures.lines() if not line.startswith(" ")]
    assert causes == [
        "ValueError at a.py:3  (4 runs, 3 messages, e.g. lr 0 is bad)",
        "KeyError: no at a.py:3  (2 runs)",
    ]
    assert [group["cause"] for group in failures_data(failures.all)] == [
        "ValueError: lr 0 is bad at a.py:3", "KeyError: no at a.py:3",
    ]  # fmt: skip


def test_a_cause_that_shows_in_several_ways_is_told_as_the_first_of_them(failures: Failures) -> None:
    failures.add("MemoryError", "", "a.py:3")
    failures.add("OutOfMemory", "the kernel killed the process")
    assert failures.lines()[0] == "MemoryError:  at a.py:3  (2 runs)"


def test_an_empty_message_is_no_example(failures: Failures) -> None:
    failures.add("AssertionError", "", "a.py:3")
    failures.add("AssertionError", "x is 2", "a.py:3")
    assert failures.lines()[0] == "AssertionError at a.py:3  (2 runs, 2 messages, e.g. x is 2)"


def test_the_librarys_line_that_raised_it_is_one_line_below(failures: Failures) -> None:
    failures.add("LinAlgError", "Singular matrix", "a.py:3", below="raised in numpy/linalg/_linalg.py:144")
    assert failures.lines()[:2] == [
        "LinAlgError: Singular matrix at a.py:3",
        "    raised in numpy/linalg/_linalg.py:144",
    ]


def test_each_signal_and_each_exit_status_is_a_cause(failures: Failures) -> None:
    for message in ("killed by SIGSEGV", "killed by SIGABRT", "killed by SIGSEGV"):
        failures.add("ProcessKilled", message)
    for status in (1, 3, 1):
        failures.add("ProcessExited", f"the process ended with exit status {status}")
    assert failures.grouped() == [["r0", "r2"], ["r1"], ["r3", "r5"], ["r4"]]


def test_a_lack_of_memory_is_one_cause_wherever_it_shows(failures: Failures) -> None:
    failures.add("MemoryError", "", "a.py:3")
    failures.add("ValueError", "", "a.py:3")
    failures.add("OutOfMemory", "the kernel killed the process")
    failures.add("OutOfMemoryError", "CUDA out of memory", "torch.py:9")
    failures.add("_ArrayMemoryError", "Unable to allocate 8 TiB", "b.py:1")
    assert failures.grouped() == [["r0", "r2", "r3", "r4"], ["r1"]]


def test_timeouts_are_one_cause_and_idle_runs_another(failures: Failures) -> None:
    for kind, seconds in (("Timeout", 5), ("IdleTimeout", 5), ("Timeout", 60), ("IdleTimeout", 60)):
        failures.add(kind, f"the run took longer than {seconds} s")
    assert failures.grouped() == [["r0", "r2"], ["r1", "r3"]]


def test_results_that_cannot_be_pickled_are_one_cause_and_taken_file_names_another(failures: Failures) -> None:
    failures.add("UnsavableResult", "the return value cannot be pickled (TypeError: a lock)")
    failures.add("UnsavableResult", "the return value cannot be pickled (PicklingError: a socket)")
    failures.add("UnsavableResult", "the function wrote status.json into its folder, a name pyexp uses")
    assert failures.grouped() == [["r0", "r1"], ["r2"]]


def test_the_first_failure_comes_first(failures: Failures) -> None:
    failures.add("ValueError", "rare", "a.py:1")
    for _ in range(3):
        failures.add("KeyError", "often", "a.py:2")
    failures.add("ValueError", "rare", "a.py:1")
    assert failures.lines() == [
        "ValueError: rare at a.py:1  (2 runs)",
        "    exp:r0  r0/log.out",
        "    exp:r4  r4/log.out",
        "KeyError: often at a.py:2  (3 runs)",
        "    exp:r1  r1/log.out",
        "    exp:r2  r2/log.out",
        "    exp:r3  r3/log.out",
    ]


def test_a_large_group_shows_some_paths_and_counts_the_rest(failures: Failures) -> None:
    for _ in range(SHOWN_RUNS + 7):
        failures.add("ValueError", "no", "a.py:1")
    lines = failures.lines()
    assert len(lines) == 1 + SHOWN_RUNS + 1
    assert lines[-1] == "    ... and 7 more"


def test_many_causes_do_not_fill_the_screen(failures: Failures) -> None:
    for number in range(SHOWN_GROUPS + 3):
        failures.add("ValueError", "no", f"a.py:{number}")
        failures.add("ValueError", "no", f"a.py:{number}")
    lines = failures.lines()
    assert len(lines) == 3 * SHOWN_GROUPS + 1
    assert lines[-1] == "... and 6 more runs failed, of 3 other causes"


def test_programs_are_given_every_run_and_every_log(failures: Failures) -> None:
    for _ in range(SHOWN_RUNS + 1):
        failures.add("ValueError", "no", "a.py:1")
    failures.all.append(Failure(cast("Any", Run("x")), "UsageError: cannot write", None))
    first, second = failures_data(failures.all)
    assert first["cause"] == "ValueError: no at a.py:1"
    assert first["runs"] == [f"exp:r{number}" for number in range(SHOWN_RUNS + 1)]
    assert first["logs"] == [f"r{number}/log.out" for number in range(SHOWN_RUNS + 1)]
    assert (second["runs"], second["logs"]) == (["exp:x"], [None])


def skipped(**reasons: str) -> list[str]:
    return list(skipped_lines({Run(name): reason for name, reason in reasons.items()}))  # type: ignore[misc]  # has names


def test_a_few_skipped_runs_are_named() -> None:
    assert skipped(a="upstream exp:b failed", c="upstream exp:a was skipped") == [
        "exp:a  skipped: upstream exp:b failed",
        "exp:c  skipped: upstream exp:a was skipped",
    ]


def test_many_skipped_runs_are_counted_by_the_failure_far_above_them() -> None:
    reasons = {f"a{number}": "upstream exp:bad failed" for number in range(8)}
    reasons |= {f"b{number}": f"upstream exp:a{number} was skipped" for number in range(8)}
    assert skipped(**reasons) == ["16 runs were skipped, because they depend on exp:bad, which failed"]
    assert skipped(**reasons, c="upstream exp:worse failed", d="upstream exp:c was skipped") == [
        "18 runs were skipped, because they depend on runs that failed:",
        "    16 behind exp:bad",
        "    2 behind exp:worse",
    ]


def test_a_great_many_failures_above_are_counted_too() -> None:
    lines = skipped(**{f"a{number}": f"upstream exp:{number % 9} failed" for number in range(18)})
    assert lines[1:] == [f"    2 behind exp:{number}" for number in range(5)] + ["    8 behind 4 others"]


# -- the end of a real build ------------------------------------------------------------------------------------

STUDY = """
    import ctypes, os, threading, time
    import pyexp

    @pyexp.experiment(executor="fork", stash=False, timeout=60)
    def work(cfg):
        if cfg.name.startswith("raises"):
            raise ValueError(f"{cfg.name} is bad")
        if cfg.name.startswith("crashes"):
            ctypes.string_at(0)
        if cfg.name.startswith("killed"):
            os.kill(os.getpid(), 15)
        if cfg.name.startswith("greedy"):
            raise MemoryError
        if cfg.name.startswith("odd"):
            return threading.Lock() if cfg.name == "odd1" else (number for number in ())
        return 1

    @work.configs
    def configs():
        for number in (1, 2):
            for kind in ("raises", "crashes", "killed", "greedy", "odd", "fine"):
                yield {"name": f"{kind}{number}"}
        for number in range(12):
            yield {"name": f"behind{number}", "depends_on": "^raises1$"}

    @pyexp.experiment(executor="fork", stash=False, timeout=0.3)
    def late(cfg):
        time.sleep(300)

    @late.configs
    def late_configs():
        return [{"name": "l1"}, {"name": "l2"}]

    @pyexp.experiment(executor="fork", stash=False, idle_timeout=0.3)
    def hung(cfg):
        time.sleep(300)

    @hung.configs
    def hung_configs():
        return [{"name": "h1"}, {"name": "h2"}]
"""


def test_a_build_ends_with_the_failures_by_cause_and_the_command_that_builds_just_those_again(project: Any) -> None:
    project.write("study.py", STUDY)
    done = project.pyexp("build", "study.py", "--json", status=1)
    told = json.loads(done.stdout)
    assert [[name.split(":")[1] for name in group["runs"]] for group in told["failures"]] == [
        ["raises1", "raises2"], ["crashes1", "crashes2"], ["killed1", "killed2"], ["greedy1", "greedy2"],
        ["odd1", "odd2"], ["l1", "l2"], ["h1", "h2"],
    ]  # fmt: skip
    assert (told["counts"]["failed"], told["counts"]["skipped"], told["counts"]["executed"]) == (14, 12, 2)
    assert all((project.folder / log).is_file() for group in told["failures"] for log in group["logs"])
    lines = done.stderr.split("\n\n", 1)[1].splitlines()
    causes = [line for line in lines if "  (2 runs" in line]
    assert [cause.split(":")[0].split()[0] for cause in causes] == [
        "ValueError", "ProcessKilled", "ProcessKilled", "MemoryError", "UnsavableResult", "Timeout", "IdleTimeout",
    ]  # fmt: skip
    assert "12 runs were skipped, because they depend on work:raises1, which failed" in lines
    (command,) = [line.split(": ", 1)[1] for line in lines if line.startswith("To build just these again: ")]
    again = json.loads(project.pyexp(*shlex.split(command)[1:], "--json", status=1).stdout)
    assert sorted(run["run"] for run in again["runs"]) == sorted(
        name for group in told["failures"] for name in group["runs"]
    )
