"""Random numbers of runs that are forks of one process."""

from __future__ import annotations

import sys
import types

import numpy
import pytest

from dodo_pyexp.executors.forking.random_numbers import reseed


@pytest.fixture(autouse=True)
def as_before():
    state = numpy.random.get_state()
    yield
    numpy.random.seed()
    numpy.random.set_state(state)


@pytest.mark.parametrize("drawn", ["numpy.random.rand()", "random.random()"])
def test_no_two_forks_draw_the_same_numbers(script, drawn):
    body = (
        "import random, numpy.random\nnumpy.random.rand()\n"
        "CONFIGS = [{'name': f'r{i}'} for i in range(4)]\n"
        f"@pyexp.experiment(executor='fork')\ndef train(cfg): return {drawn}\n"
        "def after(results): print(len({r.result for r in results}))\n"
    )
    assert script(body, "-j", "2").stdout == "4\n"


def test_what_the_script_has_seeded_stays_seeded(script):
    body = (
        "import numpy.random\nnumpy.random.seed(3)\nCONFIGS = [{'name': f'r{i}'} for i in range(3)]\n"
        "@pyexp.experiment(executor='fork')\ndef train(cfg): return float(numpy.random.rand())\n"
        "def after(results): print({round(r.result, 6) for r in results})\n"
    )
    assert script(body).stdout == f"{{{numpy.random.RandomState(3).rand():.6f}}}\n"


class Generator:
    def __init__(self, seed):
        self._seed = seed
        self.drawn = 0

    def initial_seed(self):
        return self._seed

    def seed(self):
        self.drawn += 1


@pytest.mark.parametrize(("seed", "times"), [(42, 0), (2**32 - 1, 0), (2**52 + 1, 1)])
def test_torch_is_seeded_anew_unless_it_was_given_a_seed(monkeypatch, seed, times):
    torch = types.ModuleType("torch")
    torch.default_generator = Generator(seed)
    monkeypatch.setitem(sys.modules, "torch", torch)
    reseed()
    assert torch.default_generator.drawn == times


def test_a_library_that_is_only_half_there_does_no_harm(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", types.ModuleType("torch"))
    monkeypatch.setitem(sys.modules, "numpy.random.mtrand", types.ModuleType("mtrand"))
    reseed()
