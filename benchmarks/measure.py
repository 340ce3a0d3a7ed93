"""Taking time: commands in processes of their own, and pieces of code in this one."""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Usage:
    """What a command took.

    Parameters
    ----------
    seconds
        From start to end.
    cpu
        Seconds of processors, those of its children included.
    peak
        The most memory that one of its processes held, in MB.
    """

    seconds: float
    cpu: float
    peak: float


def command(words: Sequence[str], folder: str, codes: Sequence[int] = (0,)) -> Usage:
    """Run a command in `folder` with its output thrown away.

    Raises
    ------
    RuntimeError
        It ended with a status that is none of `codes`.
    """
    with open(os.devnull, "w", encoding="utf-8") as null:
        began = time.perf_counter()
        process = subprocess.Popen(words, cwd=folder, stdout=null, stderr=subprocess.PIPE)
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
    process.stderr.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in codes:
        text = said.decode(errors="replace")[-2000:]
        raise RuntimeError(f"{' '.join(words)} ended with status {process.returncode}:\n{text}")
    unit = 1024 if os.uname().sysname == "Linux" else 1024 * 1024  # macOS counts bytes
    return Usage(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit)


def seconds(call: Callable[[], object]) -> float:
    """Take the time of one call, without a collection of garbage that others left."""
    gc.collect()
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def alternate(repeat: int, *measurements: Callable[[], float]) -> list[float]:
    """Take each measurement in turn, `repeat` times over, and give the median of each.

    Taking turns lets what else the machine is doing fall on all of them alike.
    """
    taken: list[list[float]] = [[] for _ in measurements]
    for _ in range(repeat):
        for values, measure in zip(taken, measurements, strict=True):
            values.append(measure())
    return [statistics.median(values) for values in taken]


def in_words(amount: float) -> str:
    """Write seconds in the unit that suits them."""
    if amount < 1e-3:
        return f"{amount * 1e6:.1f} us"
    return f"{amount * 1e3:.1f} ms" if amount < 1 else f"{amount:.2f} s"
