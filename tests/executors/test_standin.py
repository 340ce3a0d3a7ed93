"""What a run finds in `__main__`, when its function is one of a script."""

from __future__ import annotations

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
        "def make(x): return Net(x), Trace(x)\nopen('imported', 'a').write('x')\n"
        "def save(cfg, out):\n    pickle.dump(make(3), open(out / 'net.pkl', 'wb'))\n"
        "def read(cfg, out, deps):\n    net, trace = pickle.load(open(deps[0].out / 'net.pkl', 'rb'))\n"
        "    return net.x, trace.x, type(net).__name__, type(net).__module__\n"
        "saving = pyexp.experiment(name='saving')(save)\nsaving.configs(lambda: [{'name': 's'}])\n"
        f"train = pyexp.experiment(name='train', executor={executor!r})(read)\n"
        "CONFIGS = [{'name': 'r', 'depends_on': '^saving:'}]\n"
    )
    assert script(body + AFTER).stdout == "[(6, 3, 'Net', '__main__')]\n"
    # Where the function refers to all that it needs, the script is not executed for more.
    assert (script.folder / "imported").read_text() == ("xx" if executor == "subprocess" else "x")


def test_a_class_that_was_looked_up_in_the_script_comes_back_from_the_run(script, executor):
    body = (
        "import pickle\nclass Net:\n    x = 4\n"
        f"@pyexp.experiment(executor={executor!r})\ndef train(cfg):\n"
        "    return pickle.loads(b'c__main__\\nNet\\n)\\x81.')\n"
    )
    after = "\ndef after(results):\n    print([isinstance(r.result, Net) for r in results])\n"
    assert script(body + ONE + after).stdout == "[True]\n"


def test_what_the_script_does_not_define_is_told_as_ever(script, executor):
    body = (
        f"import __main__\n@pyexp.experiment(executor={executor!r})\ndef train(cfg):\n"
        "    assert not hasattr(__main__, '__path__')\n    __main__.nothing\n"
    )
    built = script(body + ONE)
    assert built.error() == ("AttributeError", "module '__main__' has no attribute 'nothing'")


def test_a_script_that_cannot_be_imported_is_named(script):
    body = (
        "import __main__\n@pyexp.experiment\ndef train(cfg):\n    __main__.nothing\n"
        "if __name__ != '__main__': raise OSError('no such server')\n"
    )
    kind, message = script(body + ONE).error()
    assert kind == "AttributeError"
    assert message.endswith("script.py, imported for 'nothing', fails: OSError: no such server"), message


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
