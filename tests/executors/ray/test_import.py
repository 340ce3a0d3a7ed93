"""A Ray that cannot be imported, or is none, is one sentence. No Ray is needed for this."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import pytest

WITHOUT_RAY = pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="Ray is installed here, and found")
EXPERIMENT = """
    import pyexp

    @pyexp.experiment(stash=False, executor="ray")
    def exp(cfg): ...

    exp.configs(lambda: [{"name": "a"}])
"""


@pytest.mark.parametrize(
    ("module", "code", "words"),
    [
        (
            "ray.py",
            "raise RuntimeError('two versions of grpc')",
            ["cannot import Ray (RuntimeError: two versions of grpc)"],
        ),
        ("ray.py", "import no_such_part", ["cannot import Ray (ModuleNotFoundError", "no_such_part"]),
        ("ray.py", "raise SystemExit(3)", ["cannot import Ray (SystemExit: 3)", "pip install"]),
        ("ray.py", "raise SystemExit", ["cannot import Ray (SystemExit);"]),
        ("ray.py", "class Odd(Exception):\n    __str__ = None\nraise Odd", ["cannot import Ray (Odd);"]),
        ("ray.py", "x = = 1", ["cannot import Ray (SyntaxError: invalid syntax"]),
        ("ray.py", "def init(**_): raise SystemExit(3)\nis_initialized = bool", ["could not connect", "SystemExit: 3"]),
        ("ray.py", "", ["here ray is /", "another name"]),
        pytest.param("ray/notes.txt", "", ["here ray is /", "another name"], marks=WITHOUT_RAY),
    ],
)
def test_it_is_one_sentence(
    project: Any, one_sentence: Callable[..., None], module: str, code: str, words: list[str]
) -> None:
    project.write("exp.py", EXPERIMENT)
    project.write(f"../site-packages/{module}", code)
    path = f"{project.folder.parent}/site-packages:{project.environment['PYTHONPATH']}"
    done = project.python("-m", "pyexp", "build", "exp.py", status=None, env={"PYTHONPATH": path})
    one_sentence(done, *words)
    assert not list(project.out.glob("exp/a/*"))


@WITHOUT_RAY
def test_a_file_of_the_users_called_ray_is_no_ray(project: Any, one_sentence: Callable[..., None]) -> None:
    project.write("exp.py", EXPERIMENT)
    project.write("ray.py", "")
    one_sentence(project.pyexp("build", "exp.py", status=None), "needs Ray")
