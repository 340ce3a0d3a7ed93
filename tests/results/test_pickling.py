"""Pickling for other processes."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys

import pytest

from dodo_pyexp.results.pickling import dumps, load_here, loads

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


def test_code_that_goes_by_value_says_from_which_file_it_came():
    class Kind:
        def method(self):
            return lambda: 3

        part = property(lambda self: 3)

    found = loads(dumps(Kind))
    codes = [found.method.__code__, found.part.fget.__code__, found().method().__code__]
    assert [code.co_filename for code in codes] == [__file__] * 3


def test_what_the_values_own_code_raises_goes_through():
    class Bad:
        def __reduce__(self):
            raise RuntimeError("never")

    with pytest.raises(RuntimeError, match="never"):
        dumps(Bad())


SCRIPT = """
import enum, io, sys
from dataclasses import dataclass
from dodo_pyexp.results.pickling import dumps, load_here

@dataclass
class Point:
    x: int
    def twice(self):
        return FACTOR * self.x

class Colour(enum.Enum):
    RED = 1

def local(x):
    class Point:
        def __init__(self, x):
            self.x = -x
        def twice(self):
            return "local"
    return Point(x)
"""


def script(text: str, data: bytes = b"") -> bytes:
    done = subprocess.run([sys.executable, "-c", SCRIPT + text], cwd=ROOT, input=data, capture_output=True, check=True)
    return done.stdout


def test_an_object_of_the_script_is_of_its_class_in_another_process_of_it_too():
    data = script("FACTOR = 2\nsys.stdout.buffer.write(dumps([Point(3), Colour.RED]))")
    read = "FACTOR = 5\nfound = load_here(io.BytesIO(sys.stdin.buffer.read()))\n"
    told = script(read + "print(found[0] == Point(3), found[1] is Colour.RED, Point(1).twice())", data)
    # the method is the one of the script as it is now, and reading an old object does not change that
    assert told.split() == [b"True", b"True", b"5"]


def test_a_class_inside_a_function_is_not_taken_for_another_of_the_same_name():
    data = script("sys.stdout.buffer.write(dumps(local(4)))")
    read = "found = load_here(io.BytesIO(sys.stdin.buffer.read()))\n"
    assert script(read + "print(isinstance(found, Point), found.x, found.twice())", data).split() == [
        b"False",
        b"-4",
        b"local",
    ]


def test_an_object_is_read_where_its_class_is_gone_or_changed():
    data = script("FACTOR = 2\nsys.stdout.buffer.write(dumps([Point(3), Colour.RED]))")
    point, colour = load_here(io.BytesIO(data))
    assert point.twice() == 6 and colour.name == "RED"
    read = "class Point:\n    __slots__ = ('y',)\n[found, _] = load_here(io.BytesIO(sys.stdin.buffer.read()))\n"
    assert script(read + "print(found.x, found.twice())", data).split() == [b"3", b"6"]
