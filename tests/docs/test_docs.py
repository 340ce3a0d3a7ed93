"""Every block of code in README.md and docs/ runs as printed, and prints what is printed below it.

How a block is run follows from its language:

- ``console``: lines that begin with ``$ `` are commands; what follows a command is its output (stdout and stderr).
- ``sh``: commands, whose output does not matter.
- ``python``: a script. ``pycon``: a session, checked by doctest.

An HTML comment before a block says more: ``file: NAME`` (write the block to that file), ``edit: NAME`` (apply the
diff), ``output`` (what the block before printed on stdout), ``shows: PATH`` (the content of a file that is there),
``exit: N ...`` (the status of each command, 0 without it), ``varies`` (do not compare the output), ``not run: WHY``.
``new folder`` alone on its line starts a new, empty folder; a document starts in one.

Outputs are compared loosely: times, durations, hashes, process numbers, host name, path and spacing do not count, and
``...`` in what is printed stands for anything.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.arguments import Parser, script_parser
from dodo_pyexp.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MEASURED = {"speed.md"}  # numbers of one machine, made by `make bench`: not executed here
CODE = {"console", "sh", "bash", "shell", "python", "pycon", "yaml", "toml", "diff", "json"}
BLOCK = re.compile(
    r"(?P<comments>(?:^[ ]*<!--.*?-->\n+)*)^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^ *```$", re.M | re.S
)
COMMENT = re.compile(r"<!--\s*(?P<word>[a-z ]+?)(?::\s*(?P<value>.*?))?\s*-->")
FOLDER = re.compile(r"^<!-- new folder -->$", re.M)


@dataclass
class Block:
    """A fenced block, with what the comments before it say."""

    language: str
    text: str
    line: int
    says: dict[str, str] = field(default_factory=dict)


def blocks(text: str, first_line: int = 1) -> Iterator[Block]:
    for match in BLOCK.finditer(text):
        says = {found["word"]: found["value"] or "" for found in COMMENT.finditer(match["comments"])}
        indent = len(match["indent"])
        body = "".join(line[indent:] if line.strip() else line for line in match["text"].splitlines(keepends=True))
        line = first_line + text.count("\n", 0, match.start("language"))
        yield Block(match["language"], body, line, says)


def chapters() -> Iterator[Any]:
    """Give each part of a document that starts in a folder of its own."""
    for path in DOCUMENTS:
        if path.name in MEASURED:
            continue
        text = path.read_text(encoding="utf-8")
        starts = [0, *(match.start() for match in FOLDER.finditer(text)), len(text)]
        for start, end in pairwise(starts):
            line = 1 + text.count("\n", 0, start)
            found = list(blocks(text[start:end], line))
            if found:
                tutorial = path.name == "README.md" and start == 0
                yield pytest.param(found, id=f"{path.name}:{line}", marks=[pytest.mark.slow] if tutorial else [])


class Reader:
    """Somebody who types what is printed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "lines"
        self.folder.mkdir()
        bin_folder = folder / "bin"
        bin_folder.mkdir()
        for name, command in {"python": "", "pyexp": "-m pyexp", "doit": "-m doit"}.items():
            script = bin_folder / name
            script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {command} "$@"\n')
            script.chmod(0o755)
        self._environment = os.environ | {
            "PATH": os.pathsep.join([str(bin_folder), os.environ.get("PATH", "")]),
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "PYTHONUNBUFFERED": "1",  # as on a terminal: stdout and stderr in order
            "PYTHONDONTWRITEBYTECODE": "1",  # a file that is edited within a second must be compiled again
            "GIT_CONFIG_GLOBAL": os.devnull,
            "NO_COLOR": "1",
            "TERM": "dumb",
            "COLUMNS": "100",
        }
        self._names: dict[str, object] = {}
        self._printed = ""

    def read(self, block: Block) -> None:
        says = block.says
        if "not run" in says:
            assert says["not run"], f"line {block.line}: say why this block is not run"
        elif "file" in says:
            path = self.folder / says["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif "edit" in says:
            self._edit(self.folder / says["edit"], block)
        elif "shows" in says:
            found = sorted(self.folder.glob(says["shows"]))
            assert found, f"line {block.line}: there is no {says['shows']}"
            self._compare(block.text, found[-1].read_text(encoding="utf-8"), block)
        elif "output" in says:
            if "varies" not in says:
                self._compare(block.text, self._printed, block)
        elif block.language == "console":
            self._console(block)
        elif block.language in ("sh", "bash", "shell"):
            self._run(block.text, block)
        elif block.language == "python":
            self._printed = self._run(f"exec python -c {shlex.quote(block.text)}", block)
        elif block.language == "pycon":
            self._session(block)
        else:
            assert block.language not in CODE, f"line {block.line}: say what this {block.language} block is"

    def _edit(self, path: Path, block: Block) -> None:
        old = "".join(line[1:] for line in block.text.splitlines(keepends=True) if line[:1] in "- \n")
        new = "".join(line[1:] for line in block.text.splitlines(keepends=True) if line[:1] in "+ \n")
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"line {block.line}: {path.name} has these lines {text.count(old)} times:\n{old}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def _console(self, block: Block) -> None:
        steps = re.split(r"^\$ ", block.text, flags=re.M)
        assert not steps[0].strip(), f"line {block.line}: a console block starts with a command"
        statuses = [int(status) for status in block.says.get("exit", "0 " * (len(steps) - 1)).split()]
        for step, status in zip(steps[1:], statuses, strict=True):
            command, _, expected = step.partition("\n")
            while command.endswith("\\"):
                more, _, expected = expected.partition("\n")
                command = f"{command[:-1]} {more}"
            printed = self._run(command, block, status)
            if expected.strip() and "varies" not in block.says:
                self._compare(expected, printed, block)

    def _run(self, command: str, block: Block, status: int = 0) -> str:
        done = subprocess.run(
            ["sh", "-c", command], cwd=self.folder, env=self._environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=60,
        )  # fmt: skip
        assert done.returncode == status, f"line {block.line}: {command}\n{done.stdout}"
        return done.stdout

    def _session(self, block: Block) -> None:
        test = doctest.DocTestParser().get_doctest(block.text, self._names, "session", None, block.line)
        said: list[str] = []
        runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
        runner.run(test, out=said.append, clear_globs=False)
        self._names = test.globs
        assert not said, f"line {block.line}:\n{''.join(said)}"

    def _compare(self, expected: str, printed: str, block: Block) -> None:
        wanted, found = self._loose(expected), self._loose(printed)
        pattern = re.escape(wanted).replace(re.escape("..."), ".*?")
        assert re.fullmatch(pattern, found, re.S), (
            f"line {block.line}: printed in the document\n\n{expected}\nreally\n\n{printed}"
        )

    def _loose(self, text: str) -> str:
        text = text.replace(str(self.folder), "/home/you/lines").replace("/home/you/lines/", "")
        for pattern, replacement in _LOOSE:
            text = re.sub(pattern, replacement, text)
        return "\n".join(" ".join(line.split()) for line in text.strip().splitlines())


_LOOSE = [
    (r"\b\d{4}-\d\d-\d\d[_T]\d\d[-:]\d\d[-:]\d\d(\.\d+)?([+-]\d{4}|-\d+)?", "<time>"),
    (rf"\b{re.escape(socket.gethostname())}\b", "laptop"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<hash>"),
    (r"\b[0-9a-f]{12,64}\b", "<hash>"),
    (r"\b\d+(\.\d+)? (s|ms|min)\b", "<n> s"),
    (r"\b\d+(\.\d+)? (B|kB|MB)\b", "<n> B"),
    (r'"(pid|started|space|build|start_seconds|seconds|python|experiment\.pkl)": "?[^",}\n]*"?', r'"\1": <n>'),
    (r"-{2,}", "--"),
    (r"={2,}", "=="),
    (r"─+", "─"),
]


@pytest.mark.parametrize("chapter", list(chapters()))
def test_every_block_runs_as_printed(chapter: list[Block], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(tmp_path)
    monkeypatch.chdir(reader.folder)
    for block in chapter:
        reader.read(block)


LINK = re.compile(r"\[[^\]]*\]\((?!https?:)(?P<path>[^)#\s]*)(?:#(?P<heading>[^)]*))?\)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", document.read_text(encoding="utf-8"), flags=re.S)
    for link in LINK.finditer(text):
        target = document.parent / link["path"] if link["path"] else document
        assert target.exists(), f"{document.name} links to {link['path']}"
        if link["heading"]:
            assert link["heading"] in anchors(target), f"{document.name} links to {link['path']}#{link['heading']}"


def anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), flags=re.M)
    return {anchor(heading) for heading in headings}


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


CITED = re.compile(r'docs/(?P<page>[\w-]+\.md)(?:, "(?P<heading>[^"]+)")?')


def test_what_a_docstring_says_that_it_implements_is_there() -> None:
    found = 0
    for path in sorted((ROOT / "dodo_pyexp").rglob("*.py")):
        for cited in CITED.finditer(" ".join(path.read_text(encoding="utf-8").split())):
            found += 1
            page = ROOT / "docs" / cited["page"]
            assert page.exists(), f"{path.name} names {cited[0]}"
            heading = cited["heading"]
            assert heading is None or anchor(heading) in anchors(page), f"{path.name} names {cited[0]}"
    assert found


def test_how_it_works_shows_every_room() -> None:
    text = (ROOT / "docs" / "how-it-works.md").read_text(encoding="utf-8").split("## The code", 1)[1]
    shown = re.findall(r"`([a-z_]+(?:/|\.py))`", text.split("|---|---|", 1)[1].split("\n\n", 1)[0])
    engine = ROOT / "dodo_pyexp"
    rooms = {f"{path.parent.name}/" for path in engine.glob("*/**/__init__.py")} | {
        path.name for path in engine.glob("*.py")
    }
    assert set(shown) == rooms - {"__init__.py"}


def test_the_readme_names_the_command_that_is_run_for_every_change() -> None:
    (command,) = re.findall(r"^exec (make \S+)", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.M)
    assert re.search(rf"^{command} ", (ROOT / "README.md").read_text(encoding="utf-8"), re.M)


REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")


def test_the_reference_has_every_public_name() -> None:
    import pyexp

    prose = REFERENCE.split("### Experiments", 1)[1]
    assert [name for name in pyexp.__all__ if not re.search(rf"\b{name}\b", prose)] == []


def test_the_reference_has_every_option_with_its_default() -> None:
    from dodo_pyexp.planning.options import DEFAULTS

    for option in DEFAULTS.__slots__:
        default = getattr(DEFAULTS, option)
        shown = "none" if default is None else f"`{default}`" if not isinstance(default, str) else f'`"{default}"`'
        assert f"| `{option}` | {shown} |" in REFERENCE


@pytest.mark.parametrize("name", COMMANDS)
def test_the_reference_has_every_flag_of_a_command(name: str) -> None:
    parser = Parser(prog="pyexp")
    import_module(f"dodo_pyexp.cli.{name}").add_arguments(parser)
    lines = [line for line in REFERENCE.splitlines() if line.startswith("| `pyexp ")]
    line = next(line for line in lines if line.startswith(f"| `pyexp {name}"))
    if "the flags of `build`" in line:
        line += next(line for line in lines if line.startswith("| `pyexp build"))
    flags = {flag for action in parser._actions for flag in action.option_strings} - {"-h", "--help"}
    assert [flag for flag in flags if flag not in line and flag != "--capture=no"] == []
    told = {flag.split()[0] for flag in re.findall(r"`(--?[a-z][a-z-]*)", line)}
    assert told - flags == set()


def test_the_reference_has_every_flag_of_a_script() -> None:
    section = REFERENCE.split("## Command line", 1)[1].split("### Exit", 1)[0]
    flags = {flag for action in script_parser("x.py")._actions for flag in action.option_strings}
    assert [flag for flag in flags - {"-h", "--help", "--capture=no"} if flag not in section] == []
