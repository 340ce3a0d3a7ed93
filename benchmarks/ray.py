"""What a run on Ray costs on top of a bare Ray task; needs the extra ``dodo-pyexp[ray]``."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

from .figure import Figure
from .measure import alternate, in_words, seconds
from .workspace import Workspace

FILE = """
import os
import time

import pyexp

@pyexp.experiment(stash=False, executor="ray")
def train(cfg, out):
    time.sleep(cfg.seconds)
    if cfg.megabytes:
        block = os.urandom(1 << 20)
        with open(out / "artifact", "wb") as file:
            for _ in range(cfg.megabytes):
                file.write(block)
    return {"value": cfg.number}
"""


def runs(space: Workspace, repeat: int, full: bool) -> Iterator[Figure]:
    """Runs on Ray, beside bare Ray tasks on the same cluster."""
    import importlib.util

    if importlib.util.find_spec("ray") is None:
        print("  Ray is not installed: pip install 'dodo-pyexp[ray]'")
        return
    for words in (["tasks", "1000"], ["seconds", "4"], ["artifact", "1024" if full else "256"]):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        command = [sys.executable, "-m", "benchmarks.ray", *words, str(min(repeat, 3))]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stderr[-2000:]}")
        yield from (Figure(**fields) for fields in json.loads(done.stdout.splitlines()[-1]))


class Probe:
    """A build in this process, on a Ray that is up already."""

    def __init__(self, folder: str, cpus: int) -> None:
        import ray

        self.ray = ray
        self.folder = folder
        with open(f"{folder}/bench_on_ray.py", "w", encoding="utf-8") as file:
            file.write(FILE)
        sys.path.insert(0, folder)
        os.environ["PYTHONPATH"] = os.pathsep.join([folder, os.environ.get("PYTHONPATH", "")])
        os.chdir(folder)
        sys.argv = ["bench"]
        ray.init(address="local", num_cpus=cpus, include_dashboard=False, log_to_driver=False, configure_logging=False)
        self._count = 0

    def build(self, number: int, pause: float = 0, megabytes: int = 0, **options: Any) -> None:
        """Execute `number` new runs."""
        import bench_on_ray  # type: ignore[import-not-found]  # written above

        self._count += 1
        common = {"seconds": pause, "megabytes": megabytes, "batch": self._count}
        configs = [{"name": f"r{n}", "number": n, **common} for n in range(number)]
        results = bench_on_ray.train.run(configs=configs, **options)
        if any(result.error for result in results):
            raise RuntimeError(results[0].error)

    def tasks(self, number: int, call: Callable[[str, int], None], pause: float = 0) -> None:
        """Execute `number` bare tasks."""

        def write(folder: str, n: int) -> int:
            time.sleep(pause)
            call(folder, n)
            return n

        task = self.ray.remote(max_retries=0)(write)
        folder = tempfile.mkdtemp(dir=self.folder)
        self.ray.get([task.remote(folder, n) for n in range(number)])


def one_file(folder: str, n: int) -> None:
    """Write what a bare task writes."""
    with open(f"{folder}/{n}.json", "w", encoding="utf-8") as file:
        json.dump({"value": n}, file)


def forked(folder: str, n: int) -> None:
    """Write it in a process of its own, as a run that must not harm another does."""
    pid = os.fork()
    if pid == 0:
        one_file(folder, n)
        os._exit(0)
    os.waitpid(pid, 0)


def measure_tasks(probe: Probe, number: int, repeat: int) -> list[Figure]:
    """Trivial runs, beside tasks that write one small file, in the Ray worker and in a fork of it."""
    probe.build(8)
    probe.tasks(50, one_file)
    bare, fork, ours = alternate(
        repeat,
        lambda: seconds(lambda: probe.tasks(number, one_file)),
        lambda: seconds(lambda: probe.tasks(number, forked)),
        lambda: seconds(lambda: probe.build(number)),
    )
    said = f"bare tasks {in_words(bare / number)}, each with a fork {in_words(fork / number)}"
    mine = in_words(ours / number)
    return [
        Figure(f"ray, {number:,} trivial runs", ours / bare, "x", 2.0, mine, said),
        Figure(f"ray, {number:,} trivial runs, over tasks that fork", ours / fork, "x", None, mine, said),
    ]


def measure_seconds(probe: Probe, number: int, repeat: int) -> list[Figure]:
    """Runs of one second, as many as there are processors."""
    probe.build(number)
    (ours,) = alternate(repeat, lambda: seconds(lambda: probe.build(number, pause=1.0)))
    return [Figure(f"ray, {number} runs of one second on {number} CPUs", ours, "s", 1.6, in_words(ours), "1 s")]


def measure_artifact(probe: Probe, megabytes: int, repeat: int) -> list[Figure]:
    """A large file that comes back from a node that does not see the build's folder, beside a copy of it."""
    from dodo_pyexp.executors.ray import task as ray_task

    path = f"{probe.folder}/plain"
    with open(path, "wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(1 << 20))
    probe.build(1, megabytes=1)
    (seen,) = alternate(repeat, lambda: seconds(lambda: probe.build(1, megabytes=megabytes)))
    os.environ[ray_task.UNSEEN] = "1"
    probe.ray.shutdown()
    probe.ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
    probe.build(1, megabytes=1)

    copied, unseen = alternate(
        repeat,
        lambda: seconds(lambda: shutil.copyfile(path, f"{path}-2")),
        lambda: seconds(lambda: probe.build(1, megabytes=megabytes)),
    )
    name = f"ray, {megabytes} MB from a node without the folder"
    with open("/proc/self/status", encoding="ascii") as status:
        peak = next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
    said = f"plain copy {in_words(copied)}; the run where the folder is seen {in_words(seen)}"
    return [
        Figure(f"{name}, over a copy", (unseen - seen) / copied, "x", None, in_words(unseen - seen), said),
        Figure(f"{name}, memory of the build", peak, "MB", 500.0, "", ""),
    ]


def main() -> None:
    """Measure one kind, and print the figures as JSON."""
    kind, number, repeat = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    kinds = {"tasks": measure_tasks, "seconds": measure_seconds, "artifact": measure_artifact}
    with tempfile.TemporaryDirectory() as folder:
        probe = Probe(folder, number if kind == "seconds" else 2)
        figures = kinds[kind](probe, number, repeat)
        probe.ray.shutdown()
        os.chdir("/")
    print(json.dumps([vars(figure) for figure in figures]))


if __name__ == "__main__":
    main()
