"""Builds with nothing, or hardly anything, to do."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from .figure import Figure
from .measure import alternate, command, in_words
from .workspace import DOIT, PYEXP, Workspace


class _Timed:
    """A command that remembers what else it took: the most memory, and its processor's seconds."""

    def __init__(self, words: Sequence[str], folder: str) -> None:
        self._words = words
        self._folder = folder
        self.peak = 0.0
        self._cpu: list[float] = []

    def __call__(self) -> float:
        usage = command(self._words, self._folder)
        self.peak = max(self.peak, usage.peak)
        self._cpu.append(usage.cpu)
        return usage.seconds

    @property
    def cpu(self) -> float:
        """The median of its processor's seconds."""
        return statistics.median(self._cpu)


def noop(space: Workspace, repeat: int, full: bool) -> Iterator[Figure]:
    """Second build of unchanged runs, beside plain doit on the same graph."""
    for count, most in ((1_000, None), (10_000, 300.0), (100_000, 1000.0)):
        if count == 100_000 and not full:
            continue
        ours = space.experiment(count)
        doit = _Timed(DOIT, space.doit(count))
        build = _Timed([*PYEXP, "build", "exp.py"], ours)
        script = _Timed([sys.executable, "exp.py"], ours)
        floor, built, scripted = alternate(repeat, doit, build, script)
        said = f"plain doit {in_words(floor)}"
        for each, name, taken, limit in ((build, "pyexp build", built, 0.7), (script, "python exp.py", scripted, 2.0)):
            mine = f"{in_words(taken)} (processor {each.cpu / doit.cpu:.2f} x)"
            yield Figure(f"{name}, {count} unchanged", taken / floor, "x", limit, mine, said)
        peak = max(build.peak, script.peak)
        yield Figure(f"memory, {count} unchanged", peak, "MB", most, "", f"plain doit {doit.peak:.0f} MB")


def doors(space: Workspace, repeat: int, full: bool) -> Iterator[Figure]:
    """The same experiment file through plain doit, and what only looks around."""
    count = 10_000
    ours, plain = space.experiment(count), space.doit(count)
    words = ([*DOIT, "-f", "exp.py"], [*PYEXP, "build", "-n", "exp.py"])
    floor, *taken = alternate(repeat, _Timed(DOIT, plain), *(_Timed(each, ours) for each in words))
    said = f"plain doit {in_words(floor)}"
    for name, each in zip(("doit -f exp.py", "pyexp build -n"), taken, strict=True):
        yield Figure(f"{name}, {count} unchanged", each / floor, "x", None, in_words(each), said)


def changed(space: Workspace, repeat: int, full: bool) -> Iterator[Figure]:
    """One changed config of 10,000, beside a build with nothing to do and what that run costs in a build of its own."""
    count = 10_000
    many, single = space.experiment(count), space.experiment(1)

    def one_more(folder: str) -> Callable[[], float]:
        build = _Timed([*PYEXP, "build", "exp.py"], folder)

        def measure() -> float:
            with open(f"{folder}/changed", "w", encoding="utf-8") as file:
                file.write(str(time.time_ns()))
            return build()

        return measure

    still = (_Timed([*PYEXP, "build", "exp.py"], folder) for folder in (many, single))
    idle, idle_one, busy, busy_one = alternate(repeat, *still, one_more(many), one_more(single))
    run = max(0.0, busy_one - idle_one)
    said = f"nothing changed {in_words(idle)}, the run {in_words(run)}"
    yield Figure(f"pyexp build, one of {count} changed", busy / (idle + run), "x", 1.1, in_words(busy), said)


def fan_in(space: Workspace, repeat: int, full: bool) -> Iterator[Figure]:
    """10,000 runs into one report, and into one run that depends on them all."""
    count = 10_000
    folder = space.experiment(count)
    words = [[*PYEXP, "build", f"{name}.py"] for name in ("exp", "report", "collect")]
    for each in words:
        command(each, folder)  # makes the report, and what else is missing
    without, report, run = alternate(repeat, *(_Timed(each, folder) for each in words))
    said = f"without {in_words(without)}"
    yield Figure(f"report of {count} unchanged", report / without, "x", 1.5, in_words(report), said)
    yield Figure(f"run behind {count} unchanged", run / without, "x", 1.5, in_words(run), said)


def start(space: Workspace, repeat: int, full: bool) -> Iterator[Figure]:
    """``pyexp --help``, beside an interpreter that does nothing."""
    command([*PYEXP, "--help"], space.path)
    floor, ours = alternate(
        max(repeat, 15),
        _Timed([sys.executable, "-c", "pass"], space.path),
        _Timed([*PYEXP, "--help"], space.path),
    )
    yield Figure("pyexp --help", ours / floor, "x", 5.0, in_words(ours), f"python -c pass {in_words(floor)}")
