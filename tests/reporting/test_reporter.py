"""What a build tells: lines as it goes on, a digest of failures, a summary; and the live line on a terminal."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.planning.decision import FAILED, SKIPPED, UP_TO_DATE, Decision, Found
from dodo_pyexp.printable import duration
from dodo_pyexp.reporting import progress
from dodo_pyexp.reporting.failures import failure_lines, skipped_lines
from dodo_pyexp.reporting.progress import ProgressReporter, clock, make_reporter
from dodo_pyexp.reporting.reporter import BuildReporter
from dodo_pyexp.running.ledger import EXECUTED
from dodo_pyexp.store.paths import RunFolder

STAMP = "2026-02-17_14-30-00"


class Run:
    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.full_name = f"exp:{name}"
        self.files = RunFolder(str(folder / name))


def known(reporter: BuildReporter, name: str) -> Any:
    """Make a run that the reporter's ledger knows something of."""
    run: Any = Run(Path("out"), name)
    reporter.ledger.decided(run, Found(Decision("missing", "never", "never run")))
    return run


def started(reporter: BuildReporter, name: str) -> Any:
    """Let a run be started."""
    run = known(reporter, name)
    reporter.ledger.started(run)
    reporter.started(run)
    return run


def done(reporter: BuildReporter, name: str, cause: str | None = None, run: Any = None, **error: Any) -> None:
    """Let a run end, well or badly."""
    run = known(reporter, name) if run is None else run
    folder = Path("out", name, STAMP)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "status.json").write_text(json.dumps({"seconds": 2.0, "error": error or None}))
    reporter.ledger.tried(run, STAMP)
    reporter.ledger.settled(run, EXECUTED if cause is None else FAILED, cause)
    reporter.ended(run)


def failed(reporter: BuildReporter, name: str, message: str = "no", where: str | None = "a.py:3") -> None:
    """Let a run fail."""
    said = f"ValueError: {message}" + (f" at {where}" if where else "")
    done(reporter, name, said, type="ValueError", message=message, where=where)


def passed(reporter: BuildReporter, name: str, how: str = UP_TO_DATE, cause: str | None = None) -> None:
    """Let a run be up to date, or skipped."""
    run = known(reporter, name)
    reporter.ledger.settled(run, how, cause)
    reporter.passed_over(run)


pytestmark = pytest.mark.usefixtures("here")


# -- plain lines ------------------------------------------------------------------------------------------------


def test_each_executed_run_has_a_line_and_unchanged_ones_have_none(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = BuildReporter(3)
    passed(reporter, "a")
    done(reporter, "b")
    failed(reporter, "c")
    assert capsys.readouterr().err.splitlines() == [
        "[2/3] exp:b  done in 2.0 s",
        "[3/3] exp:c  FAILED  ValueError: no at a.py:3",
    ]


def test_nothing_to_do_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = BuildReporter(2)
    for name in "ab":
        passed(reporter, name)
    reporter.finish()
    assert capsys.readouterr().err == "2 runs: all up to date (0.0 s)\n"


def test_the_summary_counts_everything() -> None:
    reporter = BuildReporter(6, quiet=True)
    done(reporter, "a")
    failed(reporter, "b")
    passed(reporter, "c", SKIPPED, "upstream exp:b failed")
    passed(reporter, "d")
    assert reporter.summary().startswith("1 executed, 1 up to date, 1 failed, 1 skipped, 2 not started (")


def test_the_command_that_builds_failures_again_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = BuildReporter(1)
    reporter.again = lambda runs: f"To build just it again: pyexp build {' '.join(run.full_name for run in runs)}"
    failed(reporter, "a")
    reporter.finish()
    assert "To build just it again: pyexp build exp:a\n" in capsys.readouterr().err


@pytest.mark.parametrize("seconds, text", [(0.04, "0.0 s"), (99.9, "99.9 s"), (100, "1 min 40 s"), (3661, "1 h 1 min")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


# -- the digest -------------------------------------------------------------------------------------------------


def test_failures_of_one_kind_are_one_group() -> None:
    reporter = BuildReporter(13, quiet=True)
    for i in range(12):
        failed(reporter, f"r{i}", f"bad {i}")
    failed(reporter, "x", where="b.py:1")
    lines = [text for _, text in failure_lines(reporter.ledger.failures())]
    assert lines[0] == "ValueError at a.py:3  (12 runs, 12 messages, e.g. bad 0)"
    assert [line.split()[0] for line in lines[1:4]] == ["exp:r0", "exp:r1", "exp:r2"]
    assert lines[11] == "    ... and 2 more"
    assert lines[12] == "ValueError: no at b.py:1"


def test_failures_without_a_place_are_told_apart_by_their_message() -> None:
    reporter = BuildReporter(2, quiet=True)
    failed(reporter, "a", "killed by 9", None)
    failed(reporter, "b", "killed by 11", None)
    assert [kind for kind, _ in failure_lines(reporter.ledger.failures())] == ["cause", "detail", "cause", "detail"]


def test_every_failure_has_the_path_of_its_log() -> None:
    reporter = BuildReporter(1, quiet=True)
    failed(reporter, "a")
    assert list(failure_lines(reporter.ledger.failures()))[1] == ("detail", f"    exp:a  out/a/{STAMP}/log.out")


def test_places_below_the_current_folder_are_shortened() -> None:
    reporter = BuildReporter(1, quiet=True)
    failed(reporter, "a", where=f"{os.getcwd()}/a.py:3")
    ((_, cause), *_) = failure_lines(reporter.ledger.failures())
    assert cause == "ValueError: no at a.py:3"


def test_a_few_skipped_runs_are_named_and_many_are_counted() -> None:
    few: dict[Any, str] = {Run(Path(), "a"): "upstream exp:b failed"}
    assert list(skipped_lines(few)) == ["exp:a  skipped: upstream exp:b failed"]
    many: dict[Any, str] = {Run(Path(), str(i)): "upstream exp:b failed" for i in range(11)}
    assert [line.split()[0] for line in skipped_lines(many)] == ["11"]


# -- the live line ----------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Terminal]:
    """Turn stderr into a terminal; called by the test itself, because pytest replaces stderr once more before it."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(progress, "REFRESH_SECONDS", 0)

    def watch() -> Terminal:
        stream = Terminal()
        monkeypatch.setattr("sys.stderr", stream)
        return stream

    return watch


def test_a_terminal_gets_the_live_line(watch: Callable[[], Terminal]) -> None:
    watch()
    assert isinstance(make_reporter(), ProgressReporter)


@pytest.mark.parametrize("name, value", [("CI", "true"), ("TERM", "dumb")])
def test_elsewhere_there_are_plain_lines(
    watch: Callable[[], Terminal], monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    watch()
    monkeypatch.setenv(name, value)
    assert not isinstance(make_reporter(), ProgressReporter)


def test_output_of_runs_and_a_live_line_do_not_share_a_terminal(watch: Callable[[], Terminal]) -> None:
    watch()
    assert not isinstance(make_reporter(live=True), ProgressReporter)


def rendered(reporter: ProgressReporter) -> str:
    from rich.console import Console

    stream = io.StringIO()
    Console(file=stream, width=100, color_system=None).print(reporter._render())
    return stream.getvalue()


def test_the_live_line_shows_counts_and_what_is_running(watch: Callable[[], Terminal]) -> None:
    watch()
    reporter = ProgressReporter(10)
    for i in range(4):
        started(reporter, f"r{i}")
    done(reporter, "x")
    failed(reporter, "y")
    passed(reporter, "z")
    text = rendered(reporter)
    assert "3/10" in text
    assert "1 done" in text and "1 failed" in text and "1 up to date" in text
    assert "running: exp:r0, exp:r1, exp:r2, exp:r3" in text
    reporter.pause()


def test_the_live_line_leaves_room_for_what_a_terminal_writes_after_ctrl_c(watch: Callable[[], Terminal]) -> None:
    from rich.console import Console

    watch()
    reporter = ProgressReporter(10, console=Console(file=io.StringIO(), width=60, color_system=None))
    for i in range(8):
        started(reporter, f"a_rather_long_name_{i}")
    first, last = rendered(reporter).rstrip("\n").splitlines()
    assert last.endswith("…") and len(last.rstrip()) <= 56
    assert "0/10" in first
    reporter.stopping(8)
    assert reporter.seconds_left() is None
    reporter.pause()


def test_failures_are_written_above_the_live_line(watch: Callable[[], Terminal]) -> None:
    terminal = watch()
    reporter = ProgressReporter(2)
    started(reporter, "a")
    failed(reporter, "a")
    assert "exp:a" in terminal.getvalue()
    assert "ValueError: no at a.py:3" in terminal.getvalue()
    reporter.finish()


def test_the_live_line_leaves_no_thread_behind(watch: Callable[[], Terminal]) -> None:
    import threading

    watch()
    before = threading.active_count()
    reporter = ProgressReporter(2)
    started(reporter, "a")
    assert threading.active_count() == before
    reporter.pause()


def test_the_cursor_comes_back(watch: Callable[[], Terminal]) -> None:
    terminal = watch()
    reporter = ProgressReporter(1)
    started(reporter, "a")
    assert "\x1b[?25l" in terminal.getvalue()
    reporter.pause()
    assert terminal.getvalue().rindex("\x1b[?25h") > terminal.getvalue().rindex("\x1b[?25l")


def test_the_time_left_is_known_after_the_first_run(watch: Callable[[], Terminal]) -> None:
    watch()
    reporter = ProgressReporter(3)
    assert reporter.seconds_left() is None
    first = started(reporter, "a")
    assert reporter.seconds_left() is None
    done(reporter, "a", run=first)
    left = reporter.seconds_left()
    assert left is not None and left >= 0
    reporter.pause()


@pytest.mark.parametrize("seconds, text", [(5, "0:05"), (75.9, "1:15"), (3675, "1:01:15")])
def test_the_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text
