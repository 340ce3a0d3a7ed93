"""Pickling for other processes."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

import pytest

from dodo_pyexp.results.pickling import dumps, loads

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def test_plain_values_are_pickled_plainly():
    assert dumps({"a": [1, 2]}) == pickle.dumps({"a": [1, 2]}, protocol=5)


def test_plain_values_need_no_cloudpickle():
    code = (
        "import sys; from dodo_pyexp.results.pickling import dumps; dumps({'a': 1})\n"
        "print('cloudpickle' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("value", [lambda: 3, (lambda x: lambda: x)(3)])
def test_functions_without_a_module_go_by_value(value):
    assert loads(dumps(value))() == 3


def test_classes_of_a_script_go_by_value():
    code = (
        "import sys; from dodo_pyexp.results.pickling import dumps\n"
        "class A:\n    x = 3\nsys.stdout.buffer.write(dumps([A(), 'the text __main__']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    found, text = loads(done.stdout)
    assert (found.x, text) == (3, "the text __main__")


def test_what_the_values_own_code_raises_goes_through():
    class Bad:
        def __reduce__(self):
            raise RuntimeError("never")

    with pytest.raises(RuntimeError, match="never"):
        dumps(Bad())
