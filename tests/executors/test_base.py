"""Custom executors, in the README's form and the full one; executors called directly."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading

import pytest

from dodo_pyexp.config.config import Config
from dodo_pyexp.executors.base import Executor
from dodo_pyexp.executors.forking.executor import ForkExecutor
from dodo_pyexp.executors.handle import Ended, Handle
from dodo_pyexp.executors.inline import InlineExecutor
from dodo_pyexp.executors.subprocess import SubprocessExecutor

FUNCTION = (
    "@pyexp.experiment(executor={executor}, stash=False)\ndef train(cfg, out):\n    print('called')\n    {body}\n"
)
AFTER = "\ndef after(results):\n    print([r.result for r in results], [bool(r.error) for r in results])\n"


def custom(script, run, body="return cfg.lr", executor="Mine()", base="Executor"):
    head = f"import pickle\nclass Mine({base}):\n    def run(self, fn, config, result_path):\n"
    head += "".join(f"        {line}\n" for line in run.splitlines())
    return script(head + FUNCTION.format(executor=executor, body=body) + AFTER)


@pytest.mark.parametrize(
    "run",
    [
        "return fn(config)",
        "result = fn(config)\nwith open(result_path, 'wb') as f:\n    pickle.dump(result, f)\nreturn result",
        "with open(result_path, 'wb') as f:\n    pickle.dump(fn(config), f)",
        "assert config.out.is_dir() and config.lr\nreturn fn(config)",
        "import subprocess, sys, cloudpickle\n"
        "code = 'import sys, cloudpickle; fn, config = cloudpickle.load(sys.stdin.buffer); '\\\n"
        "       'cloudpickle.dump(fn(config), open(sys.argv[1], \"wb\"))'\n"
        "subprocess.run([sys.executable, '-c', code, result_path], input=cloudpickle.dumps((fn, config)), check=True)",
    ],
)
def test_a_custom_executor_gives_its_value_either_way(script, run):
    built = custom(script, run)
    assert built.code == 0, built.stderr
    assert built.stdout == "[0.1, 0.2] [False, False]\n"
    assert built.log() == "called\n"
    assert built.status()["executor"] == "custom"
    assert sorted(path.name for path in built.attempt().iterdir()) == [
        ".finished", "config.json", "config.yml", "experiment.pkl", "log.out", "result.json", "status.json",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("run", "kind", "message"),
    [
        ("raise OSError('no cluster')", "OSError", "no cluster"),
        ("return {'__error__': True, 'type': 'NodeLost', 'message': 'gone', 'traceback': 'T'}", "NodeLost", "gone"),
        ("return {'__error__': True}", "Error", ""),
        ("open(result_path, 'wb').write(b'garbage')", "UnpicklingError", ""),
        ("import sys; sys.exit(4)", "SystemExit", "the function called sys.exit(4)"),
    ],
)
def test_a_failing_custom_executor_fails_its_runs_alone(script, run, kind, message):
    built = custom(script, f"if config.name == 'other': return fn(config)\n{run}")
    assert built.code == 1
    assert built.error()[0] == kind and message in built.error()[1]
    assert built.finished("other")


def test_an_executor_that_returns_nothing_gives_none(script):
    built = custom(script, "fn(config)")
    assert built.stdout == "[None, None] [False, False]\n"


def test_a_file_called_result_pkl_is_the_functions_own(script):
    built = custom(script, "return fn(config)", body="(out / 'result.pkl').write_text('model')")
    assert (built.attempt() / "result.pkl").read_text() == "model"
    assert built.stdout == "[None, None] [False, False]\n"


@pytest.mark.parametrize("base", ["InlineExecutor", "SubprocessExecutor", "ForkExecutor"])
def test_a_subclass_of_ours_may_wrap_run(script, base):
    run = "value = super().run(fn, config, result_path)\nreturn value if isinstance(value, dict) else value * 10"
    built = custom(script, run, base=base)
    assert built.code == 0, built.stderr
    assert built.stdout == "[1.0, 2.0] [False, False]\n"


@pytest.mark.parametrize("base", ["InlineExecutor", "SubprocessExecutor", "ForkExecutor"])
def test_a_failure_in_a_wrapped_run_keeps_its_cause(script, base):
    run = "return super().run(fn, config, result_path)"
    built = custom(script, run, base=base, body="raise ValueError('mine')")
    assert built.error() == ("ValueError", "mine")


def test_a_subclass_may_override_start(script):
    head = (
        "from dodo_pyexp.executors.base import Handle\n"
        "class Mine(SubprocessExecutor):\n    name = 'mine'\n"
        "    def start(self, job, log, guardian):\n"
        "        os.write(log.fd, b'starting\\n')\n        return super().start(job, log, guardian)\n"
    )
    built = script(head + FUNCTION.format(executor="Mine()", body="return os.getpid()") + AFTER)
    assert built.code == 0, built.stderr
    assert built.log() == "starting\ncalled\n"
    assert built.status()["executor"] == "mine"


def test_an_executor_that_raises_in_start_fails_its_runs(script):
    head = "class Mine(Executor):\n    def start(self, job, log, guardian):\n        raise RuntimeError('no room')\n"
    built = script(head + FUNCTION.format(executor="Mine()", body="return 1"))
    assert built.code == 1 and built.error() == ("RuntimeError", "no room")
    assert "RuntimeError: no room" in built.log()


def test_an_executor_that_says_nothing_fails_its_runs(script):
    head = (
        "from dodo_pyexp.executors.base import Handle\n"
        "class Mine(Executor):\n    def start(self, job, log, guardian):\n"
        "        log.close()\n        return Handle()\n"
    )
    built = script(head + FUNCTION.format(executor="Mine()", body="return 1"))
    assert built.code == 1
    assert built.error() == ("ExecutorLost", "the executor did not say how the run went")


def test_an_executor_that_can_do_nothing_is_refused_before_anything_is_made(script):
    built = script("class Mine(Executor):\n    pass\n" + FUNCTION.format(executor="Mine()", body="return 1"))
    assert built.code == 2
    assert "the executor Mine can execute nothing: give it a method run(self, fn, config, result_path)" in built.stderr
    assert not (script.folder / "out" / "train" / "r").exists()


@pytest.mark.parametrize("argument", ["Mine()", "pyexp.get_executor('inline')"])
def test_an_instance_may_be_given_to_run(script, argument):
    head = "class Mine(Executor):\n    def run(self, fn, config, result_path):\n        return fn(config)\n"
    built = script(head + FUNCTION.format(executor="'fork'", body="return os.getpid()")
                   + f"ARGUMENTS = {{'executor': {argument}}}\n\ndef after(results):\n"
                   "    print([r.result == os.getpid() for r in results])\n")  # fmt: skip
    assert built.stdout == "[True, True]\n"


DIRECT = [InlineExecutor, SubprocessExecutor, ForkExecutor]


def no_threads() -> None:
    if threading.active_count() > 1:
        pytest.skip("fork needs a process without threads")


@pytest.mark.parametrize("make", DIRECT)
def test_an_executor_called_directly_returns_the_value_and_pickles_it(make, tmp_path):
    no_threads()
    path = tmp_path / "deep" / "result.pkl"
    path.parent.mkdir()
    value = make().run(lambda config: {"lr": config.lr, "out": str(config.out)}, Config(lr=0.1, out=tmp_path), path)
    assert value == {"lr": 0.1, "out": str(tmp_path)}
    assert pickle.loads(path.read_bytes()) == value
    assert os.listdir(path.parent) == ["result.pkl"]


@pytest.mark.parametrize("make", DIRECT)
def test_an_executor_called_directly_gives_an_error_as_a_value(make, tmp_path):
    no_threads()

    def fail(config):
        raise ValueError("no luck")

    value = make().run(fail, Config(), str(tmp_path / "result.pkl"))
    assert (value["__error__"], value["type"], value["message"]) == (True, "ValueError", "no luck")
    assert "in fail" in value["traceback"]
    assert pickle.loads((tmp_path / "result.pkl").read_bytes()) == value


@pytest.mark.parametrize("make", DIRECT[1:])
def test_an_executor_called_directly_survives_a_crash_and_forgets_an_old_result(make, tmp_path):
    no_threads()
    (tmp_path / "result.pkl").write_bytes(pickle.dumps("old"))
    value = make().run(lambda config: os._exit(3), Config(), str(tmp_path / "result.pkl"))
    assert value["__error__"] and value["type"] == "ProcessExited"
    assert pickle.loads((tmp_path / "result.pkl").read_bytes()) == value


def test_an_unpicklable_value_of_a_direct_call_is_an_error(tmp_path):
    value = InlineExecutor().run(lambda config: threading.Lock(), Config(), str(tmp_path / "result.pkl"))
    assert value["type"] == "UnsavableResult"


def test_a_handle_that_has_ended_says_how():
    assert Handle().poll() is not None
    assert Handle(Ended(3)).poll().returncode == 3
    assert Handle().fileno() == -1


def test_run_of_the_bare_class_is_not_implemented():
    with pytest.raises(NotImplementedError, match="Executor has no method run"):
        Executor().run(print, Config(), "x")


def test_nested_experiments_work(script, executor):
    head = (
        "@pyexp.experiment(name='inner', executor='subprocess', stash=False)\ndef inner(cfg): return cfg.x * 2\n"
        "@inner.configs\ndef inner_configs(): return [{'name': 'i', 'x': 21}]\n"
    )
    body = (
        "inner.run(output_dir='out') if cfg.name == 'r' else None; return inner.results(output_dir='out')['i'].result"
    )
    built = script(head + FUNCTION.format(executor=repr(executor), body=body) + AFTER)
    assert built.code == 0, built.stderr
    assert built.stdout == "[42, 42] [False, False]\n"


def test_importing_an_executor_imports_no_other(tmp_path):
    code = "import sys; from dodo_pyexp.executors.inline import InlineExecutor; print('subprocess' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
