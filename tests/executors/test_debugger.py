"""`breakpoint()` and `pdb` in a run: the inline executor gives them the terminal, elsewhere the message says so."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from typing import Any

import pytest

EXPERIMENT = """
    import pyexp

    @pyexp.experiment(stash=False)
    def exp(cfg):
        print("before")
        x = 41
        BREAK
        x += 1
        print("after")
        return x

    exp.configs(lambda: [{"name": "a"}, {"name": "b"}])
"""


class Terminal:
    """A build on a terminal."""

    def __init__(self, project: Any, *arguments: str, **more: str) -> None:
        self._ours, theirs = pty.openpty()
        environment = {**project.environment, "TERM": "xterm", **more}
        environment.pop("CI", None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pyexp", "build", "exp.py", *arguments], cwd=project.folder, env=environment,
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self.shown = ""

    def until(self, text: str, seconds: float = 30.0) -> str:
        """Read until a text is shown, or to the end; give what is new."""
        start, end = len(self.shown), time.monotonic() + seconds
        while (not text or text not in self.shown[start:]) and time.monotonic() < end:
            if not select.select([self._ours], [], [], 0.1)[0]:
                continue
            try:
                self.shown += os.read(self._ours, 1 << 16).decode().replace("\r\n", "\n")
            except OSError:  # it has ended
                break
        assert text in self.shown[start:], self.shown
        return self.shown[start:]

    def type(self, text: str) -> None:
        os.write(self._ours, f"{text}\n".encode())

    def end(self) -> int:
        self.until("")
        os.close(self._ours)
        return self.process.wait(30)


@pytest.mark.parametrize("how", ["breakpoint()", "import pdb; pdb.set_trace()"])
def test_inline_runs_have_the_terminal_until_the_debugger_goes_on(project: Any, how: str) -> None:
    project.write("exp.py", EXPERIMENT.replace("BREAK", how))
    build = Terminal(project, "--executor", "inline")
    build.until("(Pdb) ")
    build.type("p x + 1000")
    assert "1041" in build.until("(Pdb) ")
    build.type("c")
    build.until("(Pdb) ")  # of the next run
    for step in ("n", "n", "n", "n", "n"):  # out of the function, where there is nothing more to show
        build.type(step)
        if "Return" in build.until("exp()"):
            build.type("n")
            break
    assert build.end() == 0
    assert "2 executed" in build.shown
    logs = {path.parts[-3]: path.read_text() for path in project.out.glob("exp/*/*/log.out")}
    assert logs == {"a": "before\nafter\n", "b": "before\n"}  # what was stepped over was shown


def test_who_quits_the_debugger_is_told_what_ended_the_run(project: Any) -> None:
    project.write("exp.py", EXPERIMENT.replace("BREAK", "breakpoint()").replace(', {"name": "b"}', ""))
    build = Terminal(project, "--executor", "inline")
    build.until("(Pdb) ")
    build.type("q")
    assert build.end() == 1
    assert "BdbQuit: the debugger was quit" in build.shown
    assert "needs a terminal" not in build.shown


@pytest.mark.parametrize("executor", ["subprocess", "fork"])
def test_elsewhere_the_message_names_the_executor_that_has_a_terminal(project: Any, executor: str) -> None:
    project.write("exp.py", EXPERIMENT.replace("BREAK", "breakpoint()"))
    said = project.pyexp("build", "exp.py", "--executor", executor, status=1).stderr
    assert "BdbQuit: the debugger was quit" in said
    assert "--executor inline" in said


def test_the_cursor_is_there_while_a_build_draws(project: Any) -> None:
    """So a build that is killed with SIGKILL does not leave a terminal without one."""
    project.write("exp.py", EXPERIMENT.replace("BREAK", "import time; time.sleep(300)"))
    build = Terminal(project, "--executor", "subprocess")
    build.until("running: exp:a")
    build.process.kill()
    build.process.wait(30)
    build.until("")
    assert build.shown.rfind("\x1b[?25h") >= build.shown.rfind("\x1b[?25l")
