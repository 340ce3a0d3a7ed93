"""Every state file cut off at every byte, emptied, gone: that run is rebuilt, or nothing; there is no traceback."""

from __future__ import annotations

import contextlib
import io
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import pyexp
from dodo_pyexp.cli.main import main

# What a run needs to be finished: its record, and the files of its result. Everything else tells people something.
VITAL = {".finished", "config.json", "experiment.pkl", "result.json", "saved.txt"}
executed: list[str] = []
EDITED = """
import pyexp

@pyexp.experiment(stash=False)
def exp(cfg): ...

exp.configs(lambda: [{"name": "first", "x": 1}, {"name": "second", "x": 2, "depends_on": "first"}])
"""


def exp(cfg: Any, out: Path, deps: Any) -> Any:
    executed.append(cfg.name)
    print("a line in the log")
    (out / "saved.txt").write_text("hello")
    return {"x": cfg.x, "above": [dep.result["x"] for dep in deps]}


class Folder:
    """An output folder that is damaged again and again, and each time laid out as it was."""

    def __init__(self, root: Path, *, flat: bool, code: str) -> None:
        self.out, self._root = root / "out", root
        self.experiment = pyexp.experiment(exp, timestamp=not flat, code=code)
        self.experiment.configs(lambda: [{"name": "first", "x": 1}, {"name": "second", "x": 2, "depends_on": "first"}])
        assert self.build(stash=True) == ["first", "second"]
        shutil.rmtree(self.out / "exp" / ".snapshots")  # nothing reads it, and it is large
        shutil.copytree(self.out, root / "whole", copy_function=os.link)
        files = [path for path in self.out.rglob("*") if path.is_file()]
        self.files = {path: path.read_bytes() for path in sorted(files)}
        assert {path.name for path in self.files} >= VITAL | {"status.json", ".commit", ".doit.db", "config.yml"}
        (root / "listed.py").write_text(EDITED)

    def build(self, *, stash: bool = False) -> list[str]:
        executed.clear()
        with contextlib.redirect_stderr(io.StringIO()) as said:
            self.experiment.run(executor="inline", stash=stash)
        assert "Traceback" not in said.getvalue() and "error" not in said.getvalue(), said.getvalue()
        return list(executed)

    def is_vital(self, path: Path) -> bool:
        """The record, or a file of the attempt that it names; of the two `.finished` of a run, the outer."""
        parts = path.relative_to(self.out).parts[1:]
        flat = self.experiment.definition.options.timestamp is False
        depth = 2 if flat or path.name == ".finished" else 3
        return len(parts) == depth and parts[0] not in (".batches", ".code") and path.name in VITAL

    def restore(self) -> None:
        shutil.rmtree(self.out)
        shutil.copytree(self._root / "whole", self.out, copy_function=os.link)

    def damage(self, path: Path, size: int | None) -> None:
        """Cut a file off, without the other names that it has."""
        path.unlink()
        if size is not None:
            path.write_bytes(self.files[path][:size])

    def read(self, dice: random.Random) -> None:
        """Look at everything there is to look at; mistakes of the user's are one sentence, and no other exception."""
        commands = [
            ["list", "listed.py"], ["list", "listed.py", "--batches"], ["results"], ["log", "exp:first"],
            ["graph", "listed.py"], ["results", "exp", "--json"], ["build", "listed.py", "-n"], ["clean", "exp", "-n"],
        ]  # fmt: skip
        shown = io.TextIOWrapper(io.BytesIO())  # `log` writes bytes
        with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(io.StringIO()) as said:
            assert main(dice.choice(commands)) in (0, 2, 3), said.getvalue()
            try:
                for result in self.experiment.results():
                    assert result.result is None or result.result["x"] in (1, 2)
                    assert str(result) and result.cfg["x"] in (1, 2) and result.error is None
            except pyexp.PyexpError:
                pass
        assert "Traceback" not in said.getvalue()

    def check(self, path: Path, size: int | None, dice: random.Random) -> None:
        """Damage a file, look, build, look again."""
        self.restore()
        self.damage(path, size)
        where = f"{path.relative_to(self.out)} cut off at {size}"
        if dice.random() < 0.1:
            self.read(dice)
        found = self.build()
        _, *inside = path.relative_to(self.out).parts
        run = inside[0].partition("-")[0] if inside else ""  # doit's database and .gitignore are nobody's
        whole = size is not None and path.name == ".finished" and self.files[path][size:] == b"\n"
        if self.is_vital(path) and not whole:
            assert found == [run], where  # early cutoff: what comes behind stays as it is
        else:
            assert found == [], where
        results = self.experiment.results()
        assert [result.result for result in results] == [{"x": 1, "above": []}, {"x": 2, "above": [1]}], where
        assert self.build() == [], where


@pytest.fixture(params=["kept apart", "flat"])
def folder(here: Path, request: pytest.FixtureRequest) -> Iterator[Folder]:
    executed.clear()
    yield Folder(here, flat=request.param == "flat", code="warn")
    executed.clear()


def lengths(size: int) -> list[int | None]:
    return [None, *range(size)]


def test_a_file_that_is_cut_off_costs_its_own_run_at_most(folder: Folder, dice: random.Random) -> None:
    for path, data in folder.files.items():
        every = lengths(len(data))
        for size in {None, *every[1:2], every[-1], dice.choice(every)}:
            folder.check(path, size, dice)


@pytest.mark.soak
def test_every_file_cut_off_at_every_byte_costs_its_own_run_at_most(
    folder: Folder, dice: random.Random, figures: Callable[..., None]
) -> None:
    for path, data in folder.files.items():
        every = lengths(len(data))
        if path.name == ".doit.db":  # mostly zeros: every byte where there are others, and each page
            every = [size for size in every if not size or size % 512 == 0 or any(data[size - 8 : size + 8])]
        for size in every:
            folder.check(path, size, dice)
        figures(files=1, damages=len(every))


JUNK = {
    "zeros": b"\0" * 100, "no text": b"\xff" * 100, "object": b"{}", "list": b"[]", "null": b"null",
    "deep": b"[" * 100_000, "format": b'{"format": 1}',
}  # fmt: skip


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
def test_a_file_that_holds_something_else_costs_its_own_run_at_most(
    folder: Folder, dice: random.Random, junk: bytes
) -> None:
    for path in folder.files:
        if path.name in ("saved.txt", "experiment.pkl"):
            continue  # a larger file counts as whole where the run saved it; a pickle of the same size is not read
        folder.files[path] = junk
        if junk == b"[" * 100_000 or junk == b"\xff" * 100 or dice.random() < 0.3:
            folder.check(path, len(junk), dice)


def test_everything_damaged_at_once_is_everything_built_again(folder: Folder, dice: random.Random) -> None:
    for _ in range(3):
        folder.restore()
        for path, data in folder.files.items():
            folder.damage(path, dice.randrange(len(data)) if data else 0)
        folder.read(dice)
        assert folder.build() == ["first", "second"]
        assert [result.result["x"] for result in folder.experiment.results()] == [1, 2]
        assert folder.build() == []


@pytest.mark.parametrize("kind", ["folder", "link to nowhere", "unreadable"])
def test_a_folder_or_a_link_in_place_of_a_state_file_is_no_traceback(folder: Folder, kind: str) -> None:
    for path in folder.files:
        folder.restore()
        path.unlink()
        if kind == "folder":
            path.mkdir()
        elif kind == "link to nowhere":
            path.symlink_to("nowhere")
        else:
            path.write_bytes(folder.files[path])
            path.chmod(0)
        executed.clear()
        shown = io.TextIOWrapper(io.BytesIO())
        with contextlib.redirect_stderr(io.StringIO()) as said, contextlib.redirect_stdout(shown):
            with contextlib.suppress(pyexp.PyexpError):
                folder.experiment.run(executor="inline", stash=False)
            main(["results"])
        assert "Traceback" not in said.getvalue(), (path, said.getvalue())
        assert set(executed) <= {"first", "second"}
