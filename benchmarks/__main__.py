"""``python -m benchmarks [NAME ...]``: measure, and print each figure beside its floor and its limit.

Nothing fails when a limit is not kept; the line says OVER.
"""

from __future__ import annotations

import argparse
import compileall
import os
import platform
from pathlib import Path

from . import executing, inputs, noop, ray, reading, runfiles
from .figure import Figure, line, markdown
from .workspace import Workspace

BENCHMARKS = {
    "start": noop.start,
    "noop": noop.noop,
    "changed": noop.changed,
    "fan-in": noop.fan_in,
    "doors": noop.doors,
    "fork": executing.fork,
    "subprocess": executing.subprocesses,
    "parallel": executing.parallel,
    "output": executing.output,
    "ray": ray.runs,
    "sweep": reading.sweep,
    "results": reading.results,
    "run-files": runfiles.run_files,
    "inputs": inputs.inputs,
}


def main() -> None:
    """Run the benchmarks that were named, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the speed of pyexp.")
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"which of: {', '.join(BENCHMARKS)}")
    parser.add_argument("--full", action="store_true", help="100,000 runs and 1 GB of output, too (some minutes)")
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="measure everything N times (default: 5)")
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table at the end")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}; choose from {', '.join(BENCHMARKS)}")
    for package in ("dodo_pyexp", "pyexp"):  # as installing does; some environments forbid to write it on import
        compileall.compile_dir(Path(__file__).resolve().parents[1] / package, quiet=2)
    print(
        f"Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f}; medians of {arguments.repeat}, floor and ours in turn"
    )
    figures = measure(arguments.names or list(BENCHMARKS), arguments.repeat, arguments.full)
    if arguments.markdown:
        print(markdown(figures))


def measure(names: list[str], repeat: int, full: bool) -> list[Figure]:
    """Run benchmarks, and show each figure as soon as it is known."""
    figures = []
    space = Workspace()
    try:
        for name in names:
            benchmark = BENCHMARKS[name]
            print(f"\n{name}: {(benchmark.__doc__ or '').strip()}", flush=True)
            for figure in benchmark(space, repeat, full):
                figures.append(figure)
                print(line(figure), flush=True)
    finally:
        space.close()
    return figures


if __name__ == "__main__":
    main()
