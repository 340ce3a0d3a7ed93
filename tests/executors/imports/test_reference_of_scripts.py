"""Functions of a script: they are executed as the script's, top level and all."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

AFTER = "\ndef after(results):\n    print([r.result for r in results], *[r.error for r in results if r.error])\n"
ONE = "CONFIGS = [{'name': 'r'}]\n"
POOLS = """
import multiprocessing, pickle
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

@dataclass
class Point:
    x: int

def square(x):
    return Point(x * x)

def trial(cfg):
    found = []
    for start in ("fork", "spawn", "forkserver"):
        context = multiprocessing.get_context(start)
        with context.Pool(2) as pool:
            found += pool.map(square, range(3))
        with ProcessPoolExecutor(2, mp_context=context) as pool:
            found += pool.map(square, range(3))
    assert all(isinstance(point, Point) for point in found), found
    return sum(point.x for point in found)
"""


def test_pools_of_a_run_find_the_functions_and_classes_of_the_script(script, executor):
    body = f"{POOLS}\n@pyexp.experiment(executor={executor!r})\ndef train(cfg): return trial(cfg)\n{ONE}"
    assert script(body + AFTER).stdout == "[30]\n"


def test_a_script_without_a_guard_is_not_built_again_by_the_pools_of_its_runs(script, executor):
    path = script.folder / "unguarded.py"
    path.write_text(
        f"import pyexp\n{POOLS}\n@pyexp.experiment(executor={executor!r})\ndef train(cfg): return trial(cfg)\n"
        "@train.configs\ndef configs(): return [{'name': 'r'}]\nprint([r.result for r in train.run()])\n"
    )
    done = subprocess.run(
        [sys.executable, str(path)], cwd=script.folder, env=script.environment, capture_output=True, text=True,
        timeout=100, check=False,
    )  # fmt: skip
    assert done.stdout.endswith("[30]\n"), done.stderr
    assert done.stdout.count("30") == done.stderr.count("done in") == 1


def test_what_a_run_pickles_itself_is_read_by_another_that_does_not_know_the_class(script, executor):
    body = (
        "import pickle\nfrom collections import namedtuple\nTrace = namedtuple('Trace', 'x')\n"
        "class Base:\n    scale = 2\nclass Net(Base):\n    def __init__(self, x): self.x = self.scale * x\n"
        "def make(x): return Net(x), Trace(x)\n"
        "def save(cfg, out):\n    pickle.dump(make(3), open(out / 'net.pkl', 'wb'))\n"
        "def read(cfg, out, deps):\n    net, trace = pickle.load(open(deps[0].out / 'net.pkl', 'rb'))\n"
        "    return net.x, trace.x, type(net).__name__, type(net).__module__\n"
        "saving = pyexp.experiment(name='saving')(save)\nsaving.configs(lambda: [{'name': 's'}])\n"
        f"train = pyexp.experiment(name='train', executor={executor!r})(read)\n"
        "CONFIGS = [{'name': 'r', 'depends_on': '^saving:'}]\n"
    )
    home = "script" if executor == "subprocess" else "__main__"
    assert script(body + AFTER).stdout == f"[(6, 3, 'Net', '{home}')]\n"


def test_a_class_that_was_looked_up_in_the_script_comes_back_from_the_run(script, executor):
    body = (
        "import pickle\nclass Net:\n    x = 4\n"
        f"@pyexp.experiment(executor={executor!r})\ndef train(cfg):\n"
        "    return pickle.loads(b'c__main__\\nNet\\n)\\x81.')\n"
    )
    after = "\ndef after(results):\n    print([isinstance(r.result, Net) for r in results])\n"
    assert script(body + ONE + after).stdout == "[True]\n"


def test_a_script_that_cannot_be_imported_is_told_with_its_line(script):
    built = script(
        "@pyexp.experiment\ndef train(cfg): pass\nif __name__ != '__main__': raise OSError('no server')\n" + ONE
    )
    assert built.error() == ("OSError", "no server")
    assert built.status()["error"]["where"] == f"{script.folder}/script.py:8"


TOP = """
import contextvars, decimal, enum, functools, logging, random, threading
import numpy as np

random.seed(0)
np.random.seed(1)
decimal.getcontext().prec = 5
logging.basicConfig(level=logging.INFO, format="%(name)s says %(message)s")
LOCK = threading.Lock()
CONTEXT = contextvars.ContextVar("context", default=4)

@functools.lru_cache
def cached(x): return 2 * x

class Net:
    @functools.cached_property
    def size(self):
        with LOCK: return 5

@functools.singledispatch
def kind(value): return "object"

@kind.register
def _(value: int): return "int"

class Act(enum.Enum):
    RELU = "relu"

@pyexp.experiment(executor={executor!r})
def train(cfg):
    logging.info(cfg.name)
    with LOCK:
        drawn = random.random(), float(np.random.rand())
    assert kind(3) == "int" and CONTEXT.get() == 4 and cached(2) == 4 and Net().size == 5 and cfg.act is Act.RELU
    return *drawn, str(decimal.Decimal(1) / 3), cfg.act, Net()

CONFIGS = [dict(name="r", act=Act.RELU)]

def after(results):
    error, result = results["r"].error, results["r"].result
    print(error or [*result[:3], result[3] is Act.RELU, isinstance(result[4], Net)])
"""


@pytest.mark.parametrize("door", ["script", "build", "-m"])
def test_what_the_top_level_of_a_script_sets_holds_in_its_runs(script, executor, door):
    path = script.write(TOP.replace("{executor!r}", repr(executor)))
    doors = {"script": [str(path)], "build": ["-m", "pyexp", "build", str(path)], "-m": ["-m", "script"]}
    done = script.python(*doors[door])
    assert "FAILED" not in done.stderr, done.stderr
    if door != "build":
        assert done.stdout == "[0.8444218515250481, 0.417022004702574, '0.33333', True, True]\n"
    log = next((script.folder / "out/train/r").glob("2*/log.out")).read_text()
    assert log == "root says r\n"
    # ... and whoever can import the script can read what it gave back.
    told = script.python("-c", "import script; script.after(script.train)")
    assert told.stdout == "[0.8444218515250481, 0.417022004702574, '0.33333', True, True]\n", told.stderr


def test_a_script_is_executed_as_far_as_it_had_come(script):
    (script.folder / "unguarded.py").write_text(
        "import pyexp\nFACTOR = 2\n@pyexp.experiment\ndef train(cfg): return FACTOR, __name__\n"
        "train.configs(lambda: [{'name': 'r'}])\n"
        "results = train.run()\nopen('reached', 'a').write('x')\nprint(results['r'].result)\nFACTOR = 3\n"
    )
    done = script.python("unguarded.py")
    assert done.stdout == "(2, 'unguarded')\n", done.stderr
    assert (script.folder / "reached").read_text() == "x"


def test_results_that_are_used_before_the_function_is_defined_are_told(script):
    (script.folder / "unguarded.py").write_text(
        "import pyexp\nfirst = pyexp.experiment(lambda cfg: 1, name='first')\nfirst.configs(lambda: [{'name': 'r'}])\n"
        "print(first.run()['r'].result)\n"
        "@pyexp.experiment\ndef second(cfg): pass\nsecond.run(configs=[{'name': 'r'}])\n"
    )
    done = script.python("unguarded.py")
    assert done.stdout == "1\n"
    assert "what uses the results of run() belongs under" in done.stderr, done.stderr
    assert "unguarded.py:4" in done.stderr


def test_what_only_the_started_script_has_is_told(script):
    body = "@pyexp.experiment\ndef train(cfg): return DATA\nif __name__ == '__main__': DATA = 3\n"
    kind, message = script(body + ONE).error()
    assert kind == "NameError" and message.endswith(
        'under `if __name__ == "__main__":`, which is not executed for runs'
    )


@pytest.mark.parametrize(
    "definition",
    [
        "def make(n):\n    @pyexp.experiment\n    def train(cfg): return helper(cfg) + n\n    return train\n"
        "train = make(0)\n",
        "train = pyexp.experiment(name='train')(lambda cfg: helper(cfg))\n",
        "def plain(fn):\n    return lambda cfg: fn(cfg)\n@pyexp.experiment(name='train')\n@plain\n"
        "def train(cfg): return helper(cfg)\n",
        "if __name__ == '__main__':\n    @pyexp.experiment\n    def train(cfg): return helper(cfg)\n",
    ],
    ids=["made", "lambda", "wrapped", "guarded"],
)  # fmt: skip
def test_functions_of_all_kinds_see_the_top_level(script, definition):
    (script.folder / "script.py").write_text(
        "import random, threading, pyexp\nrandom.seed(0)\nLOCK = threading.Lock()\n"
        f"def helper(cfg):\n    with LOCK: return random.random()\n{definition}"
        "if __name__ == '__main__': print([r.result for r in train.run(configs=[{'name': 'r'}])])\n"
    )
    done = script.python("script.py")
    assert done.stdout == "[0.8444218515250481]\n", done.stderr


def test_a_seed_holds_in_every_fork(script):
    body = (
        "import random\nrandom.seed(0)\nCONFIGS = [{'name': f'r{i}'} for i in range(3)]\n"
        "@pyexp.experiment(executor='fork')\ndef train(cfg): return random.random()\n"
        "def after(results): print({r.result for r in results})\n"
    )
    assert script(body).stdout == "{0.8444218515250481}\n"


@pytest.mark.parametrize("door", [["-m", "pyexp", "build"], ["-m", "doit", "-f"]], ids=["build", "doit"])
def test_a_file_of_a_package_has_relative_imports_through_every_door(script, door):
    trials = script.folder / "src/lab/trials"
    trials.mkdir(parents=True)
    (script.folder / "pyproject.toml").touch()
    (trials / "__init__.py").touch()
    (trials.parent / "__init__.py").touch()
    (trials.parent / "net.py").write_text("SIZE = 3\n")
    (trials / "exp.py").write_text(
        "import pyexp\nfrom ..net import SIZE\nclass Net: pass\n@pyexp.experiment(code='rerun')\n"
        "def train(cfg): return SIZE, __name__, Net()\ntrain.configs(lambda: [{'name': 'r'}])\n"
        "if __name__ == '__main__': train.run()\n"
    )
    done = script.python(*door, "src/lab/trials/exp.py")
    assert done.returncode == 0, done.stderr
    told = json.loads(next((script.folder / "out/train/r").glob("2*/result.json")).read_text())
    assert told == [3, "lab.trials.exp", {"__pickled__": "lab.trials.exp.Net"}]
    again = script.python("-m", "pyexp", "build", "-n", "lab.trials.exp")
    assert again.returncode == 0, again.stdout


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_a_module_that_was_started_by_its_name_is_found_by_pools(script, start, tmp_path):
    package = tmp_path / "lines"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "numbers.py").write_text("FACTOR = 3\n")
    (package / "train.py").write_text(
        "import multiprocessing, pyexp\nfrom .numbers import FACTOR\ndef triple(x): return FACTOR * x\n"
        "@pyexp.experiment\ndef train(cfg):\n"
        f"    with multiprocessing.get_context({start!r}).Pool(1) as pool: return pool.map(triple, [1, 2])\n"
        "@train.configs\ndef configs(): return [{'name': 'r'}]\n"
        "if __name__ == '__main__': print(train.run()[0].result)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "lines.train"], cwd=tmp_path, env=script.environment, capture_output=True, text=True,
        timeout=100, check=False,
    )  # fmt: skip
    assert done.stdout == "[3, 6]\n", done.stderr


def test_a_session_without_a_file_has_pools_as_well(script):
    program = (
        "import multiprocessing, pyexp\ndef double(x): return 2 * x\n@pyexp.experiment\ndef train(cfg):\n"
        "    with multiprocessing.get_context('fork').Pool(1) as pool: return pool.map(double, [1, 2])\n"
        "print(train.run(configs=[{'name': 'r'}])[0].result)\n"
    )
    done = subprocess.run(
        [sys.executable, "-"], input=program, cwd=script.folder, env=script.environment, capture_output=True, text=True,
        timeout=100, check=False,
    )  # fmt: skip
    assert done.stdout == "[2, 4]\n", done.stderr
