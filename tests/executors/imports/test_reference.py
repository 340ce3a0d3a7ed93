"""How functions and configs reach another process."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import threading

import pytest

from dodo_pyexp.executors.imports.reference import UnsendableFunction, refer, resolve
from dodo_pyexp.importing import import_file

AFTER = "\ndef after(results):\n    print([r.result for r in results], *[r.error for r in results if r.error])\n"


def module_function(cfg):
    return cfg


def test_a_function_of_a_module_goes_by_reference(tmp_path):
    (tmp_path / "helper_by_reference.py").write_text(
        "def f(cfg): return cfg\nclass A:\n    @staticmethod\n    def g(cfg): return 2\n"
    )
    module = import_file(str(tmp_path / "helper_by_reference.py"))
    assert refer(module.f) == ("helper_by_reference", str(tmp_path / "helper_by_reference.py"), "f", 0)
    assert resolve(refer(module.f)) is module.f
    assert resolve(refer(module.A.g)) is module.A.g


@pytest.mark.parametrize(
    "fn",
    [
        lambda cfg: cfg + 1,
        functools.partial(lambda more, cfg: cfg + more, 1),
        type("Callable", (), {"__call__": lambda self, cfg: cfg + 1})(),
    ],
)  # fmt: skip
def test_lambdas_partials_and_objects_go_by_value(fn):
    reference = refer(fn)
    assert isinstance(reference[2], bytes)
    assert resolve(reference)(1) == 2


def test_a_function_that_was_replaced_in_its_module_goes_by_value(tmp_path):
    (tmp_path / "replaced_helper.py").write_text("def f(cfg): return 1\nold = f\ndef f(cfg): return 2\n")
    module = import_file(str(tmp_path / "replaced_helper.py"))
    assert resolve(refer(module.old))(None) == 1


def test_a_function_that_is_gone_is_told(tmp_path):
    path = tmp_path / "gone_helper.py"
    path.write_text("def f(cfg): return 1\n")
    with pytest.raises(ImportError, match="no longer defines g"):
        resolve(("gone_helper", str(path), "g", 0))


def test_a_function_that_cannot_be_sent_is_refused_in_one_sentence(script):
    lock = threading.Lock()
    with pytest.raises(UnsendableFunction, match=r'cannot be sent to another process .*executor="fork"'):
        refer(lambda cfg: lock)
    built = script(
        "import threading\ndef make(held):\n    @pyexp.experiment(name='train', stash=False)\n    def hidden(cfg):\n"
        "        with held: return 1\n    return [hidden]\nfound = make(threading.Lock())\n"
        "class Train:\n    configs = run = lambda self, *a: found[0].run(configs=[{'name': 'r'}])\ntrain = Train()\n"
    )
    assert built.code == 1
    assert "Traceback" not in built.stderr + built.log()
    assert "create it inside the function" in built.log() and built.log().count("\n") == 1


def test_modules_beside_the_script_win_over_those_in_the_current_folder(script, tmp_path):
    other = tmp_path / "elsewhere"
    other.mkdir()
    (tmp_path / "helper.py").write_text("value = 'beside the script'\n")
    (other / "helper.py").write_text("value = 'in the current folder'\n")
    (other / "json.py").write_text("raise RuntimeError('this is not the standard library')\n")
    (other / "enum.py").write_text("raise RuntimeError('this is not the standard library')\n")
    body = "@pyexp.experiment(stash=False)\ndef train(cfg):\n    import helper, json\n    return helper.value\n"
    built = script(body + AFTER, cwd=other)
    assert built.stdout == "['beside the script', 'beside the script']\n", built.stderr


def test_functions_of_the_script_see_its_globals_and_classes(script, executor):
    body = (
        "from enum import Enum\nfrom pathlib import Path\n"
        "class Colour(Enum):\n    RED = 'red'\nFACTOR = 3\ndef helper(x): return x * FACTOR\n"
        f"@pyexp.experiment(executor={executor!r}, stash=False)\ndef train(cfg):\n"
        "    assert cfg.path == Path('/a') and isinstance(cfg.path, Path)\n"
        "    assert cfg.colour in (Colour.RED, 'red')\n    return helper(cfg.x)\n"
        "CONFIGS = [{'name': 'r', 'x': 2, 'colour': Colour.RED, 'path': Path('/a')}]\n"
    )
    built = script(body + AFTER)
    assert built.stdout == "[6]\n", built.stderr


def test_what_a_global_is_at_the_top_level_counts(script):
    body = (
        "LIMIT = 1\nexecutor = SubprocessExecutor()\n"
        "@pyexp.experiment(executor=executor, stash=False)\ndef train(cfg): return LIMIT\n"
        "\ndef after(results):\n    global LIMIT\n    LIMIT = 2\n    print(train.run(rerun=True)['r'].result)\n"
    )
    assert script(body).stdout == "1\n"


def test_an_import_that_fails_over_there_is_the_runs_failure_with_the_users_traceback(script, tmp_path):
    (tmp_path / "fragile.py").write_text(
        "import os\nif os.getpid() != int(os.environ.get('BUILD', os.getpid())): 1 / 0\n"
        "os.environ['BUILD'] = str(os.getpid())\n"
        "def f(cfg): return 1\n"
    )
    body = "import fragile\n@pyexp.experiment(stash=False)\ndef train(cfg):\n    return fragile.f(cfg)\n"
    built = script(body)
    assert built.code == 1
    assert built.error()[0] == "ZeroDivisionError"
    assert "fragile.py" in built.log() and "dodo_pyexp" not in built.log()


def test_unpickling_a_function_runs_no_experiment_of_its_module(script, tmp_path):
    # The decorator below forgets functools.wraps, so the function goes by value and imports its module over there.
    (tmp_path / "unguarded.py").write_text(
        "import os, pyexp\n"
        "def plain(fn):\n    def call(cfg):\n        return fn(cfg)\n    return call\n"
        "def helper(cfg): return cfg.x\n"
        "@pyexp.experiment(name='train', stash=False)\n@plain\ndef train(cfg): return helper(cfg)\n"
        "@train.configs\ndef configs(): return [{'name': 'r', 'x': 5}]\n"
        "open('started', 'a').write('x')\n"
        "print([r.result for r in train.run()])\n"
    )
    path = os.pathsep.join([script.environment["PYTHONPATH"], str(tmp_path)])
    done = subprocess.run(
        [sys.executable, "-c", "import unguarded"], cwd=tmp_path, env=script.environment | {"PYTHONPATH": path},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout == "[5]\n", done.stderr
