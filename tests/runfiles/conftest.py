"""Run files, used as a user would: by ``pyexp run``, in this process where nothing is executed."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from dodo_pyexp import errors
from dodo_pyexp.cli.main import main

# Which file tests a module that has none of its own name: here, or with its path in `tests/`.
COVERED = {
    "entry": "runfiles/native/test_file.py",
    "preparing": "runfiles/native/test_file.py",
    "refitting": "history/test_reproduce.py",
    "search": "runfiles/native/test_file.py",
    "variables": "runfiles/native/test_file.py",
    "wanted": "cli/test_run.py",
}


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The one sentence of a mistake."""
        assert self.code == 2, (self.out, self.err)
        found = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(found) == 1, self.err
        assert "Traceback" not in self.out + self.err
        return found[0].removeprefix("error: ")


class Here:
    """An empty folder, which is the current one."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def write(self, **files: str) -> None:
        """Write files; ``conf__a_yml`` is ``conf/a.yml``."""
        for name, text in files.items():
            stem, _, suffix = name.replace("__", "/").rpartition("_")
            self.put(f"{stem}.{suffix}", text)

    def put(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")

    def pyexp(self, *words: str) -> Done:
        """Run a command in this process."""
        errors._said.clear()
        self._capsys.readouterr()
        code = main(words)
        said = self._capsys.readouterr()
        return Done(code, said.out, said.err)

    def run(self, *words: str) -> Done:
        return self.pyexp("run", *words)

    def show(self, *words: str) -> Any:
        done = self.run(*words, "--show")
        assert done.code == 0, done.err
        return done.json

    def files(self) -> set[str]:
        """Every file and folder there is."""
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*")}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Here]:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    environment, path, written = dict(os.environ), list(sys.path), sys.dont_write_bytecode
    modules = set(sys.modules)
    yield Here(folder, capsys)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:] = path
    sys.dont_write_bytecode = written
    for name in set(sys.modules) - modules:
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def sentence(here: Here) -> Callable[..., None]:
    """Check that a command ends with one sentence, with some words in it."""

    def check(*words: str, says: tuple[str, ...]) -> None:
        error = here.run(*words).error
        for part in says:
            assert part in error, error

    return check
