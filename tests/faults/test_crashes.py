"""The crash matrix: whatever a run does to itself, its siblings complete and the cause is named."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

# What a run does, and what is said of it: a pattern for "type: message"; None where it does no harm at all.
CRASHES: dict[str, tuple[str, str | None]] = {
    "exception": ("raise ValueError('no luck')", r"ValueError: no luck at .*body\.txt:2"),
    "system exit": ("sys.exit(3)", r"SystemExit: the function called sys\.exit\(3\)"),
    "_exit 0": ("os._exit(0)", "ProcessExited: .* exit status 0 before the function had returned"),
    "_exit 3": ("os._exit(3)", "ProcessExited: .* exit status 3 before the function had returned"),
    "segmentation fault": ("import ctypes; ctypes.string_at(0)", "ProcessKilled: .* SIGSEGV"),
    "killed": ("os.kill(os.getpid(), signal.SIGKILL)", "ProcessKilled: .* SIGKILL; often .* out of memory"),
    "abort": ("os.abort()", "ProcessKilled: .* SIGABRT"),
    # From Python 3.12 on, recursion in C has a limit as well.
    "recursion in C": ("sys.setrecursionlimit(10**9); nested() == nested()", "ProcessKilled.* SIGSEGV|RecursionError"),
    "memory limit": ("limited_memory()", "MemoryError"),
    "unpicklable": ("return threading.Lock()", "UnsavableResult: the return value cannot be pickled"),
    "never unpickled": ("return Bomb()", None),
    "thread": ("threading.Thread(target=time.sleep, args=(1000,)).start()", None),
    "closed fds": ("os.close(1); os.close(2)", None),
    "child": ("subprocess.Popen(['sleep', '1000'])", None),
    "chdir": ("os.chdir('/')", None),
    "environment": ("os.environ.clear(); os.environ['HOME'] = '/nowhere'", None),
    "arguments": ("sys.argv[:] = ['x']; sys.path.insert(0, '/nowhere'); sys.stdout = sys.stderr = None", None),
    "signals": ("[signal.signal(n, signal.SIG_IGN) for n in (2, 15)]; os.kill(os.getpid(), 15)", None),
}
# In the build's own process these end the build: that is what the executor is for. See `test_inline_...` below.
DEADLY = {"segmentation fault", "killed", "abort", "recursion in C", "thread", "child"}

BODIES = """
import os, resource, signal, subprocess, sys, threading, time

def nested():
    value = []
    for _ in range(200_000):
        value = [value]
    return value

def limited_memory():
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize() if os.path.exists("/proc") else 0
    resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), before[1]))
    try:
        return bytearray(1 << 40)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)

def explode():
    raise SystemExit("boom")

class Bomb:
    def __reduce__(self):
        return explode, ()

def perform(body):
    lines = "".join(f"    {line}\\n" for line in body.splitlines())
    exec(compile(f"def function():\\n{lines}", "body.txt", "exec"), globals())
    return function()
"""
EXPERIMENT = """
import json, os, sys
import pyexp
from bodies import perform
from tally import mark

@pyexp.experiment(stash=False)
def exp(cfg, out, deps):
    mark(cfg)
    print("before")
    return perform(cfg.body) if "body" in cfg else {"ok": cfg.name, "deps": [dep.result for dep in deps]}

@exp.configs
def configs():
    for kind, body in json.load(open("kinds.json")).items():
        yield {"name": kind, "body": body}
        yield {"name": f"sibling of {kind}"}
        yield {"name": f"behind {kind}", "depends_on": f"^{kind}$"}

if __name__ == "__main__":
    exp.run()
    assert os.path.exists("kinds.json"), "the build is where it was"
    assert os.environ["TALLY"] and sys.stdout and sys.argv[0] == "exp.py" and "/nowhere" not in sys.path
    for result in exp.results():
        if result.name.startswith("sibling") and result.finished:
            assert result.result == {"ok": result.name, "deps": []}, result
"""


def lay_out(project: Any, kinds: dict[str, str]) -> None:
    (project.folder / "kinds.json").write_text(json.dumps(kinds))
    project.write("bodies.py", BODIES)
    project.write("exp.py", EXPERIMENT)


def cause(project: Any, kind: str) -> str:
    """What the newest attempt's status says of a failure."""
    names = {json.loads(path.read_text())["run"]: path for path in sorted(project.out.glob("exp/*/*/status.json"))}
    error = json.loads(names[kind].read_text())["error"]
    return f"{error['type']}: {error['message']} at {error['where']}"


def finished(project: Any) -> set[str]:
    return {json.loads(path.read_bytes())["name"] for path in project.out.glob("exp/*/.finished")}


def check(project: Any, done: Any, kinds: list[str], command: tuple[str, ...]) -> None:
    """All siblings have completed, each cause is told, and the next build tries nothing but the failures again."""
    said = done.stdout + done.stderr
    assert "boom" not in done.stderr.replace("SystemExit: boom", "")
    fine = {kind for kind in kinds if CRASHES[kind][1] is None}
    # A result that cannot be read back harms those alone that ask for it.
    usable = fine - {"never unpickled"}
    expected = fine | {f"sibling of {kind}" for kind in kinds} | {f"behind {kind}" for kind in usable}
    assert finished(project) == expected, said
    for kind in kinds:
        pattern = CRASHES[kind][1]
        if pattern is not None:
            assert re.search(pattern, cause(project, kind)), cause(project, kind)
            named = pattern.split(" at ")[0]
            assert re.search(f"exp:{kind}.*({named})", said), said
    if "never unpickled" in kinds:
        assert "SystemExit: boom" in cause(project, "behind never unpickled")
    before = project.tally()
    project.python(*command, status=None)
    again = {kind for kind in kinds if CRASHES[kind][1] is not None}
    again |= {"behind never unpickled"} & {f"behind {kind}" for kind in kinds}
    assert project.tally() - before == Counter(again)


@pytest.mark.parametrize("executor", ["fork", "subprocess"])
def test_no_crash_harms_a_sibling_and_every_cause_is_told(
    project: Any,
    executor: str,
    dice: random.Random,
    nothing_survives: Callable[[], None],
    figures: Callable[..., None],
) -> None:
    kinds = list(CRASHES)
    dice.shuffle(kinds)
    lay_out(project, {kind: CRASHES[kind][0] for kind in kinds})
    command = ("exp.py", "--executor", executor, "-j", "3")
    done = project.python(*command, status=1)
    assert "Traceback" not in done.stderr, done.stderr
    check(project, done, kinds, command)
    nothing_survives()
    figures(kinds_of_crash=len(kinds), siblings_finished=sum("sibling" in name for name in finished(project)))


@pytest.mark.parametrize("door", ["script", "doit"])
def test_inline_no_crash_that_a_process_survives_harms_a_sibling(project: Any, door: str, dice: random.Random) -> None:
    kinds = [kind for kind in CRASHES if kind not in DEADLY]
    dice.shuffle(kinds)
    lay_out(project, {kind: CRASHES[kind][0] for kind in kinds})
    if door == "script":
        command: tuple[str, ...] = ("exp.py", "--executor", "inline")
    else:
        project.edit("exp.py", "experiment(stash", "experiment(executor='inline', stash")
        command = ("-m", "doit", "-f", "exp.py")
    done = project.python(*command, status=None)
    assert done.returncode == (1 if door == "script" else 2), done.stderr  # doit counts what it skips as an error
    assert "Traceback" not in done.stderr, done.stderr
    check(project, done, kinds, command)


@pytest.mark.parametrize(
    "kind",
    ["segmentation fault"]
    + [pytest.param(kind, marks=pytest.mark.soak) for kind in ("killed", "abort", "recursion in C")],
)
def test_inline_a_crash_that_ends_the_build_loses_nothing_that_was_finished(project: Any, kind: str) -> None:
    lay_out(project, {"unpicklable": CRASHES["unpicklable"][0], kind: CRASHES[kind][0]})
    before = project.python("exp.py", "--executor", "inline", "--filter", f"sibling of {kind}", status=0)
    have = finished(project)
    assert have == {f"sibling of {kind}"}, before.stderr
    done = project.python("exp.py", "--executor", "inline", status=None)
    if done.returncode == 1:  # this Python turns it into an exception
        assert "RecursionError" in done.stderr
        return
    tally, have = project.tally(), finished(project)
    project.python("exp.py", "--executor", "subprocess", status=1)
    left = {"unpicklable", kind, "sibling of unpicklable", f"sibling of {kind}"} - have
    assert project.tally() - tally == Counter(left)


def test_plain_doit_survives_the_crashes_too(project: Any, nothing_survives: Callable[[], None]) -> None:
    kinds = ["killed", "_exit 0", "exception", "child", "unpicklable"]
    lay_out(project, {kind: CRASHES[kind][0] for kind in kinds})
    project.edit("exp.py", "experiment(stash", "experiment(executor='fork', stash")
    done = project.doit("-f", "exp.py", status=2)
    check(project, done, kinds, ("-m", "doit", "-f", "exp.py"))
    nothing_survives()


def test_a_crash_of_the_pool_of_doit_itself_loses_nothing_that_was_finished(project: Any) -> None:
    """`doit -n` executes in processes of its own, which an inline run may end: doit's to survive, ours to go on."""
    lay_out(project, {"_exit 3": "os._exit(3)"})
    project.edit("exp.py", "experiment(stash", "experiment(executor='fork', stash")
    done = project.doit("-f", "exp.py", "-n", "2", status=2)
    assert "exit status 3" in done.stdout + done.stderr
    assert finished(project) == {"sibling of _exit 3"}
