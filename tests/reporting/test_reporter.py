"""What a build tells: lines as it goes on, a digest of failures, a summary; and the live line on a terminal."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dodo_pyexp.planning.decision import Decision
from dodo_pyexp.printable import duration
from dodo_pyexp.reporting import progress
from dodo_pyexp.reporting.failures import failure_lines, skipped_lines
from dodo_pyexp.reporting.progress import ProgressReporter, clock, make_reporter
from dodo_pyexp.reporting.reporter import BuildReporter
from dodo_pyexp.store.paths import AttemptFolder


class Run:
    def __init__(self, name: str) -> None:
        self.name = name
        self.full_name = f"exp:{name}"


def execution(name: str, folder: Path, failure: str | None = None, **error: Any) -> Any:
    """Make what the runner hands to a reporter."""
    folder = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "status.json").write_text(json.dumps({"seconds": 2.0, "error": error or None}))
    return SimpleNamespace(
        run=Run(name), failure=failure, executed=True, interrupted=False, attempt=AttemptFolder(str(folder)),
        decision=Decision("missing", "never", "never run"),
    )  # fmt: skip


def failed(name: str, folder: Path, message: str = "no", where: str | None = "a.py:3") -> Any:
    said = f"ValueError: {message}" + (f" at {where}" if where else "")
    return execution(name, folder, said, type="ValueError", message=message, where=where)


# -- plain lines ------------------------------------------------------------------------------------------------


def test_each_executed_run_has_a_line_and_unchanged_ones_have_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reporter = BuildReporter(3)
    reporter.skip_uptodate(SimpleNamespace(run=Run("a")))
    reporter.ended(execution("b", tmp_path))
    reporter.ended(failed("c", tmp_path))
    assert capsys.readouterr().err.splitlines() == [
        "[2/3] exp:b  done in 2.0 s",
        "[3/3] exp:c  FAILED  ValueError: no at a.py:3",
    ]


def test_nothing_to_do_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = BuildReporter(2)
    for name in "ab":
        reporter.skip_uptodate(SimpleNamespace(run=Run(name)))
    reporter.finish()
    assert capsys.readouterr().err == "2 runs: all up to date (0.0 s)\n"


def test_the_summary_counts_everything(tmp_path: Path) -> None:
    reporter = BuildReporter(6, quiet=True)
    reporter.ended(execution("a", tmp_path))
    reporter.ended(failed("b", tmp_path))
    reporter.skip_unmet(Run("c"), "upstream exp:b failed")  # type: ignore[arg-type]  # has a name, which is enough
    reporter.skip_uptodate(SimpleNamespace(run=Run("d")))
    assert reporter.summary().startswith("1 executed, 1 up to date, 1 failed, 1 skipped, 2 not started (")


def test_the_command_that_builds_failures_again_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reporter = BuildReporter(1)
    reporter.again = lambda runs: f"To build just it again: pyexp build {' '.join(run.full_name for run in runs)}"
    reporter.ended(failed("a", tmp_path))
    reporter.finish()
    assert "To build just it again: pyexp build exp:a\n" in capsys.readouterr().err


@pytest.mark.parametrize("seconds, text", [(0.04, "0.0 s"), (99.9, "99.9 s"), (100, "1 min 40 s"), (3661, "1 h 1 min")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


# -- the digest -------------------------------------------------------------------------------------------------


def test_failures_of_one_kind_are_one_group(tmp_path: Path) -> None:
    executions = [failed(f"r{i}", tmp_path, f"bad {i}") for i in range(12)] + [failed("x", tmp_path, where="b.py:1")]
    lines = [text for _, text in failure_lines(executions)]
    assert lines[0] == "ValueError at a.py:3  (12 runs, 12 messages, e.g. bad 0)"
    assert [line.split()[0] for line in lines[1:4]] == ["exp:r0", "exp:r1", "exp:r2"]
    assert lines[11] == "    ... and 2 more"
    assert lines[12] == "ValueError: no at b.py:1"


def test_failures_without_a_place_are_told_apart_by_their_message(tmp_path: Path) -> None:
    executions = [failed("a", tmp_path, "killed by 9", None), failed("b", tmp_path, "killed by 11", None)]
    assert [kind for kind, _ in failure_lines(executions)] == ["cause", "detail", "cause", "detail"]


def test_every_failure_has_the_path_of_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert list(failure_lines([failed("a", tmp_path)]))[1] == ("detail", "    exp:a  a/log.out")


def test_places_below_the_current_folder_are_shortened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ((_, cause), *_) = failure_lines([failed("a", tmp_path, where=f"{tmp_path}/a.py:3")])
    assert cause == "ValueError: no at a.py:3"


def test_a_few_skipped_runs_are_named_and_many_are_counted() -> None:
    few: dict[Any, str] = {Run("a"): "upstream exp:b failed"}
    assert list(skipped_lines(few)) == ["exp:a  skipped: upstream exp:b failed"]
    many: dict[Any, str] = {Run(str(i)): "upstream exp:b failed" for i in range(11)}
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


def test_the_live_line_shows_counts_and_what_is_running(watch: Callable[[], Terminal], tmp_path: Path) -> None:
    watch()
    reporter = ProgressReporter(10)
    for i in range(4):
        reporter.started(execution(f"r{i}", tmp_path))
    reporter.ended(SimpleNamespace(**vars(execution("x", tmp_path))))
    reporter.ended(failed("y", tmp_path))
    reporter.skip_uptodate(SimpleNamespace(run=Run("z")))
    text = rendered(reporter)
    assert "3/10" in text
    assert "1 done" in text and "1 failed" in text and "1 up to date" in text
    assert "running: exp:r0, exp:r1, exp:r2, exp:r3" in text
    reporter.pause()


def test_the_live_line_leaves_room_for_what_a_terminal_writes_after_ctrl_c(
    watch: Callable[[], Terminal], tmp_path: Path
) -> None:
    from rich.console import Console

    watch()
    reporter = ProgressReporter(10, console=Console(file=io.StringIO(), width=60, color_system=None))
    for i in range(8):
        reporter.started(execution(f"a_rather_long_name_{i}", tmp_path))
    first, last = rendered(reporter).rstrip("\n").splitlines()
    assert last.endswith("…") and len(last.rstrip()) <= 56
    assert "0/10" in first
    reporter.stopping(8)
    assert reporter.seconds_left() is None
    reporter.pause()


def test_failures_are_written_above_the_live_line(watch: Callable[[], Terminal], tmp_path: Path) -> None:
    terminal = watch()
    reporter = ProgressReporter(2)
    reporter.started(execution("a", tmp_path))
    reporter.ended(failed("a", tmp_path))
    assert "exp:a" in terminal.getvalue()
    assert "ValueError: no at a.py:3" in terminal.getvalue()
    reporter.finish()


def test_the_live_line_leaves_no_thread_behind(watch: Callable[[], Terminal], tmp_path: Path) -> None:
    import threading

    watch()
    before = threading.active_count()
    reporter = ProgressReporter(2)
    reporter.started(execution("a", tmp_path))
    assert threading.active_count() == before
    reporter.pause()


def test_the_cursor_comes_back(watch: Callable[[], Terminal], tmp_path: Path) -> None:
    terminal = watch()
    reporter = ProgressReporter(1)
    reporter.started(execution("a", tmp_path))
    assert "\x1b[?25l" in terminal.getvalue()
    reporter.pause()
    assert terminal.getvalue().rindex("\x1b[?25h") > terminal.getvalue().rindex("\x1b[?25l")


def test_the_time_left_is_known_after_the_first_run(watch: Callable[[], Terminal], tmp_path: Path) -> None:
    watch()
    reporter = ProgressReporter(3)
    assert reporter.seconds_left() is None
    reporter.started(first := execution("a", tmp_path))
    assert reporter.seconds_left() is None
    reporter.ended(first)
    left = reporter.seconds_left()
    assert left is not None and left >= 0
    reporter.pause()


@pytest.mark.parametrize("seconds, text", [(5, "0:05"), (75.9, "1:15"), (3675, "1:01:15")])
def test_the_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text
