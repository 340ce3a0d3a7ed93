"""What is defined where there is no file travels by value."""

from __future__ import annotations

import subprocess
import sys

SESSION = """
from functools import lru_cache
from dodo_pyexp.results.portable import portable_dumps
from dodo_pyexp.results.pickling import loads

@lru_cache(maxsize=7)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

class Model:
    @lru_cache
    def depth(self):
        return 3

def fn(cfg):
    return fib(30), fib.cache_parameters()["maxsize"], Model().depth()

sent = portable_dumps(fn)
del fib, Model, fn
print(loads(sent)(None))
"""


def test_a_cached_function_of_a_session_is_found_where_the_session_is_not() -> None:
    done = subprocess.run([sys.executable, "-c", SESSION], capture_output=True, text=True)
    assert done.stdout == "(832040, 7, 3)\n", done.stderr
