"""An experiment's file as a script: exit statuses, Ctrl-C, strict arguments, code behind `run()`."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

EXPERIMENT = """
import atexit, os, sys, time
import pyexp
from tally import mark

@pyexp.experiment(name="exp", executor="fork")
def exp(cfg, out, deps):
    mark(cfg)
    if cfg.get("bad"):
        raise ValueError("no luck")
    while cfg.get("waits") and not os.path.exists("go"):
        time.sleep(0.01)
    if cfg.get("fails"):
        raise ValueError("no luck in the end")

@exp.configs
def configs():
    return [{"name": "first"}, {"name": "second"}, {"name": "third", "depends_on": "second"}]

if __name__ == "__main__":
    atexit.register(print, "at exit")
    exp.run()
    print("behind run()")
"""


@pytest.fixture
def script(project: Any) -> Any:
    project.write("exp.py", EXPERIMENT)
    return project


def configs(project: Any, text: str) -> None:
    project.edit("exp.py", '[{"name": "first"}, {"name": "second"}, {"name": "third", "depends_on": "second"}]', text)


def wait_for(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def test_status_0_when_everything_is_done(script: Any) -> None:
    done = script.python("exp.py")
    assert done.stdout == "behind run()\nat exit\n"
    assert script.executed() == ["first", "second", "third"]


def test_status_1_when_a_run_failed_and_the_script_still_goes_on(script: Any) -> None:
    configs(script, '[{"name": "bad", "bad": 1}, {"name": "after", "depends_on": "bad"}, {"name": "good"}]')
    done = script.python("exp.py", status=1)
    assert done.stdout == "behind run()\nat exit\n"
    assert script.executed() == ["bad", "good"]
    for word in ("ValueError: no luck", "upstream exp:bad failed"):
        assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_a_later_exit_of_the_scripts_own_wins(script: Any) -> None:
    configs(script, '[{"name": "bad", "bad": 1}]')
    script.edit("exp.py", 'print("behind run()")', "sys.exit(7)")
    done = script.python("exp.py", status=None)
    assert done.returncode in (1, 7)
    assert "at exit" in done.stdout


def test_a_failed_first_run_is_not_forgotten_by_a_good_second_one(script: Any) -> None:
    configs(script, '[{"name": "bad", "bad": 1}]')
    script.edit("exp.py", 'print("behind run()")', 'exp.run(configs=[{"name": "good"}], name="other")')
    script.python("exp.py", status=1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--unknown"], ["--unknown"]),
        (["--fliter", "a"], ["--filter"]),
        (["--filter", "("], ["--filter '('", "no regular expression"]),
        (["--executor", "frok"], ['unknown executor "frok"', '"fork"']),
        (["--retry", "-1"], ["retry", "-1"]),
        (["--continue"], ["no batch"]),
        (["--continue", "2020"], ["no batch"]),
        (["--timestamp", "../../x"], ["../../x"]),
        (["--report"], ["no report"]),
        (["--jobs", "x"], ["--jobs", "x"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_status_2_and_one_sentence_for_a_mistake(
    script: Any, one_sentence: Any, arguments: list[str], words: list[str]
) -> None:
    one_sentence(script.python("exp.py", *arguments, status=None), *words)
    assert script.executed() == []
    assert not script.out.exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[{"name": "a"}, {"name": "a"}]', ['"a"']),
        ('[{"name": "a", "fn": print}]', ['"a"', "fn"]),
        ('[{"name": "a", "depends_on": "b"}, {"name": "b", "depends_on": "a"}]', ["exp:a -> exp:b -> exp:a"]),
        ('[{"name": "a", "out": 1}]', ['"out"']),
    ],
)
def test_status_2_and_one_sentence_for_wrong_configs(
    script: Any, one_sentence: Any, text: str, words: list[str]
) -> None:
    configs(script, text)
    one_sentence(script.python("exp.py", status=None), *words)
    assert not script.out.exists()


def test_a_wrong_signature_is_one_sentence(script: Any, one_sentence: Any) -> None:
    script.edit("exp.py", "def exp(cfg, out, deps):", "def exp(cfg, out, deps, more):")
    one_sentence(script.python("exp.py", status=None), "exp.py:", "4 positional")


def test_an_output_folder_below_a_file_is_one_sentence(script: Any, one_sentence: Any) -> None:
    (script.folder / "file").write_text("")
    done = script.python("exp.py", "--output-dir", "file/out", status=None)
    one_sentence(done, "file is a file, not a folder", "--output-dir")
    assert script.executed() == []


def test_a_damaged_pyproject_is_one_sentence(script: Any, one_sentence: Any) -> None:
    (script.folder / "pyproject.toml").write_text("[tool")
    one_sentence(script.python("exp.py", status=None), "pyproject.toml")


def test_the_users_own_exception_keeps_its_traceback(script: Any) -> None:
    script.edit("exp.py", 'print("behind run()")', 'raise RuntimeError("mine")')
    done = script.python("exp.py", status=1)
    assert "Traceback" in done.stderr and "RuntimeError: mine" in done.stderr


def test_help_is_help(script: Any) -> None:
    done = script.python("exp.py", "--help")
    assert "--filter REGEX" in done.stdout and done.stderr == ""
    assert not script.out.exists()


def test_list_graph_and_dry_run_execute_nothing_and_end_the_script(script: Any) -> None:
    before = sorted(script.folder.iterdir())
    assert "behind" not in script.python("exp.py", "--list").stdout
    graph = script.python("exp.py", "--graph").stdout
    assert graph.index("second") < graph.index("third")
    dry = script.python("exp.py", "-n", status=3)
    assert "never run" in dry.stdout and "behind" not in dry.stdout
    assert sorted(script.folder.iterdir()) == before
    script.python("exp.py")
    assert script.python("exp.py", "-n").returncode == 0
    script.edit("exp.py", '{"name": "second"}', '{"name": "second", "lr": 0.1}')
    assert "lr added" in script.python("exp.py", "-n", status=3).stdout


def test_a_module_of_a_script_is_imported_without_running_it(script: Any) -> None:
    script.edit("exp.py", 'if __name__ == "__main__":', "if True:")
    script.pyexp("list", "exp.py")
    assert script.executed() == []


def waiting(script: Any, *, jobs: int = 1) -> Any:
    """Start a script of which the first run is on its way, and waits."""
    configs(script, '[{"name": "slow", "waits": 1}, {"name": "next"}]')
    process = script.start("exp.py", "-j", str(jobs), start_new_session=True)
    wait_for(lambda: script.tally()["slow"])
    return process


def test_the_first_ctrl_c_lets_running_ones_end_and_starts_nothing_more(script: Any) -> None:
    process = waiting(script)
    os.killpg(process.pid, signal.SIGINT)
    line = ""
    while "stopping" not in line:
        line = process.stderr.readline()
        assert line, "it ended without a word"
    (script.folder / "go").touch()
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors and "behind" not in out
    assert script.executed() == ["slow"]
    assert script.finished() == {"slow"}
    script.python("exp.py")
    assert script.executed() == ["next"]


def test_the_first_ctrl_c_starts_nothing_more_behind_an_inline_run(script: Any) -> None:
    configs(script, '[{"name": "slow", "waits": 1}, {"name": "next"}]')
    process = script.start("exp.py", "--executor", "inline", start_new_session=True)
    wait_for(lambda: script.tally()["slow"])
    os.killpg(process.pid, signal.SIGINT)
    (script.folder / "go").touch()
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert script.executed() == ["slow"]
    assert script.finished() == {"slow"}


def test_a_run_that_fails_after_ctrl_c_is_not_tried_again(script: Any) -> None:
    configs(script, '[{"name": "slow", "waits": 1, "fails": 1}, {"name": "next"}]')
    process = script.start("exp.py", "--retry", "3", start_new_session=True)
    wait_for(lambda: script.tally()["slow"])
    os.killpg(process.pid, signal.SIGINT)
    while "stopping" not in process.stderr.readline():
        assert process.poll() is None, "it ended without a word"
    (script.folder / "go").touch()
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert script.executed() == ["slow"]
    assert "no luck in the end" in (script.attempts("slow")[-1] / "status.json").read_text()


@pytest.mark.parametrize("signals", [[signal.SIGINT, signal.SIGINT], [signal.SIGTERM]], ids=["ctrl-c twice", "term"])
def test_the_second_ctrl_c_and_sigterm_end_running_ones(script: Any, signals: list[int]) -> None:
    process = waiting(script)
    for number in signals:
        os.kill(process.pid, number)
        if len(signals) > 1:
            assert "stopping" in process.stderr.readline() or number
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert script.finished() == set()
    assert "interrupted" in script.python("exp.py", "-n", status=3).stdout
    (script.folder / "go").touch()
    script.python("exp.py")
    assert script.tally() == {"slow": 2, "next": 1}


def test_nothing_goes_on_after_the_build_was_killed(script: Any) -> None:
    configs(script, '[{"name": "slow", "waits": 1}]')
    script.edit("exp.py", "    mark(cfg)", '    mark(cfg)\n    open("pid", "w").write(str(os.getpid()))')
    process = script.start("exp.py")
    pid_file = Path(script.folder / "pid")
    wait_for(lambda: pid_file.exists() and pid_file.read_text())
    pid = int(pid_file.read_text())
    process.kill()
    process.communicate(timeout=60)
    wait_for(lambda: not alive(pid))
    assert "interrupted" in script.python("exp.py", "-n", status=3).stdout


def alive(pid: int) -> bool:
    try:
        return b") Z " not in Path(f"/proc/{pid}/stat").read_bytes()
    except FileNotFoundError:
        return False
    except OSError:
        return True


@pytest.mark.parametrize(
    "code", ['results["nope"]', "results[99]", 'exp["nope"]', 'results[{"lr": 1}]', "print(f\"{results['nope']}\")"]
)
def test_a_lookup_that_finds_nothing_is_the_scripts_own_mistake(script: Any, code: str) -> None:
    script.edit("exp.py", '    exp.run()\n    print("behind run()")\n', f"    results = exp.run()\n    {code}\n")
    done = script.python("exp.py", status=1)
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert line.startswith("error: exp.py:22: ")
    assert "Traceback" not in done.stderr
    assert script.finished() == {"first", "second", "third"}


def test_a_lookup_in_a_report_is_the_scripts_own_mistake_too(script: Any) -> None:
    report = "\n@exp.report\ndef report(results):\n    return results['nope']\n"
    script.edit("exp.py", "\nif __name__", f"{report}\nif __name__")
    assert "error: the report of exp failed: exp.py:21: " in script.python("exp.py", status=1).stderr


def test_a_lookup_in_configs_is_a_wrong_config(script: Any, one_sentence: Callable[..., None]) -> None:
    configs(script, '[{"name": exp["nope"].name}]')
    one_sentence(script.python("exp.py", status=2), "exp.py:17: ")


@pytest.mark.parametrize("command", [["-m", "doit"], ["-m", "doit", "-n", "2"]])
def test_ctrl_c_under_plain_doit_is_one_line(script: Any, command: list[str]) -> None:
    configs(script, '[{"name": "first", "waits": 1}]')
    doit = script.start(
        *command, "-f", "exp.py", start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    wait_for(lambda: script.tally()["first"])
    os.killpg(doit.pid, signal.SIGINT)
    stderr = doit.communicate(timeout=60)[1]
    assert doit.returncode == 130
    assert stderr == "interrupted; what has finished stays as it is\n"
    assert "interrupted" in script.pyexp("list", "exp.py").stdout


def test_an_interrupted_doit_ends_though_something_waits_at_exit_for_ever(script: Any) -> None:
    configs(script, '[{"name": "first", "waits": 1}]')
    hang = "import atexit, threading\nfrom dodo_pyexp.executors import leaving\nleaving.EXIT_SECONDS = 0.5\n"
    script.edit("exp.py", "import pyexp\n", f"import pyexp\n{hang}atexit.register(threading.Event().wait)\n")
    doit = script.start(
        "-m", "doit", "-f", "exp.py", start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    wait_for(lambda: script.tally()["first"])
    os.killpg(doit.pid, signal.SIGINT)
    stderr = doit.communicate(timeout=60)[1]
    assert (doit.returncode, stderr) == (130, "interrupted; what has finished stays as it is\n")


CLASSES = """
from dataclasses import dataclass

import pyexp
from tally import mark


@dataclass
class Model:
    weight: int


@pyexp.experiment
def exp(cfg, out, deps):
    mark(cfg)
    if deps:
        return [isinstance(dep.result, Model) for dep in deps]
    return Model(cfg.weight)


@exp.configs
def configs():
    return [{"name": "small", "weight": 1}, {"name": "uses", "depends_on": "small"}]


if __name__ == "__main__":
    small, uses = exp.run()
    print(small.result == Model(1), uses.result)
"""


@pytest.mark.parametrize("executor", ["subprocess", "fork", "inline"])
def test_results_are_of_the_classes_of_the_script_that_reads_them_now_and_later(project: Any, executor: str) -> None:
    project.write("exp.py", CLASSES)
    for arguments in ([], [], ["--rerun", "--filter", "uses"]):
        assert project.python("exp.py", "--executor", executor, *arguments).stdout == "True [True]\n", arguments
    assert project.executed() == ["small", "uses", "uses"]


@pytest.mark.parametrize("door", [["exp.py"], ["-m", "pyexp", "build", "exp.py"]], ids=["script", "build"])
def test_ctrl_c_once_more_while_an_interrupted_process_ends_is_no_traceback(project: Any, door: list[str]) -> None:
    project.write(
        "exp.py",
        """
        import atexit, os, time
        import pyexp

        def library():  # it takes its time at exit
            os.kill(os.getpid(), 2)
            time.sleep(60)

        atexit.register(library)

        @pyexp.experiment(stash=False, executor="inline")
        def exp(cfg):
            raise KeyboardInterrupt

        exp.configs(lambda: [{"name": "a"}])
        if __name__ == "__main__":
            exp.run()
        """,
    )
    done = project.python(*door, status=130)
    assert "1 interrupted" in done.stderr and "Traceback" not in done.stderr
