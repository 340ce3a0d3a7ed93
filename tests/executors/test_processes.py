"""Runs in processes of their own: crashes, what they print, what they leave behind, and the guardian."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dodo_pyexp.executors.forking.server import POSSIBLE

CRASHES = [
    ("os._exit(0)", "ProcessExited", "exit status 0 before the function had returned"),
    ("os._exit(3)", "ProcessExited", "exit status 3 before the function had returned"),
    ("import ctypes; ctypes.string_at(0)", "ProcessKilled", "killed by SIGSEGV"),
    ("os.kill(os.getpid(), 9)", "ProcessKilled", "killed by SIGKILL; often the sign of running out of memory"),
    ("os.abort()", "ProcessKilled", "killed by SIGABRT"),
    ("os.kill(os.getpid(), 15)", "ProcessKilled", "killed by SIGTERM"),
    ("os.kill(os.getpid(), 40)", "ProcessKilled", "killed by signal 40"),
]


def train(body, executor, more="", head=""):
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return f"{head}\n@pyexp.experiment(executor={executor!r}, stash=False{more})\ndef train(cfg, out):\n{lines}"


def alive(pid: int) -> bool:
    """Tell whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until(condition, seconds=20.0):
    """Wait for a condition, and give what it gives."""
    end = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return found


def test_a_crash_is_that_runs_failure_and_its_cause_is_told(script, isolated):
    branches = "".join(f"if cfg.n == {n}:\n    {body}\n" for n, (body, _, _) in enumerate(CRASHES))
    configs = f"CONFIGS = [{{'name': f'r{{n}}', 'n': n}} for n in range({len(CRASHES) + 1})]\n"
    built = script(train(f"print('before')\n{branches}return 1", isolated) + configs)
    assert built.code == 1
    for n, (_, kind, message) in enumerate(CRASHES):
        name = f"r{n}"
        found = built.error(name)
        assert found[0] == kind and message in found[1]
        assert not built.finished(name)
        assert built.log(name).startswith("before\n")
        assert message in built.log(name)
        assert f"train:{name}  FAILED  {kind}: " in built.stderr
    assert built.finished(f"r{len(CRASHES)}")


def test_the_log_of_a_segmentation_fault_tells_where_it_was(script, isolated):
    built = script(train("import ctypes\nif cfg.name == 'r': ctypes.string_at(0)", isolated))
    assert "Segmentation fault" in built.log()
    assert "script.py" in built.log() and "in train" in built.log()


def test_everything_printed_is_in_the_log_in_order(script, executor):
    body = (
        "import ctypes, subprocess\nlibc = ctypes.CDLL(None)\n"
        "print('1 python')\nprint('2 stderr', file=sys.stderr)\n"
        "libc.puts(b'3 c'); libc.fflush(None)\n"
        "subprocess.run(['sh', '-c', 'echo 4 child; echo 5 child error >&2'])\n"
        "sys.stdout.write('6 no newline'); os.write(1, b'\\n7 raw\\n')\n"
        "os.write(2, b'8 \\xff\\xfe not utf-8\\n')\nprint('9 \\ud800 \\u2713')\n"
    )
    built = script(train(body, executor))
    assert built.code == 0, built.stderr
    assert [line.split()[0] for line in built.log().splitlines()] == list("123456789")
    assert "\\ud800 ✓" in built.log()
    assert "1 python" not in built.stdout + built.stderr


def test_live_output_is_shown_and_kept(script, executor):
    body = "print('hello', cfg.name)\nos.system('echo child')\nif cfg.name == 'r': raise ValueError('shown too')"
    built = script(train(body, executor), "-s")
    assert built.code == 1
    for text in ("hello r", "child", "ValueError: shown too"):
        assert text in built.log()
        assert text in built.stdout
    assert built.log("other") == "hello other\nchild\n"


def test_the_log_grows_while_the_run_lives(script, executor):
    path = script.write(
        train("print('first')\nwhile not (out / 'go').exists(): time.sleep(0.01)\nprint('last')", executor)
    )
    with subprocess.Popen(
        [sys.executable, str(path), "--filter", "^r$"], cwd=script.folder, env=script.environment
    ) as process:
        logs = until(lambda: [log for log in script.folder.glob("out/train/r/*/log.out") if log.read_text()])
        assert logs[0].read_text() == "first\n"
        (logs[0].parent / "go").touch()
        assert process.wait(30) == 0
    assert logs[0].read_text() == "first\nlast\n"


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="reads the peak memory from /proc")
def test_huge_output_does_not_go_through_the_builds_memory(script, isolated):
    body = "block = b'x' * 999_999 + b'\\n'\nfor _ in range(200): os.write(1, block)\n"
    # Not ru_maxrss: a process inherits that from the one that started it, here a test run of any size.
    tail = (
        "\ndef after(results):\n    lines = open('/proc/self/status').read().splitlines()\n"
        "    print(next(line.split()[1] for line in lines if line.startswith('VmHWM')))\n"
    )
    built = script(train(body, isolated) + "CONFIGS = [{'name': 'r'}]\n" + tail)
    assert (built.attempt() / "log.out").stat().st_size == 200_000_000
    assert int(built.stdout) < 150_000  # kB
    (built.attempt() / "log.out").unlink()


def test_stdin_is_empty(script, isolated):
    built = script(
        train("return sys.stdin.read()", isolated) + "\ndef after(results):\n    print([r.result for r in results])\n",
        input="x",
    )
    assert built.stdout == "['', '']\n"


def test_what_the_function_changes_in_its_process_does_not_reach_the_next_run(script, executor):
    body = (
        "assert 'LEAK' not in os.environ and os.getcwd() != '/'\nassert sys.stdout.isatty() is False\n"
        "os.environ['LEAK'] = '1'\nos.chdir('/')\nsys.stdout = None"
    )
    built = script(train(body, executor) + "\ndef after(results):\n    print(os.environ.get('LEAK'), os.getcwd())\n")
    assert built.code == 0, built.stderr
    assert built.stdout == f"None {script.folder}\n"


def test_a_thread_that_never_ends_does_not_hold_up_the_run(script, isolated):
    built = script(
        train("import threading\nthreading.Thread(target=time.sleep, args=(300,)).start()\nreturn 1", isolated)
    )
    assert built.code == 0 and built.finished()


def test_children_left_behind_are_killed(script, isolated):
    body = "import subprocess\nchild = subprocess.Popen(['sleep', '300'])\nreturn child.pid"
    built = script(train(body, isolated) + "\ndef after(results):\n    print(*[r.result for r in results])\n")
    assert built.code == 0
    pids = [int(pid) for pid in built.stdout.split()]
    assert len(pids) == 2
    assert until(lambda: not any(alive(pid) for pid in pids))


INLINE = """
    import os, threading
    import pyexp

    @pyexp.experiment(executor="inline", stash=False)
    def exp(cfg):
        if cfg.name == "leaves":
            os._exit(0)
        if cfg.name == "handles":
            try:
                os._exit(3)
            except Exception:
                return "went on"
        if cfg.name == "forks":
            child = os.fork()
            if not child:
                os._exit(7)
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    exp.configs(lambda: [{"name": name} for name in ("leaves", "handles", "forks", "last")])
"""


def test_a_run_in_the_builds_own_process_cannot_end_it_with_status_0(project):
    project.write("dodo.py", INLINE)
    done = project.pyexp("build", status=1)
    assert "2 executed, 2 failed" in done.stderr
    for status in (0, 3):
        assert f"ProcessExited: os._exit was called with exit status {status} before" in done.stderr
    assert project.finished() == {"forks", "last"}
    assert '"result": 7' in project.pyexp("results", "--json").stdout


def test_after_a_run_in_it_a_process_can_leave_as_before(project):
    project.write("dodo.py", INLINE)
    project.write(
        "leave.py",
        """
        import os
        import pyexp
        from dodo import exp
        exp.run(filter="last")
        os._exit(5)
    """,
    )
    project.python("leave.py", status=5)


def test_exit_handlers_run_and_temporary_folders_go_away(script, isolated):
    body = (
        "import atexit, tempfile\nglobal kept\nkept = tempfile.mkdtemp(dir='.')\n"
        "atexit.register(os.rmdir, kept)\natexit.register(print, 'bye')\nreturn 1"
    )
    built = script(train(body, isolated))
    assert built.code == 0 and built.log() == "bye\n"
    assert not list(script.folder.glob("tmp*"))


def test_exit_handlers_of_the_build_run_once_and_in_the_build_alone(script):
    built = script(train("return 1", "fork", head="import atexit\natexit.register(print, 'the end')"))
    assert built.stdout == "the end\n" and built.log() == ""


def test_a_forked_run_never_returns_into_the_builds_code(script):
    body = "if cfg.name == 'r': sys.exit(3)\nreturn 1"
    tail = "\ndef after(results):\n    print('after', os.getpid())\n"
    built = script(train(body, "fork") + tail)
    assert built.stdout.count("after") == 1


@pytest.mark.parametrize(
    "body", ["os.system('sleep 300')", "import subprocess\nsubprocess.Popen(['sleep', '300']).wait()"]
)
def test_a_run_over_its_timeout_is_killed_with_its_children(script, isolated, body):
    write = "(out / 'pid').write_text(str(os.getpid()))\n"
    built = script(train(write + body, isolated, more=", timeout=1") + "CONFIGS = [{'name': 'r'}]\n")
    assert built.code == 1
    assert built.error() == ("Timeout", "the run took longer than 1 s and was killed with its children")
    pid = int((built.attempt() / "pid").read_text())
    assert not alive(pid)
    assert until(lambda: not list(of_group(pid)))


def of_group(group: int):
    """Find the processes of a group."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            yield int(path.parent.name)


@pytest.mark.parametrize("live", [[], ["-s"]])
def test_nothing_survives_a_build_that_is_killed(script, isolated, live):
    body = (
        "import subprocess\nsubprocess.Popen(['sh', '-c', 'sleep 300 & sleep 300'])\n"
        "(out / 'pid').write_text(str(os.getpid()))\ntime.sleep(300)"
    )
    path = script.write(train(body, isolated))
    with subprocess.Popen(
        [sys.executable, str(path), "-j", "2", *live], cwd=script.folder, env=script.environment, start_new_session=True
    ) as process:
        found = until(
            lambda: (
                len(pids := [p.read_text() for p in script.folder.glob("out/train/*/*/pid")]) == 2
                and all(pids)
                and pids
            )
        )
        groups = [int(pid) for pid in found]
        assert until(lambda: all(len(list(of_group(group))) >= 3 for group in groups))
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert until(lambda: not any(list(of_group(group)) for group in groups))
    again = script(train("return 1", "inline"))
    assert again.code == 0 and again.finished() and again.finished("other")


def test_what_a_run_left_behind_locks_nothing_when_its_build_was_killed(script, isolated):
    """A daemon: it has forked, leads a session of its own, and lives for as long as it likes."""
    body = (
        "if os.fork() == 0:\n    os.setsid()\n    (out / 'daemon').write_text(str(os.getpid()))\n"
        "    time.sleep(300)\n    os._exit(0)\ntime.sleep(300)"
    )
    path = script.write(train(body, isolated))
    with subprocess.Popen(
        [sys.executable, str(path), "-j", "2"], cwd=script.folder, env=script.environment, start_new_session=True
    ) as process:
        found = until(
            lambda: (
                len(pids := [p.read_text() for p in script.folder.glob("out/train/*/*/daemon")]) == 2
                and all(pids)
                and [int(pid) for pid in pids]
            )
        )
        process.send_signal(signal.SIGKILL)
        process.wait()
    try:
        again = script(train("return 1", "inline"))
        assert again.code == 0 and again.finished() and again.finished("other")
        assert all(map(alive, found))
    finally:
        for daemon in found:
            os.kill(daemon, signal.SIGKILL)


@pytest.mark.skipif(not POSSIBLE, reason="there is no fork server without pidfds")
def test_no_run_outlives_a_build_whose_fork_server_was_stopped(script):
    path = script.write(train("(out / 'pid').write_text(f'{os.getpid()} {os.getppid()}')\ntime.sleep(300)", "fork"))
    with subprocess.Popen(
        [sys.executable, str(path), "-j", "2"], cwd=script.folder, env=script.environment, start_new_session=True
    ) as process:
        found = until(
            lambda: (
                len(pids := [p.read_text().split() for p in script.folder.glob("out/train/*/*/pid")]) == 2
                and all(len(both) == 2 for both in pids)
                and pids
            )
        )
        server = {int(parent) for _, parent in found} - {process.pid}
        for pid in server:
            os.kill(pid, signal.SIGSTOP)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert until(lambda: not any(alive(int(pid)) for pid, _ in found))
        assert until(lambda: not any(map(alive, server)))


@pytest.mark.slow
def test_five_hundred_runs_leak_no_descriptor_and_no_zombie(script, isolated):
    body = "return 1"
    tail = (
        f"CONFIGS = [{{'name': f'r{{i}}'}} for i in range({500 if isolated == 'fork' else 60})]\n"
        "before = len(os.listdir('/proc/self/fd'))\n"
        "def after(results):\n"
        "    children = open(f'/proc/self/task/{os.getpid()}/children').read().split()\n"
        "    print(len(results), len(os.listdir('/proc/self/fd')) - before, children)\n"
    )
    built = script(train(body, isolated) + tail)
    count, descriptors, children = built.stdout.split(" ", 2)
    assert int(count) >= 60
    assert int(descriptors) <= 0
    assert children.strip() == "[]"


def test_fork_is_refused_in_a_process_with_threads(script):
    head = "import threading\nthreading.Thread(target=time.sleep, args=(300,), daemon=True, name='mine').start()"
    built = script(train("return 1", "fork", head=head))
    assert built.code == 2
    assert built.stderr.count("\n") == 1
    assert 'the executor "fork" cannot be used in a process with threads (mine' in built.stderr
    assert not (script.folder / "out" / "train" / "r").exists()


def test_flags_of_the_interpreter_are_those_of_the_runs(script):
    built = script(train("assert False\nreturn sys.flags.optimize", "subprocess"), flags=["-O"])
    assert built.code == 0 and built.finished()


def test_nothing_is_written_at_start_up(script, isolated):
    built = script(train("return 1", isolated), flags=["-W", "error", "-X", "dev"])
    assert built.code == 0, built.stderr
    assert built.log() == ""


def test_an_inherited_ignored_sigchld_hides_no_success(script, isolated):
    head = "import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)"
    built = script(train("return 1", isolated, head=head))
    assert built.code == 0, built.stderr
    assert built.finished() and built.finished("other")


def test_a_build_without_stdout_and_stderr_works(script, executor):
    path = script.write(train("print('kept')\nreturn 1", executor))
    command = f"exec {sys.executable} {path} >&- 2>&-"
    done = subprocess.run(["sh", "-c", command], cwd=script.folder, env=script.environment, timeout=60, check=False)
    assert done.returncode == 0
    assert [log.read_text() for log in script.folder.glob("out/train/*/*/log.out")] == ["kept\n"] * 2


def test_a_daemon_that_holds_the_log_open_does_not_hold_up_a_live_build(script, isolated):
    body = (
        "import subprocess\nif cfg.name == 'r':\n"
        "    child = subprocess.Popen(['sleep', '300'], start_new_session=True)\n"
        "    (out / 'pid').write_text(str(child.pid))"
    )
    path = script.write(train(body, isolated))
    # To a file: what shows the output lives as long as the daemon, and would keep a pipe open.
    with open(script.folder / "shown", "w") as shown:
        command = [sys.executable, str(path), "-s"]
        done = subprocess.run(command, cwd=script.folder, env=script.environment, stdout=shown, timeout=60, check=False)
    for pid in script.folder.glob("out/train/r/*/pid"):
        os.kill(int(pid.read_text()), signal.SIGKILL)
    assert done.returncode == 0


@pytest.mark.skipif(not os.access("/dev/full", os.W_OK), reason="needs /dev/full")
def test_a_full_disk_fails_the_run_and_not_the_build(script, executor):
    body = (
        "if cfg.name == 'r':\n"
        "    import dodo_pyexp.store.atomic as atomic\n    real = atomic.write_bytes\n"
        "    def full(path, data):\n"
        "        if '/r/' in path:\n"
        "            open('/dev/full', 'wb', buffering=0).write(b'x')\n"
        "        return real(path, data)\n"
        "    atomic.write_bytes = full\n"
        "return 1"
    )
    built = script(train(body, executor))
    assert built.code == 1, built.stderr
    assert "Traceback" not in built.stderr
    assert "is the disk full" in built.stderr
    assert not built.finished() and built.finished("other")
