"""Whatever lies in the place of a file or folder in `out/`, every command ends, and healthy runs are shown."""

from __future__ import annotations

import contextlib
import faulthandler
import io
import os
import random
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.cli.main import main

SECONDS = 20  # far beyond what any of these commands takes
SCRIPT = """
import pyexp

@pyexp.experiment(executor="inline", timestamp={})
def exp(cfg, out):
    print("a line in the log")
    (out / "saved.txt").write_text("hello")
    return {{"x": cfg.x}}

exp.configs(lambda: [{{"name": "healthy", "x": 10}}, {{"name": "ill", "x": 20}}])

@exp.report
def report(results, out):
    (out / "sum.txt").write_text(str(len(results)))
"""
LOOKING = [
    ["list", "listed.py"], ["list", "listed.py", "--all"], ["list", "listed.py", "--batches"], ["results", "exp"],
    ["results", "exp", "--json"], ["log", "exp:ill"], ["log", "exp:healthy", "-f"], ["graph", "listed.py"],
    ["build", "listed.py", "-n"], ["diff", "exp:healthy", "exp:ill"], ["diff", "exp:ill", "exp:healthy"],
    ["clean", "exp", "-n"], ["clean", "--old", "-n"], ["clean", "exp", "--orphans", "-n"], ["accept", "listed.py"],
]  # fmt: skip


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def folder(path: Path) -> None:
    path.mkdir()
    (path / "file").write_text("something")


def unix_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made, contextlib.chdir(path.parent):
        made.bind(path.name)


def nested(path: Path) -> None:
    path.write_bytes(b'{"format": 1, "runs": ' + b"[" * 1_000_000)


def large(path: Path) -> None:
    path.write_bytes(b"{")
    os.truncate(path, 63 << 20)


def huge(path: Path) -> None:
    path.write_bytes(b"{")
    os.truncate(path, 1 << 42)


class Ended(BaseException):
    """It took too long."""


@pytest.fixture
def in_time() -> Iterator[Callable[[], None]]:
    """Start the clock again: what takes longer fails; what waits in C, where no signal is heard, ends the session."""

    def ring(*_: Any) -> None:
        raise Ended

    before = signal.signal(signal.SIGALRM, ring)

    def again() -> None:
        signal.alarm(SECONDS)
        faulthandler.dump_traceback_later(3 * SECONDS, exit=True)

    yield again
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
    faulthandler.cancel_dump_traceback_later()


def run(*arguments: str) -> tuple[int, str, str]:
    sys.modules.pop("listed", None)
    shown = io.TextIOWrapper(io.BytesIO())  # `log` writes bytes
    with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(io.StringIO()) as said:
        status = main(list(arguments))
    shown.flush()
    return status, shown.buffer.getvalue().decode(), said.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "kind", [pipe, device, loop, folder, unix_socket, nested, large, huge], ids=lambda kind: kind.__name__
)
def test_every_command_ends_whatever_lies_there(
    here: Path, dice: random.Random, in_time: Callable[[], None], kind: Callable[[Path], None]
) -> None:
    """Drawn anew each time: the layout, the places and the commands."""
    (here / "pyproject.toml").touch()
    (here / "listed.py").write_text(SCRIPT.format(dice.random() < 0.5))
    assert run("build", "listed.py")[0] == 0
    out = (here / "out").rename(here / "whole")
    places = [path.relative_to(out) for path in sorted(out.rglob("*")) if len(path.relative_to(out).parts) > 1]
    places = [place for place in places if ".snapshots" not in place.parts[1:-2]]  # copies of code
    if kind in (large, huge):
        places = [place for place in places if (out / place).is_file()]
    if kind is huge:  # what a run saves or prints may be as large as the disk
        places = [place for place in places if place.name not in ("saved.txt", "sum.txt", "log.out")]
    names = {place.name for place in places} | {"log.out"}
    assert names >= {".finished", "status.json", "config.json", "result.json", "experiment.pkl", "log.out", ".commit"}
    for place in [
        Path(".doit.db"),
        *dice.sample(places, k=2 if kind is large else 6),
        dice.choice([place for place in places if place.name.endswith(".json") and place.parent.name == ".batches"]),
    ]:
        shutil.rmtree(here / "out", ignore_errors=True)
        shutil.copytree(out, here / "out", copy_function=os.link)
        target = here / "out" / place
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)
        kind(target)
        where = f"{kind.__name__} at {place}"
        for command in [*dice.sample(LOOKING, k=3), ["build", "listed.py"]]:
            in_time()
            try:
                status, _, said = run(*command)
            except (Exception, Ended) as error:
                raise AssertionError(f"{where}: {command}") from error
            assert status in (0, 1, 2, 3) and "Traceback" not in said, f"{where}: {command}: {said}"
        ill = place.name != ".doit.db" and place.parts[1].startswith("ill")
        if ill and len(place.parts) > 2:
            assert status == 0, f"{where}: {said}"  # whatever there was, the build has mended it
            assert "10" in run("results", "exp")[1] and "20" in run("results", "exp")[1], where
        elif ill:
            assert "10" in run("results", "exp")[1], where


def other_types(path: Path) -> None:
    path.write_text('{"format": [], "name": {}, "state": 7, "attempt": null, "runs": 1.5, "config": "\\\\ud800"}')


@pytest.mark.parametrize(
    "kind", [pipe, device, loop, folder, nested, other_types, Path.touch], ids=lambda kind: kind.__name__
)
def test_reproduce_says_what_it_cannot_use(
    here: Path, in_time: Callable[[], None], kind: Callable[[Path], None]
) -> None:
    (here / "pyproject.toml").touch()
    (here / "listed.py").write_text(SCRIPT.format(True))
    assert run("build", "listed.py")[0] == 0
    out = (here / "out").rename(here / "whole")
    attempt = next(path.parent.relative_to(out) for path in out.rglob("ill/*/status.json"))
    names = ["status.json", "config.json", "result.json", "experiment.pkl", "log.out", ".finished", ".commit"]
    beside = [attempt.parent / ".finished", Path("exp/.experiment.json"), Path("exp/.environment/last.json")]
    for place in [*(attempt / name for name in names), *beside]:
        shutil.rmtree(here / "out", ignore_errors=True)
        shutil.copytree(out, here / "out", copy_function=os.link)
        (here / "out" / place).unlink(missing_ok=True)
        kind(here / "out" / place)
        in_time()
        try:
            status, shown, said = run("reproduce", "exp:ill")
        except (Exception, Ended) as error:
            raise AssertionError(f"{place}") from error
        assert "Traceback" not in shown + said, f"{place}: {said}"
        if place.name in ("status.json", "config.json"):
            assert status == 2 and said.startswith("error: "), f"{place}: {said}"
        else:  # what it is compared with may be gone, and it says so
            assert status in (0, 1, 2) and shown + said, f"{place}: {said}"


@pytest.mark.parametrize("kind", [folder, Path.touch], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(
    "place", [".environment", ".environment/last.json", ".code", ".code/*.json", ".experiment.json"]
)
def test_what_stands_where_a_build_writes_fails_no_run(
    here: Path, in_time: Callable[[], None], kind: Callable[[Path], None], place: str
) -> None:
    (here / "pyproject.toml").touch()
    (here / "listed.py").write_text(SCRIPT.format(True))
    assert run("build", "listed.py")[0] == 0
    target = next((here / "out" / "exp").glob(place))
    if target.is_dir():
        shutil.rmtree(target)
    else:
        target.unlink()
    kind(target)
    in_time()
    status, _, said = run("build", "listed.py", "--rerun")
    assert "FAILED" not in said and "Error" not in said, said
    if status == 2:  # what the runs are made of could not be put on record
        assert said.startswith("error: cannot write to out/exp/"), said
    else:
        assert status == 0 and "2 executed" in said, said
